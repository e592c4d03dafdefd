"""A bus whose node hears its own nudges too.

Readers of a thread have been told by the node's own commit; who watches a whole sidebar holds no thread's window, and
learns from nudges alone, whoever says them.
"""

from collections.abc import Sequence

from threadline.bus.contract import Bus, Listener, Nudge, Whisper, WhisperListener


class Echo:
    """A bus, and `also`, which hears all nudges: those of this node and those of the others."""

    def __init__(self, bus: Bus, also: Listener) -> None:
        self._bus = bus
        self._also = also

    async def open(self, listener: Listener, whispered: WhisperListener | None = None) -> None:
        """Begin to hear the other nodes."""

        def both(nudges: Sequence[Nudge]) -> None:
            listener(nudges)
            self._also(nudges)

        await self._bus.open(both, whispered)

    def nudge(self, nudges: Sequence[Nudge]) -> None:
        """Tell the other nodes, and ourselves."""
        self._bus.nudge(nudges)
        self._also(nudges)

    def whisper(self, whispers: Sequence[Whisper]) -> None:
        """Tell the other nodes what is never stored."""
        self._bus.whisper(whispers)

    async def is_healthy(self) -> bool:
        """Whether nudges get through at the moment."""
        return await self._bus.is_healthy()

    async def close(self) -> None:
        """Stop hearing and telling."""
        await self._bus.close()
