"""Reads branches as people see them: with the words so far of an answer in progress, and the place among siblings."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, structs

from threadline.content import plain_text
from threadline.engine.state import with_words
from threadline.errors import BadCursor, NotFound
from threadline.ids import MessageId, ThreadId
from threadline.records import Message, MessageStatus, Role
from threadline.scopes import Scope
from threadline.store.contract import Reader
from threadline.store.contract_branches import BranchQuery

EXCERPT_CHARS = 120
"""A line in a list of branches."""


class Branch(Struct, frozen=True):
    """A stretch of the branch that ends with `leaf`; None is the branch of a thread where nothing was said."""

    leaf: MessageId | None
    messages: Sequence[Message]


class BranchHead(Struct, frozen=True, kw_only=True):
    """The end of a branch. `excerpt` is how its last message begins."""

    object: Literal["branch"] = "branch"
    tip_message_id: MessageId
    is_active: bool
    role: Role
    status: MessageStatus
    excerpt: str
    last_activity_at: str
    seq: int


async def read_branch(
    reader: Reader,
    scope: Scope,
    thread_id: ThreadId,
    leaf: MessageId | None,
    descending: bool,
    after: MessageId | None,
    limit: int,
) -> Branch:
    """Read a stretch of a branch, the active one where no `leaf` is named.

    Raises:
        NotFound: no such thread, or not with this leaf.
        BadCursor: the thread does not have `after`.
    """
    row = await reader.thread(scope, thread_id)
    leaf = leaf or row.thread.tip_message_id
    if leaf is None:
        return Branch(None, [])
    try:
        messages = await reader.branch(scope, thread_id, BranchQuery(leaf, descending, after, limit))
    except NotFound as error:
        if after is None:
            raise
        raise BadCursor from error
    said = await with_words(reader, scope, thread_id, messages)
    return Branch(leaf, await with_siblings(reader, scope, thread_id, said))


async def with_siblings(
    reader: Reader, scope: Scope, thread_id: ThreadId, messages: Sequence[Message]
) -> Sequence[Message]:
    """Return messages with their places among those that have the same parent."""
    places = await reader.siblings(scope, thread_id, messages)
    if not places:
        return messages
    return [structs.replace(message, siblings=places.get(message.id)) for message in messages]


async def heads(
    reader: Reader, scope: Scope, thread_id: ThreadId, before: int | None, limit: int
) -> Sequence[BranchHead]:
    """List the ends of a thread's branches, newest first, those with a seq below `before`. Raises NotFound."""
    tip = (await reader.thread(scope, thread_id)).thread.tip_message_id
    return [_head(message, tip) for message in await reader.leaves(scope, thread_id, before, limit)]


def _head(message: Message, tip: MessageId | None) -> BranchHead:
    assert message.seq is not None, "it stands in the history"
    return BranchHead(
        tip_message_id=message.id,
        is_active=message.id == tip,
        role=message.role,
        status=message.status,
        excerpt=plain_text(message.content)[:EXCERPT_CHARS],
        last_activity_at=message.completed_at or message.created_at,
        seq=message.seq,
    )
