"""One snapshot of a PostgreSQL database: the reading verbs that concern deltas, leases and the store's clock."""

from collections.abc import Sequence
from typing import Any

from threadline.errors import NotFound
from threadline.events import Entry, MessageDelta
from threadline.ids import RunId, ThreadId
from threadline.scopes import Scope, System
from threadline.store.contract import AttemptRow, LeaseRow, RunRow
from threadline.store.packing import KINDS
from threadline.store.postgres.log import read_log, read_news
from threadline.store.postgres.statements import PostgresStatements
from threadline.store.sql.reader import ATTEMPT_KEY, OPEN, RUN, SqlReader, attempt_row, run_row, select_threads

_THREADS = "threads JOIN heads ON head_tenant_id = tenant_id AND head_thread_id = id"
_ATTEMPT = (
    "SELECT tenant_id, thread_id, run_id, message_id, epoch, first_seq, last_seq, head_seq - first_seq + 1 "
    "FROM unpacked_attempts JOIN heads ON head_tenant_id = tenant_id AND head_thread_id = thread_id"
)


class PostgresReader(SqlReader):
    """The reading verbs. Lives for one script in one transaction."""

    THREAD = select_threads(_THREADS, "head_seq")
    OWNER_AND_SEQ = f"SELECT end_user_id, head_seq FROM {_THREADS}"
    POSITION = "strpos"

    def __init__(self, connection: Any) -> None:
        super().__init__(PostgresStatements(connection))

    def _now_ms(self) -> str:
        return "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

    def _is_live(self) -> str:
        return "live_until > clock_timestamp()"

    async def head(self, scope: Scope, thread_id: ThreadId) -> int:
        """Return the seq of the thread's last event, live deltas included. Raises NotFound."""
        return await self.require_thread(scope, thread_id)

    async def log(
        self, scope: Scope, thread_id: ThreadId, after: int, upto: int, bytes_max: int | None = None
    ) -> list[Entry]:
        """Return the entries with `after` < seq <= `upto`, without a hole; fewer, but one, over `bytes_max`."""
        if await self._find_thread(scope, thread_id) is None:
            raise NotFound
        return await read_log(self._sql, scope.tenant_id, thread_id, after, upto, bytes_max)

    async def news(self, system: System, positions: dict[ThreadId, int], limit: int) -> list[Entry]:
        """Return what the threads have after these seqs and is not packed, up to `limit` entries of each."""
        return await read_news(self._sql, positions, limit)

    async def lease(self, system: System, run_id: RunId) -> LeaseRow | None:
        """Return who writes for this run."""
        row = await self._sql.one(
            "SELECT tenant_id, run_id, thread_id, node_id, epoch, coalesce(live_until > clock_timestamp(), false) "
            "FROM leases LEFT JOIN nodes ON nodes.id = node_id WHERE run_id = ?",
            (run_id,),
        )
        return None if row is None else LeaseRow(*row)

    async def claimable(self, system: System) -> list[RunRow]:
        """Return the runs that have the turn and no live owner, and do not wait for anybody."""
        rows = await self._sql.every(
            f"{RUN} WHERE {OPEN} AND has_turn = 1 "
            "AND (status <> 'waiting' OR wake_at_ms <= extract(epoch FROM clock_timestamp()) * 1000) AND NOT EXISTS ("
            "SELECT 1 FROM leases JOIN nodes ON nodes.id = node_id "
            "WHERE leases.tenant_id = runs.tenant_id AND run_id = runs.id AND live_until > clock_timestamp()) "
            "ORDER BY id"
        )
        return [run_row(row) for row in rows]

    async def heads(self, system: System, thread_ids: Sequence[ThreadId]) -> dict[ThreadId, int]:
        """Return the head of each thread, for the slow poll behind the bus."""
        rows = await self._sql.every(
            "SELECT head_thread_id, head_seq FROM heads WHERE head_thread_id = ANY (?)", (list(thread_ids),)
        )
        return dict(map(tuple, rows))

    async def unpacked_attempts(self, system: System) -> list[AttemptRow]:
        """Return the attempts whose deltas are not packed."""
        return [attempt_row(row) for row in await self._sql.every(f"{_ATTEMPT} ORDER BY run_id, epoch")]

    async def unpacked_attempt(self, system: System, attempt: AttemptRow) -> AttemptRow | None:
        """Return how far the packing of one attempt is; None when it is done."""
        row = await self._sql.one(
            f"{_ATTEMPT} WHERE {ATTEMPT_KEY}", (attempt.tenant_id, attempt.thread_id, attempt.run_id, attempt.epoch)
        )
        return None if row is None else attempt_row(row)

    async def deltas(self, system: System, attempt: AttemptRow) -> list[tuple[int, MessageDelta]]:
        """Return the unpacked deltas of an attempt with their seqs, in order."""
        rows = await self._sql.every(
            "SELECT seq, block, kind, text FROM deltas WHERE thread_id = ? AND run_id = ? AND epoch = ? AND seq >= ? "
            "ORDER BY seq",
            (attempt.thread_id, attempt.run_id, attempt.epoch, attempt.first_seq),
        )
        return [(seq, MessageDelta(attempt.message_id, block, KINDS[kind], text)) for seq, block, kind, text in rows]
