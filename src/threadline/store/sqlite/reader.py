"""One snapshot of the SQLite file: the reading verbs that concern the deltas, the leases and the store's clock."""

from collections.abc import Sequence

import apsw

from threadline.clock import Clock
from threadline.errors import NotFound
from threadline.events import Entry, MessageDelta
from threadline.ids import RunId, TenantId, ThreadId
from threadline.scopes import Scope, System
from threadline.store.contract import AttemptRow, LeaseRow, RunRow
from threadline.store.packing import KINDS
from threadline.store.sql.reader import ATTEMPT_KEY, OPEN, RUN, SqlReader, attempt_row, run_row, select_threads
from threadline.store.sqlite.log import read_log
from threadline.store.sqlite.statements import SqliteStatements

_ATTEMPT = (
    "SELECT tenant_id, thread_id, run_id, message_id, epoch, first_seq, last_seq, "
    "coalesce((SELECT max(id) FROM deltas), 0) - delta_floor FROM unpacked_attempts"
)


class SqliteReader(SqlReader):
    """The reading verbs. Lives for one script on one connection."""

    THREAD = select_threads("threads", "seq")
    OWNER_AND_SEQ = "SELECT end_user_id, seq FROM threads"
    POSITION = "instr"

    def __init__(self, connection: apsw.Connection, clock: Clock) -> None:
        super().__init__(SqliteStatements(connection))
        self._connection = connection
        self._clock = clock

    def _now_ms(self) -> str:
        return str(int(self._clock.now_ms()))

    def _is_live(self) -> str:
        return f"live_until_ms > {self._now_ms()}"

    async def head(self, scope: Scope, thread_id: ThreadId) -> int:
        """Return the seq of the thread's last event, live deltas included. Raises NotFound."""
        row = await self.thread(scope, thread_id)
        return await self._head(row.tenant_id, thread_id, row.thread.seq)

    async def log(
        self, scope: Scope, thread_id: ThreadId, after: int, upto: int, bytes_max: int | None = None
    ) -> list[Entry]:
        """Return the entries with `after` < seq <= `upto`, without a hole; fewer, but one, over `bytes_max`."""
        if await self._find_thread(scope, thread_id) is None:
            raise NotFound
        return read_log(self._connection, scope.tenant_id, thread_id, after, upto, bytes_max)

    async def lease(self, system: System, run_id: RunId) -> LeaseRow | None:
        """Return who writes for this run."""
        row = await self._sql.one(
            "SELECT tenant_id, run_id, thread_id, node_id, epoch, coalesce(live_until_ms > ?, 0) "
            "FROM leases LEFT JOIN nodes ON nodes.id = node_id WHERE run_id = ?",
            (self._clock.now_ms(), run_id),
        )
        if row is None:
            return None
        tenant_id, found, thread_id, node_id, epoch, is_live = row
        return LeaseRow(tenant_id, found, thread_id, node_id, epoch, bool(is_live))

    async def claimable(self, system: System) -> list[RunRow]:
        """Return the runs that have the turn and no live owner, and do not wait for anybody."""
        rows = await self._sql.every(
            f"{RUN} WHERE {OPEN} AND has_turn = 1 AND (status <> 'waiting' OR wake_at_ms <= ?) AND NOT EXISTS ("
            "SELECT 1 FROM leases JOIN nodes ON nodes.id = node_id "
            "WHERE leases.tenant_id = runs.tenant_id AND run_id = runs.id AND live_until_ms > ?) ORDER BY id",
            (self._clock.now_ms(), self._clock.now_ms()),
        )
        return [run_row(row) for row in rows]

    async def heads(self, system: System, thread_ids: Sequence[ThreadId]) -> dict[ThreadId, int]:
        """Return the head of each thread, for the slow poll behind the bus."""
        found: dict[ThreadId, int] = {}
        for thread_id in thread_ids:
            row = await self._sql.one("SELECT tenant_id, seq FROM threads WHERE id = ?", (thread_id,))
            if row is not None:
                found[thread_id] = await self._head(row[0], thread_id, row[1])
        return found

    async def news(self, system: System, positions: dict[ThreadId, int], limit: int) -> list[Entry]:
        """Return what comes after these seqs in each of these threads, by thread and seq: one read for all of them."""
        entries: list[Entry] = []
        for thread_id, after in sorted(positions.items()):
            row = await self._sql.one("SELECT tenant_id FROM threads WHERE id = ?", (thread_id,))
            if row is not None:
                entries += read_log(self._connection, row[0], thread_id, after, after + limit)
        return entries

    async def unpacked_attempts(self, system: System) -> list[AttemptRow]:
        """Return the attempts whose deltas are not packed."""
        return [attempt_row(row) for row in await self._sql.every(f"{_ATTEMPT} ORDER BY delta_floor")]

    async def unpacked_attempt(self, system: System, attempt: AttemptRow) -> AttemptRow | None:
        """Return how far the packing of one attempt is; None when it is done."""
        row = await self._sql.one(
            f"{_ATTEMPT} WHERE {ATTEMPT_KEY}",
            (attempt.tenant_id, attempt.thread_id, attempt.run_id, attempt.epoch),
        )
        return None if row is None else attempt_row(row)

    async def deltas(self, system: System, attempt: AttemptRow) -> list[tuple[int, MessageDelta]]:
        """Return the unpacked deltas of an attempt with their seqs, in order."""
        key = (attempt.tenant_id, attempt.thread_id, attempt.run_id, attempt.epoch)
        # Where it ends is asked for now: since the caller looked, the next attempt may have begun to speak.
        rows = await self._sql.every(
            "SELECT seq, block, kind, text FROM deltas WHERE run_id = ? AND seq >= ? "
            f"AND seq <= (SELECT coalesce(last_seq, ?) FROM unpacked_attempts WHERE {ATTEMPT_KEY}) "
            f"AND id >= (SELECT delta_floor FROM unpacked_attempts WHERE {ATTEMPT_KEY}) ORDER BY seq",
            (attempt.run_id, attempt.first_seq, 2**62, *key, *key),
        )
        return [(seq, MessageDelta(attempt.message_id, block, KINDS[kind], text)) for seq, block, kind, text in rows]

    async def _head(self, tenant_id: TenantId, thread_id: ThreadId, stored: int) -> int:
        # Deltas do not touch the thread's row; its seq is that of the last other event. The newest delta is near
        # the end of the table while its run is alive, and bounded by the attempt's floor when it is not.
        head = stored
        attempts = await self._sql.every(
            "SELECT run_id, delta_floor, first_seq FROM unpacked_attempts "
            "WHERE tenant_id = ? AND thread_id = ? AND last_seq IS NULL",
            (tenant_id, thread_id),
        )
        for run_id, floor, first_seq in attempts:
            newest = await self._sql.one(
                "SELECT seq FROM deltas WHERE id >= ? AND run_id = ? ORDER BY id DESC LIMIT 1", (floor, run_id)
            )
            # Without a delta left the attempt begins behind what is packed of it already.
            head = max(head, newest[0] if newest else first_seq - 1)
        return head
