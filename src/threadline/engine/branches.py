"""Reads branches as people see them: with the words so far of an answer in progress, and the place among siblings."""

from collections.abc import Sequence

from msgspec import Struct, structs

from threadline.engine.state import with_words
from threadline.errors import BadCursor, NotFound
from threadline.ids import MessageId, ThreadId
from threadline.records import Message
from threadline.scopes import Scope
from threadline.store.contract import Reader
from threadline.store.contract_branches import BranchQuery


class Branch(Struct, frozen=True):
    """A stretch of the branch that ends with `leaf`; None is the branch of a thread where nothing was said."""

    leaf: MessageId | None
    messages: Sequence[Message]


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
