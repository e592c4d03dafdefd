"""`threadline db` on PostgreSQL: the same laws checked, upgrades beside running nodes, dumps that can be restored."""

import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.databases import MakePostgres
from support.fixtures import Installation
from support.postgres import PostgresServer, binaries
from support.server import Server, command, environment
from support.waiting import PATIENCE_SECONDS
from threadline import Threadline
from threadline.store.postgres.schema import TENANT_TABLES, newest_version

from .conftest import Run
from .next_release import ROWS_PER_BATCH
from .terminal import Terminal

Next = Callable[..., "subprocess.Popen[str]"]
MESSAGES = 4000


def name_of(database: str) -> str:
    """Return the name of a database by its address."""
    return database.rpartition("/")[2]


@pytest.fixture(scope="session")
def filled(stored: Path, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with threads in every state. To be copied."""
    name = postgres.create_database()
    done = subprocess.run(
        command("db", "copy", "--from", f"sqlite:///{stored}/threadline.db", "--to", postgres.url(name)),
        env=environment(tmp_path_factory.mktemp("home"), {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    yield name
    postgres.drop_database(name)


@pytest.fixture
def threads(filled: str, postgres: PostgresServer) -> Iterator[str]:
    """The address of a copy of it, of the test's own."""
    name = postgres.create_database(filled)
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def next_release(tmp_path: Path) -> Iterator[Next]:
    """Start a command as the next release has it (`next_release.py`), and do not wait for it."""
    started: list[subprocess.Popen[str]] = []

    def start(kind: str, *arguments: str) -> "subprocess.Popen[str]":
        program = str(Path(__file__).with_name("next_release.py"))
        started.append(
            subprocess.Popen(
                [sys.executable, program, kind, *arguments],
                env=environment(tmp_path, {}),
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def node(installation: Installation, threads: str, tmp_path: Path) -> Iterator[Server]:
    """A node of this release, running on that database."""
    # It counts as running for as long as it does, however little a busy machine lets it do.
    patient = {"THREADLINE_LEASE_SECONDS": "120"}
    server = Server(tmp_path / "node", {"THREADLINE_DATABASE": threads, **patient}).start()
    yield server
    server.stop()
    assert server.faults() == []


def test_a_database_is_made(run: Run, database: str) -> None:
    """Every step is named; a second time there is nothing to do."""
    first = run("db", "migrate", "--database", database)
    assert first.status == 0, first.err
    assert first.out.startswith("Ran 0001_core.\n")
    assert f" is new, and at version {newest_version()}.\n" in first.out
    second = run("db", "migrate", "--database", database)
    assert (second.status, second.out.splitlines()) == (
        0,
        [f"The database {database.replace('threadline@', '')} is already at version {newest_version()}."],
    )


def test_a_killed_installation_is_sound(run: Run, threads: str) -> None:
    """With an answer half written, one in the queue, and everything that ended before."""
    done = run("db", "check", "--database", threads)
    assert (done.status, done.err) == (0, ""), done.out
    assert done.out.endswith(" is sound: 2 threads, each as its log says.\n")


def test_a_busy_database_is_sound(run: Run, node: Server, threads: str, installation: Installation) -> None:
    """Checked beside a node that answers: every thread is looked at in one moment."""
    with Threadline(node.url, installation.key) as client:
        thread = client.threads.create(model="demo/count-300@300")
        accepted = client.threads.send_in_background(thread.id, "go")
        done = run("db", "check", "--database", threads)
        assert (done.status, done.err) == (0, ""), done.out
        client.runs.cancel(accepted.run.id, wait=True)


_DONE = "(SELECT id FROM threads WHERE title = 'done')"
_OPEN = "(SELECT id FROM threads WHERE title = 'open')"

DAMAGES = {
    "a hole": (f"DELETE FROM events WHERE seq = 3 AND thread_id = {_DONE}", "event 3 is missing, of "),
    "a missing pack": (f"DELETE FROM packs WHERE thread_id = {_DONE}", " is missing, of "),
    "lost deltas": (f"DELETE FROM deltas WHERE thread_id = {_OPEN}", " is missing, of "),
    "an event that is no JSON": (
        f"UPDATE events SET body = '{{\"type\":' WHERE seq = 2 AND thread_id = {_DONE}",
        "event 2 cannot be read",
    ),
    "other words": (
        'UPDATE messages SET content = \'[{"type":"text","text":"forged"}]\' '
        f"WHERE role = 'assistant' AND status = 'complete' AND thread_id = {_DONE}",
        "is not what its log comes to (content)",
    ),
    "an ended run that runs": (
        f"UPDATE runs SET status = 'running' WHERE status = 'completed' AND thread_id = {_DONE}",
        "is running by its row, and not open by the log",
    ),
    "a turn that nobody has": (
        f"UPDATE runs SET has_turn = 0 WHERE thread_id = {_OPEN}",
        "do not agree on who has the turn",
    ),
    "a damaged pack": (
        f"UPDATE packs SET text = 'short' WHERE thread_id = {_DONE}",
        "cannot be read: the marks cover the text",
    ),
    "a lost head": (f"DELETE FROM heads WHERE head_thread_id = {_DONE}", "has no row in heads"),
    "a head of nobody": ("INSERT INTO heads VALUES ('ten_x', 'thr_x', 1)", "heads has a row of thr_x, which is no"),
    "an index that is not valid": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'runs_open'::regclass",
        "`REINDEX INDEX runs_open`",
    ),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_check_finds(run: Run, threads: str, postgres: PostgresServer, kind: str) -> None:
    """One finding at least, in a sentence that says where and what; status 1."""
    statement, sentence = DAMAGES[kind]
    postgres.execute(statement, name_of(threads))
    done = run("db", "check", "--database", threads)
    assert done.status == 1
    assert sentence in done.out
    assert re.fullmatch(
        r"\d+ findings? in postgresql://.*\. Keep a dump to look into, and restore a backup\.\n", done.err
    )


def test_a_newer_database_is_refused(run: Run, threads: str, postgres: PostgresServer) -> None:
    """By migrate; check says that it cannot look into it."""
    newer = "INSERT INTO schema_steps (number, name, works_with) VALUES (9999, '9999_far', 9999)"
    postgres.execute(newer, name_of(threads))
    migrated = run("db", "migrate", "--database", threads)
    assert migrated.status == 1
    assert "has schema version 9999, which needs a Threadline that knows version 9999" in migrated.err
    checked = run("db", "check", "--database", threads)
    assert checked.status == 1
    assert "The database has version 9999, newer than this program's" in checked.out


def test_an_upgrade_that_expands_is_made_under_running_nodes(
    node: Server, threads: str, next_release: Next, installation: Installation, run: Run
) -> None:
    """The node of the last release answers before, meanwhile and afterwards, and another one of it can start."""
    with Threadline(node.url, installation.key) as client:
        thread = client.threads.create(model="demo/echo@max")
        upgrading = next_release("expand", "db", "migrate", "--database", threads)
        assert client.threads.send_and_wait(thread.id, "meanwhile").text == "meanwhile"
        out, err = upgrading.communicate(timeout=PATIENCE_SECONDS)
        assert upgrading.returncode == 0, err
        assert f"Ran {newest_version() + 1:04}_expand.\n" in out
        assert client.threads.send_and_wait(thread.id, "afterwards").text == "afterwards"
    assert run("keys", "list", "--database", threads).status == 0


def test_an_upgrade_that_breaks_running_nodes_is_refused(
    node: Server, threads: str, next_release: Next, installation: Installation, run: Run
) -> None:
    """Nothing is changed, by a command nor by a node that starts; --force does not ask, and the old ones are out."""
    breaking = next_release("contract", "db", "migrate", "--database", threads)
    _, err = breaking.communicate(timeout=PATIENCE_SECONDS)
    assert breaking.returncode == 1
    assert re.search(rf"older ones are running: node_\w+ \(knows {newest_version()}\)", err), err
    assert "--force" in err
    starting = next_release("contract", "serve", "--database", threads, "--port", "0")
    _, err = starting.communicate(timeout=PATIENCE_SECONDS)
    assert (starting.returncode, "older ones are running" in err) == (1, True), err
    with Threadline(node.url, installation.key) as client:
        thread = client.threads.create(model="demo/echo@max")
        assert client.threads.send_and_wait(thread.id, "still here").text == "still here"
    forced = next_release("contract", "db", "migrate", "--force", "--database", threads)
    _, err = forced.communicate(timeout=PATIENCE_SECONDS)
    assert forced.returncode == 0, err
    late = run("keys", "list", "--database", threads)
    assert (late.status, "Start the newer Threadline" in late.err) == (1, True)


def test_without_running_nodes_nothing_is_in_the_way(threads: str, next_release: Next) -> None:
    """Nodes that have stopped, or whose time is over, are nobody's business."""
    process = next_release("expand+contract", "db", "migrate", "--database", threads)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, err
    ran = [line for line in out.splitlines() if line.startswith("Ran ")]
    assert ran == [f"Ran {newest_version() + 1:04}_expand.", f"Ran {newest_version() + 2:04}_contract."]


@pytest.fixture
def long(threads: str, postgres: PostgresServer) -> str:
    """The same database with so many messages that work on them takes a while."""
    postgres.execute(
        "INSERT INTO messages SELECT tenant_id, thread_id, 'msg_' || lpad(n::text, 6, '0'), 1000000 + n, parent_id, role, "
        "author, content, status, model, usage, finish_reason, error, run_id, NULL, metadata, created_at, completed_at "
        f"FROM (SELECT * FROM messages LIMIT 1) m, generate_series(1, {MESSAGES}) n",
        name_of(threads),
    )
    postgres.execute("UPDATE messages SET request_id = NULL", name_of(threads))
    return threads


def marks(postgres: PostgresServer, database: str) -> dict[str | None, int]:
    """Return how many messages have which mark."""
    rows = postgres.execute("SELECT request_id, count(*) FROM messages GROUP BY 1", name_of(database))
    return dict(map(tuple, rows))


def wait_for_marks(postgres: PostgresServer, database: str, count: int) -> None:
    """Wait until so many are marked."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while marks(postgres, database).get("x", 0) < count:
        assert time.monotonic() < deadline, "nobody marks them"


def test_a_backfill_that_is_killed_goes_on(
    long: str, next_release: Next, postgres: PostgresServer, installation: Installation, tmp_path: Path
) -> None:
    """`kill -9` twice, beside a node of the last release that answers: every row is done once, and none is left."""
    node = Server(tmp_path / "node", {"THREADLINE_DATABASE": long}).start()
    try:
        with Threadline(node.url, installation.key) as client:
            thread = client.threads.create(model="demo/echo@max")
            for batches in (1, 10):
                # It comes so far and no further, however long we take.
                (tmp_path / "hold").write_text(str(batches))
                before = marks(postgres, long).get("x", 0)
                process = next_release("backfill", "db", "migrate", "--database", long)
                wait_for_marks(postgres, long, before + batches * ROWS_PER_BATCH)
                assert client.threads.send_and_wait(thread.id, "meanwhile").text == "meanwhile"
                process.kill()
                assert process.wait() == -9
                assert 0 < marks(postgres, long)["x"] < MESSAGES
        (tmp_path / "hold").unlink()
        process = next_release("backfill", "db", "migrate", "--database", long)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, err
        assert out.startswith("Ran mark_messages.\n")
        assert re.search(r"Backfill mark_messages: [\d,]+ of [\d,]+", err), err
    finally:
        node.stop()
    found = marks(postgres, long)
    assert found["x"] >= MESSAGES
    assert all(mark is not None and mark.endswith("x") and not mark.endswith("xx") for mark in found), found
    again = next_release("backfill", "db", "migrate", "--database", long)
    out, _ = again.communicate(timeout=PATIENCE_SECONDS)
    assert "is already at version" in out
    assert marks(postgres, long) == found


def test_two_backfills_take_turns(long: str, next_release: Next, postgres: PostgresServer) -> None:
    """Two operators at once: each row is done once all the same."""
    both = [next_release("backfill", "db", "migrate", "--database", long) for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, err
    found = marks(postgres, long)
    assert set(found) == {"x"}
    assert found["x"] > MESSAGES


def test_a_later_step_waits_for_the_backfill(long: str, next_release: Next, postgres: PostgresServer) -> None:
    """It may take away what the backfill reads from; even a node that starts does the work first."""
    process = next_release("backfill+expand", "serve", "--database", long, "--port", "0")
    deadline = time.monotonic() + PATIENCE_SECONDS
    column = "SELECT 1 FROM information_schema.columns WHERE column_name = 'next_release'"
    while not postgres.execute(column, name_of(long)):
        assert process.poll() is None
        assert time.monotonic() < deadline
    assert postgres.execute("SELECT finished_at IS NOT NULL FROM schema_backfills", name_of(long))[0][0]
    assert set(marks(postgres, long)) == {"x"}


def test_a_new_database_needs_no_backfill(database: str, next_release: Next, postgres: PostgresServer) -> None:
    """There is nothing of the past in it."""
    process = next_release("backfill", "db", "migrate", "--database", database)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, err
    assert "mark_messages" not in out
    assert postgres.execute("SELECT rows FROM schema_backfills", name_of(database))[0][0] == 0


def test_an_unfinished_backfill_is_said(long: str, next_release: Next) -> None:
    """By the doctor of the release that brings it."""
    process = next_release("backfill", "doctor", "--database", long, "--port", "0")
    out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert "An upgrade has left work on old rows: mark_messages." in out
    assert "`threadline db migrate` does it while nodes go on working." in out


def with_pg_dump() -> dict[str, str]:
    """Return the variables with which PostgreSQL's programs are found."""
    path = f"{binaries()}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "LD_LIBRARY_PATH": str(binaries().parent / "lib")}


def restore(postgres: PostgresServer, file: Path) -> str:
    """Restore a dump into a new database. Returns its name."""
    name = postgres.create_database()
    done = subprocess.run(
        ["pg_restore", "--no-owner", "--exit-on-error", f"--dbname={postgres.url(name)}", str(file)],
        env={**os.environ, **with_pg_dump()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return name


@pytest.mark.parametrize("is_owner_only", [False, True])
def test_a_dump_can_be_restored(
    run: Run, threads: str, postgres: PostgresServer, tmp_path: Path, is_owner_only: bool
) -> None:
    """The copy is private, has every tenant's rows, also where the user is subject to row-level security, and works."""
    address, name = threads, name_of(threads)
    if is_owner_only:
        postgres.execute(f"CREATE ROLE owner_{name} LOGIN")
        postgres.execute(f"GRANT threadline_app, threadline_engine TO owner_{name}")
        address = threads.replace("threadline@", f"owner_{name}@")
    done = run("db", "backup", "copy.dump", "--database", address, settings=with_pg_dump())
    assert done.status == 0, done.err
    assert re.search(r" is dumped to copy\.dump \([\d.]+ kB\), its signing secret included\.", done.out), done.out
    assert stat.S_IMODE((tmp_path / "copy.dump").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir() if "copy" in path.name) == ["copy.dump"]
    restored = restore(postgres, tmp_path / "copy.dump")
    try:
        checked = run("db", "check", "--database", postgres.url(restored))
        assert checked.status == 0, checked.out + checked.err
        for table in (*TENANT_TABLES, "tenants", "heads", "installation"):
            rows = [sorted(map(str, postgres.execute(f"SELECT * FROM {table}", each))) for each in (restored, name)]
            assert rows[0] == rows[1], table
    finally:
        postgres.drop_database(restored)
        if is_owner_only:
            postgres.execute(f"DROP OWNED BY owner_{name}")
            postgres.execute(f"DROP ROLE owner_{name}")


def test_a_backup_without_pg_dump_says_how(run: Run, threads: str, tmp_path: Path) -> None:
    """Which program, and the whole command; no empty file is left behind, and no password is shown."""
    address = threads.replace("threadline@", "threadline:geheim@")
    done = run("db", "backup", "copy.dump", "--database", address, settings={"PATH": str(tmp_path)})
    assert done.status == 1
    assert "its own pg_dump, which is not on this machine." in done.err
    by_hand = "`pg_dump --format=custom --no-password --role=threadline_engine --enable-row-security --file=copy.dump "
    assert by_hand + threads in done.err
    assert "geheim" not in done.err
    assert list(tmp_path.glob("*copy*")) == []


def test_a_backup_with_an_old_pg_dump_says_so(run: Run, threads: str, tmp_path: Path) -> None:
    """pg_dump refuses servers that are newer; its words are passed on, and nothing is left behind."""
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump: error: aborting because of server version mismatch' >&2\nexit 1\n")
    program.chmod(0o755)
    done = run("db", "backup", "copy.dump", "--database", threads, settings={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert done.status == 1
    assert "server version mismatch pg_dump has to be as new as the server." in done.err
    assert list(tmp_path.glob("*copy*")) == []


def test_a_backup_is_not_replaced_unasked(run: Run, threads: str, tmp_path: Path) -> None:
    """As with SQLite."""
    (tmp_path / "copy.dump").write_text("precious")
    refused = run("db", "backup", "copy.dump", "--database", threads, settings=with_pg_dump())
    assert (refused.status, refused.err) == (1, "threadline: copy.dump is there already; --force replaces it.\n")
    assert (tmp_path / "copy.dump").read_text() == "precious"
    assert run("db", "backup", "copy.dump", "--force", "--database", threads, settings=with_pg_dump()).status == 0
    assert (tmp_path / "copy.dump").read_bytes().startswith(b"PGDMP")


VERBS = [("migrate",), ("check",), ("backup", "copy.dump")]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_a_database_that_is_not_there_is_said(run: Run, postgres: PostgresServer, verb: tuple[str, ...]) -> None:
    """No server; a server without such a database; no address at all. A password is never shown."""
    for address, sentence in (
        ("postgresql://me:geheim@127.0.0.1:9/x", "There is no connection to postgresql://127.0.0.1:9/x: "),
        (postgres.url("nowhere"), 'database "nowhere" does not exist. `createdb` makes it.'),
        ("postgresql://127.0.0.1:port/x", "is no address of a PostgreSQL database"),
    ):
        done = run("db", *verb, "--database", address)
        assert done.status == 1, done.out
        assert sentence in done.err
        assert done.err.count("\n") == 1
        assert "geheim" not in done.err


def test_a_wrong_password_is_said(run: Run, make_postgres: MakePostgres) -> None:
    """In a sentence, without either password."""
    server = make_postgres()
    server.start()
    server.execute("CREATE ROLE somebody LOGIN SUPERUSER PASSWORD 'the right one'")
    (server.data / "pg_hba.conf").write_text(
        "host all threadline 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    )
    server.execute("SELECT pg_reload_conf()")
    address = server.url().replace("threadline@", "somebody:{}@")
    right = address.format("the%20right%20one")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        done = run("db", "migrate", "--database", address.format("wrong"))
        if done.status == 1 or time.monotonic() > deadline:
            break
    assert "does not take this user and password" in done.err
    assert done.err.count("\n") == 1
    assert "wrong" not in done.err
    done = run("db", "migrate", "--database", right)
    assert done.status == 0, done.err
    dumped = run("db", "backup", "copy.dump", "--database", right, settings=with_pg_dump())
    assert dumped.status == 0, dumped.err


def test_whoever_may_not_make_tables_is_told(run: Run, database: str, postgres: PostgresServer) -> None:
    """With what he needs."""
    name = name_of(database)
    postgres.execute(f"CREATE ROLE guest_{name} LOGIN")
    try:
        done = run("db", "migrate", "--database", database.replace("threadline@", f"guest_{name}@"))
        assert done.status == 1
        assert "This user may not do that in " in done.err
        assert "GRANT CREATE, USAGE ON SCHEMA public" in done.err
        assert done.err.count("\n") == 1
    finally:
        postgres.execute(f"DROP ROLE guest_{name}")


def test_a_bar_is_shown_on_a_terminal(database: str, terminal: Callable[..., Terminal]) -> None:
    """With the number of steps."""
    shown = terminal("db", "migrate", "--database", database, settings={})
    assert shown.wait_for_exit() == 0
    assert re.search(rf"Migrating +━+ {newest_version()}/{newest_version()}", shown.seen), shown.seen[-2000:]


def test_the_server_that_is_there_is_found(run: Run, threads: str, postgres: PostgresServer) -> None:
    """An address may name several: a command works on the one that takes writes."""
    both = threads.replace(f"@127.0.0.1:{postgres.port}/", f"@127.0.0.1:9,127.0.0.1:{postgres.port}/")
    for verb in (("migrate",), ("check",), ("backup", "copy.dump")):
        done = run("db", *verb, "--database", both, settings=with_pg_dump())
        assert done.status == 0, done.err
    looked = run("doctor", "--database", both, "--port", 0)
    assert (looked.status, "LISTEN and NOTIFY work" in looked.out) == (0, True), looked.out
