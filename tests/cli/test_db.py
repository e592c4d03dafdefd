"""`threadline db`: migrations that say what they did, backups of a busy database, a check that finds what is wrong."""

import re
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fixtures import Installation
from support.server import Server
from threadline import Threadline
from threadline.clock import SystemClock
from threadline.store.sqlite import backup
from threadline.store.sqlite.survey import Survey, newest_version

from .conftest import Run
from .states import tamper


@pytest.fixture
def busy(server: Server, installation: Installation) -> Iterator[None]:
    """The shared server, answering as fast as it can for as long as the test takes."""
    is_over = threading.Event()

    def ask() -> None:
        with Threadline(server.url, installation.key) as client:
            thread = client.threads.create(model="demo/count-300@1500")
            while not is_over.is_set():
                client.threads.send_and_wait(thread.id, "more")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    yield
    is_over.set()
    for thread in threads:
        thread.join()


def test_a_new_database_is_made(run: Run, tmp_path: Path) -> None:
    """Every step is named; a second time there is nothing to do."""
    first = run("db", "migrate", "--data", "new")
    assert first.status == 0, first.err
    assert first.out.startswith("Ran 0001_core.\n")
    assert f"is new, and at version {newest_version()}.\n" in first.out
    second = run("db", "migrate", "--data", "new")
    expected = f"The database new/threadline.db is already at version {newest_version()}.\n"
    assert (second.status, second.out) == (0, expected)


def test_a_newer_database_is_refused(run: Run, data: Path) -> None:
    """By migrate and by check, with what to do about it, and unchanged."""
    tamper(data, "PRAGMA user_version = 9999")
    migrated = run("db", "migrate", "--data", data)
    assert migrated.status == 1
    assert "has schema version 9999" in migrated.err
    checked = run("db", "check", "--data", data)
    assert checked.status == 1
    assert "The database has version 9999, newer than this program's" in checked.out


def test_what_is_no_database_is_refused(run: Run, tmp_path: Path) -> None:
    """In a sentence."""
    (tmp_path / "threadline.db").write_bytes(b"no database at all, but long enough to look like one" * 100)
    for verb in (("migrate",), ("check",), ("backup", "copy.db")):
        done = run("db", *verb, "--data", tmp_path)
        assert done.status == 1
        assert done.err == f"threadline: {tmp_path}/threadline.db is not a SQLite database.\n"
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.usefixtures("busy")
def test_a_busy_database_is_sound(run: Run, server: Server) -> None:
    """Every thread is looked at in one moment, so a check beside a working server finds nothing."""
    for _ in range(3):
        done = run("db", "check", "--data", server.data)
        assert (done.status, done.err) == (0, ""), done.out
    assert re.search(r"is sound: [\d,]+ threads?, each as its log says\.", done.out)


@pytest.mark.usefixtures("busy")
def test_a_busy_database_is_copied(run: Run, server: Server, tmp_path: Path) -> None:
    """The copy is whole, private, and sound; what stands under its name is never half of one."""
    done = run("db", "backup", "copy.db", "--data", server.data)
    assert done.status == 0, done.err
    assert done.out.startswith(f"{server.data}/threadline.db is copied to copy.db (")
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    # Other tests may have left files at this server; nothing else may stay beside the copy.
    assert {path.name for path in tmp_path.iterdir() if "copy" in path.name} - {"copy.db.files"} == {"copy.db"}
    checked = run("db", "check", "--database", "sqlite:///copy.db")
    assert checked.status == 0, checked.out


@pytest.mark.usefixtures("busy")
def test_a_copy_is_of_one_moment(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes and whatever is committed meanwhile, it is what was there when it began."""
    sizes: list[int] = []

    def watch(done: int, total: int) -> None:
        sizes.append(total)
        time.sleep(0.02)

    database = server.data / "threadline.db"
    # Some two hundred steps, however much other tests have left in it.
    monkeypatch.setattr(backup, "PAGES_PER_STEP", max(4, database.stat().st_size // 4096 // 200))
    backup.back_up(database, tmp_path / "copy.db", watch)
    assert len(sizes) > 3
    assert len(set(sizes)) == 1, "a copy that had begun again would have grown"
    with Survey(tmp_path / "copy.db", SystemClock()) as survey:
        assert survey.damage() == []


def test_a_backup_is_not_replaced_unasked(run: Run, data: Path, tmp_path: Path) -> None:
    """Nor is the database itself, whatever is asked."""
    (tmp_path / "copy.db").write_text("precious")
    refused = run("db", "backup", "copy.db", "--data", data)
    assert (refused.status, refused.err) == (1, "threadline: copy.db is there already; --force replaces it.\n")
    assert (tmp_path / "copy.db").read_text() == "precious"
    assert run("db", "backup", "copy.db", "--force", "--data", data).status == 0
    assert (tmp_path / "copy.db").read_bytes().startswith(b"SQLite format 3")
    itself = run("db", "backup", data / "threadline.db", "--force", "--data", data)
    assert itself.status == 1
    assert "is the database itself" in itself.err


def test_a_backup_that_cannot_be_written_is_said(run: Run, data: Path) -> None:
    """A folder that is not there; a database that is not there."""
    done = run("db", "backup", "nowhere/copy.db", "--data", data)
    assert done.status == 1
    assert done.err == "threadline: The backup nowhere/copy.db cannot be written: No such file or directory.\n"
    done = run("db", "backup", "copy.db", "--data", "nowhere")
    assert done.err == "threadline: There is no database at nowhere/threadline.db to copy.\n"


def test_a_restored_backup_goes_on(run: Run, data: Path, installation: Installation, tmp_path: Path) -> None:
    """A copy in the place of the database: the threads are there, and what was unfinished is finished."""
    assert run("db", "backup", tmp_path / "restored" / "threadline.db", "--data", data).status == 1
    (tmp_path / "restored").mkdir()
    assert run("db", "backup", tmp_path / "restored" / "threadline.db", "--data", data).status == 0
    server = Server(tmp_path / "restored").start()
    try:
        with Threadline(server.url, installation.key) as client:
            titles = {thread.title for thread in client.threads.list()}
            assert titles == {"done", "open"}
            thread = next(thread for thread in client.threads.list() if thread.title == "done")
            answer = client.threads.send_and_wait(thread.id, "and on", model="demo/echo@max")
            assert answer.text == "and on"
    finally:
        server.stop()


def test_a_killed_server_leaves_a_sound_database(run: Run, data: Path) -> None:
    """With an answer half written, one in the queue, and everything that ended before."""
    done = run("db", "check", "--data", data)
    assert (done.status, done.err) == (0, ""), done.out
    assert done.out == f"{data}/threadline.db is sound: 2 threads, each as its log says.\n"


_DONE = "(SELECT id FROM threads WHERE title = 'done')"
_OPEN = "(SELECT id FROM threads WHERE title = 'open')"

DAMAGES = {
    "a hole": (f"DELETE FROM events WHERE seq = 3 AND thread_id = {_DONE}", "event 3 is missing, of "),
    "a missing pack": (f"DELETE FROM packs WHERE thread_id = {_DONE}", " is missing, of "),
    "lost deltas": ("DELETE FROM deltas WHERE seq = (SELECT min(seq) FROM deltas)", "is missing, of "),
    "an event that is no JSON": (
        f"UPDATE events SET body = '{{\"type\":' WHERE seq = 2 AND thread_id = {_DONE}",
        "event 2 cannot be read",
    ),
    "an event of another form": (
        f'UPDATE events SET body = \'{{"type":"run.queued"}}\' WHERE seq = 2 AND thread_id = {_DONE}',
        "event 2 cannot be read",
    ),
    "other words": (
        'UPDATE messages SET content = \'[{"type":"text","text":"forged"}]\' '
        f"WHERE role = 'assistant' AND status = 'complete' AND thread_id = {_DONE}",
        "is not what its log comes to (content)",
    ),
    "a message without an event": (
        "INSERT INTO messages (tenant_id, thread_id, id, seq, parent_id, role, author, content, status, model, usage, "
        "finish_reason, error, run_id, request_id, metadata, created_at, completed_at) SELECT tenant_id, thread_id, 'msg_forged', 999, parent_id, role, author, content, status, "
        "model, usage, finish_reason, error, run_id, request_id, metadata, created_at, completed_at "
        f"FROM messages WHERE role = 'user' AND thread_id = {_DONE} LIMIT 1",
        "the message msg_forged has a row and no event",
    ),
    "a message without a row": (
        f"DELETE FROM messages WHERE role = 'user' AND seq = 3 AND thread_id = {_DONE}",
        "is in the log and has no row",
    ),
    "another title": (f"UPDATE threads SET title = 'forged' WHERE id = {_DONE}", "(title)"),
    "an ended run that runs": (
        f"UPDATE runs SET status = 'running' WHERE status = 'completed' AND thread_id = {_DONE}",
        "is running by its row, and not open by the log",
    ),
    "an open run that has ended": (
        f"UPDATE runs SET status = 'completed' WHERE status = 'running' AND thread_id = {_OPEN}",
        "is open by the log, and not by its row",
    ),
    "a turn that nobody has": (
        f"UPDATE runs SET has_turn = 0 WHERE thread_id = {_OPEN}",
        "do not agree on who has the turn",
    ),
    "a tool call without an outcome": (
        f"UPDATE tool_calls SET status = 'running', output = NULL, is_error = NULL WHERE thread_id = {_DONE}",
        "has no outcome, and its run is over",
    ),
    "another outcome": (
        f"UPDATE tool_calls SET output = '\"forged\"' WHERE thread_id = {_DONE}",
        "is not what the log comes to",
    ),
    "a tool call without a row": (f"DELETE FROM tool_calls WHERE thread_id = {_DONE}", "is in the log and has no row"),
    "a tool call without an event": (
        "INSERT INTO tool_calls (tenant_id, thread_id, seq, id, run_id, message_id, tool_use_id, round, block, "
        "result_block, name, status, attempt, needs_approval, requested_at) SELECT tenant_id, thread_id, 999, 'call_x', "
        "run_id, message_id, 'x', 1, 0, 1, 'x', 'requested', 0, 0, requested_at FROM tool_calls LIMIT 1",
        "the tool call call_x has a row and no event",
    ),
    "two endings": (
        "INSERT INTO events SELECT tenant_id, thread_id, (SELECT seq + 1 FROM threads WHERE title = 'done'), run_id, body "
        f"FROM events WHERE body LIKE '%\"run.completed\"%' AND thread_id = {_DONE} LIMIT 1;"
        "UPDATE threads SET seq = seq + 1 WHERE title = 'done'",
        " ended 2 times",
    ),
    "two completions": (
        "INSERT INTO events SELECT tenant_id, thread_id, (SELECT seq + 1 FROM threads WHERE title = 'done'), run_id, body "
        f"FROM events WHERE body LIKE '%\"message.completed\"%' AND body LIKE '%w19%' AND thread_id = {_DONE};"
        "UPDATE threads SET seq = seq + 1 WHERE title = 'done'",
        " was completed 2 times",
    ),
    "a damaged pack": (
        f"UPDATE packs SET text = 'short' WHERE thread_id = {_DONE}",
        "cannot be read: the marks cover the text",
    ),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_check_finds(run: Run, data: Path, kind: str) -> None:
    """One finding at least, in a sentence that names the thread and what is wrong; status 1."""
    statements, sentence = DAMAGES[kind]
    tamper(data, *statements.split(";"))
    done = run("db", "check", "--data", data)
    assert done.status == 1
    assert any(line.startswith("Thread thr_") and sentence in line for line in done.out.splitlines()), done.out
    assert re.fullmatch(
        r"\d+ findings? in .*threadline\.db\. Keep this file to look into, and restore a backup\.\n", done.err
    )


def test_a_check_finds_damaged_pages(run: Run, data: Path) -> None:
    """SQLite's own check is part of ours."""
    tamper(data, "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA journal_mode = DELETE")
    path = data / "threadline.db"
    whole = bytearray(path.read_bytes())
    page = 4096
    for start in range(page * 4, len(whole), page * 3):
        whole[start : start + 200] = b"\xff" * 200
    path.write_bytes(whole)
    done = run("db", "check", "--data", data)
    assert done.status == 1
    assert "The database is damaged: " in done.out
    assert "Traceback" not in done.err
