"""Brings a PostgreSQL database to this program's schema: expand first, contract a release later.

Nodes of two releases work on one database while it is upgraded. Each step says which schema version a program must know
at least to work on its result (`-- works with: N`); a program refuses a database only where it knows less than that.
"""

from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any

import asyncpg
from msgspec import Struct

from threadline.errors import StoreRefused
from threadline.store.postgres import backfill
from threadline.store.postgres.connections import APP_ROLE, ENGINE_ROLE, TENANT_SETTING

Progress = Callable[[str, int, int], None]
"""Called as (name of the step, its number, number of the last step)."""

MIGRATION_LOCK = 0x7468726561646C  # "threadl"
"""Nodes that start together migrate one after the other."""

COPY_PROGRESS = "copy_progress"
"""There for as long as a copy into this database is not whole; `postgres/copying.py` says more."""

TENANT_TABLES = (
    "keys",
    "threads",
    "messages",
    "runs",
    "sends",
    "events",
    "deltas",
    "unpacked_attempts",
    "packs",
    "leases",
    "attendance",
    "tools",
    "tool_calls",
    "agents",
    "agent_versions",
    "teams",
    "team_members",
    "forks",
    "reads",
    "titles",
    "members",
    "hops",
    "attempt_usage",
    "sessions",
    "shares",
    "files",
    "file_uses",
    "figures",
    "renames",
    "uploads",
)
_TENANT_COLUMNS = dict.fromkeys(TENANT_TABLES, "tenant_id") | {"heads": "head_tenant_id", "tenants": "id"}
"""Where the wall stands, and the column that says whose a row is."""

_APP_MAY = {
    "tenants": "SELECT",
    "keys": "SELECT, INSERT, UPDATE",
    "threads": "SELECT, INSERT, UPDATE",
    "heads": "SELECT, INSERT, UPDATE",
    "messages": "SELECT, INSERT, UPDATE",
    "runs": "SELECT, INSERT, UPDATE",
    "sends": "SELECT, INSERT",
    "events": "SELECT, INSERT",
    "deltas": "SELECT",
    "unpacked_attempts": "SELECT",
    "packs": "SELECT",
    "tools": "SELECT, INSERT, UPDATE",
    "tool_calls": "SELECT, INSERT, UPDATE",
    "agents": "SELECT, INSERT, UPDATE",
    "agent_versions": "SELECT, INSERT",
    "forks": "SELECT, INSERT",
    "reads": "SELECT, INSERT, UPDATE",
    "titles": "SELECT, INSERT, UPDATE",
    "teams": "SELECT, INSERT, UPDATE",
    "team_members": "SELECT, INSERT, UPDATE",
    "attempt_usage": "SELECT, INSERT",
    "sessions": "SELECT, INSERT, UPDATE",
    "shares": "SELECT, INSERT, UPDATE",
    "members": "SELECT, INSERT, UPDATE",
    "hops": "SELECT",
    "files": "SELECT, INSERT, UPDATE",
    "file_uses": "SELECT, INSERT",
    "figures": "SELECT",
    "renames": "SELECT, INSERT",
    "uploads": "SELECT, INSERT, UPDATE",
}
"""What a request may do. It deletes nothing, and the leases are none of its business."""

_WORKS_WITH = "-- works with: "


class Step(Struct, frozen=True):
    """One step of the schema."""

    number: int
    name: str
    sql: str
    works_with: int


@cache
def steps() -> Sequence[Step]:
    """Return every step, in order."""
    folder = resources.files("threadline.store.postgres.migrations")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(_step(file.name.removesuffix(".sql"), file.read_text()) for file in files)


def newest_version() -> int:
    """Return the schema version that this program knows."""
    return steps()[-1].number


async def migrate(
    connection: Any,
    progress: Progress | None = None,
    is_forced: bool = False,
    backfill_progress: backfill.Progress | None = None,
) -> int:
    """Run the steps that are missing, each behind the backfills of those before it. Returns how many ran.

    Raises:
        StoreRefused: a newer program has made the database into something that this one cannot work on; or running
            nodes could not work on what this one would make of it, unless `is_forced`.
    """
    known = steps()
    await _prepare(connection)
    before = await version_of(connection)
    await refuse_newer(connection, known[-1].number)
    if not is_forced:
        await refuse_to_break_nodes(connection, [step for step in known if step.number > before])
    done = 0
    for step in known:
        if before and step.number > before:
            # It may take away what a backfill still reads from.
            for each in [each for each in backfill.BACKFILLS if each.step < step.number]:
                await backfill.run(connection, each, await has_roles(connection), backfill_progress)
        done += await _run_step(connection, step)
        if progress is not None:
            progress(step.name, step.number, known[-1].number)
    if before == 0:
        await backfill.skip_all(connection, backfill.BACKFILLS)
    return done


async def _prepare(connection: Any) -> None:
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        # Asked first: whoever may not make tables can still start on a database that has them.
        if await connection.fetchval("SELECT to_regclass('schema_backfills')") is None:
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_steps (number integer PRIMARY KEY, name text NOT NULL, "
                "works_with integer NOT NULL, ran_at timestamptz NOT NULL DEFAULT now())"
            )
            await connection.execute(backfill.MAKE_TABLE)


async def refuse_to_break_nodes(connection: Any, missing: list[Step]) -> None:
    """Raise StoreRefused where nodes are running that know less than the result of these steps asks for."""
    needed = max((step.works_with for step in missing), default=0)
    if await connection.fetchval("SELECT to_regclass('nodes')") is None:
        return
    rows = await connection.fetch(
        "SELECT id, knows FROM nodes WHERE live_until > clock_timestamp() AND knows < $1 ORDER BY id", needed
    )
    if rows:
        nodes = ", ".join(f"{row['id']} (knows {row['knows']})" for row in rows)
        raise StoreRefused(
            f"The upgrade needs nodes that know schema version {needed}, and older ones are running: {nodes}. Upgrade "
            "them to the release before this one first, or stop them; `threadline db migrate --force` does not ask."
        )


async def version_of(connection: Any) -> int:
    """Return the number of the last step that ran; 0 for an empty database."""
    if await connection.fetchval("SELECT to_regclass('schema_steps')") is None:
        return 0
    return int(await connection.fetchval("SELECT coalesce(max(number), 0) FROM schema_steps"))


async def refuse_newer(connection: Any, newest: int) -> None:
    """Raise StoreRefused where a program must know more than version `newest` to work on this database."""
    needed = await connection.fetchval("SELECT coalesce(max(works_with), 0) FROM schema_steps")
    if needed > newest:
        version = await version_of(connection)
        raise StoreRefused(
            f"The database has schema version {version}, which needs a Threadline that knows version {needed} or "
            f"later; this one knows versions up to {newest}. Start the newer Threadline that upgraded it."
        )


async def refuse_half_copy(connection: Any) -> None:
    """Raise StoreRefused where `threadline db copy` has begun to fill this database and has not come to its end."""
    if await connection.fetchval("SELECT to_regclass($1)", COPY_PROGRESS) is not None:
        raise StoreRefused(
            "The database has a half of an installation in it, which `threadline db copy` has begun to copy. Run the "
            "same command again: it goes on where it was."
        )


async def raise_walls(connection: Any) -> bool:
    """Make the two roles where that is allowed, and confine requests to their tenant. Returns whether they are there.

    Row-level security is off where this user may not make roles and nobody has made them for him.
    """
    if not await has_roles(connection):
        try:
            async with connection.transaction():
                # Roles are the whole server's: this lock keeps out the other nodes, and not other installations.
                await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
                await _make_roles(connection)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            # Not allowed, or another installation was quicker.
            if not await has_roles(connection):
                return False
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        if missing := await without_wall(connection):
            await connection.execute(_walls(missing))
    return True


async def has_roles(connection: Any) -> bool:
    """Say whether both roles are there, and this user may become them."""
    count = await connection.fetchval(
        "SELECT count(*) FROM pg_roles WHERE rolname = ANY($1) AND pg_has_role(current_user, oid, 'MEMBER')",
        [APP_ROLE, ENGINE_ROLE],
    )
    return bool(count == 2)


async def _make_roles(connection: Any) -> None:
    for role in (APP_ROLE, ENGINE_ROLE):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} NOLOGIN")
        await connection.execute(f"GRANT {role} TO CURRENT_USER")


async def without_wall(connection: Any) -> list[str]:
    """Return the tables that have tenants' rows and no row-level security."""
    # Those alone: to raise a wall is to lock its table against everybody who is at work on it.
    rows = await connection.fetch(
        "SELECT tablename FROM pg_policies WHERE policyname = 'own_tenant' AND schemaname = current_schema()"
    )
    return [table for table in _TENANT_COLUMNS if table not in {row[0] for row in rows}]


def _walls(tables: list[str]) -> str:
    mine = f"current_setting('{TENANT_SETTING}', true)"
    parts = [f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}, {ENGINE_ROLE}"]
    for table in tables:
        is_mine = f"{_TENANT_COLUMNS[table]} = {mine}"
        parts += [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"DROP POLICY IF EXISTS own_tenant ON {table}",
            f"DROP POLICY IF EXISTS all_tenants ON {table}",
            f"CREATE POLICY own_tenant ON {table} TO {APP_ROLE} USING ({is_mine}) WITH CHECK ({is_mine})",
            f"CREATE POLICY all_tenants ON {table} TO {ENGINE_ROLE} USING (true) WITH CHECK (true)",
        ]
    parts += [f"GRANT {rights} ON {table} TO {APP_ROLE}" for table, rights in _APP_MAY.items()]
    everything = ", ".join([*_TENANT_COLUMNS, "nodes", "writers", "installation"])
    parts.append(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {everything} TO {ENGINE_ROLE}")
    # A backup is made as this role: nobody else sees the rows of every tenant.
    parts.append(f"GRANT SELECT ON schema_steps, schema_backfills TO {ENGINE_ROLE}")
    return "; ".join(parts)


async def _run_step(connection: Any, step: Step) -> int:
    async with connection.transaction():
        # Asked again behind the lock: nodes that start together find the work done.
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        if await connection.fetchval("SELECT 1 FROM schema_steps WHERE number = $1", step.number):
            return 0
        await connection.execute(step.sql)
        await connection.execute(
            "INSERT INTO schema_steps (number, name, works_with) VALUES ($1, $2, $3)",
            step.number,
            step.name,
            step.works_with,
        )
    return 1


def _step(name: str, sql: str) -> Step:
    first = sql.partition("\n")[0]
    assert first.startswith(_WORKS_WITH), f"{name} says which version a program must know to work on its result"
    return Step(int(name[:4]), name, sql, int(first.removeprefix(_WORKS_WITH)))
