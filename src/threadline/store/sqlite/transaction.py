"""One transaction on the SQLite file: the writing verbs that concern the deltas, the seqs and the store's clock."""

from collections.abc import Sequence

import apsw

from threadline.clock import Clock
from threadline.events import Entry, Event, encode_event
from threadline.ids import NodeId, RunId, ThreadId
from threadline.scopes import Scope, System
from threadline.store.contract import AttemptRow, Pack, RunRow
from threadline.store.packing import encode_marks
from threadline.store.sql.reader import ATTEMPT_KEY
from threadline.store.sql.transaction import SqlTransaction, attempt_key
from threadline.store.sqlite.heads import Heads
from threadline.store.sqlite.reader import SqliteReader


class SqliteTransaction(SqliteReader, SqlTransaction):
    """The writing verbs. Lives for one script; `entries` are what it has appended."""

    def __init__(self, connection: apsw.Connection, clock: Clock, heads: Heads) -> None:
        SqliteReader.__init__(self, connection, clock)
        SqlTransaction.__init__(self, self._sql)
        self._heads = heads

    async def append(self, scope: Scope, thread_id: ThreadId, event: Event, run_id: RunId | None) -> int:
        """Give the event the next seq of its thread, store it, and return the seq."""
        await self.require_writer(scope, thread_id)
        seq = await self.next_seq(scope, thread_id)
        await self._sql.run(
            "INSERT INTO events (tenant_id, thread_id, seq, run_id, body) VALUES (?, ?, ?, ?, ?)",
            (scope.tenant_id, thread_id, seq, run_id, encode_event(event).decode()),
        )
        await self._update(
            "UPDATE threads SET seq = ? WHERE tenant_id = ? AND id = ?", [seq, scope.tenant_id, thread_id]
        )
        self._note_seq(scope.tenant_id, thread_id, seq)
        self._heads.move(thread_id, seq)
        self.entries.append(Entry(thread_id, seq, run_id, event))
        return seq

    async def append_all(
        self, scope: Scope, thread_id: ThreadId, events: Sequence[Event], run_id: RunId | None
    ) -> list[int]:
        """Append several events, one behind the other; return their seqs."""
        return [await self.append(scope, thread_id, event, run_id) for event in events]

    async def next_seq(self, scope: Scope, thread_id: ThreadId) -> int:
        """Return the seq that the next `append` to this thread will give."""
        seq = await self.require_thread(scope, thread_id)
        live = self._heads.get(thread_id)
        return (seq if live is None else live) + 1

    async def renew_node(self, system: System, node_id: NodeId, ttl_seconds: float) -> None:
        """Say that this node lives: its leases hold for `ttl_seconds` more, by the store's clock."""
        await self._sql.run(
            "INSERT INTO nodes (id, live_until_ms) VALUES (?, ?) "
            "ON CONFLICT (id) DO UPDATE SET live_until_ms = excluded.live_until_ms",
            (node_id, self._clock.now_ms() + round(ttl_seconds * 1000)),
        )

    async def sweep_nodes(self, system: System, silent_seconds: float) -> int:
        """Forget nodes that have been silent for so long and that no lease names. Returns how many."""
        return await self._sql.run(
            "DELETE FROM nodes WHERE live_until_ms < ? AND NOT EXISTS (SELECT 1 FROM leases WHERE node_id = nodes.id)",
            (self._clock.now_ms() - round(silent_seconds * 1000),),
        )

    async def open_attempt(self, system: System, attempt: AttemptRow) -> None:
        """Note that deltas of this attempt will come."""
        await self._sql.run(
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
        await self._sql.run(
            f"UPDATE unpacked_attempts SET last_seq = ? WHERE {ATTEMPT_KEY}",
            (last_seq, run.tenant_id, run.run.thread_id, run.run.id, epoch),
        )
        self._heads.unwatch(run.run.thread_id)

    async def insert_pack(self, system: System, attempt: AttemptRow, pack: Pack, is_last: bool) -> None:
        """Store a pack; with the last one of an attempt its deltas are free to be pruned."""
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
        if is_last:
            await self.forget_attempt(system, attempt)
            return
        # What was said since the pack was read is not in it: the floor rises to the first of that, and no further.
        left = await self._sql.one(
            "SELECT min(deltas.id) FROM deltas JOIN unpacked_attempts USING (run_id) WHERE deltas.id >= delta_floor "
            "AND seq > ? AND tenant_id = ? AND thread_id = ? AND run_id = ? AND epoch = ?",
            (pack.last_seq, *attempt_key(attempt)),
        )
        assert left is not None, "an aggregate gives a row"
        floor = self._heads.next_delta_id if left[0] is None else left[0]
        await self._sql.run(
            f"UPDATE unpacked_attempts SET first_seq = ?, delta_floor = ? WHERE {ATTEMPT_KEY}",
            (pack.last_seq + 1, floor, *attempt_key(attempt)),
        )

    async def prune_deltas(self, system: System) -> int:
        """Remove deltas that no unpacked attempt needs. Returns how many went."""
        floor = await self._sql.one("SELECT min(delta_floor) FROM unpacked_attempts", ())
        assert floor is not None, "an aggregate gives a row"
        upto = self._heads.next_delta_id if floor[0] is None else floor[0]
        return await self._sql.run("DELETE FROM deltas WHERE id < ?", (upto,))
