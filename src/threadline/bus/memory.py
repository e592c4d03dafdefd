"""The bus within one process: the default, and what tests and simulations use.

`Exchange` stands for the network between nodes; each node has a `MemoryBus` on it. With one node it does nothing.
"""

from collections.abc import Sequence

from threadline.bus.contract import Listener, Nudge, Whisper, WhisperListener


class Exchange:
    """The ether between the nodes of one process."""

    def __init__(self) -> None:
        self._listeners: dict[MemoryBus, tuple[Listener, WhisperListener | None]] = {}

    def join(self, bus: "MemoryBus", listener: Listener, whispered: WhisperListener | None) -> None:
        """Deliver to these what others tell."""
        self._listeners[bus] = listener, whispered

    def leave(self, bus: "MemoryBus") -> None:
        """Deliver to it no more."""
        self._listeners.pop(bus, None)

    def tell(self, sender: "MemoryBus", nudges: Sequence[Nudge]) -> None:
        """Deliver to all but the sender."""
        for bus, (listener, _) in list(self._listeners.items()):
            if bus is not sender:
                listener(nudges)

    def whisper(self, sender: "MemoryBus", whispers: Sequence[Whisper]) -> None:
        """Deliver to all but the sender."""
        for bus, (_, whispered) in list(self._listeners.items()):
            if bus is not sender and whispered is not None:
                whispered(whispers)


class MemoryBus:
    """One node on an exchange."""

    def __init__(self, exchange: Exchange | None = None) -> None:
        self._exchange = exchange or Exchange()

    async def open(self, listener: Listener, whispered: WhisperListener | None = None) -> None:
        """Begin to hear the other nodes."""
        self._exchange.join(self, listener, whispered)

    def nudge(self, nudges: Sequence[Nudge]) -> None:
        """Tell the other nodes."""
        self._exchange.tell(self, nudges)

    def whisper(self, whispers: Sequence[Whisper]) -> None:
        """Tell the other nodes what is never stored."""
        self._exchange.whisper(self, whispers)

    async def is_healthy(self) -> bool:
        """Memory does not go away."""
        return True

    async def close(self) -> None:
        """Stop hearing."""
        self._exchange.leave(self)
