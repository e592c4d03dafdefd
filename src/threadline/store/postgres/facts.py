"""What `threadline doctor` wants to know of a PostgreSQL database and its server. Changes nothing in it."""

import asyncio
import secrets
from typing import Any

import asyncpg
from msgspec import Struct

from threadline.clock import Clock
from threadline.hosts import Hosts
from threadline.store.postgres import backfill
from threadline.store.postgres.connections import APP_ROLE, ENGINE_ROLE, SESSION
from threadline.store.postgres.operator import CONNECT_SECONDS, close, live_nodes, refusals
from threadline.store.postgres.schema import COPY_PROGRESS, has_roles, version_of, without_wall

NOTIFY_SECONDS = 10.0
"""How long a notification may take that was sent on another connection: milliseconds, or seconds on a busy machine."""

_SETTINGS = ("autovacuum", "track_counts", "fsync", "full_page_writes", "synchronous_commit")


class Facts(Struct, frozen=True):
    """What was found.

    `refused_settings` is what stands between us and the server has said of a node's settings; `hears` says whether a
    NOTIFY arrives at a LISTEN; `clock_ahead_ms` is how far the server's clock is before ours.
    """

    server_version: int
    server_name: str
    database: str
    user: str
    is_replica: bool
    schema_version: int
    is_half_copy: bool
    unfinished_backfills: list[str]
    roles: list[str]
    has_roles: bool
    has_walls: bool
    settings: dict[str, str]
    clock_ahead_ms: float
    connections_max: int
    connections_reserved: int
    connections_used: int
    nodes: list[str]
    bytes: int
    last_activity_at: str | None
    refused_settings: str | None
    hears: bool | None


async def facts(dsn: str, clock: Clock) -> Facts:
    """Find out. Raises StoreRefused where nobody answers."""
    refused = await _refused_settings(dsn)
    connection = await _connect(dsn)
    try:
        with refusals(dsn):
            return await _facts(connection, dsn, clock, refused)
    finally:
        await close(connection)


async def hears(dsn: str) -> bool:
    """Say whether a NOTIFY on one connection arrives at a LISTEN on another. Raises StoreRefused."""
    channel = f"threadline_doctor_{secrets.token_hex(4)}"
    heard = asyncio.Event()
    listening = await _connect(dsn)
    try:
        telling = await _connect(dsn)
        try:
            with refusals(dsn):
                await listening.add_listener(channel, lambda *_: heard.set())
                # As a node does: the connection that listens also asks, and may be handed on between the two.
                await listening.fetchval("SELECT 1")
                await telling.execute(f"NOTIFY {channel}")
            async with asyncio.timeout(NOTIFY_SECONDS):
                await heard.wait()
        except TimeoutError:
            return False
        finally:
            await close(telling)
    finally:
        listening.terminate()
    return True


async def _connect(dsn: str) -> Any:
    with refusals(dsn):
        # Without prepared statements of its own, so that also a pooler lets it through.
        return await Hosts(dsn).connect(
            lambda address: asyncpg.connect(address, command_timeout=CONNECT_SECONDS, statement_cache_size=0),
            CONNECT_SECONDS,
        )


async def _refused_settings(dsn: str) -> str | None:
    """Connect as a node does. Returns what was said where only the settings are in the way."""
    try:
        connection = await Hosts(dsn).connect(
            lambda address: asyncpg.connect(address, server_settings=SESSION), CONNECT_SECONDS
        )
    except asyncpg.PostgresError as error:
        return str(error) if "startup parameter" in str(error) else None
    except (OSError, TimeoutError, asyncpg.InterfaceError, ValueError):
        return None
    await close(connection)
    return None


async def _facts(connection: Any, dsn: str, clock: Clock, refused: str | None) -> Facts:
    before = clock.now_ms()
    server_ms = float(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp()) * 1000"))
    # It was said at some moment between these two: what lies between them is no difference.
    ours_ms = min(max(server_ms, before), clock.now_ms())
    values = await connection.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", list(_SETTINGS))
    reserved = "'superuser_reserved_connections', 'reserved_connections'"
    row = await connection.fetchrow(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version'), current_database(), "
        "current_user::text, pg_is_in_recovery(), current_setting('max_connections')::int, "
        f"(SELECT sum(setting::int) FROM pg_settings WHERE name IN ({reserved}))::int, "
        "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int, "
        "pg_database_size(current_database())"
    )
    roles = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", [APP_ROLE, ENGINE_ROLE])
    version = await version_of(connection)
    return Facts(
        server_version=row[0],
        server_name=row[1],
        database=row[2],
        user=row[3],
        is_replica=row[4],
        schema_version=version,
        is_half_copy=await connection.fetchval("SELECT to_regclass($1)", COPY_PROGRESS) is not None,
        unfinished_backfills=await _unfinished(connection, version),
        roles=sorted(role[0] for role in roles),
        has_roles=await has_roles(connection),
        has_walls=bool(version) and not await without_wall(connection),
        settings=dict(map(tuple, values)),
        clock_ahead_ms=server_ms - ours_ms,
        connections_max=row[5],
        connections_reserved=row[6],
        connections_used=row[7],
        nodes=await live_nodes(connection),
        bytes=row[8],
        last_activity_at=await _last_activity_at(connection, version),
        refused_settings=refused,
        hears=None if row[4] else await hears(dsn),
    )


async def _unfinished(connection: Any, version: int) -> list[str]:
    if not version:
        return []
    return [each.name for each in await backfill.unfinished(connection, backfill.BACKFILLS)]


async def _last_activity_at(connection: Any, version: int) -> str | None:
    if not version:
        return None
    async with connection.transaction(readonly=True):
        if await has_roles(connection):
            await connection.execute(f"SET LOCAL ROLE {ENGINE_ROLE}")
        found: str | None = await connection.fetchval("SELECT max(last_activity_at) FROM threads")
        return found
