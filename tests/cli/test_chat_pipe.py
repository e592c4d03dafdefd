"""`threadline chat` through a pipe: every line is sent, answers go to stdout, the status says how it went."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.fixtures import Installation, StartServer
from support.server import Server
from support.toys import Toys
from support.waiting import PATIENCE_SECONDS
from threadline import Threadline
from threadline.client import models

from .conftest import Run

ECHO = ("--model", "demo/echo@max")
ASKS = '{"steps": [{"say": "May I?"}, {"call": "wipe", "input": {"what": "the board"}}, {"say": "So it is."}]}'


def test_a_line_is_answered(run: Run, talking: dict[str, str]) -> None:
    """The answer stands alone on stdout, with a line end, and the status is 0."""
    done = run("chat", *ECHO, settings=talking, input="hi there\n")
    assert (done.status, done.out, done.err) == (0, "hi there\n", "")


def test_lines_are_sent_in_turn_to_one_thread(run: Run, talking: dict[str, str], sdk: Threadline) -> None:
    """Each line waits for the answer to the one before; empty ones are no messages. The first names the thread."""
    done = run("chat", *ECHO, settings=talking, input="one line\n\n   \nand another\n/threads\n")
    assert done.status == 0
    assert done.out.startswith("one line\nand another\n")
    listed = done.out.splitlines()[2]
    assert "one line" in listed
    thread_id = listed[listed.index("(thr_") + 1 : -1]
    said = [(message.role, message.text) for message in sdk.threads.messages(thread_id, order="asc")]
    assert said == [
        ("user", "one line"),
        ("assistant", "one line"),
        ("user", "and another"),
        ("assistant", "and another"),
    ]


def test_a_failed_answer_is_status_1(run: Run, talking: dict[str, str]) -> None:
    """The sentence is on stderr, nothing is on stdout, and the lines after it are not sent."""
    done = run("chat", "--model", "demo/fail-provider_overloaded", settings=talking, input="one\n/threads\n")
    assert (done.status, done.out) == (1, "")
    assert done.err == "No answer: The demo model was asked to fail. (provider_overloaded) Sending it again may help.\n"


def test_what_was_said_before_a_failure_is_kept(run: Run, talking: dict[str, str]) -> None:
    """Half an answer is half an answer, and the line is ended before the sentence."""
    done = run("chat", "--model", "demo/cut-3@max", settings=talking, input="one\n")
    assert (done.status, done.out) == (1, "w0 w1 w2\n")
    assert "cut off" in done.err


def test_a_thread_can_be_gone_on_with(run: Run, talking: dict[str, str], sdk: Threadline) -> None:
    """`--thread` adds to a thread, with the model that the thread has."""
    thread = sdk.threads.create(model="demo/echo@max")
    done = run("chat", "--thread", thread.id, settings=talking, input="here\n")
    assert (done.status, done.out) == (0, "here\n")
    assert sdk.threads.get(thread.id).message_count == 2


def test_reasoning_goes_to_stderr_if_at_all(run: Run, talking: dict[str, str]) -> None:
    """Stdout has the answer alone; `--reasoning` shows the rest beside it."""
    arguments = ("chat", "--model", "demo/reasoning@max")
    without = run(*arguments, settings=talking, input="x\n")
    with_it = run(*arguments, "--reasoning", settings=talking, input="x\n")
    assert without.out == with_it.out
    assert without.out.startswith("# Hello from Threadline")
    assert without.err == ""
    assert with_it.err.startswith("The user has written something.")
    assert with_it.err.endswith("\n")


def test_two_slashes_send_one(run: Run, talking: dict[str, str]) -> None:
    """A message may begin with a slash."""
    assert run("chat", *ECHO, settings=talking, input="//help me\n").out == "/help me\n"


def test_slash_commands_work(run: Run, talking: dict[str, str]) -> None:
    """The model can be changed, a title given, a thread begun and opened again; `/quit` ends it."""
    lines = "/title The first\n/model demo/echo@max\none\n/title\n/new\ntwo\n/threads\n/open 2\n/quit\nnot sent\n"
    done = run("chat", settings=talking, input=lines)
    assert done.status == 0, done.err
    assert done.out.startswith("one\nThe first\ntwo\n")
    assert "→  1" in done.out
    assert "— The first · thr_" in done.out
    assert done.out.endswith("> one\none\n")
    assert "not sent" not in done.out


def test_models_are_listed(run: Run, talking: dict[str, str]) -> None:
    """`/model` alone says what can be asked, and marks what is."""
    done = run("chat", "--model", "demo/echo", settings=talking, input="/model\n")
    assert "→ demo/echo " in done.out
    assert "demo/reasoning" in done.out


@pytest.mark.parametrize("line", ["/nothing", "/open", "/open 99999", "/open thr_nobody", "/open ../../v1/keys"])
def test_a_command_that_cannot_be_done_is_status_1(run: Run, talking: dict[str, str], line: str) -> None:
    """A script must not go on in the wrong thread."""
    done = run("chat", *ECHO, settings=talking, input=f"{line}\nnot sent\n")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("threadline: ")
    assert done.err.count("\n") == 1


def test_an_unknown_model_leaves_no_thread(run: Run, server: Server, talking: dict[str, str]) -> None:
    """The sentence says which providers there are; the thread that was begun for the message is gone."""
    named = {**talking, "LOGNAME": "nobody-else"}
    done = run("chat", "--model", "elsewhere/x", settings=named, input="lost\n")
    assert done.status == 1
    assert "There is no model 'elsewhere/x'" in done.err
    with Threadline(server.url, talking["THREADLINE_API_KEY"]) as client:
        assert list(client.threads.list(end_user_id="cli:nobody-else")) == []


def test_a_token_is_as_good_as_a_key(run: Run, talking: dict[str, str], sdk: Threadline) -> None:
    """An end user's token talks in that end user's name."""
    token = sdk.tokens.create("grace").token
    done = run("chat", *ECHO, "--key", token, settings=talking, input="as grace\n")
    assert (done.status, done.out) == (0, "as grace\n")
    assert [thread.title for thread in sdk.threads.list(end_user_id="grace")] == ["as grace"]


def test_no_server_is_said(run: Run) -> None:
    """The sentence names the address, and the command that starts a server."""
    done = run("chat", "--url", "http://127.0.0.1:9", "--key", "tl_x", input="hi\n")
    assert done.status == 1
    assert done.err.startswith("threadline: No server answers at http://127.0.0.1:9; `threadline serve` starts one.")


def test_a_missing_key_is_said(run: Run, server: Server) -> None:
    """Where the data folder is ours, the sentence is the command that makes a key; none is made for us."""
    own = run("chat", settings={"THREADLINE_URL": server.url, "THREADLINE_DATA": str(server.data)}, input="hi\n")
    assert own.status == 1
    assert "export THREADLINE_API_KEY=$(threadline keys create)" in own.err
    other = run("chat", settings={"THREADLINE_URL": server.url}, input="hi\n")
    assert other.status == 1
    assert "Whoever runs it makes one" in other.err
    assert "export" not in other.err


def test_a_wrong_key_is_said(run: Run, server: Server, installation: Installation) -> None:
    """And the key is not repeated."""
    wrong = installation.key[:-4] + "xxxx"
    done = run("chat", settings={"THREADLINE_URL": server.url, "THREADLINE_API_KEY": wrong}, input="hi\n")
    assert done.status == 1
    assert "does not take this API key" in done.err
    assert wrong not in done.err


def test_an_address_that_is_none_is_said(run: Run) -> None:
    """A URL begins with http."""
    done = run("chat", "--url", "localhost:8400", "--key", "tl_x", input="hi\n")
    assert (done.status, done.err) == (1, "threadline: 'localhost:8400' is no address: it begins with http://.\n")


def test_new_and_thread_exclude_each_other(run: Run) -> None:
    """That is a mistake in the command line, and has the status of one."""
    done = run("chat", "--new", "--thread", "thr_x", input="")
    assert done.status == 2
    assert "exclude each other" in done.err


def test_an_answer_waits_until_somebody_agrees(
    run: Run, make_server: StartServer, installation: Installation, tmp_path: Path
) -> None:
    """Nobody is there to be asked: stderr names the call, and the answer goes on when it is allowed from elsewhere."""
    toys = Toys(tmp_path)
    server = make_server(**toys.settings).start()
    settings = {"THREADLINE_URL": server.url, "THREADLINE_API_KEY": installation.key}
    with Threadline(server.url, installation.key) as sdk, ThreadPoolExecutor(1) as beside:
        agent = sdk.agents.create(handle="cleaner", model="demo/script", tools=["wipe"])
        thread = sdk.threads.create(agent_id=agent.id)
        coming = beside.submit(run, "chat", "--thread", thread.id, settings=settings, input=f"{ASKS}\n")
        waiting = wait_for_waiting(sdk, thread.id)
        assert toys.effects() == []
        assert waiting.waiting_for is not None
        sdk.runs.approve(waiting.id, waiting.waiting_for.approvals[0].tool_use_id)
        done = coming.result(PATIENCE_SECONDS)
    assert (done.status, done.out) == (0, "May I?\n\nSo it is.\n")
    assert "waits for somebody to agree: wipe {'what': 'the board'}" in done.err
    assert [effect[0] for effect in toys.effects()] == ["wipe"]


def wait_for_waiting(sdk: Threadline, thread_id: str) -> models.Run:
    """Return the thread's run once it waits for somebody."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = [each for each in sdk.threads.state(thread_id).runs if each.status == "waiting"]
        if found:
            return found[0]
        assert time.monotonic() < deadline, "the answer does not wait"
        time.sleep(0.02)
