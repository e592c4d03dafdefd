"""`threadline db copy`: a whole installation moves to PostgreSQL, whatever happens on the way, and goes on there."""

import asyncio
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from support.client import Client, counted, said, text_of
from support.fixtures import Installation
from support.postgres import PostgresServer
from support.server import Server, command, copy_installation, environment
from support.upstream import Gate, Upstream, chat
from support.waiting import PATIENCE_SECONDS
from threadline.store.copying import tables

from .conftest import Run
from .states import tamper
from .terminal import Terminal

MANY = 20_000
GATES = ("key 3", "key 5", "key 8")
"""Of the rows of `many` those that a copy comes to first, in this order, each in a batch of its own."""


def address(data: Path) -> str:
    """Return the address of the SQLite database in a folder."""
    return f"sqlite:///{data}/threadline.db"


def name_of(database: str) -> str:
    """Return the name of a database by its address."""
    return database.rpartition("/")[2]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server on a PostgreSQL database, with a data folder that has nothing in it."""
    started: list[Server] = []

    def serve(database: str, **settings: str) -> Server:
        folder = tmp_path / f"node{len(started)}"
        # It counts as running for as long as it does, however little a busy machine lets it do.
        patient = {"THREADLINE_LEASE_SECONDS": "120"}
        started.append(Server(folder, {"THREADLINE_DATABASE": database, **patient, **settings}).start())
        return started[-1]

    yield serve
    for server in started:
        server.stop()
        assert server.faults() == []


def test_everything_arrives(run: Run, data: Path, database: str) -> None:
    """Every table is named with its checksum, the copy is sound, and a second one is refused."""
    done = run("db", "copy", "--from", address(data), "--to", database)
    assert done.status == 0, done.err
    for table in tables.TABLES:
        assert re.search(rf"^{table.name} +[\d,]+ rows, [0-9a-f]{{32}}$", done.out, re.MULTILINE), done.out
    assert "Everything is copied, and the same on both sides." in done.out
    assert "Copying events: " in done.err
    checked = run("db", "check", "--database", database)
    assert (checked.status, checked.err) == (0, ""), checked.out
    assert checked.out.endswith(" is sound: 2 threads, each as its log says.\n")
    again = run("db", "copy", "--from", address(data), "--to", database, "--restart")
    assert again.status == 1
    assert "has an installation in it already (rows in tenants). Copy into an empty database." in again.err
    assert run("db", "check", "--database", database).out == checked.out


def test_threads_are_what_they_were(run: Run, data: Path, database: str) -> None:
    """Each thread written out before and after is the same, word by word and seq by seq."""
    assert run("db", "copy", "--from", address(data), "--to", database).status == 0
    listed = run("threads", "ls", "--data", data)
    assert run("threads", "ls", "--database", database).out == listed.out
    ids = re.findall(r"thr_\w+", listed.out)
    assert len(ids) == 2
    for thread_id in ids:
        before = run("threads", "export", thread_id, "--data", data)
        after = run("threads", "export", thread_id, "--database", database)
        assert (before.status, after.status) == (0, 0), after.err
        without_time = [re.sub('"exported_at":"[^"]+"', "", each.out) for each in (before, after)]
        assert without_time[0] == without_time[1] != before.out


async def test_what_was_interrupted_is_finished_in_the_new_place(
    run: Run,
    installation: Installation,
    database: str,
    serve: Callable[..., Server],
    tmp_path: Path,
    vendors: Mapping[str, str],
    upstream: Upstream,
) -> None:
    """A run whose server was killed goes on as a new attempt; a cursor and a token of before are as good as ever."""
    words, gate, model = [f"w{number} " for number in range(60)], Gate(), "openai/moves"
    upstream.play("moves", chat(*words[:10], gate, *words[10:20], ending="hang"), chat(*words))
    old = Server(copy_installation(installation.folder, tmp_path / "data"), vendors).start()
    async with Client(old.url, installation.key) as client:
        thread_id = await client.thread(end_user_id="ann")
        token = (await client.post("/v1/tokens", {"end_user_id": "ann"})).ok(201)["token"]
        async with client.send_stream(thread_id, "count", key="once", model=model) as stream:
            while len(said(stream.frames)) < len(counted(10)):
                await stream.next()
            waiting = await client.begin(thread_id, "and then", model="demo/echo@max")
            gate.set()
            # A delta is the last thing in the log: no row but its own knows how far the thread is.
            while len(said(stream.frames)) < len(counted(20)):
                await stream.next()
            old.kill9()
            seen = await stream.read_to_cut() or stream.frames
    done = await asyncio.to_thread(run, "db", "copy", "--from", address(old.data), "--to", database)
    assert done.status == 0, done.err
    checked = await asyncio.to_thread(run, "db", "check", "--database", database)
    assert checked.status == 0, checked.out
    new = await asyncio.to_thread(serve, database, **vendors)
    run_id = stream.headers["x-threadline-run-id"]
    async with Client(new.url, token) as client:
        last = {"last-event-id": str(seen[-1].id)}
        async with client.open("GET", f"/v1/runs/{run_id}/events", headers=last) as resumed:
            rest = await resumed.read_to_end()
        whole = [*seen, *rest]
        assert rest[0].event == "message.superseded"
        assert said(whole) == "".join(words)
        ended = rest[-1].data["run"]
        assert (ended["status"], ended["attempt"]) == ("completed", 2)
        assert (await client.settled(waiting["run"]["id"]))["status"] == "completed"
        log = await client.log(thread_id)
        assert [frame.id for frame in log] == list(range(1, len(log) + 1))
        ids = {frame.id for frame in whole}
        assert [frame.raw for frame in log if frame.id in ids] == [frame.raw for frame in whole]
        between = [frame for frame in log if seen[0].id < frame.id < rest[-1].id and frame.id not in ids]
        assert [(frame.event, frame.data["run"]["id"]) for frame in between] == [("run.queued", waiting["run"]["id"])]
    async with Client(new.url, installation.key) as client:
        again = await client.ask(thread_id, "count", key="once", model=model)
        assert again["run"]["id"] == run_id, "an Idempotency-Key of before is remembered"
        assert text_of(again["reply"]) == "".join(words)
    checked = await asyncio.to_thread(run, "db", "check", "--database", database)
    assert checked.status == 0, checked.out


@pytest.fixture
def many(data: Path) -> Path:
    """A data folder with so many rows that copying them takes a while."""
    tamper(
        data,
        "INSERT INTO sends (tenant_id, thread_id, end_user_id, key, fingerprint, message_id, run_id, created_at) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
        f"{MANY}) SELECT t.tenant_id, t.id, '', 'key ' || i, x'00ff', 'msg_' || i, NULL, '2026-11-21T00:00:00.000Z' "
        "FROM n, (SELECT tenant_id, id FROM threads LIMIT 1) t",
    )
    return data


def start_copy(data: Path, database: str, home: Path) -> subprocess.Popen[bytes]:
    """Start a copy and do not wait for it."""
    return subprocess.Popen(
        command("db", "copy", "--from", address(data), "--to", database),
        env=environment(home, {}),
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def gates(run: Run, database: str, postgres: PostgresServer) -> Callable[[str], None]:
    """A target in which a copy stops before each of GATES until the test has opened it, by calling this with its name."""
    assert run("db", "migrate", "--database", database).status == 0
    name = name_of(database)
    keys = ", ".join(f"('{gate}')" for gate in GATES)
    for statement in (
        "CREATE SCHEMA held",
        f"CREATE TABLE held.gates AS SELECT * FROM (VALUES {keys}) AS closed (key)",
        "GRANT USAGE ON SCHEMA held TO public",
        "GRANT SELECT ON held.gates TO public",
        "CREATE FUNCTION held.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN WHILE EXISTS "
        "(SELECT FROM held.gates WHERE key = NEW.key) LOOP PERFORM pg_sleep(0.01); END LOOP; RETURN NEW; END $$",
        f"CREATE TRIGGER wait BEFORE INSERT ON sends FOR EACH ROW WHEN (NEW.key IN {GATES}) EXECUTE FUNCTION held.wait()",
    ):
        postgres.execute(statement, name)

    def open_gate(gate: str) -> None:
        postgres.execute(f"DELETE FROM held.gates WHERE key = '{gate}'", name)

    return open_gate


def wait_for_rows(postgres: PostgresServer, database: str, more_than: int = 0) -> None:
    """Wait until a copy has come to rows that come after so many."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while copied_sends(postgres, database) <= more_than:
        assert time.monotonic() < deadline, "nothing is copied"


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a copy, which has not come to its end."""
    process.kill()
    assert process.wait() == -9, "the copy ended before it was killed"


def wait_until_gone(postgres: PostgresServer, database: str) -> None:
    """Wait until PostgreSQL has seen that a killed copy is gone: until then it keeps others out."""
    locks = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND database = "
    deadline = time.monotonic() + PATIENCE_SECONDS
    while postgres.execute(f"{locks} (SELECT oid FROM pg_database WHERE datname = '{name_of(database)}')"):
        assert time.monotonic() < deadline, "its connection lives on"


def copied_sends(postgres: PostgresServer, database: str) -> int:
    """Return how many rows of `sends` are there and committed; 0 before the table is."""
    name = name_of(database)
    if postgres.execute("SELECT to_regclass('copy_progress')", name)[0][0] is None:
        return 0
    return int(postgres.execute("SELECT count(*) FROM sends", name)[0][0])


def test_a_copy_that_is_killed_goes_on(
    run: Run, many: Path, database: str, postgres: PostgresServer, tmp_path: Path, gates: Callable[[str], None]
) -> None:
    """`kill -9` in the middle, three times: what is there stays, no server starts on it, and nothing comes twice."""
    before = 0
    for gate in GATES:
        process = start_copy(many, database, tmp_path)
        wait_for_rows(postgres, database, before)
        kill(process)
        gates(gate)
        wait_until_gone(postgres, database)
        now = copied_sends(postgres, database)
        assert before < now < MANY
        before = now
    refused = run("keys", "list", "--database", database)
    assert refused.status == 1
    assert "has a half of an installation in it" in refused.err
    checked = run("db", "check", "--database", database)
    assert (checked.status, "a copy into it has not come to its end" in checked.out) == (1, True)
    other = copy_installation(many, tmp_path / "other")
    foreign = run("db", "copy", "--from", address(other), "--to", database)
    assert foreign.status == 1
    assert f"has an unfinished copy of {address(many)}" in foreign.err
    done = run("db", "copy", "--from", address(many), "--to", database)
    assert done.status == 0, done.err
    rows = int(re.search(r"([\d,]+) rows of it had been copied before", done.out)[1].replace(",", ""))
    assert before < rows < MANY + 1000
    assert run("db", "check", "--database", database).status == 0
    assert run("keys", "list", "--database", database).status == 0


def test_a_source_that_changed_is_found_out(
    run: Run, many: Path, database: str, postgres: PostgresServer, tmp_path: Path, gates: Callable[[str], None]
) -> None:
    """A row that was changed after it was copied: named by its table, and only --restart makes it good."""
    process = start_copy(many, database, tmp_path)
    wait_for_rows(postgres, database)
    kill(process)
    for gate in GATES:
        gates(gate)
    wait_until_gone(postgres, database)
    tamper(many, "UPDATE keys SET name = 'changed' WHERE role = 'operator'")
    done = run("db", "copy", "--from", address(many), "--to", database)
    assert done.status == 1
    assert re.search(r"The copy is not whole: keys has \d+ rows, \w+ in the source and \d+ rows, \w+ in", done.err)
    assert "has a half of an installation" in run("keys", "list", "--database", database).err
    done = run("db", "copy", "--from", address(many), "--to", database, "--restart")
    assert done.status == 0, done.err
    assert "copied before" not in done.out
    assert run("db", "check", "--database", database).status == 0


@pytest.mark.parametrize(("table", "column"), [("threads", "title"), ("events", "body"), ("deltas", "text")])
def test_one_changed_row_in_the_target_is_found_out(
    run: Run, data: Path, database: str, postgres: PostgresServer, table: str, column: str
) -> None:
    """A row that is not what was sent: the copy is not called whole. A trigger stands for a disk that lies."""
    assert run("db", "migrate", "--database", database).status == 0
    name = name_of(database)
    postgres.execute(
        f"CREATE FUNCTION lie() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.{column} := 'x' || NEW.{column}; "
        "RETURN NEW; END $$",
        name,
    )
    postgres.execute(f"CREATE TRIGGER lie BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION lie()", name)
    done = run("db", "copy", "--from", address(data), "--to", database)
    assert done.status == 1
    assert f"The copy is not whole: {table} has " in done.err


def test_a_source_in_use_is_refused(run: Run, server: Server, database: str, postgres: PostgresServer) -> None:
    """By its lock; the target stays as it was."""
    done = run("db", "copy", "--from", address(server.data), "--to", database)
    assert done.status == 1
    assert f"A server is using {server.data}/threadline.db (process {server.pid}). Stop it first." in done.err
    assert postgres.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name_of(database))[0][0] == 0


def test_a_server_cannot_start_on_a_source_that_is_being_copied(
    many: Path, database: str, postgres: PostgresServer, tmp_path: Path, run: Run, gates: Callable[[str], None]
) -> None:
    """The copy holds the folder as a server does."""
    process = start_copy(many, database, tmp_path)
    try:
        wait_for_rows(postgres, database)
        refused = run("serve", "--data", many, "--port", 0)
        assert refused.status == 1
        assert f"(process {process.pid}) is using the data folder" in refused.err
    finally:
        process.kill()
        process.wait()


def test_a_target_in_use_is_refused(run: Run, data: Path, database: str, serve: Callable[[str], Server]) -> None:
    """A node that runs on it, even if nobody has asked it for anything yet."""
    serve(database)
    done = run("db", "copy", "--from", address(data), "--to", database)
    assert done.status == 1
    assert "is in use by 1 running node (node_" in done.err


def test_two_copies_at_once_are_one_too_many(
    run: Run, many: Path, database: str, postgres: PostgresServer, tmp_path: Path, gates: Callable[[str], None]
) -> None:
    """The second one is told so, and the first one ends as if nothing had been."""
    process = start_copy(many, database, tmp_path)
    wait_for_rows(postgres, database)
    other = copy_installation(many, tmp_path / "other")
    refused = run("db", "copy", "--from", address(other), "--to", database)
    assert (refused.status, "is under way" in refused.err) == (1, True), refused.err
    for gate in GATES:
        gates(gate)
    assert process.wait(PATIENCE_SECONDS) == 0


def test_a_secret_is_not_lost_unasked(run: Run, data: Path, database: str) -> None:
    """Where it is not beside the database the command wants to know; a broken one is refused."""
    secret = (data / "secret").read_bytes()
    (data / "secret").write_bytes(b"short")
    assert "has 5 bytes and should have 32" in run("db", "copy", "--from", address(data), "--to", database).err
    (data / "secret").unlink()
    done = run("db", "copy", "--from", address(data), "--to", database)
    assert done.status == 1
    assert "--without-secret" in done.err
    elsewhere = data.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret").write_bytes(secret)
    done = run("db", "copy", "--from", address(data), "--to", database, "--data", elsewhere)
    assert done.status == 0, done.err


def test_from_postgres_to_postgres(run: Run, data: Path, database: str, postgres: PostgresServer) -> None:
    """The same rows, the same checksums, the same secret; not from a database that nodes use."""
    first = run("db", "copy", "--from", address(data), "--to", database)
    assert first.status == 0, first.err
    name = postgres.create_database()
    try:
        second = run("db", "copy", "--from", database, "--to", postgres.url(name))
        assert second.status == 0, second.err
        digests = re.compile(r"^\w+ +[\d,]+ rows, \w+$", re.MULTILINE)
        assert digests.findall(second.out) == digests.findall(first.out)
        secrets = {
            bytes(postgres.execute("SELECT value FROM installation", each)[0][0]) for each in (name, name_of(database))
        }
        assert secrets == {(data / "secret").read_bytes()}
    finally:
        postgres.drop_database(name)


def test_from_a_database_in_use_is_refused(
    run: Run, database: str, postgres: PostgresServer, serve: Callable[[str], Server]
) -> None:
    """PostgreSQL as the source, with a node on it."""
    serve(database)
    done = run("db", "copy", "--from", database, "--to", postgres.url("nowhere"))
    assert done.status == 1
    assert "is in use by 1 running node (node_" in done.err


def test_row_level_security_does_not_hide_rows(run: Run, data: Path, postgres: PostgresServer) -> None:
    """It holds for an owner, too, unless he acts as the engine: nothing is missing in what he copies."""
    name = postgres.create_database()
    postgres.execute(f"CREATE ROLE owner_{name} LOGIN CREATEROLE NOINHERIT")
    postgres.execute(f"ALTER DATABASE {name} OWNER TO owner_{name}")
    postgres.execute(f"GRANT ALL ON SCHEMA public TO owner_{name}", name)
    owned = postgres.url(name).replace("threadline@", f"owner_{name}@")
    try:
        for role in ("threadline_app", "threadline_engine"):
            if postgres.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'"):
                postgres.execute(f"GRANT {role} TO owner_{name}")
        done = run("db", "copy", "--from", address(data), "--to", owned)
        assert done.status == 0, done.err
        walled = postgres.execute("SELECT count(*) FROM pg_class WHERE relforcerowsecurity", name)[0][0]
        assert walled > 0
        checked = run("db", "check", "--database", owned)
        assert checked.out.endswith(" is sound: 2 threads, each as its log says.\n"), checked.out
    finally:
        postgres.drop_database(name)
        postgres.execute(f"DROP ROLE owner_{name}")


UNHAPPY = {
    "no target there": (
        "{data}",
        "postgresql://threadline@127.0.0.1:9/x",
        "There is no connection to postgresql://127.0.0.1:9/x",
    ),
    "no such database": ("{data}", "{server}/nowhere", "does not exist"),
    "no source there": ("sqlite:///nowhere.db", "{database}", "There is no database at nowhere.db to copy."),
    "no address": ("sqlite://", "{database}", "sqlite:///path/to/file.db"),
    "another kind": ("mysql://x/y", "{database}", "mysql://"),
    "back to a file": ("{data}", "sqlite:///other.db", "The target has to be postgresql://"),
    "an older source": ("{old}", "{database}", "`threadline db migrate` first."),
    "a newer source": ("{newer}", "{database}", "knows versions up to"),
    "no database at all": ("{garbage}", "{database}", "is not a SQLite database"),
    "an empty source": ("{database}", "{database}", "has version 0"),
}


@pytest.mark.parametrize("case", UNHAPPY)
def test_what_cannot_be_copied_is_said(
    run: Run, data: Path, database: str, postgres: PostgresServer, case: str
) -> None:
    """In one sentence, status 1, and never a traceback."""
    places = {"data": address(data), "database": database, "server": postgres.url("")[:-1]}
    for kind, version in (("old", 0), ("newer", 9999)):
        other = copy_installation(data, data.parent / kind)
        tamper(other, f"PRAGMA user_version = {version}")
        places[kind] = address(other)
    (data.parent / "garbage.db").write_bytes(b"no database at all, but long enough to look like one" * 100)
    (data.parent / "secret").write_bytes(b"x" * 32)
    places["garbage"] = f"sqlite:///{data.parent}/garbage.db"
    source, target, sentence = UNHAPPY[case]
    done = run("db", "copy", "--from", source.format(**places), "--to", target.format(**places))
    assert done.status == 1, done.out
    assert done.err.startswith("threadline: ")
    assert sentence in done.err
    assert done.err.count("\n") == 1


def test_a_bar_is_shown_on_a_terminal(
    data: Path, database: str, terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    """One for each table, with how many rows there are."""
    shown = terminal("db", "copy", "--from", address(data), "--to", database, settings={})
    assert shown.wait_for_exit() == 0
    assert re.search(r"Copying messages +━+ 11/11", shown.seen), shown.seen[-3000:]
    assert "Everything is copied" in shown.seen


def test_the_columns_are_all_there() -> None:
    """No column of either dialect's schema is left out, but for those that are about the place and not the rows."""
    root = Path(tables.__file__).parents[1]
    sqlite = closing(sqlite3.connect(":memory:"))
    with sqlite as connection:
        for step in sorted((root / "sqlite" / "migrations").glob("*.sql")):
            connection.executescript(step.read_text())
        for table in tables.TABLES:
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
            assert columns - set(table.columns) <= {"delta_floor", "id"}, table.name
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names - {table.name for table in tables.TABLES} == {"leases", "attendance", "nodes", "figures"}


def test_postgres_has_no_other_columns(run: Run, database: str, postgres: PostgresServer) -> None:
    """The same for PostgreSQL, by its own catalogue."""
    assert run("db", "migrate", "--database", database).status == 0
    rows = postgres.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'",
        name_of(database),
    )
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    for table in tables.TABLES:
        expected = set(table.columns) - ({"seq"} if table.name == "threads" else set())
        assert found.pop(table.name) == expected
    assert found.keys() == {
        "heads",
        "leases",
        "attendance",
        "nodes",
        "figures",
        "writers",
        "installation",
        "schema_steps",
        "schema_backfills",
    }
