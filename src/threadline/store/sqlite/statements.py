"""Runs the shared statements on a SQLite connection, in the thread that the script runs in. None ever suspends."""

from collections.abc import Sequence
from typing import Any

import apsw

from threadline.store.sql.statements import Row


class SqliteStatements:
    """The statements of one script on one connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    async def one(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """Return the first row, or None."""
        found: Row | None = self._connection.execute(sql, values).fetchone()
        return found

    async def every(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]:
        """Return all rows."""
        return self._connection.execute(sql, values).fetchall()

    async def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Change something. Returns how many rows."""
        self._connection.execute(sql, values)
        return self._connection.changes()

    async def run_each(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run one changing statement for each of these rows of values. Returns how many rows were changed."""
        return sum([await self.run(sql, values) for values in rows])
