"""A token, stop 5 of 8: "thread T reached seq N". Before: `journal/append.py`; next: `journal/tail.py`.

A nudge says where to look, never what is there. A bus may lose, repeat and reorder nudges; behind it stands a slow
poll of the store (`journal/tail.py`). A node does not hear its own nudges: it has told its readers already. Beside
them the bus carries whispers, which no store stands behind: whoever says them says them again.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from threadline.ids import ThreadId


class Nudge(Struct, frozen=True, gc=False):
    """Thread `thread_id` has reached `seq` (or just: look again, where `seq` is 0).

    The id of a session or of a key instead says that it has ended.
    """

    thread_id: ThreadId
    seq: int


class Whisper(Struct, frozen=True, gc=False):
    """What people in a thread show each other and nobody writes down: who is there, who is typing.

    `text` means something to the nodes and nothing to the bus; it has at most WHISPER_BYTES_MAX bytes in UTF-8.
    """

    thread_id: ThreadId
    text: str


Listener = Callable[[Sequence[Nudge]], None]
"""Called in the event loop of its node; may not block and may not raise."""

WhisperListener = Callable[[Sequence[Whisper]], None]
"""The same for whispers. They too may be lost, repeated and reordered."""


class Bus(Protocol):
    """One node's connection to the bus."""

    async def open(self, listener: Listener, whispered: WhisperListener | None = None) -> None:
        """Begin to hear the nudges of the other nodes, and where somebody wants them their whispers."""
        ...

    def nudge(self, nudges: Sequence[Nudge]) -> None:
        """Tell the other nodes. Never waits and never fails: what cannot be sent is dropped."""
        ...

    def whisper(self, whispers: Sequence[Whisper]) -> None:
        """Tell the other nodes what is never stored. Never waits and never fails: what cannot be sent is dropped."""
        ...

    async def is_healthy(self) -> bool:
        """Whether nudges get through at the moment, for `/readyz`."""
        ...

    async def close(self) -> None:
        """Stop hearing and telling."""
        ...
