"""How a shared verb speaks to its database: three ways to run one statement."""

from collections.abc import Sequence
from typing import Any, Protocol

Row = Sequence[Any]


class Statements(Protocol):
    """One open transaction. `?` stands for each value; PostgreSQL's own `$1` is made from it."""

    async def one(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """Return the first row, or None."""
        ...

    async def every(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]:
        """Return all rows."""
        ...

    async def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Change something. Returns how many rows."""
        ...

    async def run_each(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run one changing statement for each of these rows of values. Returns how many rows were changed."""
        ...
