"""What a store can say of what people have read. It is no part of the log: it concerns one person alone."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from threadline.ids import ThreadId
from threadline.scopes import Scope


class ReadMark(Struct, frozen=True):
    """How far a person has read a thread: up to `seq`.

    `read_count` is how many of the messages that the thread counts that are, those among the later ones that he has
    written himself included. What is left of `message_count` he has not read.
    """

    thread_id: ThreadId
    end_user_id: str
    seq: int
    read_count: int


class ReadReader(Protocol):
    """The reading verbs."""

    async def read_marks(self, scope: Scope, end_user_id: str, thread_ids: Sequence[ThreadId]) -> dict[ThreadId, int]:
        """Return of each of these threads the `read_count` of this person; those without a mark are left out.

        Another person's marks are not there for an end user.
        """
        ...

    async def others_behind(self, scope: Scope, thread_id: ThreadId, seq: int, end_user_id: str) -> int:
        """Return how many messages behind `seq` count and are not this person's own. Raises NotFound."""
        ...


class ReadWriter(Protocol):
    """The writing verbs."""

    async def mark_read(self, scope: Scope, mark: ReadMark) -> None:
        """Store how far a person has read. Who may read a thread may do that. Raises NotFound."""
        ...

    async def note_own(self, scope: Scope, thread_id: ThreadId, end_user_id: str) -> None:
        """Count a message that this person has just written as read by him. Raises NotFound."""
        ...
