"""The steps of a tool call, each within a transaction of its caller: asked for, begun, ended. Rows and log together.

Promise 7 stands here: every request gets its outcome, in the log and in its row, before its message is completed. Who
begins a call has said so in a commit before the tool hears of it; so a call that is found `running` after a crash may
have taken effect, and one that is found `requested` or `approved` has not.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

from threadline.clock import rfc3339
from threadline.content import Block, ToolResultBlock, ToolUseBlock
from threadline.events import ToolCompleted, ToolEvent, ToolRequested, ToolStarted
from threadline.fold import Draft
from threadline.ids import IdMaker, MessageId
from threadline.records import AskedCall, WaitingFor
from threadline.scopes import Tenant
from threadline.store.contract import Reader, RunRow, Transaction
from threadline.tool_calls import CallStatus, ToolCall
from threadline.tools.contract import Result
from threadline.tools.output import failure

NO_SUCH_TOOL = failure("There is no tool of this name. Answer without it.")
NO_INPUT = failure("The input of this call is no JSON object. The tool was not called.")
CUT_OFF = failure("The answer ended before this call was made.")
OUTCOME_UNKNOWN = failure("The call was interrupted. Whether it took effect is not known.")
STOPPED = failure("The answer was stopped before this call was made.")
STOPPED_IN_IT = failure("The answer was stopped during this call. Whether it took effect is not known.")
NOBODY_ANSWERED = failure("Nobody answered in time. The call was not made.")


class Request(Struct, frozen=True):
    """A model's request, as it came: block number `block` of the message."""

    tool_use_id: str
    name: str
    input: Any
    block: int


class Place(Struct, frozen=True):
    """Where requests are written to: a message of a run, whose blocks from `next_block` on are free."""

    row: RunRow
    message_id: MessageId
    round: int
    next_block: int


class Kind(Struct, frozen=True):
    """What is known of a requested tool when it is asked for: None for a name that means nothing."""

    kind: str | None = None
    needs_approval: bool = False


async def record_requests(
    transaction: Transaction,
    place: Place,
    requests: Sequence[Request],
    kinds: Mapping[str, Kind],
    ids: IdMaker,
    now_ms: int,
) -> list[ToolCall]:
    """Store what a model has asked for. `kinds` is by tool_use_id. The outcomes' places follow the last request."""
    run, scope = place.row.run, Tenant(place.row.tenant_id)
    calls = await _those_stored(transaction, place, requests)
    if calls:
        return calls
    asked = [
        ToolRequested(request.tool_use_id, request.name, request.input, request.block, place.message_id, run.id)
        for request in requests
    ]
    seqs = await transaction.append_all(scope, run.thread_id, asked, run.id)
    calls = [
        ToolCall(
            id=ids.make("call"),
            thread_id=run.thread_id,
            run_id=run.id,
            message_id=place.message_id,
            tool_use_id=request.tool_use_id,
            seq=seq,
            round=place.round,
            block=request.block,
            result_block=place.next_block + number,
            name=request.name,
            kind=(kind := kinds.get(request.tool_use_id, Kind())).kind,
            input=request.input,
            status="requested",
            needs_approval=kind.needs_approval,
            requested_at=rfc3339(now_ms),
        )
        for number, (request, seq) in enumerate(zip(requests, seqs, strict=True))
    ]
    await transaction.insert_tool_calls(scope, calls)
    return calls


async def begin_calls(
    transaction: Transaction, scope: Tenant, calls: Sequence[ToolCall], now_ms: int
) -> list[ToolCall]:
    """Say that calls of a run are about to be made, which the caller does after the commit and never before."""
    now = rfc3339(now_ms)

    def begin(call: ToolCall) -> ToolCall:
        return structs.replace(call, status="running", attempt=call.attempt + 1, started_at=now)

    def told(call: ToolCall) -> ToolEvent:
        return ToolStarted(call.tool_use_id, call.name, call.input, call.message_id, call.run_id)

    return await _change(transaction, scope, calls, lambda stored, call: stored.attempt > call.attempt, begin, told)


async def settle_calls(
    transaction: Transaction,
    scope: Tenant,
    outcomes: Sequence[tuple[ToolCall, Result]],
    now_ms: int,
    status: CallStatus | None = None,
) -> list[ToolCall]:
    """Give calls of a run their outcomes; without a `status` of its own a call has succeeded or failed as it says."""
    results, now = {call.id: result for call, result in outcomes}, rfc3339(now_ms)

    def settle(call: ToolCall) -> ToolCall:
        result = results[call.id]
        how = status or ("failed" if result.is_error else "succeeded")
        return structs.replace(call, status=how, output=result.output, is_error=result.is_error, ended_at=now)

    def told(call: ToolCall) -> ToolEvent:
        output, is_error = call.output, bool(call.is_error)
        place = (call.result_block, call.message_id, call.run_id)
        return ToolCompleted(call.tool_use_id, call.name, output, is_error, *place)

    calls = [call for call, _ in outcomes]
    return await _change(transaction, scope, calls, lambda stored, _: stored.is_settled, settle, told)


async def settle_call(
    transaction: Transaction,
    scope: Tenant,
    call: ToolCall,
    result: Result,
    now_ms: int,
    status: CallStatus | None = None,
) -> ToolCall:
    """Give one call its outcome."""
    (settled,) = await settle_calls(transaction, scope, [(call, result)], now_ms, status)
    return settled


async def _change(
    transaction: Transaction,
    scope: Tenant,
    calls: Sequence[ToolCall],
    is_done: Callable[[ToolCall, ToolCall], bool],
    change: Callable[[ToolCall], ToolCall],
    told: Callable[[ToolCall], ToolEvent],
) -> list[ToolCall]:
    """Change calls of one run, in their rows and in the log; those that are as they are to be stay as they are."""
    if not calls:
        return []
    assert not any(call.is_settled for call in calls), "a call ends once"
    thread_id, run_id = calls[0].thread_id, calls[0].run_id
    stored = {call.id: call for call in await transaction.calls_of_run(scope, thread_id, run_id)}
    changed = {call.id: change(call) for call in calls if not is_done(stored[call.id], call)}
    await transaction.save_tool_calls(scope, list(changed.values()))
    await transaction.append_all(scope, thread_id, [told(call) for call in changed.values()], run_id)
    return [changed.get(call.id, stored[call.id]) for call in calls]


# A store may lose the answer to a commit that it has made. What is written patiently is then written once more, and has
# to find what it wrote: whoever writes has the lease, so what stands there is his own.


async def _those_stored(reader: Reader, place: Place, requests: Sequence[Request]) -> list[ToolCall]:
    asked = {request.tool_use_id for request in requests}
    calls = await reader.calls_of_run(Tenant(place.row.tenant_id), place.row.run.thread_id, place.row.run.id)
    return [call for call in calls if call.tool_use_id in asked]


async def settle_open_calls(transaction: Transaction, row: RunRow, now_ms: int) -> list[ToolCall]:
    """Give every call of a run that ends the outcome that it has not. Returns all of the run's calls."""
    scope = Tenant(row.tenant_id)
    calls = await transaction.calls_of_run(scope, row.run.thread_id, row.run.id)
    why = {call.id: STOPPED_IN_IT if call.status == "running" else STOPPED for call in calls if not call.is_settled}
    outcomes = [(call, why[call.id]) for call in calls if call.id in why]
    settled = {call.id: call for call in await settle_calls(transaction, scope, outcomes, now_ms, "cancelled")}
    return [settled.get(call.id, call) for call in calls]


def put_calls(draft: Draft, calls: Sequence[ToolCall]) -> None:
    """Put requests and outcomes at their places, whatever the draft knows of them."""
    for call in calls:
        draft.put(call.block, ToolUseBlock(id=call.tool_use_id, name=call.name, input=call.input))
        if call.is_settled:
            draft.put(call.result_block, outcome_of(call))


def outcome_of(call: ToolCall) -> Block:
    """Return the outcome of a settled call as a block."""
    assert call.is_settled, "asked for by the caller"
    return ToolResultBlock(tool_use_id=call.tool_use_id, content=call.output, is_error=bool(call.is_error))


def waiting_for(calls: Sequence[ToolCall], expires_at: str | None) -> WaitingFor | None:
    """Return what these calls wait for from outside; None where that is nothing."""
    approvals = [_asked(call) for call in calls if call.waits_for_approval]
    results = [_asked(call) for call in calls if call.waits_for_result]
    return WaitingFor(approvals, results, expires_at) if approvals or results else None


def output_bytes(calls: Sequence[ToolCall]) -> int:
    """Return how much the tools have said so far."""
    return sum(len(msgspec.json.encode(call.output)) for call in calls if call.is_settled)


def _asked(call: ToolCall) -> AskedCall:
    return AskedCall(call.tool_use_id, call.name, call.input)
