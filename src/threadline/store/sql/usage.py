"""The verbs of usage: what each attempt has cost in tokens, kept beyond its run, and the sums of it."""

from msgspec import structs

from threadline.ids import TenantId
from threadline.scopes import Scope, System
from threadline.store.contract import RunRow
from threadline.store.contract_usage import TenantRow, UsageQuery, UsageSum
from threadline.store.sql.statements import Statements

_COUNTED = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")
_KEYS = {"tenant": "tenant_id", "end_user": "end_user_id", "model": "model", "day": "day"}
_INSERT = (
    "INSERT INTO attempt_usage (tenant_id, run_id, attempt, thread_id, end_user_id, model, day, is_known, "
    f"{', '.join(_COUNTED)}) SELECT tenant_id, ?, ?, id, end_user_id, ?, ?, ?, ?, ?, ?, ? FROM threads "
    "WHERE tenant_id = ? AND id = ? ON CONFLICT DO NOTHING"
)


class UsageReader:
    """The reading verbs."""

    _sql: Statements

    async def usage(self, scope: Scope, query: UsageQuery) -> list[UsageSum]:
        """Return the sums of one tenant, for each value of the asked column and each model."""
        return await self._sums(structs.replace(query, tenant_id=scope.tenant_id))

    async def usage_everywhere(self, system: System, query: UsageQuery) -> list[UsageSum]:
        """Return the sums of the installation."""
        return await self._sums(query)

    async def tenants(self, system: System) -> list[TenantRow]:
        """Return all tenants, oldest first."""
        rows = await self._sql.every("SELECT id, name, created_at FROM tenants ORDER BY id", ())
        return [TenantRow(TenantId(row[0]), row[1], row[2]) for row in rows]

    async def _sums(self, query: UsageQuery) -> list[UsageSum]:
        key = _KEYS[query.by]
        asked = {
            "tenant_id = ?": query.tenant_id,
            "coalesce(end_user_id, '') = ?": query.end_user_id,
            "model = ?": query.model,
        }
        wanted = {condition: value for condition, value in asked.items() if value is not None}
        sums = ", ".join(f"CAST(sum({name}) AS bigint)" for name in _COUNTED)
        rows = await self._sql.every(
            f"SELECT {key}, model, count(*), CAST(sum(is_known) AS bigint), {sums} FROM attempt_usage "
            f"WHERE {' AND '.join([*wanted, 'day >= ?', 'day < ?'])} GROUP BY {key}, model ORDER BY {key}, model",
            (*wanted.values(), query.since, query.until),
        )
        return [UsageSum(*row) for row in rows]


class UsageWriter(UsageReader):
    """The writing part: nobody calls it but `save_run`, in the transaction that ends the attempt."""

    async def _keep_usage(self, row: RunRow) -> None:
        run = row.run
        for attempt in run.attempts:
            if attempt.ended_at is None:
                continue
            used = attempt.usage
            counts = [None if used is None else getattr(used, name) for name in _COUNTED]
            day = attempt.ended_at[:10]
            # Each attempt once: those before it are there already.
            await self._sql.run(
                _INSERT,
                [run.id, attempt.attempt, run.model, day, int(used is not None), *counts, row.tenant_id, run.thread_id],
            )
