"""A token, stop 5 of 8: "thread T reached seq N". Before: `journal/append.py`; next: `journal/tail.py`.

A nudge says where to look, never what is there. A bus may lose, repeat and reorder nudges; behind it stands a slow
poll of the store (`journal/tail.py`). A node does not hear its own nudges: it has told its readers already.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from threadline.ids import ThreadId


class Nudge(Struct, frozen=True, gc=False):
    """Thread `thread_id` has reached `seq` (or just: look again, where `seq` is 0)."""

    thread_id: ThreadId
    seq: int


Listener = Callable[[Sequence[Nudge]], None]
"""Called in the event loop of its node; may not block and may not raise."""


class Bus(Protocol):
    """One node's connection to the bus."""

    async def open(self, listener: Listener) -> None:
        """Begin to hear the nudges of the other nodes."""
        ...

    def nudge(self, nudges: Sequence[Nudge]) -> None:
        """Tell the other nodes. Never waits and never fails: what cannot be sent is dropped."""
        ...

    async def is_healthy(self) -> bool:
        """Whether nudges get through at the moment, for `/readyz`."""
        ...

    async def close(self) -> None:
        """Stop hearing and telling."""
        ...
