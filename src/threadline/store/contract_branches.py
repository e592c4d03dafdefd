"""What a store can say of branches: a thread is a tree of messages, and each message knows the one before it.

A branch is what leads from a message up to the beginning. In a fork it goes on in the thread that the fork was made
from, up from the message that it was made at: that part is *inherited*, and belongs to what the fork's owner may read.
Every step of a walk asks again whose the next message is (promise 8).
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from threadline.ids import MessageId, ThreadId
from threadline.records import Message, Siblings
from threadline.scopes import Scope


class BranchQuery(Struct, frozen=True):
    """Which messages of a branch to read; `leaf` is its last one.

    Descending goes up from the leaf, or from `after`, the last one seen, without it. Ascending comes down from the
    beginning, or from behind `after`.
    """

    leaf: MessageId
    descending: bool = True
    after: MessageId | None = None
    limit: int = 50


class BranchReader(Protocol):
    """The reading verbs."""

    async def message_of(self, scope: Scope, thread_id: ThreadId, message_id: MessageId) -> Message:
        """Return a message that a thread has, of its own or inherited. Raises NotFound."""
        ...

    async def branch(self, scope: Scope, thread_id: ThreadId, query: BranchQuery) -> list[Message]:
        """Return a stretch of a branch. Raises NotFound where the thread does not have its leaf."""
        ...

    async def leads_to(self, scope: Scope, thread_id: ThreadId, message_id: MessageId, leaf: MessageId) -> bool:
        """Say whether a message is on the branch that ends with `leaf`. Raises NotFound."""
        ...

    async def newest_leaf(self, scope: Scope, thread_id: ThreadId, message_id: MessageId) -> MessageId:
        """Return the newest of what came behind a message, on whatever branch; itself where nothing did.

        Raises NotFound.
        """
        ...

    async def branch_size(self, scope: Scope, thread_id: ThreadId, leaf: MessageId) -> int:
        """Return how many messages of people and assistants lead to `leaf`, itself included. Raises NotFound."""
        ...

    async def siblings(
        self, scope: Scope, thread_id: ThreadId, messages: Sequence[Message]
    ) -> dict[MessageId, Siblings]:
        """Return the place of each of these messages among those that have the same parent, as the thread has them.

        Messages without siblings are left out.
        """
        ...

    async def leaves(self, scope: Scope, thread_id: ThreadId, before: int | None, limit: int) -> list[Message]:
        """Return the last messages of the branches, newest first, those with a seq below `before`.

        An inherited one, where the thread has begun nothing behind it, comes last. Raises NotFound.
        """
        ...


class BranchTransaction(Protocol):
    """The writing verb."""

    async def insert_fork(self, scope: Scope, thread_id: ThreadId, message: Message) -> int:
        """Let a new thread walk on from `message` up, into every thread that this one's may walk into.

        Returns how many these are.
        """
        ...
