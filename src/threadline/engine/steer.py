"""Hands messages to an answer that is being made (`on_busy: steer`), where it has heard from its tools and not gone on.

What was said so far becomes a message of its own, whole. The messages that were sent to it stand behind that, their own
runs end as answered by this one, and this run goes on behind them with its next attempt, in another message. All of it
is one commit: a crash finds the answer on this side of it or on the other.
"""

from collections.abc import Sequence

from msgspec import Struct, structs

from threadline.content import Block
from threadline.engine.claim import Claim, continue_behind, reopened
from threadline.engine.queue import waiting_runs
from threadline.engine.turns import Ending, add_message, complete_message, end_run
from threadline.ids import IdMaker, MessageId
from threadline.journal.lease import Leases, require_lease
from threadline.records import Parent, Usage
from threadline.scopes import Scope, Tenant
from threadline.store.contract import Reader, RunRow, Transaction

HANDED_IN = "steer"
"""The finish reason of a message that ends because another one was handed to its answer."""


class Said(Struct, frozen=True):
    """What an answer has said up to where something is handed to it, and what that has cost."""

    content: list[Block]
    usage: Usage | None


async def is_steered(reader: Reader, row: RunRow) -> bool:
    """Whether somebody has something for this answer."""
    return bool(await _steers(reader, Tenant(row.tenant_id), row))


async def hand_in(
    transaction: Transaction, claim: Claim, said: Said, leases: Leases, ids: IdMaker, now_ms: int
) -> Claim | None:
    """Hand in what was sent to this answer. Returns the attempt that goes on behind it; None where there is nothing.

    Raises LeaseLost.
    """
    run_id, scope = claim.row.run.id, Tenant(claim.row.tenant_id)
    row = await transaction.run(scope, run_id)
    if await leases.is_own(transaction, run_id, claim.attempt.epoch + 1):
        # Done before, by a commit whose answer was lost: nobody else on this node takes a run that has an owner here.
        return await reopened(transaction, row)
    await require_lease(transaction, run_id, claim.attempt.epoch)
    steers = await _steers(transaction, scope, row)
    if not steers or row.cancel_requested_at is not None:
        return None
    ending = Ending("completed", content=said.content, usage=said.usage, finish_reason=HANDED_IN)
    whole = await complete_message(transaction, row, ending, now_ms)
    last = whole.id
    for steer in steers:
        last = await _take_in(transaction, scope, row, steer, last, now_ms)
    return await continue_behind(transaction, row, last, whole.author, said.usage, leases, ids, now_ms)


async def _steers(reader: Reader, scope: Scope, row: RunRow) -> Sequence[RunRow]:
    waiting = await waiting_runs(reader, scope, row.run.thread_id)
    return [each for each in waiting if each.options.is_steer and each.run.input is not None]


async def _take_in(
    transaction: Transaction, scope: Scope, row: RunRow, steer: RunRow, parent_id: MessageId, now_ms: int
) -> MessageId:
    """Make a message of what was sent, and end its run. Returns the message."""
    assert steer.run.input is not None, "chosen for it"
    # It is of the run that it is handed to: the turn is there already, and stays.
    message = structs.replace(steer.run.input, run_id=row.run.id)
    await add_message(transaction, scope, message, Parent(parent_id))
    answered = structs.replace(steer.run, input=None, answered_by=row.run.id)
    passed_on = await end_run(transaction, structs.replace(steer, run=answered), Ending("completed"), now_ms)
    assert passed_on is None, "who waits has no turn to give up"
    return message.id
