"""The SQLite file itself: made from nothing, brought up to date, refused in words, fully synced."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from support.waiting import PATIENCE_SECONDS
from threadline.clock import ManualClock
from threadline.errors import StoreRefused
from threadline.events import ThreadUpdated
from threadline.store.contract import Reader, Transaction
from threadline.store.sqlite.schema import migrate, steps, version_of
from threadline.store.sqlite.store import Durability, SqliteStore

from .conftest import MINE, SYSTEM, Bench
from .kits import SqliteKit


def schema_of(connection: apsw.Connection) -> list[tuple[str, str]]:
    """Return what the file consists of, as its own words."""
    return list(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"))


async def _opened_and_closed(path: Path) -> None:
    store = SqliteStore(path, ManualClock())
    await store.open()
    await store.close()


def test_the_steps_are_numbered_without_a_gap() -> None:
    """0001, 0002 …: each step is one file, and none can be forgotten or run twice."""
    assert [number for number, _, _ in steps()] == list(range(1, len(steps()) + 1))
    assert all(name.startswith(f"{number:04d}_") for number, name, _ in steps())


def test_from_an_empty_file_every_step_runs_once() -> None:
    """An empty file gets the whole schema, step by step, telling each; a second time there is nothing to do."""
    connection = apsw.Connection(":memory:")
    told: list[tuple[str, int, int]] = []
    assert migrate(connection, lambda *step: told.append(step)) == len(steps())
    assert version_of(connection) == len(steps())
    assert [number for _, number, _ in told] == [number for number, _, _ in steps()]
    before = schema_of(connection)
    assert migrate(connection) == 0
    assert schema_of(connection) == before


@pytest.mark.parametrize("version", range(len(steps())))
def test_from_every_earlier_version_the_schema_is_the_same(version: int) -> None:
    """Whichever version an installation comes from, it ends with the schema that a new one has."""
    fresh, older = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    migrate(fresh)
    for number, _, sql in steps()[:version]:
        older.execute(sql)
        older.execute(f"PRAGMA user_version = {number}")
    assert migrate(older) == len(steps()) - version
    assert schema_of(older) == schema_of(fresh)


def test_a_step_that_fails_leaves_the_file_as_it_was() -> None:
    """Schema and version change in one transaction: a crash in a step leaves neither half of it."""
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE packs (something TEXT)")
    before = schema_of(connection)
    with pytest.raises(apsw.SQLError):
        migrate(connection)
    assert version_of(connection) == 0
    assert schema_of(connection) == before
    assert not connection.in_transaction


def test_every_key_begins_with_its_tenant() -> None:
    """An installation can be split by tenant: only deltas, nodes and tenants themselves have keys that do not name one."""
    connection = apsw.Connection(":memory:")
    migrate(connection)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for table in tables:
        columns = list(connection.execute(f"SELECT name, pk FROM pragma_table_info('{table}')"))
        first = next(name for name, place in columns if place == 1)
        assert (first == "tenant_id") == (table not in {"deltas", "nodes", "tenants"}), table
        assert not list(connection.execute(f"PRAGMA foreign_key_list({table})")), "no foreign key across tenants"


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("relaxed", 1)])
async def test_every_commit_is_synced_as_the_setting_says(
    tmp_path: Path, durability: Durability, synchronous: int
) -> None:
    """`full` syncs the log of every commit (2 is SQLite's FULL); `relaxed` is the setting that may lose moments."""
    store = SqliteStore(tmp_path / "threadline.db", ManualClock(), durability)
    await store.open()
    assert store._write_connection is not None
    assert store._write_connection.execute("PRAGMA synchronous").get == synchronous
    assert store._write_connection.execute("PRAGMA journal_mode").get == "wal"
    await store.close()


async def test_a_reading_connection_cannot_write(tmp_path: Path) -> None:
    """There is one writer: a reading script that tried to write would be refused by the database itself."""
    store = SqliteStore(tmp_path / "threadline.db", ManualClock())
    await store.open()

    async def writes(reader: Reader) -> None:
        reader._connection.execute("DELETE FROM threads")  # type: ignore[attr-defined]

    with pytest.raises(Exception, match=r"readonly|read-only|attempt to write"):
        await store.read(SYSTEM, writes)
    await store.close()


async def test_a_folder_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    """The sentence names the folder."""
    store = SqliteStore(tmp_path / "nowhere" / "threadline.db", ManualClock())
    with pytest.raises(StoreRefused, match="nowhere"):
        await store.open()
    await store.close()


async def test_a_damaged_file_is_refused_in_words(tmp_path: Path) -> None:
    """A file whose pages are torn is said to be damaged, with what to do, and is not touched."""
    path = tmp_path / "threadline.db"
    await _opened_and_closed(path)
    torn = bytearray(path.read_bytes())
    torn[100:2000] = os.urandom(1900)
    path.write_bytes(torn)
    store = SqliteStore(path, ManualClock())
    with pytest.raises(StoreRefused, match=r"damaged|not a SQLite database|cannot be opened"):
        await store.open()
    await store.close()
    assert path.read_bytes() == bytes(torn)


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A program that does not know a schema does not touch it, and says what to do."""
    path = tmp_path / "threadline.db"
    store = SqliteStore(path, ManualClock())
    await store.open()
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    newer = SqliteStore(path, ManualClock())
    with pytest.raises(StoreRefused, match="999"):
        await newer.open()
    await newer.close()


async def test_no_database_is_refused_in_words(tmp_path: Path) -> None:
    """A file that is something else, and a folder that is a file, are refused and left as they were."""
    path = tmp_path / "threadline.db"
    path.write_bytes(b"This is not a database at all." * 100)
    store = SqliteStore(path, ManualClock())
    with pytest.raises(StoreRefused, match="not a SQLite database"):
        await store.open()
    await store.close()
    assert path.read_bytes().startswith(b"This is not")
    inside = SqliteStore(path / "threadline.db", ManualClock())
    with pytest.raises(StoreRefused):
        await inside.open()
    await inside.close()


async def test_a_script_that_waits_for_something_else_is_refused(sqlite_kit: SqliteKit) -> None:
    """There is one writer: a sleep in a script would stop everybody, so it is an error of the script's own."""
    bench = Bench(sqlite_kit, await sqlite_kit.open())
    thread = await bench.thread()

    async def sleeps(transaction: Transaction) -> None:
        await transaction.append(MINE, thread.id, ThreadUpdated({"title": "never"}), None)
        await asyncio.sleep(0)

    with pytest.raises(AssertionError, match="nothing but the store"):
        await bench.write(sleeps)
    assert await bench.append(thread.id) == 1


FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from threadline.access.keys import create_key
from threadline.clock import SystemClock
from threadline.errors import Unavailable
from threadline.ids import IdMaker
from threadline.scopes import System
from threadline.store.contract import Write
from threadline.store.sqlite.store import SqliteStore
import random

async def main():
    store = SqliteStore(Path(sys.argv[1]), SystemClock())
    await store.open()
    ids = IdMaker(SystemClock(), random.Random(1))
    written = refused = 0

    async def script(transaction):
        await create_key(transaction, "default", "x" * 200, "server", ids, SystemClock())

    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    largest = max(path.stat().st_size for path in Path(sys.argv[1]).parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 150_000, hard))
    for _ in range(300):
        try:
            outcome = (await store.commit([], [Write(System("a test"), script)])).outcomes[0]
        except Unavailable:
            refused += 1
        else:
            assert outcome.error is None, outcome.error
            written += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert (await store.commit([], [Write(System("a test"), script)])).outcomes[0].error is None
    await store.close()
    print(written + 1, refused)

asyncio.run(main())
"""


def test_a_disk_that_is_really_full_loses_and_invents_nothing(tmp_path: Path) -> None:
    """The system refuses the writes: each is refused in words, and what is on disk is what was acknowledged."""
    path = tmp_path / "threadline.db"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    written, refused = map(int, done.stdout.split())
    assert written > 1
    assert refused > 1
    connection = apsw.Connection(str(path))
    assert connection.execute("SELECT count(*) FROM keys").get == written
    assert connection.execute("PRAGMA integrity_check").get == "ok"
    connection.close()
