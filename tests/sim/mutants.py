"""The program with one law switched off at a time, to see that the simulation bites.

Each is a context manager that changes the program while it is open, and says in its docstring which law it breaks.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from unittest import mock

from msgspec import structs

from threadline.engine import calls, claim, engine, keep, ledger, loop, members, rooms, schedule, steer, turns, waiting
from threadline.events import Entry, MemberUpdated, MessageDelta
from threadline.journal import append, lease, tail, window
from threadline.journal.tail import Tail
from threadline.records import Parent
from threadline.scopes import Tenant
from threadline.store.contract import MessageQuery
from threadline.store.postgres.store import PostgresStore
from threadline.store.sql.branches import BranchReader
from threadline.store.sql.members import MemberReader, MemberWriter
from threadline.store.sql.reader import SqlReader
from threadline.store.sql.transaction import SqlTransaction
from threadline.store.sqlite import store as sqlite_store
from threadline.store.sqlite.transaction import SqliteTransaction
from threadline.tool_calls import ToolCall

as_it_is = nullcontext
"""The program with all of its laws."""


@contextmanager
def epoch_check_off() -> Iterator[None]:
    """The fence lets every attempt write, also one that another one has replaced."""

    def statement(rows: int) -> str:
        marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * rows)
        return (
            "INSERT INTO deltas (id, run_id, seq, block, kind, text) "
            f"SELECT column1, column2, column3, column4, column5, column6 FROM (VALUES {marks})"
        )

    async def allowed(*_: Any) -> None:
        return None

    def everybody(store: Any, connection: Any, deltas: Any) -> list[bool]:
        return [store._heads.get(delta.thread_id) is not None for delta in deltas]

    with (
        mock.patch.object(sqlite_store, "_insert_statement", statement),
        mock.patch.object(sqlite_store.SqliteStore, "_allowed", everybody),
        mock.patch.object(schedule, "require_lease", allowed),
    ):
        yield


def _tell_early(is_shown: bool) -> Callable[[Any], Any]:
    commit = append.Journal._commit_once

    async def commit_once(journal: Any) -> bool:
        journal._take_deltas()
        taken = [row for _, rows in journal._taken for row in rows]
        seqs = journal._store.rehearse(taken)
        entries = [
            Entry(row.thread_id, seq, row.run_id, MessageDelta(row.message_id, row.block, row.kind, row.text))
            for row, seq in zip(taken, seqs, strict=True)
            if seq
        ]
        if is_shown:
            journal._windows.publish(entries)
        journal._bus.nudge(append._nudges(entries))
        if is_shown:
            return await commit(journal)
        with mock.patch.object(journal._bus, "nudge", mock.Mock()):
            return await commit(journal)

    return commit_once


@contextmanager
def shown_before_commit() -> Iterator[None]:
    """Words are shown and nudged when they are handed to the store, not when it has them."""
    with mock.patch.object(append.Journal, "_commit_once", _tell_early(is_shown=True)):
        yield


@contextmanager
def nudged_before_commit() -> Iterator[None]:
    """The other nodes are told of words before the commit that holds them, and not after it."""
    with mock.patch.object(append.Journal, "_commit_once", _tell_early(is_shown=False)):
        yield


@contextmanager
def idempotency_record_dropped() -> Iterator[None]:
    """A send does not remember its key."""

    async def forget(*_: Any) -> None:
        return None

    with mock.patch.object(SqlTransaction, "insert_send", forget):
        yield


@contextmanager
def live_leases_taken() -> Iterator[None]:
    """A run may be claimed although the node that answers it lives."""

    async def is_free(*_: Any) -> bool:
        return True

    with mock.patch.object(lease.Leases, "is_free", is_free):
        yield


@contextmanager
def leases_never_expire() -> Iterator[None]:
    """A node that has renewed once is taken to live for ever."""
    renew = SqliteTransaction.renew_node

    async def for_ever(transaction: Any, system: Any, node_id: Any, ttl_seconds: float) -> None:
        await renew(transaction, system, node_id, ttl_seconds * 1e6)

    with mock.patch.object(SqliteTransaction, "renew_node", for_ever):
        yield


@contextmanager
def wishes_unheard() -> Iterator[None]:
    """A node does not look for what other nodes have asked of its runs."""

    async def sleep(_: Any) -> None:
        await asyncio.Event().wait()

    with mock.patch.object(schedule.Scheduler, "_watch_wishes", sleep):
        yield


@contextmanager
def windows_overlap() -> Iterator[None]:
    """A window gives the entry at the cursor once more."""
    after = window.Window.after

    def overlapping(self: Any, cursor: int) -> Any:
        return after(self, max(cursor - 1, 0))

    with mock.patch.object(window.Window, "after", overlapping):
        yield


@contextmanager
def windows_with_holes() -> Iterator[None]:
    """A window does not notice that another node has written in between."""

    def push(self: Any, entry: Entry) -> int:
        self._entries.append(entry)
        self._next = entry.seq + 1
        return 0

    with mock.patch.object(window.Window, "push", push):
        yield


@contextmanager
def queue_turned_round() -> Iterator[None]:
    """The turn goes to whoever came last."""

    async def pass_turn_on(transaction: Any, scope: Any, thread_id: Any) -> Any:
        row = await transaction.thread(scope, thread_id)
        thread = turns.structs.replace(row.thread, active_run_id=None)
        await transaction.save_thread(scope, turns.structs.replace(row, thread=thread))
        waiting = await transaction.open_runs(scope, thread_id)
        return await turns.give_turn(transaction, waiting[-1]) if waiting else None

    with mock.patch.object(turns, "_pass_turn_on", pass_turn_on):
        yield


@contextmanager
def moves_unheeded() -> Iterator[None]:
    """The turn goes to whoever came first, wherever he stands in the queue by now."""

    async def pass_turn_on(transaction: Any, scope: Any, thread_id: Any) -> Any:
        row = await transaction.thread(scope, thread_id)
        thread = turns.structs.replace(row.thread, active_run_id=None)
        await transaction.save_thread(scope, turns.structs.replace(row, thread=thread))
        waiting = sorted(await transaction.open_runs(scope, thread_id), key=lambda run: run.first_seq)
        return await turns.give_turn(transaction, waiting[0]) if waiting else None

    with mock.patch.object(turns, "_pass_turn_on", pass_turn_on):
        yield


@contextmanager
def branches_mixed() -> Iterator[None]:
    """A model is shown all that stands before its answer, also what is on other branches."""

    async def branch(reader: Any, scope: Any, thread_id: Any, query: Any) -> Any:
        leaf = await reader.message(scope, query.leaf) if query.leaf else None
        after = None if leaf is None else leaf.seq + 1
        return await reader.messages(scope, thread_id, MessageQuery(descending=True, after=after, limit=query.limit))

    with mock.patch.object(BranchReader, "branch", branch):
        yield


@contextmanager
def effects_repeated() -> Iterator[None]:
    """A call whose outcome nobody knows is made again, whatever its tool says of itself."""

    def refusal(call: Any, tool: Any) -> Any:
        return loop.NO_SUCH_TOOL if tool is None else None

    with mock.patch.object(loop, "_refusal", refusal):
        yield


@contextmanager
def calls_begun_unsaid() -> Iterator[None]:
    """A call is made behind the commit that holds its request, and nobody has said there that it begins."""

    async def begin(_: Any, call: ToolCall) -> ToolCall:
        return structs.replace(call, status="running", attempt=call.attempt + 1)

    with (
        mock.patch.object(calls.Opening, "step_of", return_value=None),
        mock.patch.object(ledger.Ledger, "begin", begin),
    ):
        yield


@contextmanager
def lost_rounds_forgotten() -> Iterator[None]:
    """Whoever has written a round down and was not told so does not look whether he has."""

    async def nothing(*_: Any) -> list[ToolCall]:
        return []

    with mock.patch.object(calls, "_those_stored", nothing):
        yield


@contextmanager
def approvals_not_awaited() -> Iterator[None]:
    """A call that a person has to agree to is made at once."""
    with mock.patch.object(ToolCall, "waits_for_approval", False):
        yield


@contextmanager
def rounds_not_kept() -> Iterator[None]:
    """An attempt begins at the beginning, whatever its predecessor has finished."""

    async def nothing(*_: Any) -> Any:
        return keep.NOTHING

    with mock.patch.object(claim, "kept_of", nothing):
        yield


@contextmanager
def last_decision_counts() -> Iterator[None]:
    """Whoever decides later decides, as long as the call has not been made."""
    decide = waiting.decide

    async def decide_anew(transaction: Any, scope: Any, run_id: Any, approval: Any, author: Any, now_ms: int) -> Any:
        row = await transaction.run(scope, run_id)
        call = await waiting._call(transaction, scope, row, approval.tool_use_id)
        if call.status == "approved" and not approval.approve:
            undone = turns.structs.replace(call, status="requested", is_approved=None)
            await transaction.save_tool_calls(scope, [undone])
        return await decide(transaction, scope, run_id, approval, author, now_ms)

    with mock.patch.object(engine, "decide", decide_anew):
        yield


@contextmanager
def uncertain_batches_new() -> Iterator[None]:
    """A batch whose answer was lost is handed in as a new one."""

    async def append_anew(store: Any, deltas: Any) -> Any:
        store._batch += 1
        return await store._append_batch(deltas)

    with mock.patch.object(PostgresStore, "_append", append_anew):
        yield


@contextmanager
def slow_poll_off() -> Iterator[None]:
    """Nothing stands behind the bus: what it loses is lost."""

    async def nothing(_: Any) -> None:
        return None

    with mock.patch.object(Tail, "_poll", nothing):
        yield


@contextmanager
def steer_taken_twice() -> Iterator[None]:
    """What was handed to an answer waits for a turn of its own as well."""

    async def take_in(transaction: Any, scope: Any, row: Any, steer_row: Any, parent_id: Any, now_ms: int) -> Any:
        message = turns.structs.replace(steer_row.run.input, id=f"{steer_row.run.input.id}2", run_id=row.run.id)
        await turns.add_message(transaction, scope, message, Parent(parent_id))
        return message.id

    with mock.patch.object(steer, "_take_in", take_in):
        yield


@contextmanager
def steer_dropped() -> Iterator[None]:
    """What was handed to an answer is taken out of the queue before the commit that hands it in."""

    async def hand_in(transaction: Any, claim: Any, said: Any, leases: Any, ids: Any, now_ms: int) -> Any:
        scope = claim.row.tenant_id
        for each in await steer._steers(transaction, Tenant(scope), claim.row):
            ended = turns.structs.replace(each.run, input=None, answered_by=claim.row.run.id)
            await turns.end_run(transaction, turns.structs.replace(each, run=ended), turns.Ending("completed"), now_ms)

    with mock.patch.object(schedule, "hand_in", hand_in):
        yield


@contextmanager
def lost_hand_in_forgotten() -> Iterator[None]:
    """Whoever has handed something in and was not told so does not look whether he has."""

    async def is_own(*_: Any) -> bool:
        return False

    with mock.patch.object(lease.Leases, "is_own", is_own):
        yield


@contextmanager
def membership_known_from_before() -> Iterator[None]:
    """Who takes part is looked up once, and not in the transaction that it is needed in."""
    place, known = MemberReader._place, dict[Any, Any]()

    async def remembered(transaction: Any, scope: Any, thread_id: Any) -> Any:
        if known.get((scope, thread_id)) is None:
            known[scope, thread_id] = await place(transaction, scope, thread_id)
        return known[scope, thread_id]

    with mock.patch.object(SqlTransaction, "_place", remembered):
        yield


@contextmanager
def viewers_write() -> Iterator[None]:
    """Whoever reaches a thread may write to it."""
    with mock.patch.object(MemberWriter, "require_writer", SqlReader.require_thread):
        yield


@contextmanager
def removed_readers_stay() -> Iterator[None]:
    """A stream that has begun goes on, whoever is removed."""
    with mock.patch.object(tail, "_removed_at", return_value=None):
        yield


@contextmanager
def removals_noticed_late() -> Iterator[None]:
    """A stream ends with the batch that tells of the removal, and not with the removal."""
    removed_at = tail._removed_at

    def late(scope: Any, entries: Any) -> Any:
        return None if removed_at(scope, entries) is None else len(entries) - 1

    with mock.patch.object(tail, "_removed_at", late):
        yield


@contextmanager
def calls_counted_per_attempt() -> Iterator[None]:
    """After a crash, nobody knows how often agents have called each other."""

    async def forgetful(transaction: Any, run_id: Any, row: Any, ids: Any, now_ms: int) -> Any:
        async def nothing(*_: Any) -> list[Any]:
            return []

        if row.run.attempt == 1:
            return await rooms.call_on(transaction, run_id, row, ids, now_ms)
        with mock.patch.object(transaction, "hops", nothing):
            return await rooms.call_on(transaction, run_id, row, ids, now_ms)

    with mock.patch.object(schedule, "call_on", forgetful):
        yield


@contextmanager
def calls_of_replaced_attempts_lost() -> Iterator[None]:
    """Only the first attempt of an answer calls anybody."""

    async def once(transaction: Any, run_id: Any, row: Any, ids: Any, now_ms: int) -> Any:
        return await rooms.call_on(transaction, run_id, row, ids, now_ms) if row.run.attempt == 1 else None

    with mock.patch.object(schedule, "call_on", once):
        yield


@contextmanager
def role_changes_told_wrong() -> Iterator[None]:
    """The log tells of another role than the row has."""

    def told(member: Any) -> MemberUpdated:
        return MemberUpdated(turns.structs.replace(member, role="member"))

    with mock.patch.object(members, "MemberUpdated", told):
        yield


@contextmanager
def own_words_last() -> Iterator[None]:
    """An agent that has spoken last is asked with its own words."""
    build = schedule.build_prompt

    with mock.patch.object(schedule, "build_prompt", lambda *given: build(*given[:-1])):
        yield


MUTANTS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    mutant.__name__: mutant
    for mutant in (
        epoch_check_off,
        shown_before_commit,
        nudged_before_commit,
        idempotency_record_dropped,
        live_leases_taken,
        leases_never_expire,
        wishes_unheard,
        windows_overlap,
        windows_with_holes,
        queue_turned_round,
        moves_unheeded,
        branches_mixed,
        effects_repeated,
        calls_begun_unsaid,
        lost_rounds_forgotten,
        approvals_not_awaited,
        rounds_not_kept,
        last_decision_counts,
        uncertain_batches_new,
        slow_poll_off,
        steer_taken_twice,
        steer_dropped,
        lost_hand_in_forgotten,
        membership_known_from_before,
        viewers_write,
        removed_readers_stay,
        removals_noticed_late,
        calls_counted_per_attempt,
        calls_of_replaced_attempts_lost,
        role_changes_told_wrong,
        own_words_last,
    )
}
