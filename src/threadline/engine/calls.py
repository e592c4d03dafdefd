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


class Step(Struct, frozen=True):
    """What becomes of a call in one step: how it stands in its row, and the event that tells of it."""

    call: ToolCall
    told: ToolEvent


def begun(call: ToolCall, now_ms: int) -> Step:
    """Return the step of a call that is about to be made, which is done after the commit and never before."""
    call = structs.replace(call, status="running", attempt=call.attempt + 1, started_at=rfc3339(now_ms))
    return Step(call, ToolStarted(call.tool_use_id, call.name, call.input, call.message_id, call.run_id))


def settled(call: ToolCall, result: Result, now_ms: int, status: CallStatus | None = None) -> Step:
    """Return the step that ends a call; without a `status` of its own it succeeds or fails as the result says."""
    assert not call.is_settled, "a call ends once"
    status = status or ("failed" if result.is_error else "succeeded")
    ended_at = rfc3339(now_ms)
    call = structs.replace(call, status=status, output=result.output, is_error=result.is_error, ended_at=ended_at)
    place = (call.result_block, call.message_id, call.run_id)
    return Step(call, ToolCompleted(call.tool_use_id, call.name, result.output, result.is_error, *place))


class Opening(Struct, frozen=True):
    """What becomes of requests in the commit that holds them: who is refused, and who begins, by the id of the call."""

    refused: Mapping[str, Result] = {}
    begun: frozenset[str] = frozenset()

    def step_of(self, call: ToolCall, now_ms: int) -> Step | None:
        """Return the first step of a call that was just asked for, where it takes one at once."""
        if call.id in self.refused:
            return settled(call, self.refused[call.id], now_ms)
        return begun(call, now_ms) if call.id in self.begun else None


NOTHING_AT_ONCE = Opening()


def asked_calls(
    place: Place, requests: Sequence[Request], kinds: Mapping[str, Kind], ids: IdMaker, now_ms: int
) -> list[ToolCall]:
    """Return what a model has asked for as calls that are not in the log yet: their seq is 0.

    `kinds` is by tool_use_id. The outcomes' places follow the last request.
    """
    run = place.row.run
    return [
        ToolCall(
            id=ids.make("call"),
            thread_id=run.thread_id,
            run_id=run.id,
            message_id=place.message_id,
            tool_use_id=request.tool_use_id,
            seq=0,
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
        for number, request in enumerate(requests)
    ]


async def record_calls(
    transaction: Transaction, row: RunRow, asked: Sequence[ToolCall], now_ms: int, opening: Opening = NOTHING_AT_ONCE
) -> list[ToolCall]:
    """Store what a model has asked for, and the steps that follow at once. Returns the calls as they stand then."""
    run, scope = row.run, Tenant(row.tenant_id)
    if stored := await _those_stored(transaction, row, asked):
        return stored
    first = await transaction.next_seq(scope, run.thread_id)
    calls = [structs.replace(call, seq=first + number) for number, call in enumerate(asked)]
    requests = [
        ToolRequested(call.tool_use_id, call.name, call.input, call.block, call.message_id, run.id) for call in calls
    ]
    steps = {call.id: step for call in calls if (step := opening.step_of(call, now_ms)) is not None}
    told = [step.told for step in steps.values()]
    seqs = await transaction.append_all(scope, run.thread_id, [*requests, *told], run.id)
    assert [call.seq for call in calls] == seqs[: len(calls)], "one transaction, one number line"
    calls = [steps[call.id].call if call.id in steps else call for call in calls]
    await transaction.insert_tool_calls(scope, calls)
    return calls


async def begin_calls(
    transaction: Transaction, scope: Tenant, calls: Sequence[ToolCall], now_ms: int
) -> list[ToolCall]:
    """Say that calls of a run are about to be made. Those that were begun by this attempt before stay as they are."""
    return await _take_steps(
        transaction,
        scope,
        calls,
        lambda stored, call: None if stored.attempt > call.attempt else begun(call, now_ms),
    )


async def settle_calls(
    transaction: Transaction,
    scope: Tenant,
    outcomes: Sequence[tuple[ToolCall, Result]],
    now_ms: int,
    status: CallStatus | None = None,
) -> list[ToolCall]:
    """Give calls of a run their outcomes. Those that have one by now keep it."""
    results = {call.id: result for call, result in outcomes}
    return await _take_steps(
        transaction,
        scope,
        [call for call, _ in outcomes],
        lambda stored, call: None if stored.is_settled else settled(call, results[call.id], now_ms, status),
    )


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


async def _take_steps(
    transaction: Transaction,
    scope: Tenant,
    calls: Sequence[ToolCall],
    step_of: Callable[[ToolCall, ToolCall], Step | None],
) -> list[ToolCall]:
    """Take the next step with calls of one run. `step_of` is told how a call stands in the store, and how it is known.

    Returns them as they stand then, in the same order.
    """
    if not calls:
        return []
    thread_id, run_id = calls[0].thread_id, calls[0].run_id
    stored = {call.id: call for call in await transaction.calls_of_run(scope, thread_id, run_id)}
    steps = {call.id: step for call in calls if (step := step_of(stored[call.id], call)) is not None}
    await transaction.save_tool_calls(scope, [step.call for step in steps.values()])
    await transaction.append_all(scope, thread_id, [step.told for step in steps.values()], run_id)
    return [steps[call.id].call if call.id in steps else stored[call.id] for call in calls]


# A store may lose the answer to a commit that it has made. What is written patiently is then written once more, and has
# to find what it wrote: whoever writes has the lease, so what stands there is his own.


async def _those_stored(reader: Reader, row: RunRow, asked: Sequence[ToolCall]) -> list[ToolCall]:
    known = {call.tool_use_id for call in asked}
    calls = await reader.calls_of_run(Tenant(row.tenant_id), row.run.thread_id, row.run.id)
    return [call for call in calls if call.tool_use_id in known]


async def settle_open_calls(transaction: Transaction, row: RunRow, now_ms: int) -> list[ToolCall]:
    """Give every call of a run that ends the outcome that it has not. Returns all of the run's calls."""
    scope = Tenant(row.tenant_id)
    calls = await transaction.calls_of_run(scope, row.run.thread_id, row.run.id)
    why = {call.id: STOPPED_IN_IT if call.status == "running" else STOPPED for call in calls if not call.is_settled}
    outcomes = [(call, why[call.id]) for call in calls if call.id in why]
    ended = {call.id: call for call in await settle_calls(transaction, scope, outcomes, now_ms, "cancelled")}
    return [ended.get(call.id, call) for call in calls]


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
    approvals = [_told_of(call) for call in calls if call.waits_for_approval]
    results = [_told_of(call) for call in calls if call.waits_for_result]
    return WaitingFor(approvals, results, expires_at) if approvals or results else None


def output_bytes(calls: Sequence[ToolCall]) -> int:
    """Return how much the tools have said so far."""
    return sum(len(msgspec.json.encode(call.output)) for call in calls if call.is_settled)


def _told_of(call: ToolCall) -> AskedCall:
    return AskedCall(call.tool_use_id, call.name, call.input)
