"""Forks a thread from one of its messages: a new thread that has everything up to there without a copy of it.

The fork refers to the messages of its source. Whoever may read the branch when it is forked owns the fork and goes on
reading it there, whatever becomes of the source: the sweep keeps what forks need of a deleted thread.
"""

from msgspec import Struct

from threadline.clock import rfc3339
from threadline.engine.change import insert_thread
from threadline.errors import Forbidden, InvalidRequest, NotFound, ThreadBusy
from threadline.ids import IdMaker, MessageId, ThreadId
from threadline.limits import FORKS_DEEP_MAX
from threadline.records import ForkPoint, Message, Thread
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Reader, ThreadRow, Transaction
from threadline.store.contract_reads import ReadMark


class Fork(Struct, frozen=True, kw_only=True):
    """What somebody wants of a fork. `message_id` is the last message that it has from its source."""

    message_id: MessageId
    title: str | None = None


async def fork_thread(
    transaction: Transaction, scope: Scope, thread_id: ThreadId, wanted: Fork, ids: IdMaker, now_ms: int
) -> Thread:
    """Make a thread that begins with a branch of another one.

    Raises:
        NotFound: no such thread in this scope.
        InvalidRequest: it does not have this message, or is too long a chain of forks already.
        ThreadBusy: the message is still being written.
        Forbidden: an end-user token that is for some threads only wants another one.
    """
    source = await transaction.thread(scope, thread_id)
    message = await _whole_message(transaction, scope, thread_id, wanted.message_id)
    if isinstance(scope, EndUser) and scope.thread_ids is not None:
        raise Forbidden("This token is for some threads only; it makes no new ones.")
    may_write = await transaction.role(scope, thread_id) != "viewer"
    now = rfc3339(now_ms)
    thread = Thread(
        id=ids.thread(),
        end_user_id=scope.end_user_id if isinstance(scope, EndUser) else source.thread.end_user_id,
        title=wanted.title if wanted.title is not None else source.thread.title,
        model=source.thread.model,
        instructions=source.thread.instructions,
        # Who may only read along there gets no access to the agent by it.
        agent_id=source.thread.agent_id if may_write else None,
        on_busy=source.thread.on_busy,
        on_disconnect=source.thread.on_disconnect,
        metadata={},
        message_count=await transaction.branch_size(scope, thread_id, message.id),
        seq=1,
        tip_message_id=message.id,
        forked_from=ForkPoint(thread_id, message.id),
        created_at=now,
        last_activity_at=now,
    )
    await insert_thread(transaction, scope, ThreadRow(scope.tenant_id, thread))
    if await transaction.insert_fork(scope, thread.id, message) > FORKS_DEEP_MAX:
        raise InvalidRequest(f"Forks of forks end after {FORKS_DEEP_MAX}.", pointer="/message_id")
    if thread.end_user_id is not None:
        # What is inherited is nothing new to him.
        await transaction.mark_read(scope, ReadMark(thread.id, thread.end_user_id, 1, thread.message_count))
    # What is read here is seen here, also when the source is gone.
    await transaction.share_files(scope, thread.id, thread_id)
    return thread


async def _whole_message(reader: Reader, scope: Scope, thread_id: ThreadId, message_id: MessageId) -> Message:
    try:
        message = await reader.message_of(scope, thread_id, message_id)
    except NotFound as error:
        raise InvalidRequest("There is no such message in this thread.", pointer="/message_id") from error
    if message.status == "streaming":
        raise ThreadBusy(run_id=message.run_id, events_url=f"/v1/threads/{thread_id}/events")
    return message
