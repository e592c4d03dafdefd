"""Runs the shared statements on a PostgreSQL connection."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

from threadline.store.sql.statements import Row

STATEMENTS_MAX = 512


class PostgresStatements:
    """The statements of one script in one transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def one(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """Return the first row, or None."""
        found: Row | None = await self._connection.fetchrow(numbered(sql), *values)
        return found

    async def every(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]:
        """Return all rows."""
        found: Sequence[Row] = await self._connection.fetch(numbered(sql), *values)
        return found

    async def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Change something. Returns how many rows."""
        status: str = await self._connection.execute(numbered(sql), *values)
        return int(status.rpartition(" ")[2])

    async def run_each(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run one changing statement for each of these rows of values. Returns how many rows were changed."""
        if not rows:
            return 0
        # All of them are on their way before the first is answered: one round trip.
        changed = await self._connection.fetchmany(f"{numbered(sql)} RETURNING 1", rows)
        return len(changed)


@lru_cache(STATEMENTS_MAX)
def numbered(sql: str) -> str:
    """Write `$1`, `$2` … for `?`: the shared statements have no other question mark."""
    first, *rest = sql.split("?")
    numbers = count(1)
    return first + "".join(f"${next(numbers)}{part}" for part in rest)
