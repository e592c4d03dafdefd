"""Long pieces of work on rows that are there already, done in small transactions while nodes go on working.

A step of the schema changes tables in a moment; what has to be done to each of a hundred million rows is a backfill. It
is named, it remembers how far it is, and the transaction that changes rows also moves that memory: killed anywhere it
goes on where it was, and two that run at the same time take turns. Nodes of the last release know nothing of it, so a
batch changes only what they do not read, or into what they read as before.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct

from threadline.store.postgres.operator import become_engine

Progress = Callable[[str, int, int], None]
"""Called as (name of the backfill, rows done, rows in all)."""


class Batch(Struct, frozen=True):
    """What one transaction did: up to where, how many rows, and whether there are none behind them."""

    position: str
    rows: int
    is_last: bool


class Backfill(Struct, frozen=True):
    """One backfill.

    It follows the step of number `step`, and is finished before any later step runs. `count` is a statement for the
    number of rows, for the progress bar. `batch` changes the rows behind a position ('' at first) in the transaction
    that it is handed, in a second at most: nodes wait for the rows that it has locked.
    """

    step: int
    name: str
    count: str
    batch: Callable[[Any, str], Awaitable[Batch]]


BACKFILLS: Sequence[Backfill] = ()
"""All of them, in order."""

MAKE_TABLE = (
    "CREATE TABLE IF NOT EXISTS schema_backfills (name text PRIMARY KEY, position text NOT NULL DEFAULT '', "
    "rows bigint NOT NULL DEFAULT 0, finished_at timestamptz)"
)


async def run(connection: Any, backfill: Backfill, has_roles: bool, progress: Progress | None = None) -> int:
    """Do what is left of a backfill. Returns how many rows that were."""
    done = 0
    await connection.execute("INSERT INTO schema_backfills (name) VALUES ($1) ON CONFLICT DO NOTHING", backfill.name)
    if not await unfinished(connection, [backfill]):
        return 0
    total = await _count(connection, backfill, has_roles)
    while True:
        batch, rows_so_far = await _run_batch(connection, backfill, has_roles)
        if batch is None:
            return done
        done += batch.rows
        if progress is not None:
            progress(backfill.name, rows_so_far, max(rows_so_far, total))


async def unfinished(connection: Any, backfills: Sequence[Backfill]) -> list[Backfill]:
    """Return those that are not finished."""
    if await connection.fetchval("SELECT to_regclass('schema_backfills')") is None:
        return list(backfills)
    rows = await connection.fetch("SELECT name FROM schema_backfills WHERE finished_at IS NOT NULL")
    finished = {row[0] for row in rows}
    return [backfill for backfill in backfills if backfill.name not in finished]


async def skip_all(connection: Any, backfills: Sequence[Backfill]) -> None:
    """Note that there is nothing to do: a new database has no rows of the past."""
    for backfill in backfills:
        await connection.execute(
            "INSERT INTO schema_backfills (name, finished_at) VALUES ($1, now()) ON CONFLICT DO NOTHING", backfill.name
        )


async def _run_batch(connection: Any, backfill: Backfill, has_roles: bool) -> tuple[Batch | None, int]:
    """Return what was done, None where somebody has finished it, and the number of rows from the first on."""
    async with connection.transaction():
        row = await connection.fetchrow(
            "SELECT position, rows, finished_at FROM schema_backfills WHERE name = $1 FOR UPDATE", backfill.name
        )
        if row["finished_at"] is not None:
            return None, row["rows"]
        await become_engine(connection, has_roles)
        batch = await backfill.batch(connection, row["position"])
        await connection.execute("RESET ROLE")
        await connection.execute(
            "UPDATE schema_backfills SET position = $2, rows = rows + $3, "
            "finished_at = CASE WHEN $4 THEN now() END WHERE name = $1",
            backfill.name,
            batch.position,
            batch.rows,
            batch.is_last,
        )
    return batch, row["rows"] + batch.rows


async def _count(connection: Any, backfill: Backfill, has_roles: bool) -> int:
    async with connection.transaction():
        await become_engine(connection, has_roles)
        return int(await connection.fetchval(backfill.count))
