"""Looks at a PostgreSQL database without changing it: for `threadline db check` and `doctor`.

It neither makes a schema nor migrates: it must also be able to look at a database that a store would refuse.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar, cast

from threadline.ids import TenantId, ThreadId
from threadline.store.contract import Reader, ReadScript
from threadline.store.postgres.operator import become_engine, close, connect, refusals, shown
from threadline.store.postgres.reader import PostgresReader
from threadline.store.postgres.schema import COPY_PROGRESS, has_roles, newest_version, version_of
from threadline.store.survey import ThreadPlace

T = TypeVar("T")

_INVALID_INDEXES = (
    "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE NOT indisvalid AND relnamespace = 'public'::regnamespace ORDER BY 1"
)
_HEADLESS = (
    "SELECT t.id FROM threads t LEFT JOIN heads h ON h.head_tenant_id = t.tenant_id AND h.head_thread_id = t.id "
    "WHERE h.head_thread_id IS NULL AND t.deleted_at IS NULL ORDER BY t.id"
)
_ORPHANED = (
    "SELECT 'heads' AS name, h.head_thread_id AS thread_id FROM heads h "
    "LEFT JOIN threads t ON t.tenant_id = h.head_tenant_id AND t.id = h.head_thread_id WHERE t.id IS NULL"
)


class PostgresSurvey:
    """One connection that only looks. To be used in one thread, and closed."""

    newest_version = newest_version()

    def __init__(self, dsn: str) -> None:
        """Connect. Raises StoreRefused."""
        self.name = shown(dsn)
        self._dsn = dsn
        self._runner = asyncio.Runner()
        try:
            self._connection = self._run(connect(dsn, is_read_only=True))
            self.version = self._run(version_of(self._connection))
            self._has_roles = self._run(has_roles(self._connection))
        except BaseException:
            self._runner.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._run(close(self._connection))
        self._runner.close()

    def read(self, script: ReadScript[T]) -> T:
        """Run a script on one consistent snapshot. Raises what it raises, or StoreRefused."""

        async def run() -> T:
            async with self._snapshot():
                return await script(cast(Reader, PostgresReader(self._connection)))

        return self._run(run())

    def threads(self) -> list[ThreadPlace]:
        """Return all threads that are not deleted, of all tenants."""
        rows = self._fetch("SELECT tenant_id, id FROM threads WHERE deleted_at IS NULL ORDER BY tenant_id, id")
        return [ThreadPlace(TenantId(tenant_id), ThreadId(thread_id)) for tenant_id, thread_id in rows]

    def damage(self, is_quick: bool = False) -> list[str]:
        """Return indexes that PostgreSQL does not trust, and threads that have lost their heads or the other way round.

        Whether the files are whole is for `pg_amcheck` and `pg_checksums` to say.
        """
        if self._fetch(f"SELECT to_regclass('{COPY_PROGRESS}')")[0][0] is not None:
            return ["a copy into it has not come to its end; run the same `threadline db copy` again"]
        found = [f"the index {name} is not valid; `REINDEX INDEX {name}`" for (name,) in self._fetch(_INVALID_INDEXES)]
        if is_quick or self.version != self.newest_version:
            return found
        found += [f"the thread {thread_id} has no row in heads" for (thread_id,) in self._fetch(_HEADLESS)]
        return found + [
            f"{table} has a row of {thread_id}, which is no thread" for table, thread_id in self._fetch(_ORPHANED)
        ]

    def last_activity_at(self) -> str | None:
        """Return when somebody last said something, by the clock of that moment."""
        if self.version != self.newest_version:
            return None
        rows = self._fetch("SELECT max(last_activity_at) FROM threads")
        return None if rows[0][0] is None else str(rows[0][0])

    def _fetch(self, statement: str) -> list[Any]:
        async def run() -> list[Any]:
            async with self._snapshot():
                return list(await self._connection.fetch(statement))

        return self._run(run())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        with refusals(self._dsn):
            return self._runner.run(work)

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[None]:
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            await become_engine(self._connection, self._has_roles)
            yield
