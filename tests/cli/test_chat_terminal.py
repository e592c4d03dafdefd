"""`threadline chat` on a terminal: Markdown that grows, Ctrl-C, reconnects, and going on where one was."""

import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from support.fixtures import Installation, StartServer
from support.toys import Toys
from support.upstream import Gate, Upstream
from support.upstream import chat as answer
from threadline import Threadline

from .terminal import CTRL_C, CTRL_D, Terminal

OpenTerminal = Callable[..., Terminal]


def test_an_answer_is_shown_as_markdown(terminal: OpenTerminal, talking: dict[str, str], tmp_path: Path) -> None:
    """Its marks become form, its reasoning one line, its cost another; Ctrl-D leaves with status 0."""
    chat = terminal("chat", "--new", "--model", "demo/reasoning@200", settings=talking)
    chat.wait_for_prompt()
    chat.type("hello\r")
    chat.wait_for("words (--reasoning shows them)")
    chat.wait_for("demo/reasoning@200 · 225 tokens · ")
    chat.wait_for_prompt()
    assert "## What just happened" not in chat.seen
    assert "What just happened" in chat.seen
    assert "The user has written something" not in chat.seen[chat.seen.index("thought for") :]
    chat.type(CTRL_D)
    assert chat.wait_for_exit() == 0
    history = tmp_path / "state" / "threadline" / "chat_history"
    assert "hello" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_ctrl_c_stops_an_answer(terminal: OpenTerminal, talking: dict[str, str], sdk: Threadline) -> None:
    """The run is cancelled on the server, what was said is kept, and the next question is answered."""
    chat = terminal("chat", "--new", "--model", "demo/stall-7", settings=talking)
    chat.wait_for_prompt()
    chat.type("stop me in time\r")
    chat.wait_for("w6")
    assert not chat.echoes
    chat.type(CTRL_C)
    chat.wait_for("Stopped. What was said is kept.")
    chat.wait_for_prompt()
    thread = next(thread for thread in sdk.threads.list() if thread.title == "stop me in time")
    answer = next(iter(sdk.threads.messages(thread.id)))
    assert (answer.status, answer.text) == ("cancelled", "w0 w1 w2 w3 w4 w5 w6")
    chat.type("/model demo/echo@max\r")
    chat.wait_for("answers from here on.")
    chat.wait_for_prompt()
    chat.type("still here\r")
    chat.wait_for("demo/echo@max · 2 tokens")
    chat.wait_for_prompt()
    chat.type(CTRL_C)
    assert chat.wait_for_exit() == 0


def test_a_second_ctrl_c_leaves(terminal: OpenTerminal, make_server: StartServer, installation: Installation) -> None:
    """Also when no server is there to be asked. The terminal is left as it was, and how to come back is said."""
    server = make_server().start()
    settings = {"THREADLINE_URL": server.url, "THREADLINE_API_KEY": installation.key}
    chat = terminal("chat", "--model", "demo/stall-2", settings=settings)
    chat.wait_for_prompt()
    chat.type("x\r")
    chat.wait_for("w1")
    server.kill9()
    chat.wait_for("connection lost, trying again in")
    chat.type(CTRL_C)
    # The refusal may come before "stopping…" was ever drawn.
    chat.wait_for("could not be stopped")
    chat.type(CTRL_C)
    chat.wait_for("Left. `threadline chat --thread thr_")
    assert chat.wait_for_exit() == 130
    assert chat.echoes
    assert "Traceback" not in chat.seen


def test_a_crash_of_the_server_is_survived(
    terminal: OpenTerminal,
    make_server: StartServer,
    installation: Installation,
    vendors: Mapping[str, str],
    upstream: Upstream,
) -> None:
    """The loss and the return are said, what was shown of the first attempt vanishes, and the answer comes whole."""
    upstream.play("chat-crash", answer("half an ", ending="hang"), answer("half an ", "answer"))
    server = make_server(**vendors, THREADLINE_LEASE_SECONDS="3").start()
    settings = {"THREADLINE_URL": server.url, "THREADLINE_API_KEY": installation.key}
    talk = terminal("chat", "--model", "openai/chat-crash", settings=settings)
    talk.wait_for_prompt()
    talk.type("say it\r")
    talk.wait_for("half an")
    server.kill9()
    talk.wait_for("connection lost, trying again in")
    server.start()
    talk.wait_for("connection lost, and back after")
    talk.wait_for("the server was interrupted, and begins the answer again")
    talk.wait_for("openai/chat-crash · 2 tokens")
    printed = talk.seen[talk.seen.rindex("begins the answer again") :]
    assert "half an answer" in " ".join(printed.split())


def test_it_goes_on_where_it_was(
    terminal: OpenTerminal, talking: dict[str, str], sdk: Threadline, upstream: Upstream
) -> None:
    """The latest thread is opened, its last messages are shown, and the answer that is being made is followed."""
    named = {**talking, "LOGNAME": "returning"}
    thread = sdk.threads.create(end_user_id="cli:returning", title="Before lunch", model="demo/echo@max")
    sdk.threads.send_and_wait(thread.id, "an old question")
    gate = Gate()
    upstream.play("chat-long", answer("half an ", gate, "answer"))
    sdk.threads.send_in_background(thread.id, "a long one", model="openai/chat-long")
    talk = terminal("chat", settings=named)
    talk.wait_for("Going on with your latest thread; /new begins another")
    talk.wait_for("— Before lunch · ")
    talk.wait_for("> an old question")
    talk.wait_for("> a long one")
    talk.wait_for("half an")
    gate.set()
    talk.wait_for("answer")
    talk.wait_for("openai/chat-long · 2 tokens")
    talk.wait_for_prompt()
    talk.type("/quit\r")
    assert talk.wait_for_exit() == 0


def test_a_mistake_does_not_end_the_sitting(terminal: OpenTerminal, talking: dict[str, str]) -> None:
    """What ends a pipe, a person is told, and the next line is taken."""
    chat = terminal("chat", "--new", "--model", "demo/echo@max", settings=talking)
    chat.wait_for_prompt()
    chat.type("/nothing\r")
    chat.wait_for("There is no command /nothing; /help lists them.")
    chat.wait_for_prompt()
    chat.type("/model elsewhere/x\r")
    chat.wait_for_prompt()
    chat.type("lost\r")
    chat.wait_for("There is no model 'elsewhere/x'")
    chat.wait_for_prompt()
    chat.type("/help\r")
    chat.wait_for("/open N|ID")
    chat.wait_for_prompt()
    chat.type(CTRL_C)
    assert chat.wait_for_exit() == 0


ASKS = '{"steps": [{"say": "May I?"}, {"call": "wipe", "input": {"what": "the board"}}, {"say": "So it is."}]}'


def test_a_tool_that_needs_approval_is_asked_about(
    terminal: OpenTerminal, make_server: StartServer, installation: Installation, tmp_path: Path
) -> None:
    """The call is named; yes makes it, no does not, later leaves it waiting, and whoever comes back is asked again."""
    toys = Toys(tmp_path)
    server = make_server(**toys.settings).start()
    settings = {"THREADLINE_URL": server.url, "THREADLINE_API_KEY": installation.key, "LOGNAME": "careful"}
    with Threadline(server.url, installation.key) as sdk:
        agent = sdk.agents.create(handle="cleaner", model="demo/script", tools=["wipe"])
        thread = sdk.threads.create(end_user_id="cli:careful", agent_id=agent.id)
        chat = terminal("chat", "--thread", thread.id, settings=settings)
        chat.wait_for_prompt()
        chat.type(f"{ASKS}\r")
        chat.wait_for("May it call wipe {'what': 'the board'}? [y/n, Enter: later]")
        assert toys.effects() == []
        chat.type("perhaps\r")
        chat.type("y\r")
        chat.wait_for("So it is.")
        chat.wait_for_prompt()
        assert [effect[0] for effect in toys.effects()] == ["wipe"]
        chat.type(f"{ASKS}\r")
        chat.wait_for("May it call wipe")
        chat.type("\r")
        chat.wait_for("It waits for somebody.")
        chat.wait_for_prompt()
        sdk.threads.send_in_background(thread.id, "and then this")
        chat.type("/queue\r")
        chat.wait_for("1  and then this")
        chat.wait_for_prompt()
        chat.type(f"/open {thread.id}\r")
        chat.wait_for("May it call wipe")
        chat.type("n\r")
        chat.wait_for_prompt()
        assert [effect[0] for effect in toys.effects()] == ["wipe"]
        chat.type(f"{ASKS}\r")
        chat.wait_for("May it call wipe")
        chat.type(CTRL_C)
        chat.wait_for("Stopped. What was said is kept.")
        chat.wait_for_prompt()
        assert [call.is_approved for call in sdk.threads.tool_calls(thread.id)] == [True, False, None]
        chat.type("/quit\r")
        assert chat.wait_for_exit() == 0
