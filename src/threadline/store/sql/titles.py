"""Titles that are to be made, as both dialects say it."""

from threadline.ids import TenantId, ThreadId
from threadline.scopes import Scope, System
from threadline.store.sql.statements import Statements

_INSERT = "INSERT INTO titles (tenant_id, thread_id, is_edited, claimed_until_ms) VALUES "
_KEY = "ON CONFLICT (tenant_id, thread_id) DO UPDATE SET "


class TitleReader:
    """The reading verbs of `store/contract_titles.py`."""

    _sql: Statements

    def _now_ms(self) -> str:
        """Return what the store's clock says, in milliseconds, as SQL."""
        raise NotImplementedError

    async def untitled(self, system: System, active_since: str, limit: int) -> list[tuple[TenantId, ThreadId]]:
        """Return threads with an exchange and no title, that nobody has edited one of and nobody is making one for."""
        rows = await self._sql.every(
            "SELECT tenant_id, id FROM threads WHERE title IS NULL AND deleted_at IS NULL AND last_activity_at > ? "
            "AND message_count > 1 AND active_run_id IS NULL AND NOT EXISTS ("
            "SELECT 1 FROM titles WHERE titles.tenant_id = threads.tenant_id AND thread_id = threads.id "
            f"AND (is_edited = 1 OR claimed_until_ms > {self._now_ms()})) ORDER BY last_activity_at LIMIT ?",
            (active_since, limit),
        )
        return [(TenantId(tenant_id), ThreadId(thread_id)) for tenant_id, thread_id in rows]

    async def may_title(self, system: System, tenant_id: TenantId, thread_id: ThreadId) -> bool:
        """Whether nobody has written or emptied the title of a thread by hand."""
        row = await self._sql.one(
            "SELECT 1 FROM titles WHERE tenant_id = ? AND thread_id = ? AND is_edited = 1", (tenant_id, thread_id)
        )
        return row is None


class TitleWriter(TitleReader):
    """The writing verbs of `store/contract_titles.py`."""

    async def require_thread(self, scope: Scope, thread_id: ThreadId) -> int:
        """Raise NotFound where a thread is unknown, deleted or out of scope."""
        raise NotImplementedError

    async def claim_title(self, system: System, tenant_id: TenantId, thread_id: ThreadId, seconds: float) -> bool:
        """Keep others from making this title for so long. False: somebody does already."""
        until = f"{self._now_ms()} + {round(seconds * 1000)}"
        claimed = await self._sql.run(
            f"{_INSERT} (?, ?, 0, {until}) {_KEY} claimed_until_ms = excluded.claimed_until_ms "
            f"WHERE titles.is_edited = 0 AND titles.claimed_until_ms <= {self._now_ms()}",
            (tenant_id, thread_id),
        )
        return claimed == 1

    async def note_edited_title(self, scope: Scope, thread_id: ThreadId) -> None:
        """Note that somebody has written or emptied the title. Raises NotFound."""
        await self.require_thread(scope, thread_id)
        await self._sql.run(f"{_INSERT} (?, ?, 1, 0) {_KEY} is_edited = 1", (scope.tenant_id, thread_id))
