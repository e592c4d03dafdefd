"""The plug is pulled around a tool call, moment by moment: nothing is silently done twice (promise 7)."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.client import Client, said, text_of
from support.fixtures import Installation, StartServer
from support.rows import rows
from support.server import Server
from support.sse import Frame
from support.toys import Toys
from support.upstream import Reply, Upstream, anthropic, chat, chat_call, thinking_call
from support.waiting import until
from threadline.events import Entry, decode_event
from threadline.fold import ThreadState
from threadline.ids import ThreadId

CHARGE = {"call": "charge", "input": {"amount": 5}}
LOOK = {"call": "look", "input": {"at": "here"}}
ADD = {"call": "add", "input": {"a": 1, "b": 2}}
ALL = ["add", "charge", "look", "die", "burn"]
PAYS = chat_call("charge", '{"amount": 5}', said="A ")


class Scene:
    """A server with tools, a thread on it, and a way to pull the plug in mid-answer."""

    def __init__(self, server: Server, client: Client, toys: Toys, thread_id: str, upstream: Upstream) -> None:
        self.upstream = upstream
        self.server = server
        self.client = client
        self.toys = toys
        self.thread_id = thread_id
        self.run_id = ""

    async def crash(self, steps: list[dict[str, Any]], when: Callable[[list[Frame]], bool]) -> None:
        """Ask for these steps, kill the server when the frames so far say so, and start it again."""
        content = msgspec.json.encode({"steps": steps}).decode()
        await self._crash_in(content, None, when)

    async def crash_in_answers(self, answers: list[Reply], when: Callable[[list[Frame]], bool]) -> None:
        """The same with a vendor that gives these answers, one for each time that it is asked."""
        model = f"m-{self.thread_id}"
        self.upstream.play(model, *answers)
        await self._crash_in("go", f"openai/{model}", when)

    async def _crash_in(self, content: str, model: str | None, when: Callable[[list[Frame]], bool]) -> None:
        async with self.client.send_stream(self.thread_id, content, tools=ALL, model=model) as stream:
            self.run_id = stream.headers["x-threadline-run-id"]
            while not when(stream.frames):
                assert await stream.next() is not None, stream.ending
            await self.pull_the_plug()
            await stream.read_to_cut()
        await asyncio.to_thread(self.server.start)

    async def pull_the_plug(self) -> None:
        """Kill it, unless it has died by itself."""
        if self.server.is_running:
            self.server.kill9()

    async def ended(self) -> tuple[dict[str, Any], list[dict[str, Any]], list[Frame]]:
        """Wait for the end. Returns the answer, the calls and the log, which fit each other."""
        run = await self.client.settled(self.run_id)
        assert run["status"] == "completed", run
        message = (await self.client.history(self.thread_id))[-1]
        page = (await self.client.get(f"/v1/threads/{self.thread_id}/tool_calls")).ok(200)
        log = await self.client.log(self.thread_id)
        check_pairs(message, page["data"], log)
        # The thread is not stuck.
        assert (await self.client.ask(self.thread_id, '{"steps": [{"say": "on"}]}'))["run"]["status"] == "completed"
        return message, page["data"], log

    async def until_effects(self, count: int) -> None:
        """Sleep until so many calls have taken effect."""

        async def are_there() -> bool:
            return len(self.toys.effects()) >= count

        await until(are_there, f"{count} effects")


@pytest.fixture
async def scene(
    make_server: StartServer,
    installation: Installation,
    tmp_path: Path,
    vendors: Mapping[str, str],
    upstream: Upstream,
) -> AsyncIterator[Scene]:
    """A server with tools that is found again soon after it has died."""
    toys = Toys(tmp_path)
    settings = {**vendors, **toys.settings, "THREADLINE_LEASE_SECONDS": "3", "THREADLINE_REAP_SECONDS": "0.2"}
    server = make_server(**settings).start()
    async with Client(server.url, installation.key) as client:
        yield Scene(server, client, toys, await client.thread(), upstream)


def check_pairs(message: dict[str, Any], calls: list[dict[str, Any]], log: list[Frame]) -> None:
    """Requests and outcomes are the same in the message, in the rows, and in the fold of the log."""
    asked = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
    told = {block["tool_use_id"]: block for block in message["content"] if block["type"] == "tool_result"}
    assert sorted(asked) == sorted(told) == sorted(call["tool_use_id"] for call in calls)
    for call in calls:
        block = told[call["tool_use_id"]]
        assert (block["content"], block["is_error"]) == (call["output"], call["is_error"])
        assert call["status"] in ("succeeded", "failed", "cancelled")
    state, before_end = ThreadState(), None
    for frame in log:
        event = decode_event(msgspec.json.encode(frame.data))
        if frame.event == "message.completed":
            before_end = next(each for each in state.messages if each.id == message["id"])
        state.apply(Entry(ThreadId(frame.data["thread_id"]), frame.data["seq"], None, event))
    assert before_end is not None
    # What a client has pieced together is what it is given in the end.
    shown = [block for block in msgspec.to_builtins(before_end.content) if block != {"type": "text", "text": ""}]
    assert shown == message["content"]


def count(frames: list[Frame], kind: str) -> int:
    """Count the events of a kind."""
    return sum(frame.event == kind for frame in frames)


def is_in_words_behind_a_tool(frames: list[Frame]) -> bool:
    """Whether the model is saying something to what a tool gave."""
    events = [frame.event for frame in frames]
    return "tool.completed" in events and "message.delta" in events[events.index("tool.completed") :]


async def test_while_the_arguments_arrive(scene: Scene) -> None:
    """What is half a request was never one: the round is asked for again, and the round before it is not."""
    scene.toys.go()
    answers = [
        chat_call("look", '{"at": "here"}', said="One "),
        chat_call("charge", '{"amo', said="two ", ending="hang", number=2),
        chat_call("charge", '{"amount": 5}', said="two ", number=2),
        chat("three"),
    ]

    def in_the_arguments(frames: list[Frame]) -> bool:
        behind = is_in_words_behind_a_tool(frames)
        return behind and frames[-1].event == "message.delta" and frames[-1].data["kind"] == "tool_input"

    await scene.crash_in_answers(answers, in_the_arguments)
    message, calls, log = await scene.ended()
    assert text_of(message) == "One two three"
    assert said(log[: log.index(next(f for f in log if f.event == "message.completed"))]) == "One two three"
    assert count(log, "message.superseded") == 1
    assert [(name, attempt) for name, attempt, _ in scene.toys.effects()] == [("look", 1), ("charge", 1)]
    assert [call["is_error"] for call in calls] == [False, False]


async def test_while_a_tool_with_effects_runs(scene: Scene) -> None:
    """It is not called again, and the model is told that nobody knows. No word is taken back for it."""
    await _crash_in_call(scene, [{"say": "Paying. "}, CHARGE, {"say": "Hm."}])
    message, (call,), log = await scene.ended()
    assert [effect[:2] for effect in scene.toys.effects()] == [("charge", 1)]
    assert (call["status"], call["is_error"], call["attempt"]) == ("failed", True, 1)
    assert "not known" in call["output"]
    assert text_of(message) == "Paying. Hm."
    assert count(log, "message.superseded") == 0


async def test_while_an_idempotent_tool_runs(scene: Scene) -> None:
    """It is called again, as the second try of the same call: with the same key."""
    await _crash_in_call(scene, [LOOK, {"say": "ok"}])
    _, (call,), log = await scene.ended()
    first, second = scene.toys.effects()
    assert (first[:2], second[:2]) == (("look", 1), ("look", 2))
    assert first[2] == second[2] == call["id"]
    assert (call["status"], call["output"], call["attempt"]) == ("succeeded", "found here", 2)
    assert (count(log, "tool.requested"), count(log, "tool.started"), count(log, "tool.completed")) == (1, 2, 1)


async def test_between_the_result_and_its_commit(scene: Scene) -> None:
    """The tool is done and nobody has written it down: as if nobody knew."""
    steps = [{"call": "die", "input": {"signal": int(signal.SIGKILL)}}, {"say": "still here"}]
    content = msgspec.json.encode({"steps": steps}).decode()
    scene.run_id = (await scene.client.begin(scene.thread_id, content, tools=ALL))["run"]["id"]

    async def has_died() -> bool:
        return not scene.server.is_running

    await until(has_died, "its death")
    await asyncio.to_thread(scene.server.start)
    message, (call,), _ = await scene.ended()
    assert [effect[:2] for effect in scene.toys.effects()] == [("die", 1)]
    assert call["is_error"]
    assert text_of(message) == "still here"


async def test_when_one_of_two_is_done(scene: Scene) -> None:
    """What is known is kept and not made again; what is not known is said."""

    def is_half_done(frames: list[Frame]) -> bool:
        return (count(frames, "tool.started"), count(frames, "tool.completed")) == (2, 1)

    await scene.crash([ADD, CHARGE, {"say": "so"}], is_half_done)
    scene.toys.go()
    message, (added, charged), log = await scene.ended()
    assert (added["output"], added["attempt"], added["status"]) == (3, 1, "succeeded")
    assert (charged["is_error"], charged["attempt"]) == (True, 1)
    assert count(log, "message.superseded") == 0
    assert [block["type"] for block in message["content"]] == [*["tool_use"] * 2, *["tool_result"] * 2, "text"]


async def test_what_had_not_begun_is_begun_afterwards(scene: Scene) -> None:
    """Of nine calls eight run at a time: the ninth was never made, so it is."""
    steps = [{"call": "charge", "input": {"amount": number}} for number in range(9)]
    content = msgspec.json.encode({"steps": [*steps, {"say": "ok"}]}).decode()
    sent = await scene.client.begin(scene.thread_id, content, tools=ALL)
    scene.run_id = sent["run"]["id"]
    await scene.until_effects(8)
    await scene.pull_the_plug()
    scene.toys.go()
    await asyncio.to_thread(scene.server.start)
    _, calls, _ = await scene.ended()
    assert len(scene.toys.effects()) == 9
    assert sorted(call["is_error"] for call in calls) == [False, *[True] * 8]
    assert all(call["attempt"] == 1 for call in calls)


async def test_in_the_words_behind_a_tool(scene: Scene) -> None:
    """The words are taken back and said again; the call and what it gave are told again, and not made again."""
    scene.toys.go()
    await scene.crash_in_answers([PAYS, chat("b ", ending="hang"), chat("b ", "c")], is_in_words_behind_a_tool)
    message, (call,), log = await scene.ended()
    assert [effect[:2] for effect in scene.toys.effects()] == [("charge", 1)]
    assert (call["output"], call["attempt"]) == ("charged 5", 1)
    assert text_of(message) == "A b c"
    assert count(log, "message.superseded") == 1
    assert (count(log, "tool.requested"), count(log, "tool.completed")) == (2, 2)
    run = await scene.client.run(scene.run_id)
    # What the first round has cost is known of the attempt that died.
    assert run["attempts"][0]["usage"]["output_tokens"] > 0


async def test_twice_in_one_answer(scene: Scene) -> None:
    """A second crash behind the first one finds what was written again, and loses nothing of it."""
    scene.toys.go()
    half = chat("b ", ending="hang")
    await scene.crash_in_answers([PAYS, half, half, chat("b ", "c")], is_in_words_behind_a_tool)
    async with scene.client.open("GET", f"/v1/runs/{scene.run_id}/events") as stream:
        frames = stream.frames
        while "message.superseded" not in stream.events() or not is_in_words_behind_a_tool(
            frames[stream.events().index("message.superseded") :]
        ):
            assert await stream.next() is not None
        await scene.pull_the_plug()
    await asyncio.to_thread(scene.server.start)
    message, (call,), _ = await scene.ended()
    assert [effect[:2] for effect in scene.toys.effects()] == [("charge", 1)]
    assert (call["output"], call["attempt"]) == ("charged 5", 1)
    assert text_of(message) == "A b c"


async def test_a_server_that_is_told_to_stop_leaves_no_tool_behind(scene: Scene) -> None:
    """A drain does not wait for a tool for ever; the next server says that nobody knows, and goes on."""
    content = msgspec.json.encode({"steps": [CHARGE, {"say": "on"}]}).decode()
    scene.server.settings["THREADLINE_DRAIN_SECONDS"] = "0"
    await scene.pull_the_plug()
    await asyncio.to_thread(scene.server.start)
    sent = await scene.client.begin(scene.thread_id, content, tools=ALL)
    scene.run_id = sent["run"]["id"]
    await scene.until_effects(1)
    await asyncio.to_thread(scene.server.stop)
    await asyncio.to_thread(scene.server.start)
    message, (call,), log = await scene.ended()
    assert len(scene.toys.effects()) == 1
    assert call["is_error"]
    assert text_of(message) == "on"
    assert count(log, "message.superseded") == 0


async def test_a_cancel_that_the_crash_has_outlived(scene: Scene) -> None:
    """Wished for in the middle of a call, and the server died before it heard: nothing goes on, all has its outcome."""
    await _crash_in_call(scene, [{"say": "x"}, CHARGE, {"say": "never"}], cancel=True)
    run = await scene.client.settled(scene.run_id)
    assert run["status"] == "cancelled"
    message = (await scene.client.history(scene.thread_id))[-1]
    assert [block["type"] for block in message["content"]] == ["text", "tool_use", "tool_result"]
    (call,) = (await scene.client.get(f"/v1/threads/{scene.thread_id}/tool_calls")).ok(200)["data"]
    assert (call["status"], call["is_error"]) == ("cancelled", True)
    assert len(scene.toys.effects()) == 1


async def test_a_second_click_does_not_arm_a_call_again(scene: Scene) -> None:
    """Agreed to twice, the second time while the call runs, and then the server dies: nobody knows, nobody repeats."""
    content = msgspec.json.encode({"steps": [{"call": "burn", "input": {"what": "it"}}, {"say": "ash"}]}).decode()
    run = (await scene.client.ask(scene.thread_id, content, tools=ALL))["run"]
    scene.run_id = run["id"]
    where = f"/v1/runs/{scene.run_id}/approvals"
    what = {"tool_use_id": run["waiting_for"]["approvals"][0]["tool_use_id"], "approve": True}
    (await scene.client.post(where, what)).ok(200)
    await scene.until_effects(1)
    (await scene.client.post(where, what)).ok(200)
    (await scene.client.post(where, {**what, "approve": False})).problem(409, "not_waiting")
    await scene.pull_the_plug()
    scene.toys.go()
    await asyncio.to_thread(scene.server.start)
    message, (call,), _ = await scene.ended()
    assert [effect[:2] for effect in scene.toys.effects()] == [("burn", 1)]
    assert (call["is_error"], call["is_approved"]) == (True, True)
    assert text_of(message) == "ash"


async def test_a_vendors_seal_outlives_the_crash(
    make_server: StartServer, installation: Installation, upstream: Upstream, tmp_path: Path
) -> None:
    """What was thought before a call goes back to its vendor sealed as it came, also from the attempt behind."""
    toys, model = Toys(tmp_path), f"thinker-{tmp_path.name}"
    vendor = {"ANTHROPIC_API_KEY": "sk-x", "ANTHROPIC_BASE_URL": upstream.url}
    settings = {**toys.settings, **vendor, "THREADLINE_LEASE_SECONDS": "3", "THREADLINE_REAP_SECONDS": "0.2"}
    server = make_server(**settings).start()
    upstream.play(model, thinking_call("hm", "c2VhbA==", "look", {"at": "here"}), anthropic("done"))
    async with Client(server.url, installation.key) as client:
        scene = Scene(server, client, toys, await client.thread(), upstream)
        sent = await client.begin(scene.thread_id, "look", model=f"anthropic/{model}", tools=["look"])
        scene.run_id = sent["run"]["id"]
        await scene.until_effects(1)
        server.kill9()
        toys.go()
        await asyncio.to_thread(server.start)
        assert (await client.settled(scene.run_id))["status"] == "completed"
    first, second = upstream.asked(model)
    assert first.body["tools"][0]["name"] == "look"
    thought, use = second.body["messages"][1]["content"]
    assert thought == {"type": "thinking", "thinking": "hm", "signature": "c2VhbA=="}
    (result,) = second.body["messages"][2]["content"]
    assert (result["tool_use_id"], result["content"]) == (use["id"], "found here")


async def _crash_in_call(scene: Scene, steps: list[dict[str, Any]], cancel: bool = False) -> None:
    """Kill the server while the one tool of these steps runs, and start it again."""
    content = msgspec.json.encode({"steps": steps}).decode()
    sent = await scene.client.begin(scene.thread_id, content, tools=ALL)
    scene.run_id = sent["run"]["id"]
    await scene.until_effects(1)
    await scene.pull_the_plug()
    if cancel:
        # As a dying server has: the commit was made, and nothing after it.
        rows(scene.server, "UPDATE runs SET cancel_requested_at = '2026-01-01T00:00:00.000Z'")
    scene.toys.go()
    await asyncio.to_thread(scene.server.start)
