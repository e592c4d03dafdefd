"""`threadline threads`: what is stored, read beside a running server."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.fixtures import Installation, StartServer
from support.server import Server, command, environment
from support.waiting import PATIENCE_SECONDS
from threadline import Threadline
from threadline.client.models import Thread

from .conftest import Run


@pytest.fixture
def thread(sdk: Threadline) -> Thread:
    """A thread with two questions, an answer with reasoning, and one that failed."""
    thread = sdk.threads.create(title="Of \x1b[31mcolours\nand lines", end_user_id="ada", model="demo/reasoning@max")
    sdk.threads.send_and_wait(thread.id, "hello")
    sdk.threads.send_and_wait(thread.id, "and now?", model="demo/fail-context_too_long")
    return sdk.threads.get(thread.id)


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start `threads tail` and read it line by line; ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def follow(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command("threads", "tail", *arguments),
            env=environment(tmp_path, {}),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield follow
    for process in started:
        process.kill()
        process.communicate()


def test_threads_are_listed(run: Run, server: Server, thread: Thread) -> None:
    """One line each, the latest first, with harmless titles."""
    done = run("threads", "ls", "--data", server.data, "--limit", 200)
    assert done.status == 0, done.err
    header, *lines = done.out.splitlines()
    assert header.split() == ["ID", "MESSAGES", "LAST", "ACTIVITY", "TITLE"]
    line = next(line for line in lines if line.startswith(thread.id))
    assert line.endswith("  Of \ufffd[31mcolours and lines")
    assert line.split()[1] == "4"
    assert "\x1b" not in done.out


def test_a_thread_that_is_being_answered_is_marked(run: Run, server: Server, sdk: Threadline) -> None:
    """With a star, as long as it is."""
    thread = sdk.threads.create(model="demo/stall-1")
    accepted = sdk.threads.send_in_background(thread.id, "x")
    done = run("threads", "ls", "--data", server.data, "--limit", 200)
    sdk.runs.cancel(accepted.run.id, wait=True)
    assert next(line for line in done.out.splitlines() if line.startswith(thread.id)).split()[1] == "*"


def test_a_list_is_json_where_wanted(run: Run, server: Server, thread: Thread, sdk: Threadline) -> None:
    """One object a line, the API's own, pages joined without a seam."""
    for _ in range(3):
        sdk.threads.create(title="one more")
    found = [json.loads(line) for line in run("threads", "ls", "--json", "--data", server.data).out.splitlines()]
    assert len({each["id"] for each in found}) == len(found)
    times = [each["last_activity_at"] for each in found if not each["pinned"]]
    assert times == sorted(times, reverse=True)
    assert next(each for each in found if each["id"] == thread.id)["end_user_id"] == "ada"
    few = run("threads", "ls", "--json", "--limit", 2, "--data", server.data).out.splitlines()
    assert len(few) == 2


def test_a_transcript_says_who_said_what(run: Run, server: Server, thread: Thread) -> None:
    """Author, model, time and text; reasoning is quoted, and a failure is told."""
    done = run("threads", "cat", thread.id, "--data", server.data)
    assert done.status == 0, done.err
    assert done.out.startswith("user (ada) · 20")
    assert "\nassistant · demo/reasoning@max · 20" in done.out
    assert "\n> (reasoning)\n> The user has written something." in done.out
    assert "## What just happened" in done.out
    assert "· failed\n[The demo model was asked to fail. (context_too_long)]" in done.out


def test_a_transcript_as_json_is_what_the_api_says(run: Run, server: Server, thread: Thread, sdk: Threadline) -> None:
    """Message for message."""
    done = run("threads", "cat", "--json", thread.id, "--data", server.data)
    found = [json.loads(line) for line in done.out.splitlines()]
    told = list(sdk.threads.messages(thread.id, order="asc"))
    assert [each["id"] for each in found] == [message.id for message in told]
    assert [each["status"] for each in found] == ["complete", "complete", "complete", "failed"]
    assert found[1]["content"][1]["text"] == told[1].text


def test_an_answer_in_progress_is_shown_so_far(run: Run, server: Server, sdk: Threadline) -> None:
    """Its words stand in the deltas only, and are shown all the same."""
    thread = sdk.threads.create(model="demo/stall-4@max")
    with sdk.threads.send(thread.id, "x") as stream:
        for _ in stream.text_stream():
            if stream.text.endswith("w3"):
                break
        done = run("threads", "cat", thread.id, "--data", server.data)
        stream.cancel(wait=True)
    assert "· streaming\nw0 w1 w2 w3\n" in done.out


def test_a_log_is_followed_live(follow: Callable[..., Any], server: Server, thread: Thread, sdk: Threadline) -> None:
    """From another process: what is there, then what comes, in the form of the wire, until the thread is deleted."""
    process = follow(thread.id, "--after", "0", "--json", "--data", str(server.data))
    before = [json.loads(process.stdout.readline()) for _ in range(thread.seq)]
    assert [event["seq"] for event in before] == list(range(1, thread.seq + 1))
    sdk.threads.update(thread.id, title="renamed")
    event = json.loads(process.stdout.readline())
    assert event == {
        "type": "thread.updated",
        "seq": thread.seq + 1,
        "thread_id": thread.id,
        "thread": {"title": "renamed"},
    }
    sdk.threads.delete(thread.id)
    assert json.loads(process.stdout.readline())["type"] == "thread.deleted"
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (0, "")
    assert err == f"The thread {thread.id} is deleted.\n"


def test_a_log_is_followed_from_its_last_events(follow: Callable[..., Any], server: Server, thread: Thread) -> None:
    """Ten of them, as lines for people; Ctrl-C ends it."""
    process = follow(thread.id, "--data", str(server.data))
    lines = [process.stdout.readline() for _ in range(10)]
    assert [int(line.split()[0]) for line in lines] == list(range(thread.seq - 9, thread.seq + 1))
    assert lines[-1].split()[1] == "run.failed"
    assert "context_too_long: The demo model was asked to fail." in lines[-1]
    time.sleep(0.5)
    process.send_signal(2)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_an_export_has_everything(run: Run, server: Server, thread: Thread, sdk: Threadline, tmp_path: Path) -> None:
    """Every event as the wire has it; the messages and the thread that they come to."""
    done = run("threads", "export", thread.id, "--output", "whole.json", "--data", server.data)
    assert (done.status, done.out) == (0, ""), done.err
    assert done.err == f"{thread.id} is written to whole.json.\n"
    whole = json.loads((tmp_path / "whole.json").read_text())
    assert whole["seq"] == thread.seq == whole["thread"]["seq"]
    assert [event["seq"] for event in whole["events"]] == list(range(1, thread.seq + 1))
    assert {event["thread_id"] for event in whole["events"]} == {thread.id}
    said = "".join(event.get("text", "") for event in whole["events"] if event.get("kind") == "text")
    assert said == whole["messages"][1]["content"][1]["text"]
    assert [message["id"] for message in whole["messages"]] == [
        message.id for message in sdk.threads.messages(thread.id, order="asc")
    ]
    assert whole["thread"]["title"] == thread.title
    assert list(tmp_path.glob(".*.part")) == []


def test_an_export_of_more_than_a_page_is_whole(run: Run, server: Server, sdk: Threadline) -> None:
    """Pages of the log are joined without a hole or a repeat."""
    thread = sdk.threads.create(model="demo/count-2500@2500")
    sdk.threads.send_and_wait(thread.id, "x")
    with ThreadPoolExecutor(16) as at_once:
        list(at_once.map(lambda number: sdk.threads.append(thread.id, f"{number}"), range(1100)))
    whole = json.loads(run("threads", "export", thread.id, "--data", server.data).out)
    assert whole["seq"] > 1000
    assert [event["seq"] for event in whole["events"]] == list(range(1, whole["seq"] + 1))
    assert len(whole["messages"]) == 1102


def test_an_export_can_be_read(run: Run, server: Server, thread: Thread) -> None:
    """As Markdown: the title in one line, and every message under its author."""
    out = run("threads", "export", thread.id, "--format", "markdown", "--data", server.data).out
    assert out.startswith(f"# Of \ufffd[31mcolours and lines\n\nThread `{thread.id}`, begun ")
    assert out.count("\n## user (ada) · ") == 2
    assert out.count("\n## assistant · demo/") == 2


@pytest.mark.parametrize("verb", ["cat", "tail", "export"])
def test_an_unknown_thread_is_said(run: Run, server: Server, verb: str) -> None:
    """In a sentence, with status 1, and no file is written."""
    done = run("threads", verb, "thr_unknown", "--data", server.data)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("threadline: There is no thread thr_unknown of the tenant 'default'.")


def test_a_file_that_cannot_be_written_is_said(run: Run, server: Server, thread: Thread) -> None:
    """A folder that is not there is no traceback."""
    done = run("threads", "export", thread.id, "--output", "nowhere/x.json", "--data", server.data)
    assert done.status == 1
    assert done.err == "threadline: nowhere/x.json cannot be written: No such file or directory.\n"


def test_tenants_are_kept_apart(run: Run, server: Server, thread: Thread, installation: Installation) -> None:
    """Another tenant's list is its own, and a thread is found under its own tenant only."""
    with Threadline(server.url, installation.foreign) as foreign:
        theirs = foreign.threads.create(title="theirs")
    listed = run("threads", "ls", "--tenant", "foreign", "--data", server.data).out
    assert theirs.id in listed
    assert thread.id not in listed
    assert run("threads", "cat", theirs.id, "--data", server.data).status == 1
    assert run("threads", "cat", theirs.id, "--tenant", "foreign", "--data", server.data).status == 0
    nobody = run("threads", "ls", "--tenant", "nobody", "--data", server.data)
    assert (nobody.status, nobody.err) == (
        1,
        "threadline: There is no tenant named 'nobody'. Its first key makes it.\n",
    )


def test_a_mistyped_folder_is_not_made(run: Run, tmp_path: Path) -> None:
    """Whoever wants to read is told that nothing is there."""
    done = run("threads", "ls", "--data", "typo")
    assert done.status == 1
    assert "There is no Threadline database at typo/threadline.db." in done.err
    assert not (tmp_path / "typo").exists()


def test_a_stopped_server_is_no_hindrance(run: Run, make_server: StartServer, installation: Installation) -> None:
    """What a killed server left in the middle of an answer can be read, and followed to where it broke off."""
    server = make_server().start()
    with Threadline(server.url, installation.key) as client:
        thread = client.threads.create(model="demo/stall-3@max")
        with client.threads.send(thread.id, "x") as stream:
            for _ in stream.text_stream():
                if stream.text.endswith("w2"):
                    break
            server.kill9()
    out = run("threads", "cat", thread.id, "--data", server.data).out
    assert "· streaming\nw0 w1 w2\n" in out
