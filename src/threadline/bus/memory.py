"""The bus within one process: the default, and what tests and simulations use.

`Exchange` stands for the network between nodes; each node has a `MemoryBus` on it. With one node it does nothing.
"""

from collections.abc import Sequence

from threadline.bus.contract import Listener, Nudge


class Exchange:
    """The ether between the nodes of one process."""

    def __init__(self) -> None:
        self._listeners: dict[MemoryBus, Listener] = {}

    def join(self, bus: "MemoryBus", listener: Listener) -> None:
        """Deliver to `listener` what others tell."""
        self._listeners[bus] = listener

    def leave(self, bus: "MemoryBus") -> None:
        """Deliver to it no more."""
        self._listeners.pop(bus, None)

    def tell(self, sender: "MemoryBus", nudges: Sequence[Nudge]) -> None:
        """Deliver to all but the sender."""
        for bus, listener in list(self._listeners.items()):
            if bus is not sender:
                listener(nudges)


class MemoryBus:
    """One node on an exchange."""

    def __init__(self, exchange: Exchange | None = None) -> None:
        self._exchange = exchange or Exchange()

    async def open(self, listener: Listener) -> None:
        """Begin to hear the nudges of the other nodes."""
        self._exchange.join(self, listener)

    def nudge(self, nudges: Sequence[Nudge]) -> None:
        """Tell the other nodes."""
        self._exchange.tell(self, nudges)

    async def is_healthy(self) -> bool:
        """Memory does not go away."""
        return True

    async def close(self) -> None:
        """Stop hearing."""
        self._exchange.leave(self)
