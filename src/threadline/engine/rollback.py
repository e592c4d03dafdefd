"""Takes a question and its answer off the active branch, for a send that replaces them (`on_busy: rollback`).

Nothing is deleted: both stay in the log and in the history of the thread, on a branch that is not the active one.
"""

from threadline.engine.change import change_thread
from threadline.scopes import Tenant
from threadline.store.contract import RunRow, Transaction


async def roll_back(transaction: Transaction, row: RunRow) -> None:
    """End the active branch where it ended before the run's question, unless somebody has chosen another one."""
    scope, thread_id = Tenant(row.tenant_id), row.run.thread_id
    thread = await transaction.thread(scope, thread_id)
    question, tip = row.run.input_message_id, thread.thread.tip_message_id
    if tip is None or not await transaction.leads_to(scope, thread_id, question, tip):
        return
    asked = await transaction.message_of(scope, thread_id, question)
    # A question that stood there before the run did is not the run's to take away.
    before = asked.parent_id if asked.run_id == row.run.id else asked.id
    await change_thread(transaction, scope, thread_id, {"tip_message_id": before})
