"""A run waits for somebody outside: a person who agrees to a call, or a client that posts what a call gave.

A waiting run keeps its turn and has no owner: no memory holds it, so it survives every restart. Whoever answers last
makes it claimable again, and so does the time. An answer is a compare-and-set behind the lock of the thread: of two
clicks one counts, and the other is told so.
"""

from typing import Any

from msgspec import Struct, structs

from threadline.clock import rfc3339
from threadline.engine.calls import NOBODY_ANSWERED, settle_call, settle_calls, waiting_for
from threadline.engine.turns import closed_attempts
from threadline.errors import NotFound, NotWaitedFor
from threadline.events import RunWaiting
from threadline.ids import RunId
from threadline.journal.lease import end_lease, require_lease
from threadline.records import Author, Usage
from threadline.scopes import Scope, System, Tenant
from threadline.store.contract import AttemptRow, RunRow, Transaction
from threadline.tool_calls import ToolCall
from threadline.tools.output import failure, result_of

_ATTEMPTS = System("close the books on an attempt")

AT_ONCE_MS = 0
"""When a run is claimable that waits for nothing any more: since ever."""


class Approval(Struct, frozen=True, kw_only=True):
    """What somebody says to a call."""

    tool_use_id: str
    approve: bool
    reason: str | None = None


class ClientResult(Struct, frozen=True, kw_only=True):
    """What a call gave that a client has made itself."""

    tool_use_id: str
    output: Any
    is_error: bool = False


async def begin_to_wait(
    transaction: Transaction, attempt: AttemptRow, usage: Usage | None, wait_seconds: float, now_ms: int
) -> list[ToolCall] | None:
    """End an attempt whose calls wait for somebody. Returns the calls instead where all have been answered by now."""
    await require_lease(transaction, attempt.run_id, attempt.epoch)
    scope = Tenant(attempt.tenant_id)
    calls = await transaction.calls_of_run(scope, attempt.thread_id, attempt.run_id)
    until_ms = now_ms + round(wait_seconds * 1000)
    asked = waiting_for(calls, rfc3339(until_ms))
    if asked is None:
        return calls
    row = await transaction.run(scope, attempt.run_id)
    attempts = closed_attempts(row.run, rfc3339(now_ms), usage, None)
    run = structs.replace(row.run, status="waiting", waiting_for=asked, attempts=attempts)
    seq = await transaction.append(scope, attempt.thread_id, RunWaiting(run), run.id)
    await transaction.close_attempt(_ATTEMPTS, row, attempt.epoch, seq)
    await transaction.save_run(
        scope,
        structs.replace(
            row,
            run=run,
            # To wait is no failure, however often a run does.
            drained_attempts=row.drained_attempts + 1,
            # A wish to stop that came meanwhile is for the next claim, and that is to come at once.
            wake_at_ms=until_ms if row.cancel_requested_at is None else AT_ONCE_MS,
            spent=usage,
        ),
    )
    await end_lease(transaction, run.id)
    return None


def may_go_on(row: RunRow, now_ms: int) -> bool:
    """Whether a run may be claimed, as far as waiting goes."""
    return row.run.status != "waiting" or (row.wake_at_ms is not None and row.wake_at_ms <= now_ms)


async def give_up_waiting(transaction: Transaction, row: RunRow, now_ms: int) -> None:
    """Answer for those who have not answered in time."""
    scope = Tenant(row.tenant_id)
    calls = await transaction.calls_of_run(scope, row.run.thread_id, row.run.id)
    late = [(call, NOBODY_ANSWERED) for call in calls if call.waits_for_approval or call.waits_for_result]
    await settle_calls(transaction, scope, late, now_ms, "cancelled")


async def decide(
    transaction: Transaction, scope: Scope, run_id: RunId, approval: Approval, author: Author, now_ms: int
) -> RunRow:
    """Let a call be made, or refuse it. The same decision again changes nothing. Returns the run as it is then.

    Raises:
        NotFound: no such run or call in this scope.
        NotWaitedFor: it was decided otherwise, or needs no approval (any more).
    """
    row = await transaction.run(scope, run_id)
    call = await _call(transaction, scope, row, approval.tool_use_id)
    if not call.waits_for_approval:
        if call.is_approved is approval.approve:
            return row
        raise NotWaitedFor(tool_use_id=call.tool_use_id, call_status=call.status)
    owner = Tenant(row.tenant_id)
    decided = structs.replace(
        call,
        is_approved=approval.approve,
        decided_by=author,
        decided_at=rfc3339(now_ms),
        reason=approval.reason,
    )
    if approval.approve:
        await transaction.save_tool_calls(owner, [structs.replace(decided, status="approved")])
    else:
        why = f" They said: {approval.reason}" if approval.reason else ""
        refusal = failure(f"This call was not allowed.{why}")
        await settle_call(transaction, owner, decided, refusal, now_ms, "cancelled")
    return await _told(transaction, row)


async def take_result(
    transaction: Transaction, scope: Scope, run_id: RunId, given: ClientResult, now_ms: int
) -> RunRow:
    """Take in what a client's own call gave. The same result again changes nothing. Returns the run as it is then.

    Raises:
        NotFound: no such run or call in this scope.
        NotWaitedFor: it has another result already, or is not the client's to make.
    """
    row = await transaction.run(scope, run_id)
    call = await _call(transaction, scope, row, given.tool_use_id)
    result = result_of(given.output, given.is_error)
    if not call.waits_for_result:
        is_same = call.is_settled and (call.output, call.is_error) == (result.output, result.is_error)
        if call.kind == "client" and is_same:
            return row
        raise NotWaitedFor(tool_use_id=call.tool_use_id, call_status=call.status)
    await settle_call(transaction, Tenant(row.tenant_id), call, result, now_ms)
    return await _told(transaction, row)


async def _call(transaction: Transaction, scope: Scope, row: RunRow, tool_use_id: str) -> ToolCall:
    # What is written is written for the owner: who only reads the thread decides nothing in it.
    await transaction.require_writer(scope, row.run.thread_id)
    for call in await transaction.calls_of_run(scope, row.run.thread_id, row.run.id):
        if call.tool_use_id == tool_use_id:
            return call
    raise NotFound


async def _told(transaction: Transaction, row: RunRow) -> RunRow:
    """Say what a run still waits for, and let it go on where that is nothing."""
    if row.run.status != "waiting":
        # Answered while other calls of the round still run; the owner sees it when they have ended.
        return row
    scope = Tenant(row.tenant_id)
    calls = await transaction.calls_of_run(scope, row.run.thread_id, row.run.id)
    expires_at = row.run.waiting_for.expires_at if row.run.waiting_for else None
    asked = waiting_for(calls, expires_at)
    run = structs.replace(row.run, waiting_for=asked)
    told = structs.replace(row, run=run, wake_at_ms=row.wake_at_ms if asked else AT_ONCE_MS)
    await transaction.append(scope, run.thread_id, RunWaiting(run), run.id)
    await transaction.save_run(scope, told)
    return told
