"""The schema on PostgreSQL: made once, by whoever comes first; old and new programs side by side; indexes where it counts."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from support.databases import MakePostgres
from threadline import store as store_room
from threadline.errors import StoreRefused
from threadline.events import ThreadUpdated
from threadline.scopes import EndUser
from threadline.store.contract import MessageQuery, Reader, ThreadQuery, Transaction, Write
from threadline.store.postgres import connections
from threadline.store.postgres.schema import migrate, steps, version_of
from threadline.store.postgres.store import PostgresStore

from .conftest import MINE, NODE, SYSTEM, Bench
from .kits import PostgresKit

SCHEMA = (
    "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable FROM information_schema.columns "
    "WHERE table_schema = 'public' UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' "
    "UNION ALL SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
    "UNION ALL SELECT array_to_string(reloptions, ',') FROM pg_class WHERE relnamespace = 'public'::regnamespace "
    "ORDER BY 1"
)


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to an empty database."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def schema_of(connection: asyncpg.Connection) -> list[str]:
    """Return what the database consists of."""
    return [row[0] for row in await connection.fetch(SCHEMA)]


def test_the_steps_are_numbered_and_say_who_may_go_on() -> None:
    """0001, 0002 …; none asks for a program that knows more than the step itself, or less than the steps before it."""
    assert [step.number for step in steps()] == list(range(1, len(steps()) + 1))
    needs = [step.works_with for step in steps()]
    assert all(1 <= step.works_with <= step.number for step in steps())
    assert needs == sorted(needs)


async def test_from_an_empty_database_every_step_runs_once(connection: asyncpg.Connection) -> None:
    """Each is told; a second time there is nothing to do."""
    told: list[tuple[str, int, int]] = []
    assert await version_of(connection) == 0
    assert await migrate(connection, lambda *step: told.append(step)) == len(steps())
    assert [number for _, number, _ in told] == [step.number for step in steps()]
    before = await schema_of(connection)
    assert await migrate(connection) == 0
    assert await version_of(connection) == len(steps())
    assert await schema_of(connection) == before


async def test_a_step_that_fails_leaves_the_database_as_it_was(connection: asyncpg.Connection) -> None:
    """The step and the note that it ran are one transaction."""
    await connection.execute("CREATE TABLE packs (something text)")
    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(connection)
    assert await version_of(connection) == 0
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {row[0] for row in tables} == {"packs", "schema_steps", "schema_backfills"}


async def test_a_database_that_cannot_be_migrated_is_refused_in_words(
    database: str, connection: asyncpg.Connection
) -> None:
    """The program does not start, and says what the database said."""
    await connection.execute("CREATE TABLE packs (something text)")
    store = PostgresStore(database)
    with pytest.raises(StoreRefused, match="packs"):
        await store.open()
    await store.close()


async def test_nodes_that_start_together_on_an_empty_server_are_fine(make_postgres: MakePostgres) -> None:
    """Tables, roles and walls are made once, and everybody has them."""
    server = make_postgres()
    await asyncio.to_thread(server.start)
    nodes = [PostgresStore(server.url(server.create_database() if place == 9 else "postgres")) for place in range(10)]
    await asyncio.gather(*(node.open() for node in nodes))
    assert [node.has_roles for node in nodes] == [True] * 10
    found = server.execute("SELECT count(*) FROM schema_steps")
    assert found[0][0] == len(steps())
    for node in nodes:
        assert await node.read(MINE, lambda reader: reader.threads(MINE, ThreadQuery())) == []
        await node.close()


async def _works(kit: PostgresKit) -> None:
    bench = Bench(kit, await kit.open())
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    assert await bench.say(bench.delta(attempt, "word")) == [1]
    assert await bench.append(thread.id) == 2
    assert len(await bench.log(thread.id)) == 2


async def test_a_newer_schema_that_needs_a_newer_program_is_refused(postgres_kit: PostgresKit) -> None:
    """With both numbers and what to do; nothing is touched."""
    postgres_kit.execute("INSERT INTO schema_steps (number, name, works_with) VALUES (998, 'a', 1), (999, 'b', 77)")
    with pytest.raises(StoreRefused, match=r"version 999, which needs .* version 77 .* newer Threadline"):
        await postgres_kit.open()
    assert postgres_kit.count("schema_steps") == len(steps()) + 2


async def test_an_older_program_works_on_a_newer_schema_that_works_with_it(postgres_kit: PostgresKit) -> None:
    """While an installation is upgraded: the newest node has expanded the schema, the others write on."""
    newest = len(steps())
    for statement in (
        f"INSERT INTO schema_steps (number, name, works_with) VALUES ({newest + 1}, 'more', {newest})",
        "ALTER TABLE threads ADD COLUMN colour text",
        "ALTER TABLE events ADD COLUMN weight bigint DEFAULT 1",
        "CREATE TABLE rooms (tenant_id text PRIMARY KEY)",
        "CREATE POLICY own_tenant ON rooms USING (true)",
    ):
        postgres_kit.execute(statement)
    walls = postgres_kit.execute("SELECT oid FROM pg_policy ORDER BY oid")
    await _works(postgres_kit)
    assert postgres_kit.execute("SELECT oid FROM pg_policy ORDER BY oid") == walls, (
        "no table was locked to wall it again"
    )
    assert postgres_kit.count("schema_steps") == newest + 1


async def test_a_schema_that_is_expanded_under_a_running_node_does_not_disturb_it(postgres_kit: PostgresKit) -> None:
    """Its prepared statements know the tables as they were, and nobody hears of it."""
    bench = Bench(postgres_kit, await postgres_kit.open())
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    for place, table in enumerate(("threads", "heads", "events", "deltas", "leases", "runs")):
        assert await bench.say(bench.delta(attempt, "w")) == [2 * place + 1]
        assert await bench.append(thread.id) == 2 * place + 2
        postgres_kit.execute(f"ALTER TABLE {table} ADD COLUMN more_{place} text")
        assert len(await bench.log(thread.id)) == 2 * place + 2


NEWER_SYNTAX = [
    r"\bMERGE\b",
    r"NULLS NOT DISTINCT",
    r"\bJSON_(TABLE|EXISTS|QUERY|VALUE|SCALAR|SERIALIZE)\b",
    r"\bANY_VALUE\b",
    r"\bIS JSON\b",
    r"RETURNING\s+(WITH|OLD|NEW)\b",
    r"\buuidv7\b",
    r"STORAGE\s+(PLAIN|EXTENDED|MAIN|EXTERNAL)",
    r"security_invoker",
    r"\bregexp_(count|instr|like|substr)\b",
    r"\bVIRTUAL\b",
    r"GRANT .* WITH (INHERIT|SET)",
]


def test_nothing_is_said_that_postgresql_14_does_not_understand() -> None:
    """The tests run on a newer one. What came with 15, 16, 17 and 18 is looked for by name."""
    folder = Path(store_room.__file__).parent
    files = [
        *(folder / "postgres").rglob("*.py"),
        *(folder / "postgres").rglob("*.sql"),
        *(folder / "sql").rglob("*.py"),
    ]
    assert len(files) > 8
    for file in files:
        for pattern in NEWER_SYNTAX:
            assert not re.search(pattern, file.read_text()), f"{file.name}: {pattern}"


LARGE = """
INSERT INTO threads (tenant_id, id, end_user_id, external_id, metadata, pinned, archived, message_count, created_at,
    last_activity_at) SELECT 'tnt_' || n % 9, 'thr_' || n, 'usr_' || n, 'ext_' || n, '{}', 0, 0, 1, n, n FROM n;
INSERT INTO heads SELECT 'tnt_' || n % 9, 'thr_' || n, 9 FROM n;
INSERT INTO messages (tenant_id, thread_id, id, seq, role, author, content, status, metadata, created_at)
    SELECT 'tnt_' || n % 9, 'thr_' || n, 'msg_' || n, 1, 'user', '{"type":"user"}', '[]', 'complete', '{}', n FROM n;
INSERT INTO runs (tenant_id, id, thread_id, status, attempt, attempts, model, input_message_id, options, has_turn,
    first_seq, drained_attempts, drained_epoch, created_at)
    SELECT 'tnt_' || n % 9, 'run_' || n, 'thr_' || n, 'completed', 1, '[]', 'x/y', 'msg_' || n, '{}', 0, 1, 0, 0, n FROM n;
INSERT INTO events SELECT 'tnt_' || n % 9, 'thr_' || n, 1, NULL, '{"type":"x"}' FROM n;
INSERT INTO deltas SELECT 'tnt_' || n % 9, 'thr_' || n, 2, 'run_' || n, 1, 0, 0, 'w' FROM n;
INSERT INTO unpacked_attempts SELECT 'tnt_' || n % 9, 'thr_' || n, 'run_' || n, 1, 'msg_' || n, 1, 9 FROM n;
INSERT INTO packs SELECT 'tnt_' || n % 9, 'thr_' || n, 1, 1, 'run_' || n, 'msg_' || n, 1, '', '' FROM n;
INSERT INTO leases SELECT 'tnt_' || n % 9, 'run_' || n, 'thr_' || n, 'node_x', 1 FROM n;
INSERT INTO sends SELECT 'tnt_' || n % 9, 'thr_' || n, 'ann', 'k', 'f', 'msg_' || n, NULL, n FROM n;
INSERT INTO members (tenant_id, thread_id, id, end_user_id, role, created_at)
    SELECT 'tnt_' || n % 9, 'thr_' || n, 'mem_' || n, 'usr_' || n, 'member', n FROM n;
"""
SCANS = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname <> ALL ('{nodes,tenants,keys,writers,schema_steps,n}')"


async def _scans(store: PostgresStore) -> dict[str, int]:
    """Return how often each table was read from its beginning to its end."""
    async with store._connections.bare() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        await connection.execute("SELECT pg_stat_clear_snapshot()")
        return dict(map(tuple, await connection.fetch(SCANS)))


async def test_what_is_done_often_reads_no_table_as_a_whole(
    postgres_kit: PostgresKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests behind their wall, the engine, and a batch of deltas find their rows by index in large tables."""
    # One connection, so that what it has counted is told before it is asked.
    monkeypatch.setattr(connections, "CONNECTIONS_MAX", 1)
    store = await postgres_kit.open()
    async with store._connections.bare() as connection:
        await connection.execute("CREATE TABLE n AS SELECT generate_series(1, 4000) AS n")
        await connection.execute(LARGE)
        await connection.execute("ANALYZE")
    bench = Bench(postgres_kit, store)
    thread = await bench.thread(end_user_id="ann")
    attempt = await bench.attempt(thread)
    message = bench.message(thread.id, seq=1)
    before = await _scans(store)
    # As often as it takes until the server plans once for all values.
    for _ in range(7):
        await _requests(bench, thread, attempt)
        await _engine(bench, thread, attempt)
        assert None not in await bench.say(bench.delta(attempt, "w"), bench.delta(attempt, "v"))
    await bench.store.commit([], [Write(MINE, lambda transaction: transaction.insert_message(MINE, message))])
    closed = await bench.close_attempt(attempt)
    await bench.pack(closed, await bench.deltas(closed), is_last=True)
    after = await _scans(store)
    assert {table: after[table] - before[table] for table in after if after[table] != before[table]} == {}


async def _requests(bench: Bench, thread: Any, attempt: Any) -> None:
    ann = EndUser(MINE.tenant_id, "ann")

    async def reads(reader: Reader) -> None:
        await reader.thread(ann, thread.id)
        await reader.head(ann, thread.id)
        await reader.threads(MINE, ThreadQuery(limit=5))
        await reader.threads(MINE, ThreadQuery(limit=5, after=(False, "3", "thr_3")))
        await reader.threads(ann, ThreadQuery(limit=5))
        await reader.thread_by_external_id(MINE, "ann", "ext_x")
        await reader.messages(ann, thread.id, MessageQuery())
        await reader.messages(ann, thread.id, MessageQuery(after=7, descending=False))
        await reader.run(ann, attempt.run_id)
        await reader.open_runs(ann, thread.id)
        await reader.send(ann, thread.id, "ann", "k")
        await reader.log(ann, thread.id, 0, 100, 1000)

    async def writes(transaction: Transaction) -> None:
        await transaction.save_thread(MINE, await transaction.thread(MINE, thread.id))
        await transaction.save_run(MINE, await transaction.run(MINE, attempt.run_id))
        await _appends(transaction, thread)

    await bench.store.read(ann, reads)
    (outcome,) = (await bench.store.commit([], [Write(MINE, writes)])).outcomes
    assert outcome.error is None, outcome.error


async def _appends(transaction: Transaction, thread: Any) -> None:
    """Append one event."""
    await transaction.append(MINE, thread.id, ThreadUpdated({"title": "t"}), None)


async def _engine(bench: Bench, thread: Any, attempt: Any) -> None:
    watched = {thread.id: 0, **{f"thr_{place}": 0 for place in range(1, 50)}}

    async def reads(reader: Reader) -> None:
        await reader.heads(SYSTEM, list(watched))
        await reader.news(SYSTEM, watched, 100)
        await reader.lease(SYSTEM, attempt.run_id)
        await reader.claimable(SYSTEM)
        await reader.unpacked_attempt(SYSTEM, attempt)
        await reader.deltas(SYSTEM, attempt)
        await reader.locate_thread(SYSTEM, thread.id)
        await reader.locate_run(SYSTEM, attempt.run_id)

    await bench.store.read(SYSTEM, reads)
    await bench.write(
        lambda transaction: transaction.renew_node(SYSTEM, NODE, 10),
        lambda transaction: transaction.sweep_sends(SYSTEM, "0"),
        lambda transaction: transaction.sweep_deleted(SYSTEM),
    )
