"""What happens while the model is talking: how a send meets a busy thread, and how what waits is changed.

A thread answers one question at a time; the others wait as `queued` runs in the order of `RunRow.order`. Until its
turn starts a question is no message of the history: it can be rewritten, moved and withdrawn. Whoever changes the queue
does it in a transaction that has the thread to itself, so for everybody alike a run either waits or has the turn.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import assert_never

import msgspec
from msgspec import Struct, structs

from threadline.clock import rfc3339
from threadline.content import Block
from threadline.engine.files import use_files
from threadline.engine.turns import Ending, end_run
from threadline.errors import Forbidden, InvalidRequest, QueueFull, RunBegun, ThreadBusy
from threadline.events import RunQueued
from threadline.ids import RunId, ThreadId
from threadline.limits import CONTENT_BLOCKS_MAX, MERGED_BYTES_MAX, QUEUED_RUNS_PER_THREAD_MAX
from threadline.records import ErrorInfo, Message, OnBusy, Run, RunOptions
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Reader, RunRow, ThreadRow, Transaction

REPLACED = ErrorInfo("replaced", "A later message took its place.", retryable=False)


class Change(Struct, frozen=True, kw_only=True):
    """What changes of a run that waits: what it asks, or its position from 1 on. None leaves it."""

    content: list[Block] | None = None
    position: int | None = None


class Queued(Struct, frozen=True):
    """What became of a run that was sent to a thread. `stopping` is the run that it asked to stop."""

    row: RunRow
    stopping: RunRow | None = None


async def enqueue(
    transaction: Transaction,
    scope: Scope,
    thread: ThreadRow,
    run: Run,
    options: RunOptions,
    on_busy: OnBusy,
    now_ms: int,
) -> Queued:
    """Let a run wait in a busy thread, and do to the others what `on_busy` says.

    Raises:
        ThreadBusy: it was asked not to wait.
        QueueFull: too many wait already.
    """
    active_run_id = thread.thread.active_run_id
    assert active_run_id is not None, "in a free thread nobody waits"
    waiting = await waiting_runs(transaction, scope, run.thread_id)
    match on_busy:
        case "reject":
            raise ThreadBusy(run_id=active_run_id, events_url=f"/v1/threads/{run.thread_id}/events")
        case "merge":
            merged = await _merge(transaction, scope, waiting, run, options)
            return Queued(merged or await _wait(transaction, scope, thread, run, options, waiting))
        case "latest":
            asker = await _asker(transaction, scope, run, options)
            kept: list[RunRow] = []
            for earlier in waiting:
                if await _asker(transaction, scope, earlier.run, earlier.options) != asker:
                    # What somebody else in the room wants to know is not for this one to withdraw.
                    kept.append(earlier)
                    continue
                passed_on = await end_run(transaction, earlier, Ending("cancelled", error=REPLACED), now_ms)
                assert passed_on is None, "who waits has no turn to give up"
            return Queued(await _wait(transaction, scope, thread, run, options, kept))
        case "enqueue":
            return Queued(await _wait(transaction, scope, thread, run, options, waiting))
        case "steer":
            active = await transaction.run(scope, active_run_id)
            # What is to stand elsewhere, or is for somebody else, cannot be handed to this answer.
            is_steer = options.parent is None and run.agent_id == active.run.agent_id
            options = structs.replace(options, is_steer=is_steer)
            behind = len(list(takewhile(lambda row: row.options.is_steer, waiting)))
            return Queued(await _wait(transaction, scope, thread, run, options, waiting, behind))
        case "interrupt" | "rollback":
            row = await _wait(transaction, scope, thread, run, options, waiting, behind=0)
            active = await transaction.run(scope, active_run_id)
            active = structs.replace(active, rolls_back=active.rolls_back or on_busy == "rollback")
            return Queued(row, await wish_to_stop(transaction, scope, active, now_ms))
        case _:
            assert_never(on_busy)


async def waiting_runs(reader: Reader, scope: Scope, thread_id: ThreadId) -> list[RunRow]:
    """Return the runs that wait for their turn, the next one first. Raises NotFound."""
    return [row for row in await reader.open_runs(scope, thread_id) if row.waits]


async def wish_to_stop(transaction: Transaction, scope: Scope, row: RunRow, now_ms: int) -> RunRow:
    """Write down that a run is to stop, for whoever answers it or claims it next. Returns it as it is now."""
    wished = structs.replace(row, cancel_requested_at=row.cancel_requested_at or rfc3339(now_ms))
    if row.run.status == "waiting":
        # Nobody owns it who could hear of the wish: whoever claims it next does.
        wished = structs.replace(wished, wake_at_ms=0)
    await transaction.save_run(scope, wished)
    return wished


async def change_queued(transaction: Transaction, scope: Scope, run_id: RunId, change: Change, now_ms: int) -> Run:
    """Rewrite or move a run that waits.

    Raises:
        NotFound: no such run in this scope.
        Forbidden: whoever asks only reads the thread, or would rewrite what somebody else asks.
        RunBegun: it does not wait any more.
        InvalidRequest: its question is a message of the history already, which nobody rewrites here, or it names a
            file that is not there.
    """
    row = await transaction.run(scope, run_id)
    await transaction.require_writer(scope, row.run.thread_id)
    if not row.waits:
        raise RunBegun(run_id=run_id, run_status=row.run.status)
    run = row.run
    if change.content is not None:
        if run.input is None:
            raise InvalidRequest("What this run answers is a message of the history.", pointer="/content")
        if isinstance(scope, EndUser) and run.input.author.id not in (None, scope.end_user_id):
            raise Forbidden("What somebody else asks is rewritten by nobody but them.")
        await use_files(transaction, scope, run.thread_id, change.content, now_ms)
        run = structs.replace(run, input=structs.replace(run.input, content=change.content))
    if change.position is not None:
        await _move(transaction, scope, row, change.position)
    moved = await transaction.run(scope, run_id)
    run = structs.replace(run, position=moved.run.position)
    if run != row.run:
        await transaction.save_run(scope, structs.replace(moved, run=run))
        await transaction.append(scope, run.thread_id, RunQueued(run), run.id)
    return run


async def _wait(
    transaction: Transaction,
    scope: Scope,
    thread: ThreadRow,
    run: Run,
    options: RunOptions,
    waiting: Sequence[RunRow],
    behind: int | None = None,
) -> RunRow:
    """Store a run that waits behind so many others, or behind all of them."""
    behind = len(waiting) if behind is None else behind
    if len(waiting) >= QUEUED_RUNS_PER_THREAD_MAX:
        raise QueueFull(retry_after=5)
    queued = structs.replace(run, position=behind + 1)
    place = await _place_behind(transaction, scope, waiting, behind)
    seq = await transaction.append(scope, run.thread_id, RunQueued(queued), run.id)
    row = RunRow(thread.tenant_id, queued, options, has_turn=False, first_seq=seq, place=place)
    await transaction.insert_run(scope, row)
    return row


async def _place_behind(transaction: Transaction, scope: Scope, waiting: Sequence[RunRow], behind: int) -> int | None:
    """Return a place behind so many of those that wait; they move up by one where others are behind it."""
    if behind == len(waiting):
        return None
    first = waiting[0].order - 1
    for each, place in zip(waiting[:behind], [first, *(row.order for row in waiting)], strict=False):
        await transaction.save_run(scope, structs.replace(each, place=place))
    return waiting[behind - 1].order if behind else first


async def _merge(
    transaction: Transaction, scope: Scope, waiting: Sequence[RunRow], run: Run, options: RunOptions
) -> RunRow | None:
    """Add a question to the newest one that waits; None where it cannot be one question with it."""
    newest = max(waiting, key=lambda row: row.first_seq, default=None)
    if newest is None or newest.run.input is None or run.input is None:
        return None
    if not _is_one_question(newest.run.input, run.input):
        return None
    if newest.options.parent != options.parent or newest.run.agent_id != run.agent_id:
        # They go to two places of the thread, or to two who answer.
        return None
    question = structs.replace(newest.run.input, content=[*newest.run.input.content, *run.input.content])
    merged = structs.replace(newest, run=structs.replace(newest.run, input=question))
    await transaction.save_run(scope, merged)
    await transaction.append(scope, run.thread_id, RunQueued(merged.run), merged.run.id)
    return merged


async def _asker(reader: Reader, scope: Scope, run: Run, options: RunOptions) -> tuple[str, str | None]:
    """Return whose question a run answers; that of a person where agents have called each other behind it."""
    message = run.input
    if message is None:
        message = await reader.message_of(scope, run.thread_id, options.root_message_id or run.input_message_id)
    return message.author.type, message.author.id


def _is_one_question(earlier: Message, later: Message) -> bool:
    # Nobody's words are put into another one's mouth, and a message has an end: it is written anew with each of them.
    content = [*earlier.content, *later.content]
    fits = len(content) <= CONTENT_BLOCKS_MAX and len(msgspec.json.encode(content)) <= MERGED_BYTES_MAX
    return fits and earlier.author == later.author


async def _move(transaction: Transaction, scope: Scope, row: RunRow, position: int) -> None:
    """Give a waiting run the position, or the last one; those between here and there move up by one."""
    waiting = await waiting_runs(transaction, scope, row.run.thread_id)
    places = [each.order for each in waiting]
    others = [each for each in waiting if each.run.id != row.run.id]
    others.insert(position - 1, row)
    # The same places in another order: nobody outside the stretch is touched, and whoever comes later stays behind.
    for each, place in zip(others, places, strict=True):
        if each.order != place:
            await transaction.save_run(scope, structs.replace(each, place=place))
