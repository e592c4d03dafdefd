"""`threadline doctor` on PostgreSQL: what is wrong with the database, its server, and what wakes the nodes."""

import asyncio
from pathlib import Path

import pytest

from support.databases import MakePostgres, MakeRedis
from support.pooler import Pooler
from support.postgres import PostgresServer
from support.server import Server
from threadline.cli.examine.finding import Finding
from threadline.cli.examine.postgres import postgres as examined
from threadline.clock import ManualClock, SystemClock
from threadline.settings import Settings

from .conftest import Run


def name_of(database: str) -> str:
    """Return the name of a database by its address."""
    return database.rpartition("/")[2]


def look(database: str, **settings: object) -> list[Finding]:
    """Return what the doctor finds, without the second that a new process takes."""
    return examined(Settings(database=database, **settings), SystemClock())[0]


def one(findings: list[Finding], words: str) -> Finding:
    """Return the one finding with these words in it."""
    found = [finding for finding in findings if words in finding.what]
    assert len(found) == 1, findings
    return found[0]


def test_a_good_server_looks_well(run: Run, make_postgres: MakePostgres, tmp_path: Path) -> None:
    """Empty at first, then with a node on it; a password is never shown."""
    server = make_postgres()
    server.start()
    address = server.url().replace("threadline@", "threadline:geheim@")
    empty = run("doctor", "--database", address, "--port", 0)
    assert (empty.status, empty.err) == (0, "")
    assert "There is no Threadline in it yet; `threadline serve` makes it." in empty.out
    assert empty.out.endswith("Everything looks well.\n")
    tables = server.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    assert tables[0][0] == 0, "nothing is made by looking"
    node = Server(tmp_path / "node", {"THREADLINE_DATABASE": address}).start()
    try:
        done = run("doctor", "--database", address, "--port", node.port)
    finally:
        node.stop()
    assert done.status == 0, done.out
    for sentence in (
        ", 1 node on it.",
        "The database has version ",
        "Row-level security is on: PostgreSQL itself keeps tenants apart.",
        "LISTEN and NOTIFY work: nodes wake each other through the database.",
        "1 node here may take 13 connections; PostgreSQL allows 197, and ",
        "The database's clock agrees with this machine's.",
        "Everything looks well.",
    ):
        assert sentence in done.out, done.out
    assert "geheim" not in done.out + empty.out


def test_dangerous_settings_are_said(make_postgres: MakePostgres) -> None:
    """Each with the statement that mends it; all of them work, so none is an error."""
    server = make_postgres(fsync="off", full_page_writes="off", synchronous_commit="off", autovacuum="off")
    server.start()
    findings = look(server.url())
    for words, advice in (
        ("fsync is off", "ALTER SYSTEM SET fsync = on"),
        ("full_page_writes is off", "ALTER SYSTEM SET full_page_writes = on"),
        ("synchronous_commit is off", 'ALTER DATABASE "postgres" SET synchronous_commit = on'),
        ("autovacuum is off", "ALTER SYSTEM SET autovacuum = on"),
    ):
        found = one(findings, words)
        assert (found.level, advice in found.advice) == ("warning", True)
    assert {finding.level for finding in findings} == {"ok", "warning"}


def test_too_few_connections_are_said(make_postgres: MakePostgres) -> None:
    """For the nodes of this machine, by their pools."""
    server = make_postgres(max_connections="40")
    server.start()
    assert one(look(server.url()), "may take 13 connections; PostgreSQL allows 37").level == "ok"
    assert one(look(server.url(), workers=2), "2 nodes here may take 26").level == "ok"
    found = one(look(server.url(), workers=4), "4 nodes here may take 52 connections; PostgreSQL allows 37")
    assert (found.level, "Raise max_connections to 65" in found.advice) == ("error", True)


def test_walls_that_are_down_are_said(run: Run, make_postgres: MakePostgres) -> None:
    """With the very statements that raise them, which are then run."""
    server = make_postgres()
    server.start()
    server.execute("CREATE ROLE plain LOGIN")
    server.execute("CREATE DATABASE plain OWNER plain")
    address = server.url("plain").replace("threadline@", "plain@")
    migrated = run("db", "migrate", "--database", address)
    assert migrated.status == 0, migrated.err
    assert "Row-level security is off: `threadline doctor` says how to turn it on." in migrated.err
    found = one(look(address), "Row-level security is off: this user may not make its two roles.")
    assert found.level == "warning"
    for statement in found.advice.split("`")[1].split(";"):
        if statement.strip():
            server.execute(statement, "plain")
    assert run("db", "migrate", "--database", address).err.count("Row-level") == 0
    assert one(look(address), "Row-level security is on").level == "ok"


def test_old_new_and_half_databases_are_told_apart(run: Run, database: str, postgres: PostgresServer) -> None:
    """An older one is migrated, a newer one is in the middle of an upgrade, half a copy is to be finished."""
    assert run("db", "migrate", "--database", database).status == 0
    name = name_of(database)
    postgres.execute("INSERT INTO schema_steps (number, name, works_with) VALUES (9999, 'far', 1)", name)
    assert one(look(database), "The database has version 9999").level == "warning"
    postgres.execute("CREATE TABLE copy_progress (name text)", name)
    assert one(look(database), "half of an installation").level == "error"
    postgres.execute("DROP TABLE copy_progress", name)
    postgres.execute("UPDATE schema_steps SET number = -number", name)
    assert "`threadline db migrate`" in one(look(database), "this program's is").advice


def test_nobody_there_is_said(run: Run) -> None:
    """One finding, with advice, and the rest is still looked at."""
    done = run("doctor", "--database", "postgresql://me:geheim@127.0.0.1:9/x", "--port", 0)
    assert done.status == 1
    assert "There is no connection to postgresql://127.0.0.1:9/x: " in done.out
    assert "The clock says " in done.out
    assert "geheim" not in done.out


def test_a_clock_that_differs_is_only_reported(database: str) -> None:
    """Leases are of the database's clock alone."""
    findings, _ = examined(Settings(database=database), ManualClock(1_790_000_000_000))
    found = one(findings, "The database's clock is ")
    assert (found.level, "Nothing depends on it." in found.what) == ("ok", True)


@pytest.mark.parametrize("refuses_settings", [False, True])
async def test_a_pooler_is_found_out(
    database: str, postgres: PostgresServer, refuses_settings: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a LISTEN that hears nothing, and by the settings that it does not let through."""
    # It hears nothing however long one waits.
    monkeypatch.setattr("threadline.store.postgres.facts.NOTIFY_SECONDS", 0.2)
    pooler = Pooler(postgres.port, refuses_settings)
    async with pooler.running():
        address = database.replace(f":{postgres.port}/", f":{pooler.port}/")
        findings = await asyncio.to_thread(look, address)
        elsewhere = await asyncio.to_thread(look, address, bus=database)
    found = one(findings, "LISTEN does not work through this address")
    assert (found.level, "--bus" in found.advice) == ("error", True)
    assert not any("LISTEN" in finding.what for finding in elsewhere), "the bus has an address of its own"
    settings = [finding for finding in findings if "unsupported startup parameter: jit" in finding.what]
    assert [finding.level for finding in settings] == (["error"] if refuses_settings else [])


def test_a_bus_on_redis_is_looked_at(run: Run, database: str, make_redis: MakeRedis) -> None:
    """There, and then away; and no password is shown."""
    server = make_redis(password="geheim")
    server.start()
    there = run("doctor", "--database", database, "--bus", server.url(), "--port", 0)
    where = f"redis://127.0.0.1:{server.port}"
    assert f"The bus {where}" in there.out, there.out
    assert there.status == 0
    server.stop()
    away = run("doctor", "--database", database, "--bus", server.url(), "--port", 0)
    assert away.status == 1
    assert f"The bus {where}" in away.out
    assert "does not answer" in away.out
    assert "geheim" not in there.out + away.out


def test_a_bus_of_its_own_is_tried(run: Run, database: str, postgres: PostgresServer) -> None:
    """Another address of PostgreSQL; one where nobody is; one that is no bus at all; none between nodes."""
    other = run("doctor", "--database", database, "--bus", postgres.url(), "--port", 0)
    assert f"The bus postgresql://127.0.0.1:{postgres.port}/postgres works." in other.out
    nobody = run("doctor", "--database", database, "--bus", "postgresql://127.0.0.1:9/x", "--port", 0)
    assert (nobody.status, "The bus does not work: There is no connection to" in nobody.out) == (1, True)
    wrong = run("doctor", "--database", database, "--bus", "carrier-pigeon", "--port", 0)
    assert (wrong.status, "The bus 'carrier-pigeon' is none that is known" in wrong.out) == (1, True)
    memory = run("doctor", "--database", database, "--bus", "memory", "--port", 0)
    assert "The bus is within this process" in memory.out
