"""Who has the turn in a thread: the steps that give it and end it, each within a transaction of its caller.

A thread answers one question at a time. The run that is being answered has the turn (`thread.active_run_id`); the
others wait as `queued`, and their questions are no messages of the history yet. The commit that ends a run gives the
turn to the next one, so nobody ever sees a free thread with a queue.
"""

from typing import Literal

from msgspec import Struct, structs

from threadline.clock import rfc3339
from threadline.content import Block
from threadline.engine.calls import put_calls, settle_open_calls
from threadline.engine.change import change_thread
from threadline.engine.keep import sealed
from threadline.engine.rollback import roll_back
from threadline.errors import RunFailure
from threadline.events import (
    MessageCompleted,
    MessageCreated,
    MessageDelta,
    MessageSuperseded,
    RunCancelled,
    RunCompleted,
    RunExpired,
    RunFailed,
    TerminalEvent,
)
from threadline.fold import Draft
from threadline.ids import RunId, ThreadId
from threadline.journal.lease import end_lease
from threadline.records import Attempt, ErrorInfo, Message, MessageStatus, Parent, Run, Usage
from threadline.scopes import Scope, System, Tenant
from threadline.store.contract import RunRow, Transaction

_ATTEMPTS = System("close the books on an attempt")


EndStatus = Literal["completed", "failed", "cancelled", "expired"]


class Ending(Struct, frozen=True):
    """How a run ends.

    `content` is what its message says in the end, each block at its number; None leaves what was said so far.
    """

    status: EndStatus
    content: list[Block] | None = None
    usage: Usage | None = None
    finish_reason: str | None = None
    error: ErrorInfo | None = None


def failure(error: RunFailure) -> ErrorInfo:
    """Put an error into the form of the log."""
    return ErrorInfo(code=error.code, message=error.detail, retryable=error.retryable)


async def add_message(
    transaction: Transaction, scope: Scope, message: Message, parent: Parent | None = None
) -> Message:
    """Put a person's (or a moved in) message into its thread; return it with seq and parent.

    Without a `parent` it goes to the end of the active branch. The branch that it is on is the active one from then on.
    """
    row = await transaction.thread(scope, message.thread_id)
    seq = await transaction.next_seq(scope, message.thread_id)
    parent_id = row.thread.tip_message_id if parent is None else parent.message_id
    placed = structs.replace(message, seq=seq, parent_id=parent_id)
    given = await transaction.append(scope, message.thread_id, MessageCreated(placed), message.run_id)
    assert given == seq, "one transaction, one number line"
    await transaction.insert_message(scope, placed)
    await note_message(transaction, scope, placed, active_run_id=message.run_id)
    if placed.role == "user" and placed.author.id is not None:
        await transaction.note_own(scope, placed.thread_id, placed.author.id)
    return placed


async def note_message(
    transaction: Transaction, scope: Scope, message: Message, active_run_id: RunId | None = None
) -> None:
    """Make a message that was just stored the tip of its thread, and count it."""
    row = await transaction.thread(scope, message.thread_id)
    counted = message.role in ("user", "assistant")
    thread = structs.replace(
        row.thread,
        message_count=row.thread.message_count + counted,
        last_activity_at=max(row.thread.last_activity_at, message.created_at),
        active_run_id=active_run_id or row.thread.active_run_id,
        tip_message_id=message.id,
    )
    await transaction.save_thread(scope, structs.replace(row, thread=thread))


async def give_turn(transaction: Transaction, row: RunRow) -> RunRow:
    """Give a queued run the turn: its question becomes a message of the history, where it is none already."""
    assert not row.has_turn, "the turn is given once"
    scope = Tenant(row.tenant_id)
    if row.run.input is not None:
        await add_message(transaction, scope, row.run.input, row.options.parent)
    else:
        await change_thread(transaction, scope, row.run.thread_id, {"active_run_id": row.run.id})
    with_turn = structs.replace(row, has_turn=True, run=structs.replace(row.run, input=None, position=None))
    await transaction.save_run(scope, with_turn)
    return with_turn


async def end_run(transaction: Transaction, row: RunRow, ending: Ending, now_ms: int) -> RunRow | None:
    """End a run, once, in words. Returns the run that has the turn now, if this one gave it up to one.

    The one place that writes terminal events: `message.completed` first where a message was begun, then the run's.
    """
    assert not row.run.is_terminal, "a run ends once"
    scope, now = Tenant(row.tenant_id), rfc3339(now_ms)
    if row.run.output_message_id is not None:
        if ending.usage is None:
            # Nobody remembers the attempt; what its finished rounds have cost was written down.
            ending = structs.replace(ending, usage=row.spent)
        await complete_message(transaction, row, ending, now_ms)
    ended = _ended(row.run, ending, now)
    seq = await transaction.append(scope, row.run.thread_id, _terminal_event(ended), row.run.id)
    await transaction.save_run(scope, structs.replace(row, run=ended, has_turn=False, last_seq=seq))
    if row.run.attempt:
        # Before its first attempt nobody has a lease on it, and a request may end it, which leases are no business of.
        await end_lease(transaction, row.run.id)
        if row.options.on_disconnect == "cancel":
            await transaction.expect_no_readers(_ATTEMPTS, row.run.id)
    if row.rolls_back:
        await roll_back(transaction, row)
    return await _pass_turn_on(transaction, scope, row.run.thread_id) if row.has_turn else None


async def said_so_far(transaction: Transaction, row: RunRow, message: Message) -> list[Block]:
    """Return the words of a run's current attempt, as the log has them, each block at its number; no tool calls."""
    scope, thread_id = Tenant(row.tenant_id), row.run.thread_id
    assert message.seq is not None, "a message that was begun has a seq"
    draft = Draft()
    end = await transaction.next_seq(scope, thread_id)
    for entry in await transaction.log(scope, thread_id, message.seq, end):
        match entry.event:
            case MessageDelta() as delta if delta.message_id == message.id:
                draft.add(delta.block, delta.kind, delta.text)
            case MessageSuperseded() as emptied if emptied.message_id == message.id:
                draft = Draft()
            case _:
                pass
    sealed(draft, message.content)
    return draft.positions()


def closed_attempts(run: Run, now: str, usage: Usage | None, error: ErrorInfo | None) -> list[Attempt]:
    """Return the run's attempts with the last one closed, where one is open."""
    if not run.attempts or run.attempts[-1].ended_at is not None:
        return run.attempts
    closed = structs.replace(run.attempts[-1], ended_at=now, usage=usage, error=error)
    return [*run.attempts[:-1], closed]


async def complete_message(transaction: Transaction, row: RunRow, ending: Ending, now_ms: int) -> Message:
    """Complete the message that a run's attempt writes, and close the attempt. Returns it as it stays."""
    scope, now = Tenant(row.tenant_id), rfc3339(now_ms)
    assert row.run.output_message_id is not None, "asked for by the caller"
    message = await transaction.message(scope, row.run.output_message_id)
    assert message.status == "streaming", "a message is completed once"
    calls = await settle_open_calls(transaction, row, now_ms)
    content = ending.content if ending.content is not None else await said_so_far(transaction, row, message)
    draft = Draft.resumed(content)
    put_calls(draft, [call for call in calls if call.message_id == message.id])
    completed = structs.replace(
        message,
        content=draft.blocks(),
        status=_MESSAGE_STATUS[ending.status],
        usage=ending.usage,
        finish_reason=ending.finish_reason,
        error=ending.error,
        completed_at=now,
    )
    seq = await transaction.append(scope, message.thread_id, MessageCompleted(completed), row.run.id)
    await transaction.save_message(scope, completed)
    if row.run.status != "waiting":
        # To wait is the end of an attempt already.
        await transaction.close_attempt(_ATTEMPTS, row, row.epoch, seq)
    thread = await transaction.thread(scope, message.thread_id)
    touched = structs.replace(thread.thread, last_activity_at=max(thread.thread.last_activity_at, now))
    await transaction.save_thread(scope, structs.replace(thread, thread=touched))
    return completed


async def _pass_turn_on(transaction: Transaction, scope: Scope, thread_id: ThreadId) -> RunRow | None:
    row = await transaction.thread(scope, thread_id)
    await transaction.save_thread(scope, structs.replace(row, thread=structs.replace(row.thread, active_run_id=None)))
    waiting = await transaction.open_runs(scope, thread_id)
    return await give_turn(transaction, waiting[0]) if waiting else None


def _ended(run: Run, ending: Ending, now: str) -> Run:
    return structs.replace(
        run,
        status=ending.status,
        usage=ending.usage,
        error=ending.error,
        position=None,
        waiting_for=None,
        attempts=closed_attempts(run, now, ending.usage, ending.error),
        ended_at=now,
    )


def _terminal_event(run: Run) -> TerminalEvent:
    match run.status:
        case "completed":
            return RunCompleted(run)
        case "failed":
            return RunFailed(run)
        case "cancelled":
            return RunCancelled(run)
        case "expired":
            return RunExpired(run)
        case _:
            raise AssertionError(f"{run.status} does not end a run")


_MESSAGE_STATUS: dict[EndStatus, MessageStatus] = {
    "completed": "complete",
    "failed": "failed",
    "cancelled": "cancelled",
    "expired": "failed",
}
