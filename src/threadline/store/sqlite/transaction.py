"""One transaction on the SQLite file: the writing verbs of `store/contract.py`."""

from typing import Any

import apsw

from threadline.clock import Clock
from threadline.errors import NotFound
from threadline.events import Entry, Event, encode_event
from threadline.ids import KeyId, NodeId, RunId, TenantId, ThreadId
from threadline.limits import DELETE_BATCH_ROWS
from threadline.records import Message
from threadline.scopes import Scope, System
from threadline.store.contract import AttemptRow, KeyRow, Pack, RunRow, SendRow, ThreadRow
from threadline.store.packing import encode_marks
from threadline.store.rows import MESSAGES, RUNS, SENDS, THREADS, to_json
from threadline.store.sqlite.heads import Heads
from threadline.store.sqlite.reader import SqliteReader


def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


_THREAD_SAVED = tuple(name for name in THREADS.columns if name not in ("id", "seq", "created_at"))
_MESSAGE_SAVED = ("content", "status", "usage", "finish_reason", "error", "completed_at")
_RUN_SAVED = tuple(name for name in RUNS.columns if name not in ("id", "thread_id", "created_at"))

_INSERT_THREAD = _insert("threads", (*THREADS.columns, "tenant_id", "tip_message_id"))
_SAVE_THREAD = (
    f"UPDATE threads SET {', '.join(f'{name} = ?' for name in _THREAD_SAVED)}, tip_message_id = ? "
    "WHERE tenant_id = ? AND id = ?"
)
_INSERT_MESSAGE = _insert("messages", (*MESSAGES.columns, "tenant_id"))
_SAVE_MESSAGE = (
    f"UPDATE messages SET {', '.join(f'{name} = ?' for name in _MESSAGE_SAVED)} WHERE tenant_id = ? AND id = ?"
)
_RUN_ENGINE = ("has_turn", "cancel_requested_at", "drained_attempts", "drained_epoch", "last_seq")
_INSERT_RUN = _insert("runs", (*RUNS.columns, "tenant_id", "options", "first_seq", *_RUN_ENGINE))
_SAVE_RUN = (
    f"UPDATE runs SET {', '.join(f'{name} = ?' for name in (*_RUN_SAVED, *_RUN_ENGINE))} WHERE tenant_id = ? AND id = ?"
)
_SWEPT = {
    "messages": "thread_id, seq",
    "runs": "id",
    "sends": "thread_id, end_user_id, key",
    "events": "thread_id, seq",
    "packs": "thread_id, last_seq",
    "unpacked_attempts": "thread_id, run_id, epoch",
    "leases": "run_id",
}


class SqliteTransaction(SqliteReader):
    """The writing verbs. Lives for one script; `entries` are what it has appended."""

    def __init__(self, connection: apsw.Connection, clock: Clock, heads: Heads) -> None:
        super().__init__(connection, clock)
        self._heads = heads
        self.entries: list[Entry] = []

    async def insert_thread(self, scope: Scope, row: ThreadRow) -> None:
        """Store a new thread, without its first event."""
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        self._connection.execute(_INSERT_THREAD, [*THREADS.values(row.thread), row.tenant_id, row.tip_message_id])

    async def save_thread(self, scope: Scope, row: ThreadRow) -> None:
        """Store what changed of a thread, all but its seq, which only `append` moves."""
        self._require_thread(scope, row.thread.id)
        values = _chosen(THREADS.columns, THREADS.values(row.thread), _THREAD_SAVED)
        self._update(_SAVE_THREAD, [*values, row.tip_message_id, scope.tenant_id, row.thread.id])

    async def delete_thread(self, scope: Scope, thread_id: ThreadId, deleted_at: str) -> None:
        """Hide a thread from everybody. Its rows go later, in batches (`sweep_deleted`)."""
        self._require_thread(scope, thread_id)
        self._update(
            "UPDATE threads SET deleted_at = ? WHERE tenant_id = ? AND id = ?",
            [deleted_at, scope.tenant_id, thread_id],
        )

    async def insert_message(self, scope: Scope, message: Message) -> None:
        """Store a new message; its seq must be that of its event."""
        assert message.seq is not None, "a message in the history has a seq"
        self._require_thread(scope, message.thread_id)
        self._connection.execute(_INSERT_MESSAGE, [*MESSAGES.values(message), scope.tenant_id])

    async def save_message(self, scope: Scope, message: Message) -> None:
        """Store how a message ended."""
        self._require_thread(scope, message.thread_id)
        values = _chosen(MESSAGES.columns, MESSAGES.values(message), _MESSAGE_SAVED)
        self._update(_SAVE_MESSAGE, [*values, scope.tenant_id, message.id])

    async def insert_run(self, scope: Scope, row: RunRow) -> None:
        """Store a new run."""
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        self._require_thread(scope, row.run.thread_id)
        more = [row.tenant_id, to_json(row.options), row.first_seq, *_engine_values(row)]
        self._connection.execute(_INSERT_RUN, [*RUNS.values(row.run), *more])

    async def save_run(self, scope: Scope, row: RunRow) -> None:
        """Store what changed of a run."""
        self._require_thread(scope, row.run.thread_id)
        values = _chosen(RUNS.columns, RUNS.values(row.run), _RUN_SAVED)
        self._update(_SAVE_RUN, [*values, *_engine_values(row), scope.tenant_id, row.run.id])

    async def insert_send(self, scope: Scope, row: SendRow) -> None:
        """Remember what an Idempotency-Key was used for."""
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        self._require_thread(scope, row.thread_id)
        self._connection.execute(_insert("sends", SENDS.columns), SENDS.values(row))

    async def append(self, scope: Scope, thread_id: ThreadId, event: Event, run_id: RunId | None) -> int:
        """Give the event the next seq of its thread, store it, and return the seq."""
        seq = await self.next_seq(scope, thread_id)
        self._connection.execute(
            "INSERT INTO events (tenant_id, thread_id, seq, run_id, body) VALUES (?, ?, ?, ?, ?)",
            (scope.tenant_id, thread_id, seq, run_id, encode_event(event).decode()),
        )
        self._update("UPDATE threads SET seq = ? WHERE tenant_id = ? AND id = ?", [seq, scope.tenant_id, thread_id])
        self._heads.move(thread_id, seq)
        self.entries.append(Entry(thread_id, seq, run_id, event))
        return seq

    async def next_seq(self, scope: Scope, thread_id: ThreadId) -> int:
        """Return the seq that the next `append` to this thread will give."""
        seq = self._require_thread(scope, thread_id)
        live = self._heads.get(thread_id)
        return (seq if live is None else live) + 1

    async def take_lease(self, system: System, run: RunRow, node_id: NodeId, epoch: int) -> None:
        """Make `node_id` the one that writes for this run, from `epoch` on."""
        thread_id = run.run.thread_id
        self._connection.execute(
            "INSERT INTO leases (tenant_id, run_id, thread_id, node_id, epoch) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET node_id = excluded.node_id, epoch = excluded.epoch "
            "WHERE excluded.epoch > leases.epoch",
            (run.tenant_id, run.run.id, thread_id, node_id, epoch),
        )
        assert self._connection.changes() == 1, "an epoch only rises"

    async def drop_lease(self, system: System, run_id: RunId) -> None:
        """End the lease of a run, whoever has it."""
        self._connection.execute("DELETE FROM leases WHERE run_id = ?", (run_id,))

    async def renew_node(self, system: System, node_id: NodeId, ttl_seconds: float) -> None:
        """Say that this node lives: its leases hold for `ttl_seconds` more, by the store's clock."""
        self._connection.execute(
            "INSERT INTO nodes (id, live_until_ms) VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET live_until_ms = excluded.live_until_ms",
            (node_id, self._clock.now_ms() + round(ttl_seconds * 1000)),
        )

    async def forget_nodes(self, system: System) -> None:
        """Say that no node lives: every lease has lapsed. Only for whoever has the store for itself."""
        self._connection.execute("DELETE FROM nodes")

    async def open_attempt(self, system: System, attempt: AttemptRow) -> None:
        """Note that deltas of this attempt will come."""
        self._connection.execute(
            "INSERT INTO unpacked_attempts "
            "(tenant_id, thread_id, run_id, epoch, message_id, first_seq, last_seq, delta_floor) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                attempt.tenant_id,
                attempt.thread_id,
                attempt.run_id,
                attempt.epoch,
                attempt.message_id,
                attempt.first_seq,
                attempt.last_seq,
                self._heads.next_delta_id,
            ),
        )
        # From now on deltas move this thread's head without touching its row.
        self._heads.watch(attempt.thread_id, attempt.first_seq - 1)

    async def close_attempt(self, system: System, run: RunRow, epoch: int, last_seq: int) -> None:
        """Note that no more deltas of this attempt will come."""
        self._connection.execute(
            "UPDATE unpacked_attempts SET last_seq = ? "
            "WHERE tenant_id = ? AND thread_id = ? AND run_id = ? AND epoch = ?",
            (last_seq, run.tenant_id, run.run.thread_id, run.run.id, epoch),
        )
        self._heads.unwatch(run.run.thread_id)

    async def insert_pack(self, system: System, attempt: AttemptRow, pack: Pack, is_last: bool) -> None:
        """Store a pack; with the last one of an attempt its deltas are free to be pruned."""
        self._connection.execute(
            "INSERT INTO packs (tenant_id, thread_id, last_seq, first_seq, run_id, message_id, epoch, marks, text) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                attempt.tenant_id,
                attempt.thread_id,
                pack.last_seq,
                pack.first_seq,
                pack.run_id,
                pack.message_id,
                pack.epoch,
                encode_marks(pack),
                pack.text,
            ),
        )
        if is_last:
            await self.forget_attempt(system, attempt)
            return
        # What was said since the pack was read is not in it: the floor rises to the first of that, and no further.
        left = self._one(
            "SELECT min(deltas.id) FROM deltas JOIN unpacked_attempts USING (run_id) WHERE deltas.id >= delta_floor "
            "AND seq > ? AND tenant_id = ? AND thread_id = ? AND run_id = ? AND epoch = ?",
            (pack.last_seq, *_attempt_key(attempt)),
        )
        assert left is not None, "an aggregate gives a row"
        floor = self._heads.next_delta_id if left[0] is None else left[0]
        self._connection.execute(
            "UPDATE unpacked_attempts SET first_seq = ?, delta_floor = ? "
            "WHERE tenant_id = ? AND thread_id = ? AND run_id = ? AND epoch = ?",
            (pack.last_seq + 1, floor, *_attempt_key(attempt)),
        )

    async def forget_attempt(self, system: System, attempt: AttemptRow) -> None:
        """Close the books on an attempt that has no deltas."""
        self._connection.execute(
            "DELETE FROM unpacked_attempts WHERE tenant_id = ? AND thread_id = ? AND run_id = ? AND epoch = ?",
            _attempt_key(attempt),
        )

    async def prune_deltas(self, system: System) -> int:
        """Remove deltas that no unpacked attempt needs. Returns how many went."""
        floor = self._one("SELECT min(delta_floor) FROM unpacked_attempts", ())
        assert floor is not None, "an aggregate gives a row"
        upto = self._heads.next_delta_id if floor[0] is None else floor[0]
        self._connection.execute("DELETE FROM deltas WHERE id < ?", (upto,))
        return self._connection.changes()

    async def insert_tenant(self, system: System, tenant_id: TenantId, name: str, created_at: str) -> None:
        """Store a new tenant."""
        self._connection.execute(
            "INSERT INTO tenants (id, name, created_at) VALUES (?, ?, ?)", (tenant_id, name, created_at)
        )

    async def insert_key(self, scope: Scope, row: KeyRow) -> None:
        """Store a new key."""
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        self._connection.execute(
            "INSERT INTO keys (tenant_id, id, name, role, secret_hash, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (row.tenant_id, row.id, row.name, row.role, row.secret_hash, row.created_at),
        )

    async def revoke_key(self, scope: Scope, key_id: KeyId, revoked_at: str) -> None:
        """Make a key useless from now on. Raises NotFound; revoking twice is fine."""
        self._update(
            "UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE tenant_id = ? AND id = ?",
            [revoked_at, scope.tenant_id, key_id],
        )

    async def sweep_sends(self, system: System, created_before: str) -> int:
        """Forget Idempotency-Keys used before that time. Returns how many went."""
        self._connection.execute(
            "DELETE FROM sends WHERE (tenant_id, thread_id, end_user_id, key) IN ("
            "SELECT tenant_id, thread_id, end_user_id, key FROM sends WHERE created_at < ? LIMIT ?)",
            (created_before, DELETE_BATCH_ROWS),
        )
        return self._connection.changes()

    async def sweep_deleted(self, system: System) -> int:
        """Remove one batch of rows of deleted threads. Returns how many went; 0 means done."""
        row = self._one("SELECT tenant_id, id FROM threads WHERE deleted_at IS NOT NULL LIMIT 1", ())
        if row is None:
            return 0
        for table, key in _SWEPT.items():
            self._connection.execute(
                f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} "
                "WHERE tenant_id = ?1 AND thread_id = ?2 LIMIT ?3) AND tenant_id = ?1",
                (*row, DELETE_BATCH_ROWS),
            )
            if gone := self._connection.changes():
                return gone
        self._connection.execute("DELETE FROM threads WHERE tenant_id = ? AND id = ?", row)
        return 1

    def _update(self, sql: str, values: list[Any]) -> None:
        self._connection.execute(sql, values)
        if self._connection.changes() != 1:
            raise NotFound


def _chosen(columns: tuple[str, ...], values: list[Any], wanted: tuple[str, ...]) -> list[Any]:
    given = dict(zip(columns, values, strict=True))
    return [given[name] for name in wanted]


def _engine_values(row: RunRow) -> list[Any]:
    return [int(row.has_turn), row.cancel_requested_at, row.drained_attempts, row.drained_epoch, row.last_seq]


def _attempt_key(attempt: AttemptRow) -> tuple[TenantId, ThreadId, RunId, int]:
    return attempt.tenant_id, attempt.thread_id, attempt.run_id, attempt.epoch
