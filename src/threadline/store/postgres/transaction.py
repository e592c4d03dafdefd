"""One transaction on PostgreSQL: the writing verbs that concern the deltas, the seqs and the store's clock.

Whoever touches a thread in here has it to himself until the end of the transaction: the first verb that names a thread
locks the row of its head. What a script reads of a thread therefore stays true while it writes, as it does on SQLite
where there is one writer, and two sends of one key, or two claims of one run, come one after the other.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from threadline.events import Entry, Event, encode_event
from threadline.ids import MessageId, NodeId, RunId, TenantId, ThreadId
from threadline.records import Message
from threadline.scopes import Scope, System
from threadline.store.contract import AttemptRow, LeaseRow, Pack, RunRow, ThreadRow
from threadline.store.packing import encode_marks
from threadline.store.postgres.reader import PostgresReader
from threadline.store.postgres.schema import newest_version
from threadline.store.rows import THREADS
from threadline.store.sql.reader import ATTEMPT_KEY
from threadline.store.sql.statements import Row
from threadline.store.sql.transaction import SWEPT, SqlTransaction, attempt_key, chosen, insert_into

_THREAD_COLUMNS = tuple(name for name in THREADS.columns if name != "seq")
_INSERT_THREAD = insert_into("threads", (*_THREAD_COLUMNS, "tenant_id"))
_INSERT_EVENTS = (
    "WITH stored AS (INSERT INTO events (tenant_id, thread_id, seq, run_id, body) "
    "SELECT $1, $2, $3 + number, $4, body FROM unnest($5::text[]) WITH ORDINALITY AS said(body, number)) "
    "UPDATE heads SET head_seq = $3 + cardinality($5) "
    "WHERE head_tenant_id = $1 AND head_thread_id = $2 AND head_seq = $3 "
    "RETURNING pg_current_xact_id()::text"
)


class Receipt(NamedTuple):
    """What tells whether a transaction was committed: its number, and the last event that it has appended.

    The number alone would do on one server. A replica that was promoted before it got the transaction gives the same
    number to another one.
    """

    xid: str
    tenant_id: TenantId
    thread_id: ThreadId
    seq: int
    body: str


class PostgresTransaction(PostgresReader, SqlTransaction):
    """The writing verbs. Lives for one script; `entries` are what it has appended, `receipt` is how to ask after it."""

    SWEPT: ClassVar[dict[str, str]] = {**SWEPT, "deltas": "thread_id, seq"}

    def __init__(self, connection: Any) -> None:
        PostgresReader.__init__(self, connection)
        SqlTransaction.__init__(self, self._sql)
        self.receipt: Receipt | None = None
        self._held: set[tuple[TenantId, ThreadId]] = set()
        self._runs_held: set[RunId] = set()
        "The runs of which it is known that their thread is held."

    async def insert_thread(self, scope: Scope, row: ThreadRow) -> None:
        """Store a new thread, without its first event."""
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        values = chosen(THREADS.columns, THREADS.values(row.thread), _THREAD_COLUMNS)
        await self._sql.run(_INSERT_THREAD, [*values, row.tenant_id])
        await self._sql.run(
            "INSERT INTO heads (head_tenant_id, head_thread_id, head_seq) VALUES (?, ?, ?)",
            (row.tenant_id, row.thread.id, row.thread.seq),
        )

    async def message(self, scope: Scope, message_id: MessageId) -> Message:
        """Return a message. Raises NotFound."""
        held = set(self._held)
        found = await super().message(scope, message_id)
        if (scope.tenant_id, found.thread_id) in held:
            return found
        # Read before its thread was locked, it said only which thread to lock.
        return await super().message(scope, message_id)

    async def run(self, scope: Scope, run_id: RunId) -> RunRow:
        """Return a run. Raises NotFound."""
        held = set(self._held)
        found = await super().run(scope, run_id)
        if (scope.tenant_id, found.run.thread_id) not in held:
            found = await super().run(scope, run_id)
        self._runs_held.add(run_id)
        return found

    async def lease(self, system: System, run_id: RunId) -> LeaseRow | None:
        """Return who writes for a run, if somebody does; nobody takes it over before the end of this transaction."""
        if run_id not in self._runs_held:
            # A run stays in its thread, so what says where that is needs no lock.
            found = await self._sql.one(
                "SELECT head_tenant_id, head_thread_id FROM heads WHERE (head_tenant_id, head_thread_id) = "
                "(SELECT tenant_id, thread_id FROM runs WHERE id = ?) FOR UPDATE",
                (run_id,),
            )
            if found is not None:
                self._held.add((found[0], found[1]))
                self._runs_held.add(run_id)
        return await super().lease(system, run_id)

    async def append(self, scope: Scope, thread_id: ThreadId, event: Event, run_id: RunId | None) -> int:
        """Give the event the next seq of its thread, store it, and return the seq."""
        (seq,) = await self.append_all(scope, thread_id, [event], run_id)
        return seq

    async def append_all(
        self, scope: Scope, thread_id: ThreadId, events: Sequence[Event], run_id: RunId | None
    ) -> list[int]:
        """Append several events, one behind the other; return their seqs."""
        await self.require_writer(scope, thread_id)
        if not events:
            return []
        head = await self.head(scope, thread_id)
        bodies = [encode_event(event).decode() for event in events]
        row = await self._sql.one(_INSERT_EVENTS, (scope.tenant_id, thread_id, head, run_id, bodies))
        assert row is not None, "whoever has the head locked moves it"
        seqs = list(range(head + 1, head + 1 + len(events)))
        self.receipt = Receipt(row[0], scope.tenant_id, thread_id, seqs[-1], bodies[-1])
        self._note_seq(scope.tenant_id, thread_id, seqs[-1])
        self.entries += [Entry(thread_id, seq, run_id, event) for seq, event in zip(seqs, events, strict=True)]
        return seqs

    async def next_seq(self, scope: Scope, thread_id: ThreadId) -> int:
        """Return the seq that the next `append` to this thread will give."""
        return await self.require_thread(scope, thread_id) + 1

    async def renew_node(self, system: System, node_id: NodeId, ttl_seconds: float) -> None:
        """Say that this node lives: its leases hold for `ttl_seconds` more, by the store's clock."""
        await self._sql.run(
            "INSERT INTO nodes (id, live_until, knows) VALUES (?, clock_timestamp() + make_interval(secs => ?), ?) "
            "ON CONFLICT (id) DO UPDATE SET live_until = excluded.live_until",
            (node_id, ttl_seconds, newest_version()),
        )

    async def sweep_nodes(self, system: System, silent_seconds: float) -> int:
        """Forget nodes that have been silent for so long, and what their last batches have become; returns how many."""
        silent = "clock_timestamp() - make_interval(secs => ?)"
        gone = await self._sql.run(
            f"DELETE FROM nodes WHERE live_until < {silent} "
            "AND NOT EXISTS (SELECT 1 FROM leases WHERE node_id = nodes.id)",
            (silent_seconds,),
        )
        # A writer that wakes up sends its last batch again. Where its row is gone, the fence alone refuses that batch;
        # so no row goes while a lease of somebody silent is left, whoever's it may be.
        return gone + await self._sql.run(
            f"DELETE FROM writers WHERE written_at < {silent} AND NOT EXISTS ("
            "SELECT 1 FROM leases LEFT JOIN nodes ON nodes.id = node_id "
            "WHERE coalesce(live_until <= clock_timestamp(), true))",
            (silent_seconds,),
        )

    async def open_attempt(self, system: System, attempt: AttemptRow) -> None:
        """Note that deltas of this attempt will come."""
        await self._sql.run(
            "INSERT INTO unpacked_attempts (tenant_id, thread_id, run_id, epoch, message_id, first_seq, last_seq) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*attempt_key(attempt), attempt.message_id, attempt.first_seq, attempt.last_seq),
        )

    async def close_attempt(self, system: System, run: RunRow, epoch: int, last_seq: int) -> None:
        """Note that no more deltas of this attempt will come."""
        await self._sql.run(
            f"UPDATE unpacked_attempts SET last_seq = ? WHERE {ATTEMPT_KEY}",
            (last_seq, run.tenant_id, run.run.thread_id, run.run.id, epoch),
        )

    async def insert_pack(self, system: System, attempt: AttemptRow, pack: Pack, is_last: bool) -> None:
        """Store a pack, and remove the deltas that are in it; they are in one place or in the other."""
        await self._sql.run(
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
        await self._sql.run(
            "DELETE FROM deltas WHERE thread_id = ? AND run_id = ? AND epoch = ? AND seq <= ?",
            (attempt.thread_id, attempt.run_id, attempt.epoch, pack.last_seq),
        )
        if is_last:
            await self.forget_attempt(system, attempt)
            return
        await self._sql.run(
            f"UPDATE unpacked_attempts SET first_seq = ? WHERE {ATTEMPT_KEY}",
            (pack.last_seq + 1, *attempt_key(attempt)),
        )

    async def prune_deltas(self, system: System) -> int:
        """Remove deltas that no unpacked attempt needs: none here, they go with their pack."""
        return 0

    async def _sweep_thread(self, tenant_id: TenantId, thread_id: ThreadId) -> int:
        """Remove a batch of the rows of one deleted thread, its head with its last row."""
        # Held, as by whoever writes to it: a batch of deltas that is on its way is in the table before we look there.
        await self._hold(tenant_id, thread_id)
        gone = await super()._sweep_thread(tenant_id, thread_id)
        await self._sql.run(
            "DELETE FROM heads WHERE head_tenant_id = ? AND head_thread_id = ? "
            "AND NOT EXISTS (SELECT 1 FROM threads WHERE tenant_id = head_tenant_id AND id = head_thread_id)",
            (tenant_id, thread_id),
        )
        return gone

    async def _find_thread(self, scope: Scope, thread_id: ThreadId) -> Row | None:
        await self._hold(scope.tenant_id, thread_id)
        return await super()._find_thread(scope, thread_id)

    async def _owner_and_seq(self, tenant_id: TenantId, thread_id: ThreadId) -> Row | None:
        await self._hold(tenant_id, thread_id)
        return await super()._owner_and_seq(tenant_id, thread_id)

    async def _hold(self, tenant_id: TenantId, thread_id: ThreadId) -> None:
        """Have the thread to ourselves from here on."""
        if (tenant_id, thread_id) not in self._held:
            await self._sql.one(
                "SELECT 1 FROM heads WHERE head_tenant_id = ? AND head_thread_id = ? FOR UPDATE", (tenant_id, thread_id)
            )
            self._held.add((tenant_id, thread_id))
