"""The verbs for answers that do not go on without a reader, as both dialects say them."""

from collections.abc import Sequence

from threadline.ids import RunId, ThreadId
from threadline.scopes import System
from threadline.store.contract import Attendance, RunRow
from threadline.store.sql.statements import Statements


class AttendanceReader:
    """The reading verb, for `SqlReader`."""

    _sql: Statements

    def _now_ms(self) -> str:
        """Return what the store's clock says, in milliseconds, as SQL."""
        raise NotImplementedError

    async def attendance(self, system: System) -> list[Attendance]:
        """Return the answers that do not go on without a reader, by the store's clock."""
        rows = await self._sql.every(
            f"SELECT run_id, thread_id, {self._now_ms()} - read_at_ms FROM attendance ORDER BY run_id"
        )
        return [Attendance(run_id, thread_id, silent_ms / 1000) for run_id, thread_id, silent_ms in rows]


class AttendanceWriter(AttendanceReader):
    """The writing verbs, for `SqlTransaction`."""

    async def expect_readers(self, system: System, run: RunRow) -> None:
        """Note that this answer does not go on without a reader; it counts as read at this moment."""
        await self._sql.run(
            f"INSERT INTO attendance (tenant_id, run_id, thread_id, read_at_ms) VALUES (?, ?, ?, {self._now_ms()}) "
            "ON CONFLICT (tenant_id, run_id) DO UPDATE SET read_at_ms = excluded.read_at_ms",
            (run.tenant_id, run.run.id, run.run.thread_id),
        )

    async def note_readers(self, system: System, thread_ids: Sequence[ThreadId]) -> None:
        """Say that somebody is reading these threads, for the answers in them that need a reader."""
        # In one order on every node: two of them never wait for each other's rows.
        for thread_id in sorted(set(thread_ids)):
            await self._sql.run(
                f"UPDATE attendance SET read_at_ms = {self._now_ms()} WHERE thread_id = ?", (thread_id,)
            )

    async def expect_no_readers(self, system: System, run_id: RunId) -> None:
        """Note that an answer needs no readers any more."""
        await self._sql.run("DELETE FROM attendance WHERE run_id = ?", (run_id,))
