"""Upgrades a PostgreSQL database by the operator's hand: the steps of the schema, and the backfills behind them."""

from msgspec import Struct

from threadline.store.postgres import backfill
from threadline.store.postgres.operator import connected
from threadline.store.postgres.schema import Progress, has_roles, migrate, newest_version, raise_walls, version_of


class Upgraded(Struct, frozen=True):
    """What was done. `before` and `now` are schema versions; `has_walls` says whether row-level security is on."""

    before: int
    now: int
    has_walls: bool


async def upgrade(
    dsn: str, progress: Progress, backfill_progress: backfill.Progress, is_forced: bool = False
) -> Upgraded:
    """Bring a database to this program's version, and finish every backfill.

    Raises:
        StoreRefused: no connection, not allowed, newer than this program, or (unless forced) nodes would break.
    """
    async with connected(dsn) as connection:
        before = await version_of(connection)
        await migrate(connection, progress, is_forced, backfill_progress)
        has_walls = await raise_walls(connection)
        for each in await backfill.unfinished(connection, backfill.BACKFILLS):
            await backfill.run(connection, each, await has_roles(connection), backfill_progress)
        return Upgraded(before, newest_version(), has_walls)
