"""Row-level security: what a wrong query of a request would see and change. The store's own scoping is not asked here.

Every table is found in the catalogue, so a table that somebody adds is held to the same.
"""

import random
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import asyncpg
import pytest

from support.postgres import USER, PostgresServer
from threadline.clock import ManualClock
from threadline.errors import NotFound
from threadline.ids import IdMaker
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Reader, Transaction, Write
from threadline.store.postgres import connections
from threadline.store.postgres.connections import APP_ROLE, ENGINE_ROLE
from threadline.store.postgres.store import PostgresStore

from .conftest import MINE, SYSTEM, THEIRS, Bench
from .kits import PostgresKit

OF_A_TENANT = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND (column_name LIKE '%tenant\\_id' OR (table_name, column_name) = ('tenants', 'id'))"
SAMPLES = {
    "bigint": "1",
    "integer": "1",
    "smallint": "0",
    "bytea": "'x'",
    "timestamp with time zone": "now()",
}
READABLE = {
    "tenants",
    "keys",
    "threads",
    "titles",
    "heads",
    "messages",
    "runs",
    "sends",
    "events",
    "deltas",
    "unpacked_attempts",
    "packs",
    "tools",
    "tool_calls",
    *("agents", "agent_versions", "teams", "team_members", "members", "hops", "forks", "reads"),
    *("sessions", "shares", "attempt_usage"),
    *("files", "file_uses", "figures", "renames", "uploads"),
}
NOT_FOR_REQUESTS = {"leases", "attendance", "nodes", "writers", "installation"}
_numbers = count(1)


@pytest.fixture
async def owner(postgres_kit: PostgresKit, store: PostgresStore) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the database, who is a superuser: nobody confines him."""
    connection = await asyncpg.connect(postgres_kit.server.url(postgres_kit.database))
    yield connection
    await connection.close()


@pytest.fixture
async def store(postgres_kit: PostgresKit) -> PostgresStore:
    """An open store."""
    store = await postgres_kit.open()
    assert store.has_roles
    return store


@pytest.fixture
async def tables(owner: asyncpg.Connection) -> dict[str, str]:
    """The tables that hold rows of tenants, each with a row of each of two, and the column that says whose it is."""
    tables = dict(map(tuple, await owner.fetch(OF_A_TENANT)))
    for table, column in tables.items():
        for tenant in (MINE.tenant_id, THEIRS.tenant_id):
            await owner.execute(await a_row(owner, table, column, tenant))
    return tables


async def a_row(owner: asyncpg.Connection, table: str, column: str, tenant: str) -> str:
    """Return the INSERT of a row with something in every column that needs it."""
    needed = await owner.fetch(
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_name = $1 AND (is_nullable = 'NO' OR column_name = $2)",
        table,
        column,
    )
    # What has to be unique over all tenants is an id.
    values = {name: SAMPLES.get(kind, f"'{tenant}{next(_numbers)}'") for name, kind in needed} | {column: f"'{tenant}'"}
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(values.values())})"


async def asks(store: PostgresStore, scope: Scope, question: str) -> list[Any]:
    """Run a query of a request that forgot all about scopes."""

    async def script(reader: Reader) -> list[Any]:
        return [tuple(row) for row in await reader._sql.every(question)]  # type: ignore[attr-defined]

    return await store.read(scope, script)


async def changes(store: PostgresStore, scope: Scope, statement: str) -> int:
    """Change what a request may not; return how many rows, or raise what the database says."""

    async def script(transaction: Transaction) -> int:
        changed: int = await transaction._sql.run(statement)  # type: ignore[attr-defined]
        return changed

    (outcome,) = (await store.commit([], [Write(scope, script)])).outcomes
    if outcome.error is not None:
        raise outcome.error
    return int(outcome.value)


async def test_every_table_of_tenants_has_its_wall(owner: asyncpg.Connection, tables: dict[str, str]) -> None:
    """Enabled, also for the owner of the table, and with a policy for each of the two roles."""
    walls = await owner.fetch(
        "SELECT relname::text, relrowsecurity AND relforcerowsecurity, count(policyname) FROM pg_class "
        "LEFT JOIN pg_policies ON tablename = relname WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
        "GROUP BY 1, 2"
    )
    assert set(tables) == READABLE | {"leases", "attendance"}
    for name, is_forced, policies in walls:
        expected = (True, 2) if name in tables else (False, 0)
        assert (is_forced, policies) == expected, name
    assert {name for name, _, _ in walls} == set(tables) | NOT_FOR_REQUESTS | {"schema_steps", "schema_backfills"}


@pytest.mark.parametrize("scope", [MINE, EndUser(MINE.tenant_id, "ann"), THEIRS], ids=["mine", "an end user", "theirs"])
async def test_a_query_without_a_condition_sees_its_own_tenant_only(
    store: PostgresStore, tables: dict[str, str], scope: Scope
) -> None:
    """`SELECT * FROM messages`: one row of two, from every table that a request may read."""
    for table, column in tables.items():
        if table in READABLE:
            assert await asks(store, scope, f"SELECT {column} FROM {table}") == [(scope.tenant_id,)], table


@pytest.mark.parametrize("table", sorted(NOT_FOR_REQUESTS))
async def test_the_engines_tables_are_closed_to_requests(store: PostgresStore, table: str) -> None:
    """Who writes for whom, and what tokens are signed with, is none of a request's business."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asks(store, MINE, f"SELECT * FROM {table}")


async def test_a_change_without_a_condition_changes_its_own_tenant_only(
    store: PostgresStore, tables: dict[str, str]
) -> None:
    """An UPDATE of everything is an UPDATE of one's own; no row can be given to, or put in for, somebody else."""
    changed = set()
    for table, column in tables.items():
        try:
            assert await changes(store, MINE, f"UPDATE {table} SET {column} = {column}") == 1, table
        except asyncpg.InsufficientPrivilegeError as error:
            assert "permission denied" in str(error)
            continue
        changed.add(table)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await changes(store, MINE, f"UPDATE {table} SET {column} = '{THEIRS.tenant_id}'")
        # Aimed at the other one's row by its name, it finds nothing.
        aimed = f"UPDATE {table} SET {column} = {column} WHERE {column} = '{THEIRS.tenant_id}'"
        assert await changes(store, MINE, aimed) == 0, table
    agents = {"agents", "teams", "team_members", "members", "sessions", "shares", "files", "titles", "uploads"}
    assert changed == {"keys", "threads", "heads", "messages", "runs", "tools", "tool_calls", "reads"} | agents


async def test_nothing_can_be_put_in_for_another_tenant(
    store: PostgresStore, owner: asyncpg.Connection, tables: dict[str, str]
) -> None:
    """A row that says that it is theirs is refused; the like of it that says that it is mine is taken."""
    taken = set()
    for table, column in tables.items():
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await changes(store, MINE, await a_row(owner, table, column, THEIRS.tenant_id))
        try:
            # Some have their tenant and no more for a key.
            await owner.execute(f"DELETE FROM {table} WHERE {column} = '{MINE.tenant_id}'")
            assert await changes(store, MINE, await a_row(owner, table, column, MINE.tenant_id)) == 1
        except asyncpg.InsufficientPrivilegeError as error:
            assert "permission denied" in str(error)
            continue
        taken.add(table)
    agents = {
        "agents",
        "agent_versions",
        "teams",
        "team_members",
        "members",
        "forks",
        "renames",
        "sessions",
        "shares",
        "files",
        "file_uses",
        "uploads",
        "titles",
    }
    rows = {"keys", "threads", "heads", "messages", "runs", "sends", "events", "tools", "tool_calls", "reads"}
    assert taken == rows | agents | {"attempt_usage"}


async def test_a_request_deletes_nothing(store: PostgresStore, tables: dict[str, str]) -> None:
    """Not even its own: what is deleted is swept by the engine."""
    for table in [*tables, *NOT_FOR_REQUESTS]:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await changes(store, MINE, statement)


async def test_the_engine_sees_everybody(
    store: PostgresStore, owner: asyncpg.Connection, tables: dict[str, str]
) -> None:
    """The other role crosses tenants, and is no superuser either."""

    async def script(reader: Reader) -> tuple[str, list[int]]:
        (who,) = await reader._sql.one("SELECT current_user")  # type: ignore[attr-defined]
        return who, [len(await reader._sql.every(f"SELECT 1 FROM {table}")) for table in tables]  # type: ignore[attr-defined]

    who, counts = await store.read(SYSTEM, script)
    assert who == ENGINE_ROLE
    assert set(counts) == {2}
    assert not await owner.fetch(f"SELECT 1 FROM pg_roles WHERE rolsuper AND rolname IN ('{APP_ROLE}', '{who}')")


async def test_who_does_not_say_for_whom_sees_nothing(owner: asyncpg.Connection, tables: dict[str, str]) -> None:
    """A transaction of the requests' role without the setting, with an empty one, and with that of nobody."""
    for setting in ("", "SET threadline.tenant = ''", "SET threadline.tenant = 'tnt_nobody'"):
        await owner.execute(f"RESET ALL; SET ROLE {APP_ROLE}; {setting}")
        for table in READABLE:
            assert await owner.fetch(f"SELECT * FROM {table}") == [], table


async def test_what_a_connection_was_lent_for_is_forgotten(
    postgres_kit: PostgresKit, tables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One connection for all: after a read, a commit, an error and a refusal it belongs to nobody."""
    monkeypatch.setattr(connections, "CONNECTIONS_MAX", 1)
    narrow = PostgresStore(postgres_kit.server.url(postgres_kit.database))
    await narrow.open()

    async def check(expected_pid: int | None) -> int:
        async with narrow._connections.bare() as connection:
            row = await connection.fetchrow(
                "SELECT pg_backend_pid(), session_user = current_user, current_setting('threadline.tenant', true)"
            )
            assert (row[1], row[2] or "") == (True, "")
            assert expected_pid in (None, row[0]), "the same connection all the time"
            return int(row[0])

    pid = await check(None)
    for statement, error in (
        ("UPDATE threads SET title = 'x'", None),
        ("UPDATE threads SET nothing = 'x'", asyncpg.PostgresError),
        ("DELETE FROM threads", asyncpg.PostgresError),
    ):
        await asks(narrow, MINE, "SELECT id FROM threads")
        await check(pid)
        if error is None:
            await changes(narrow, MINE, statement)
        else:
            with pytest.raises(error):
                await changes(narrow, MINE, statement)
        await check(pid)
        assert await asks(narrow, THEIRS, "SELECT tenant_id FROM threads") == [(THEIRS.tenant_id,)]
    await narrow.close()


@pytest.fixture
async def plain(postgres: PostgresServer) -> AsyncIterator[str]:
    """The address of an empty database whose owner may make no roles."""
    name = postgres.create_database()
    owner = f"plain_{name}"
    for statement in (f"CREATE ROLE {owner} LOGIN", f"ALTER DATABASE {name} OWNER TO {owner}"):
        postgres.execute(statement)
    yield postgres.url(name).replace(f"{USER}@", f"{owner}@")
    postgres.drop_database(name)
    postgres.execute(f"DROP ROLE {owner}")


async def works(address: str, has_roles: bool) -> None:
    """See that the store does all it should on such a database, for the right one and for a stranger."""
    store = PostgresStore(address)
    await store.open()
    assert store.has_roles is has_roles

    class Kit:
        async def reopen(self) -> None:
            raise AssertionError

    bench = Bench(Kit(), store)  # type: ignore[arg-type]
    bench.ids = IdMaker(ManualClock(), random.SystemRandom())
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    assert await bench.say(bench.delta(attempt, "word")) == [1]
    for scope in (MINE, SYSTEM):
        assert len(await store.read(scope, lambda reader: reader.log(MINE, thread.id, 0, 10))) == 1
    with pytest.raises(NotFound):
        await store.read(THEIRS, lambda reader: reader.thread(THEIRS, thread.id))
    await store.close()


async def test_where_roles_may_not_be_made_there_are_no_walls_and_all_else_works(plain: str) -> None:
    """Our own scoping stands alone then, and the store says so."""
    await works(plain, has_roles=False)
    await works(plain, has_roles=False)


async def test_where_somebody_else_has_made_the_roles_there_are_walls(plain: str, postgres: PostgresServer) -> None:
    """The owner of the database is told to use them, and is confined by them like everybody."""
    owner = plain.partition("//")[2].partition("@")[0]
    made = {row[0] for row in postgres.execute("SELECT rolname FROM pg_roles")}
    for role in (APP_ROLE, ENGINE_ROLE):
        if role not in made:
            postgres.execute(f"CREATE ROLE {role} NOLOGIN")
        postgres.execute(f"GRANT {role} TO {owner}")
    await works(plain, has_roles=True)
    connection = await asyncpg.connect(plain)
    await connection.execute(f"SET ROLE {APP_ROLE}")
    assert await connection.fetch("SELECT * FROM threads") == []
    await connection.close()
