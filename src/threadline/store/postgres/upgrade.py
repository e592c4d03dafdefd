"""Upgrades a PostgreSQL database by the operator's hand: the steps of the schema, and the backfills behind them."""

from msgspec import Struct

from threadline.store.postgres import backfill
from threadline.store.postgres.operator import connected
from threadline.store.postgres.schema import has_roles, migrate, newest_version, raise_walls, version_of


class Upgraded(Struct, frozen=True):
    """What was done.

    `before` and `now` are schema versions, `ran` the names of the steps and backfills between them; `has_walls` says
    whether row-level security is on.
    """

    before: int
    now: int
    ran: list[str]
    has_walls: bool


async def upgrade(dsn: str, progress: backfill.Progress, is_forced: bool = False) -> Upgraded:
    """Bring a database to this program's version, and finish every backfill.

    Raises:
        StoreRefused: no connection, not allowed, newer than this program, or (unless forced) nodes would break.
    """
    ran: list[str] = []
    async with connected(dsn) as connection:
        before = await version_of(connection)

        def note_step(name: str, number: int, newest: int) -> None:
            if number > before:
                ran.append(name)
                progress("Migrating", number, newest)

        def note_rows(name: str, done: int, total: int) -> None:
            if name not in ran:
                ran.append(name)
            progress(f"Backfill {name}", done, total)

        await migrate(connection, note_step, is_forced, note_rows)
        has_walls = await raise_walls(connection)
        for each in await backfill.unfinished(connection, backfill.BACKFILLS):
            await backfill.run(connection, each, await has_roles(connection), note_rows)
        return Upgraded(before, newest_version(), ran, has_walls)
