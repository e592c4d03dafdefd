"""The verbs of what nodes say of themselves, as both dialects say them."""

from collections.abc import Sequence

from threadline.figures import WHOLE_NODE
from threadline.ids import NodeId, RunId, TenantId
from threadline.scopes import Scope, System
from threadline.store.contract_figures import FigureRow, OpenRun, Queue
from threadline.store.sql.statements import Statements

_FIGURES = (
    "SELECT tenant_id, node_id, minute, body FROM figures WHERE tenant_id = ? AND minute >= ? ORDER BY minute, node_id"
)
_QUEUES = (
    "SELECT tenant_id, CAST(sum(CASE status WHEN 'queued' THEN 1 ELSE 0 END) AS bigint), "
    "CAST(sum(CASE status WHEN 'waiting' THEN 1 ELSE 0 END) AS bigint) "
    "FROM runs WHERE {where} status IN ('queued', 'running', 'waiting') GROUP BY tenant_id"
)
_UNFINISHED = (
    "SELECT runs.tenant_id, runs.id, runs.thread_id, title, end_user_id, status, runs.model, attempt, "
    "runs.created_at, started_at, node_id FROM runs "
    "JOIN threads ON threads.tenant_id = runs.tenant_id AND threads.id = runs.thread_id "
    "LEFT JOIN leases ON leases.tenant_id = runs.tenant_id AND run_id = runs.id "
    "WHERE {where} status IN ('queued', 'running', 'waiting') ORDER BY runs.id LIMIT ?"
)


class FigureReader:
    """The reading verbs."""

    _sql: Statements

    async def figures(self, scope: Scope, since: int) -> list[FigureRow]:
        """Return what all nodes have counted for a tenant from that minute on, by minute and node."""
        return [FigureRow(*row) for row in await self._sql.every(_FIGURES, (scope.tenant_id, since))]

    async def figures_everywhere(self, system: System, since: int) -> list[FigureRow]:
        """Return what all nodes have counted for all tenants together."""
        return [FigureRow(*row) for row in await self._sql.every(_FIGURES, (WHOLE_NODE, since))]

    async def queue_of(self, scope: Scope) -> Queue:
        """Return how many runs of a tenant wait."""
        row = await self._sql.one(_QUEUES.format(where="tenant_id = ? AND"), (scope.tenant_id,))
        return Queue() if row is None else Queue(*row[1:])

    async def queues(self, system: System) -> dict[TenantId, Queue]:
        """Return the same for each tenant that has any."""
        rows = await self._sql.every(_QUEUES.format(where=""))
        return {TenantId(row[0]): Queue(*row[1:]) for row in rows}

    async def unfinished(
        self, system: System, tenant_id: TenantId | None, limit: int, after: RunId | None = None
    ) -> list[OpenRun]:
        """Return the runs that have not ended, of one tenant or of all, oldest first; those behind `after`."""
        narrowed = {"runs.tenant_id = ? AND": tenant_id, "runs.id > ? AND": after}
        given = {condition: value for condition, value in narrowed.items() if value is not None}
        rows = await self._sql.every(_UNFINISHED.format(where=" ".join(given)), (*given.values(), limit))
        return [OpenRun(**dict(zip(OpenRun.__struct_fields__, row, strict=True))) for row in rows]

    async def live_nodes(self, system: System) -> list[NodeId]:
        """Return the nodes that have said lately that they live, by the store's clock."""
        rows = await self._sql.every(f"SELECT id FROM nodes WHERE {self._is_live()} ORDER BY id")
        return [NodeId(row[0]) for row in rows]

    def _is_live(self) -> str:
        """Return the condition that a node lives, as SQL."""
        raise NotImplementedError


class FigureWriter(FigureReader):
    """The writing verbs."""

    async def save_figures(self, system: System, rows: Sequence[FigureRow]) -> None:
        """Store what a node has counted so far; each row replaces the one before of its minute."""
        for row in rows:
            await self._sql.run(
                "INSERT INTO figures (tenant_id, node_id, minute, body) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (tenant_id, node_id, minute) DO UPDATE SET body = excluded.body",
                (row.tenant_id, row.node_id, row.minute, row.body),
            )

    async def sweep_figures(self, system: System, before: int) -> int:
        """Forget what was counted before that minute. Returns how many rows went."""
        return await self._sql.run("DELETE FROM figures WHERE minute < ?", (before,))
