"""Claims a run for this node, and settles those that nobody may attempt any more.

A claim begins an attempt: a new epoch, a lease, and either a new message or the same one emptied. After a crash the
next attempt writes into the same message of the same run, so a client that waits goes on waiting at the right place.
"""

from collections.abc import Sequence

from msgspec import UNSET, Struct, structs

from threadline.agent_records import Agent
from threadline.clock import rfc3339
from threadline.engine.keep import NOTHING, Kept, is_all_kept, kept_of, write_again
from threadline.engine.turns import Ending, closed_attempts, end_run, failure, note_message
from threadline.engine.waiting import give_up_waiting, may_go_on
from threadline.errors import RunInterrupted
from threadline.events import MessageStarted, MessageSuperseded, RunStarted
from threadline.ids import IdMaker, MessageId, RunId, TenantId
from threadline.journal.lease import Leases
from threadline.records import Attempt, Author, ErrorInfo, Message, Usage
from threadline.scopes import System, Tenant
from threadline.store.contract import AttemptRow, RunRow, Transaction

_CLAIM = System("claim a run")


class Claim(Struct, frozen=True):
    """A run that this node answers, from here to `end_run`."""

    row: RunRow
    attempt: AttemptRow
    started_at: str
    kept: Kept = NOTHING


class Settled(Struct, frozen=True):
    """A run that was not to be attempted: it has ended, or somebody else has it. `next_run` has the turn now.

    `ending` is how the claim itself has ended it.
    """

    next_run: RunRow | None = None
    ending: Ending | None = None


async def claim(
    transaction: Transaction,
    tenant_id: TenantId,
    run_id: RunId,
    leases: Leases,
    ids: IdMaker,
    now_ms: int,
    attempts_max: int,
) -> Claim | Settled:
    """Begin the next attempt of a run, or end the run where there may be none."""
    row = await transaction.run(Tenant(tenant_id), run_id)
    if row.run.is_terminal or not row.has_turn:
        return Settled()
    if not await leases.is_free(transaction, row):
        return Settled()
    if not may_go_on(row, now_ms):
        return Settled()
    if row.cancel_requested_at is not None:
        return await _ended(transaction, row, Ending("cancelled"), now_ms)
    if row.run.attempt - row.drained_attempts >= attempts_max:
        error = failure(RunInterrupted(f"The server stopped {attempts_max} times in mid-answer."))
        return await _ended(transaction, row, Ending("failed", error=error), now_ms)
    await leases.take(transaction, row, row.epoch + 1)
    if row.options.on_disconnect == "cancel":
        # Each attempt begins as if somebody were reading: after a crash or a drain its readers are on their way back.
        await transaction.expect_readers(_CLAIM, row)
    if row.run.status == "waiting":
        await give_up_waiting(transaction, row, now_ms)
    return await _begin(transaction, row, ids, now_ms)


async def _ended(transaction: Transaction, row: RunRow, ending: Ending, now_ms: int) -> Settled:
    return Settled(await end_run(transaction, row, ending, now_ms), ending)


async def _begin(transaction: Transaction, row: RunRow, ids: IdMaker, now_ms: int) -> Claim:
    now, kept = rfc3339(now_ms), NOTHING
    if row.run.output_message_id is None:
        started = await _start_run(transaction, row, ids.message(), now)
    else:
        kept = await kept_of(transaction, row)
        started = await _go_on(transaction, row, kept, now)
    return await _opened(transaction, started, kept, now)


async def continue_behind(
    transaction: Transaction,
    row: RunRow,
    parent_id: MessageId,
    author: Author,
    usage: Usage | None,
    leases: Leases,
    ids: IdMaker,
    now_ms: int,
) -> Claim:
    """Let a run go on in another message, behind what was handed to it. `usage` is what the one before has cost."""
    now = rfc3339(now_ms)
    await leases.take(transaction, row, row.epoch + 1)
    run = structs.replace(row.run, output_message_id=ids.message())
    # To be spoken to is no failure, however often it happens.
    row = structs.replace(row, run=run, drained_attempts=row.drained_attempts + 1)
    started = _attempted(row, closed_attempts(run, now, usage, None), now)
    await transaction.append(Tenant(row.tenant_id), run.thread_id, RunStarted(started.run), run.id)
    await _begin_message(transaction, started, parent_id, author, now)
    return await _opened(transaction, started, await kept_of(transaction, started), now)


async def reopened(transaction: Transaction, row: RunRow) -> Claim:
    """Return the claim that a run is answered under, for whoever has made it and was not told so."""
    run = row.run
    assert run.output_message_id is not None, "claimed"
    place = AttemptRow(row.tenant_id, run.thread_id, run.id, run.output_message_id, row.epoch, first_seq=0)
    attempt = await transaction.unpacked_attempt(_CLAIM, place)
    assert attempt is not None, "an attempt that has not ended is not packed"
    return Claim(row, attempt, run.attempts[-1].started_at, await kept_of(transaction, row))


async def _opened(transaction: Transaction, started: RunRow, kept: Kept, now: str) -> Claim:
    scope, run = Tenant(started.tenant_id), started.run
    await transaction.save_run(scope, started)
    assert run.output_message_id is not None, "an attempt writes into a message"
    attempt = AttemptRow(
        tenant_id=started.tenant_id,
        thread_id=run.thread_id,
        run_id=run.id,
        message_id=run.output_message_id,
        epoch=started.epoch,
        first_seq=await transaction.next_seq(scope, run.thread_id),
    )
    await transaction.open_attempt(_CLAIM, attempt)
    return Claim(started, attempt, now, kept)


async def _start_run(transaction: Transaction, row: RunRow, message_id: MessageId, now: str) -> RunRow:
    scope = Tenant(row.tenant_id)
    agent = await _agent(transaction, row)
    run = structs.replace(
        row.run,
        output_message_id=message_id,
        started_at=now,
        agent_version=agent.version if agent else None,
        # Its newest version answers, and that may have another model than the one it had when the run was queued.
        model=row.options.model or (agent.model if agent else None) or row.run.model,
    )
    begun = structs.replace(row, run=run)
    started = _attempted(begun, [], now)
    await transaction.append(scope, row.run.thread_id, RunStarted(started.run), row.run.id)
    thread = await transaction.thread(scope, row.run.thread_id)
    parent_id = await _question_of(transaction, row, thread.thread.tip_message_id)
    author = Author("agent", run.agent_id, agent.name if agent else UNSET)
    await _begin_message(transaction, started, parent_id, author, now)
    return started


async def _begin_message(
    transaction: Transaction, started: RunRow, parent_id: MessageId, author: Author, now: str
) -> None:
    scope, run = Tenant(started.tenant_id), started.run
    assert run.output_message_id is not None, "given by the caller"
    message = Message(
        id=run.output_message_id,
        thread_id=run.thread_id,
        seq=await transaction.next_seq(scope, run.thread_id),
        parent_id=parent_id,
        role="assistant",
        author=author,
        content=[],
        status="streaming",
        model=run.model,
        run_id=run.id,
        metadata={},
        created_at=now,
    )
    await transaction.append(scope, run.thread_id, MessageStarted(message), run.id)
    await transaction.insert_message(scope, message)
    await note_message(transaction, scope, message)


async def _agent(transaction: Transaction, row: RunRow) -> Agent | None:
    """Return the agent of a run as it is now; what is changed of it later concerns later answers."""
    if row.run.agent_id is None:
        return None
    return await transaction.agent_version(Tenant(row.tenant_id), row.run.agent_id)


async def _question_of(transaction: Transaction, row: RunRow, tip: MessageId | None) -> MessageId:
    """Return what the answer stands behind: the question, or what was added behind it before the answer began."""
    question = row.run.input_message_id
    if row.options.is_again or tip is None or tip == question:
        return question
    # Somebody may also have gone to another branch meanwhile.
    is_behind = await transaction.leads_to(Tenant(row.tenant_id), row.run.thread_id, question, tip)
    return tip if is_behind else question


async def _go_on(transaction: Transaction, row: RunRow, kept: Kept, now: str) -> RunRow:
    """Begin an attempt behind another one: where that one has said more than is kept, its words are taken back."""
    if row.run.status == "waiting":
        started = _attempted(row, row.run.attempts, now)
        await transaction.append(Tenant(row.tenant_id), row.run.thread_id, RunStarted(started.run), row.run.id)
        return started
    if not await is_all_kept(transaction, row, kept):
        return await _supersede(transaction, row, kept, now)
    started = _replaced(row, now)
    seq = await transaction.append(Tenant(row.tenant_id), row.run.thread_id, RunStarted(started.run), row.run.id)
    await transaction.close_attempt(_CLAIM, row, row.epoch, seq)
    return started


async def _supersede(transaction: Transaction, row: RunRow, kept: Kept, now: str) -> RunRow:
    scope = Tenant(row.tenant_id)
    assert row.run.output_message_id is not None, "asked for by the caller"
    started = _replaced(row, now)
    emptied = MessageSuperseded(row.run.output_message_id, started.epoch)
    seq = await transaction.append(scope, row.run.thread_id, emptied, row.run.id)
    await transaction.close_attempt(_CLAIM, row, row.epoch, seq)
    await transaction.append(scope, row.run.thread_id, RunStarted(started.run), row.run.id)
    await write_again(transaction, row, kept)
    return started


def _replaced(row: RunRow, now: str) -> RunRow:
    was_drained = row.is_drained
    error = ErrorInfo("drained" if was_drained else "interrupted", _WHY_REPLACED[was_drained], retryable=True)
    return _attempted(row, closed_attempts(row.run, now, row.spent, error), now)


def _attempted(row: RunRow, earlier: Sequence[Attempt], now: str) -> RunRow:
    number = row.run.attempt + 1
    run = structs.replace(
        row.run,
        status="running",
        attempt=number,
        attempts=[*earlier, Attempt(attempt=number, started_at=now)],
        waiting_for=None,
    )
    return structs.replace(row, run=run, wake_at_ms=None, spent=None)


_WHY_REPLACED = {
    True: "The server was told to stop while it was answering.",
    False: "The server stopped in mid-answer.",
}
