"""One snapshot of the SQLite file: the reading verbs of `store/contract.py`.

The verbs are coroutines that never suspend: a script written once runs here in a worker thread and on PostgreSQL in the
event loop.
"""

from collections.abc import Sequence
from typing import Any

import apsw

from threadline.clock import Clock
from threadline.errors import NotFound
from threadline.events import Entry, MessageDelta
from threadline.ids import KeyId, MessageId, RunId, TenantId, ThreadId
from threadline.records import Message, Thread
from threadline.scopes import EndUser, Scope, System
from threadline.store.contract import (
    AttemptRow,
    KeyRow,
    LeaseRow,
    MessageQuery,
    RunRow,
    SendRow,
    ThreadQuery,
    ThreadRow,
)
from threadline.store.packing import KINDS
from threadline.store.rows import KEYS, MESSAGES, RUNS, SENDS, THREADS, to_options
from threadline.store.sqlite.log import read_log

_THREAD = f"SELECT {', '.join(THREADS.columns)}, tip_message_id, tenant_id, deleted_at FROM threads"
_MESSAGE = f"SELECT {', '.join(MESSAGES.columns)} FROM messages"
_RUN_HIDDEN = "tenant_id, options, has_turn, first_seq, cancel_requested_at, drained_attempts, drained_epoch, last_seq"
_RUN = f"SELECT {', '.join(RUNS.columns)}, {_RUN_HIDDEN} FROM runs"
_SEND = f"SELECT {', '.join(SENDS.columns)} FROM sends"
_KEY = (
    "SELECT keys.id, tenant_id, tenants.name, keys.name, role, secret_hash, keys.created_at, revoked_at "
    "FROM keys JOIN tenants ON tenants.id = tenant_id"
)
_ATTEMPT = (
    "SELECT tenant_id, thread_id, run_id, message_id, epoch, first_seq, last_seq, "
    "coalesce((SELECT max(id) FROM deltas), 0) - delta_floor FROM unpacked_attempts"
)
_OPEN = "status IN ('queued', 'running', 'waiting')"


class SqliteReader:
    """The reading verbs. Lives for one script on one connection."""

    def __init__(self, connection: apsw.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    async def thread(self, scope: Scope, thread_id: ThreadId) -> ThreadRow:
        """Return a thread. Raises NotFound: unknown, deleted, and out of scope are the same answer."""
        row = self._thread_row(scope, thread_id)
        if row is None or row[-1] is not None:
            raise NotFound
        return _thread_row(row)

    async def head(self, scope: Scope, thread_id: ThreadId) -> int:
        """Return the seq of the thread's last event, live deltas included. Raises NotFound."""
        row = await self.thread(scope, thread_id)
        return self._head(row.tenant_id, thread_id, row.thread.seq)

    async def thread_by_external_id(self, scope: Scope, end_user_id: str | None, external_id: str) -> ThreadRow | None:
        """Return the thread that this end user has under this id of another system."""
        row = self._one(
            f"{_THREAD} WHERE tenant_id = ? AND coalesce(end_user_id, '') = ? AND external_id = ? "
            "AND deleted_at IS NULL",
            (scope.tenant_id, end_user_id or "", external_id),
        )
        if row is None:
            return None
        found = _thread_row(row)
        return found if scope.may_reach(found.thread.end_user_id, found.thread.id) else None

    async def threads(self, scope: Scope, query: ThreadQuery) -> list[Thread]:
        """List threads: pinned first, then latest activity. Returns up to `query.limit` of them."""
        where, values = _thread_filter(scope, query)
        rows = self._connection.execute(
            f"{_THREAD} WHERE {' AND '.join(where)} ORDER BY pinned DESC, last_activity_at DESC, id DESC LIMIT ?",
            (*values, query.limit),
        )
        return [_thread_row(row).thread for row in rows]

    async def message(self, scope: Scope, message_id: MessageId) -> Message:
        """Return a message. Raises NotFound."""
        row = self._one(f"{_MESSAGE} WHERE tenant_id = ? AND id = ?", (scope.tenant_id, message_id))
        if row is None:
            raise NotFound
        message = MESSAGES.record(row)
        self._require_thread(scope, message.thread_id)
        return message

    async def messages(self, scope: Scope, thread_id: ThreadId, query: MessageQuery) -> list[Message]:
        """List messages of a thread in the order of their seqs. Raises NotFound."""
        self._require_thread(scope, thread_id)
        order, compared = ("DESC", "<") if query.descending else ("ASC", ">")
        beyond = "" if query.after is None else f"AND seq {compared} {int(query.after)}"
        rows = self._connection.execute(
            f"{_MESSAGE} WHERE tenant_id = ? AND thread_id = ? {beyond} ORDER BY seq {order} LIMIT ?",
            (scope.tenant_id, thread_id, query.limit),
        )
        return [MESSAGES.record(row) for row in rows]

    async def run(self, scope: Scope, run_id: RunId) -> RunRow:
        """Return a run. Raises NotFound."""
        row = self._one(f"{_RUN} WHERE tenant_id = ? AND id = ?", (scope.tenant_id, run_id))
        if row is None:
            raise NotFound
        found = _run_row(row)
        self._require_thread(scope, found.run.thread_id)
        return found

    async def open_runs(self, scope: Scope, thread_id: ThreadId) -> list[RunRow]:
        """Return the thread's runs that have not ended, in the order of their sends."""
        self._require_thread(scope, thread_id)
        rows = self._connection.execute(
            f"{_RUN} WHERE {_OPEN} AND tenant_id = ? AND thread_id = ? ORDER BY id", (scope.tenant_id, thread_id)
        )
        return [_run_row(row) for row in rows]

    async def send(self, scope: Scope, thread_id: ThreadId, end_user_id: str, key: str) -> SendRow | None:
        """Return what this Idempotency-Key was used for. Raises NotFound for the thread."""
        self._require_thread(scope, thread_id)
        row = self._one(
            f"{_SEND} WHERE tenant_id = ? AND thread_id = ? AND end_user_id = ? AND key = ?",
            (scope.tenant_id, thread_id, end_user_id, key),
        )
        return None if row is None else SENDS.record(row)

    async def log(
        self, scope: Scope, thread_id: ThreadId, after: int, upto: int, bytes_max: int | None = None
    ) -> list[Entry]:
        """Return the entries with `after` < seq <= `upto`, without a hole; fewer, but one, over `bytes_max`."""
        if self._thread_row(scope, thread_id) is None:
            raise NotFound
        return read_log(self._connection, scope.tenant_id, thread_id, after, upto, bytes_max)

    async def keys(self, scope: Scope) -> list[KeyRow]:
        """Return the tenant's keys, revoked ones too, oldest first."""
        rows = self._connection.execute(f"{_KEY} WHERE tenant_id = ? ORDER BY keys.id", (scope.tenant_id,))
        return [KEYS.record(row) for row in rows]

    async def key_by_id(self, system: System, key_id: KeyId) -> KeyRow | None:
        """Return a key for authentication."""
        row = self._one(f"{_KEY} WHERE keys.id = ?", (key_id,))
        return None if row is None else KEYS.record(row)

    async def tenant_by_name(self, system: System, name: str) -> TenantId | None:
        """Return the tenant of this name."""
        return _tenant(self._one("SELECT id FROM tenants WHERE name = ?", (name,)))

    async def locate_thread(self, system: System, thread_id: ThreadId) -> TenantId | None:
        """Say whose a thread is, for operators. Deleted threads are not found."""
        return _tenant(self._one("SELECT tenant_id FROM threads WHERE id = ? AND deleted_at IS NULL", (thread_id,)))

    async def locate_run(self, system: System, run_id: RunId) -> TenantId | None:
        """Say whose a run is, for operators."""
        return _tenant(self._one("SELECT tenant_id FROM runs WHERE id = ?", (run_id,)))

    async def lease(self, system: System, run_id: RunId) -> LeaseRow | None:
        """Return who writes for this run."""
        row = self._one(
            "SELECT tenant_id, run_id, thread_id, node_id, epoch, coalesce(live_until_ms > ?, 0) "
            "FROM leases LEFT JOIN nodes ON nodes.id = node_id WHERE run_id = ?",
            (self._clock.now_ms(), run_id),
        )
        if row is None:
            return None
        tenant_id, found, thread_id, node_id, epoch, is_live = row
        return LeaseRow(tenant_id, found, thread_id, node_id, epoch, bool(is_live))

    async def claimable(self, system: System) -> list[RunRow]:
        """Return the runs that have the turn and no live owner: new ones, and those whose owner is gone."""
        rows = self._connection.execute(
            f"{_RUN} WHERE {_OPEN} AND has_turn = 1 AND NOT EXISTS ("
            "SELECT 1 FROM leases JOIN nodes ON nodes.id = node_id "
            "WHERE leases.tenant_id = runs.tenant_id AND run_id = runs.id AND live_until_ms > ?) ORDER BY id",
            (self._clock.now_ms(),),
        )
        return [_run_row(row) for row in rows]

    async def heads(self, system: System, thread_ids: Sequence[ThreadId]) -> dict[ThreadId, int]:
        """Return the head of each thread, for the slow poll behind the bus."""
        found: dict[ThreadId, int] = {}
        for thread_id in thread_ids:
            row = self._one("SELECT tenant_id, seq FROM threads WHERE id = ?", (thread_id,))
            if row is not None:
                found[thread_id] = self._head(row[0], thread_id, row[1])
        return found

    async def unpacked_attempts(self, system: System) -> list[AttemptRow]:
        """Return the attempts whose deltas are not packed."""
        return [_attempt_row(row) for row in self._connection.execute(f"{_ATTEMPT} ORDER BY delta_floor")]

    async def unpacked_attempt(self, system: System, attempt: AttemptRow) -> AttemptRow | None:
        """Return how far the packing of one attempt is; None when it is done."""
        row = self._one(
            f"{_ATTEMPT} WHERE tenant_id = ? AND thread_id = ? AND run_id = ? AND epoch = ?",
            (attempt.tenant_id, attempt.thread_id, attempt.run_id, attempt.epoch),
        )
        return None if row is None else _attempt_row(row)

    async def deltas(self, system: System, attempt: AttemptRow) -> list[tuple[int, MessageDelta]]:
        """Return the unpacked deltas of an attempt with their seqs, in order."""
        rows = self._connection.execute(
            "SELECT seq, block, kind, text FROM deltas WHERE run_id = ? AND seq >= ? AND seq <= ? AND id >= ("
            "SELECT delta_floor FROM unpacked_attempts "
            "WHERE tenant_id = ? AND thread_id = ? AND run_id = ? AND epoch = ?) ORDER BY seq",
            (
                attempt.run_id,
                attempt.first_seq,
                attempt.last_seq if attempt.last_seq is not None else 2**62,
                attempt.tenant_id,
                attempt.thread_id,
                attempt.run_id,
                attempt.epoch,
            ),
        )
        return [(seq, MessageDelta(attempt.message_id, block, KINDS[kind], text)) for seq, block, kind, text in rows]

    def _head(self, tenant_id: TenantId, thread_id: ThreadId, stored: int) -> int:
        # Deltas do not touch the thread's row; its seq is that of the last other event. The newest delta is near
        # the end of the table while its run is alive, and bounded by the attempt's floor when it is not.
        head = stored
        attempts = self._connection.execute(
            "SELECT run_id, delta_floor, first_seq FROM unpacked_attempts "
            "WHERE tenant_id = ? AND thread_id = ? AND last_seq IS NULL",
            (tenant_id, thread_id),
        )
        for run_id, floor, first_seq in list(attempts):
            newest = self._one(
                "SELECT seq FROM deltas WHERE id >= ? AND run_id = ? ORDER BY id DESC LIMIT 1", (floor, run_id)
            )
            # Without a delta left the attempt begins behind what is packed of it already.
            head = max(head, newest[0] if newest else first_seq - 1)
        return head

    def _thread_row(self, scope: Scope, thread_id: ThreadId) -> tuple[Any, ...] | None:
        row = self._one(f"{_THREAD} WHERE tenant_id = ? AND id = ?", (scope.tenant_id, thread_id))
        if row is None:
            return None
        owner = row[THREADS.columns.index("end_user_id")]
        return row if scope.may_reach(owner, thread_id) else None

    def _require_thread(self, scope: Scope, thread_id: ThreadId) -> int:
        """Raise NotFound where a thread is unknown, deleted or out of scope; return the seq in its row."""
        row = self._one(
            "SELECT end_user_id, seq FROM threads WHERE tenant_id = ? AND id = ? AND deleted_at IS NULL",
            (scope.tenant_id, thread_id),
        )
        if row is None or not scope.may_reach(row[0], thread_id):
            raise NotFound
        return int(row[1])

    def _one(self, sql: str, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
        return self._connection.execute(sql, values).fetchone()


def _thread_filter(scope: Scope, query: ThreadQuery) -> tuple[list[str], list[Any]]:
    where, values = ["tenant_id = ?", "deleted_at IS NULL"], [scope.tenant_id]

    def narrow(condition: str, *given: Any) -> None:
        where.append(condition)
        values.extend(given)

    if isinstance(scope, EndUser):
        narrow("end_user_id = ?", scope.end_user_id)
        if scope.thread_ids is not None:
            marks = ", ".join("?" * len(scope.thread_ids))
            narrow(f"id IN ({marks})", *sorted(scope.thread_ids))
    if query.end_user_id is not None:
        narrow("end_user_id = ?", query.end_user_id)
    if query.archived is not None:
        narrow("archived = ?", int(query.archived))
    if query.q is not None:
        narrow("instr(lower(coalesce(title, '')), lower(?)) > 0", query.q)
    if query.after is not None:
        narrow("(pinned, last_activity_at, id) < (?, ?, ?)", int(query.after[0]), *query.after[1:])
    return where, values


def _thread_row(row: tuple[Any, ...]) -> ThreadRow:
    return ThreadRow(tenant_id=row[-2], thread=THREADS.record(row), tip_message_id=row[-3])


def _run_row(row: tuple[Any, ...]) -> RunRow:
    tenant_id, options, has_turn, first_seq, cancelled, drained, drained_epoch, last_seq = row[len(RUNS.columns) :]
    return RunRow(
        tenant_id=tenant_id,
        run=RUNS.record(row),
        options=to_options(options),
        has_turn=bool(has_turn),
        first_seq=first_seq,
        cancel_requested_at=cancelled,
        drained_attempts=drained,
        drained_epoch=drained_epoch,
        last_seq=last_seq,
    )


def _attempt_row(row: tuple[Any, ...]) -> AttemptRow:
    tenant_id, thread_id, run_id, message_id, epoch, first_seq, last_seq, rows_behind = row
    return AttemptRow(tenant_id, thread_id, run_id, message_id, epoch, first_seq, last_seq, rows_behind)


def _tenant(row: tuple[Any, ...] | None) -> TenantId | None:
    return None if row is None else TenantId(row[0])
