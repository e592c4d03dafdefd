"""Takes a question and its answer off the active branch, for a send that replaces them (`on_busy: rollback`).

Nothing is deleted: both stay in the log and in the history of the thread, on a branch that is not the active one.
"""

from msgspec import structs

from threadline.errors import NotFound
from threadline.events import ThreadUpdated
from threadline.ids import MessageId
from threadline.records import Message
from threadline.scopes import Scope, Tenant
from threadline.store.contract import Reader, RunRow, Transaction


async def roll_back(transaction: Transaction, row: RunRow) -> None:
    """End the active branch where it ended before the run's question, unless somebody has chosen another one."""
    scope, thread_id = Tenant(row.tenant_id), row.run.thread_id
    thread = await transaction.thread(scope, thread_id)
    question = await transaction.message(scope, row.run.input_message_id)
    if not await _is_on_branch(transaction, scope, question, thread.thread.tip_message_id):
        return
    # A question that stood there before the run did is not the run's to take away.
    tip = question.parent_id if question.run_id == row.run.id else question.id
    if tip == thread.thread.tip_message_id:
        return
    moved = structs.replace(thread.thread, tip_message_id=tip)
    await transaction.save_thread(scope, structs.replace(thread, thread=moved))
    await transaction.append(scope, thread_id, ThreadUpdated({"tip_message_id": tip}), None)


async def _is_on_branch(reader: Reader, scope: Scope, wanted: Message, tip: MessageId | None) -> bool:
    """Whether a message leads to the tip: looked for upwards, no further than to what is older than it."""
    assert wanted.seq is not None, "it stands in the history"
    message_id = tip
    while message_id is not None and message_id != wanted.id:
        try:
            message = await reader.message(scope, message_id)
        except NotFound:
            # The branch goes on in a thread that this one was forked from, and that is gone.
            return False
        if message.thread_id != wanted.thread_id or message.seq is None or message.seq < wanted.seq:
            return False
        message_id = message.parent_id
    return message_id is not None
