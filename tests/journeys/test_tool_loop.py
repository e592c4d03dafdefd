"""The tool loop over HTTP: rounds, failures, limits, a stop, and what the log and the audit list say of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.client import Client, text_of
from support.fixtures import Installation, StartServer
from support.server import Server
from support.sse import Frame
from support.toys import Toys
from support.waiting import until


def script(*steps: dict[str, Any]) -> str:
    """Return a message that makes the demo model do these steps."""
    return json.dumps({"steps": steps})


@pytest.fixture
def toys(tmp_path: Path) -> Toys:
    """The tools, and what they did."""
    return Toys(tmp_path)


@pytest.fixture
def toolserver(make_server: StartServer, toys: Toys) -> Server:
    """A server that has the tools."""
    return make_server(**toys.settings).start()


def of(frames: list[Frame], kind: str) -> list[dict[str, Any]]:
    """Return what the events of one kind carry."""
    return [frame.data for frame in frames if frame.event == kind]


async def calls_of(client: Client, thread_id: str, query: str = "") -> list[dict[str, Any]]:
    """Return the audit list."""
    page = (await client.get(f"/v1/threads/{thread_id}/tool_calls?limit=200{query}")).ok(200)
    assert not page["has_more"]
    calls: list[dict[str, Any]] = page["data"]
    return calls


async def test_two_rounds_and_a_pair(toolserver: Server, installation: Installation) -> None:
    """Words, a call, words, two calls side by side, words: one message, every step in the log, in the rows, in order."""
    said = script(
        {"say": "First"},
        {"call": "add", "input": {"a": 1, "b": 2}},
        {"say": "then"},
        {"call": "add", "input": {"a": 3, "b": 4}},
        {"call": "add", "input": {"a": 5, "b": 6}},
        {"say": "done"},
    )
    async with Client(toolserver.url, installation.key) as client:
        thread_id = await client.thread()
        async with client.send_stream(thread_id, said, tools=["add"]) as stream:
            frames = await stream.read_to_end()
        message = of(frames, "message.completed")[0]["message"]
        kinds = [block["type"] for block in message["content"]]
        pair = ["tool_use", "tool_use", "tool_result", "tool_result"]
        assert kinds == ["text", "tool_use", "tool_result", "text", *pair, "text"]
        results = [block for block in message["content"] if block["type"] == "tool_result"]
        assert [result["content"] for result in results] == [3, 7, 11]
        uses = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
        assert [result["tool_use_id"] for result in results] == uses
        assert message["finish_reason"] == "stop"
        steps = [frame.event for frame in frames if frame.event.startswith("tool.")]
        assert steps[:3] == ["tool.requested", "tool.started", "tool.completed"]
        assert sorted(steps[3:]) == sorted(["tool.requested", "tool.started", "tool.completed"] * 2)
        calls = await calls_of(client, thread_id)
        assert [(call["round"], call["output"], call["status"]) for call in calls] == [
            (1, 3, "succeeded"),
            (2, 7, "succeeded"),
            (2, 11, "succeeded"),
        ]
        assert [call["seq"] for call in calls] == [event["seq"] for event in of(frames, "tool.requested")]
        # Both rounds of the model are counted: what the second one read includes what the first one said.
        text = (await client.get("/metrics")).body.decode()
        assert 'threadline_tool_calls_total{kind="python",outcome="ok"} 3.0' in text
        assert "threadline_tool_seconds_count 3.0" in text
        run = await client.run(message["run_id"])
        assert run["usage"]["output_tokens"] == message["usage"]["output_tokens"] > 3


async def test_failures_are_results_that_the_model_sees(toolserver: Server, installation: Installation) -> None:
    """A tool that fails, one that takes too long, one that is not there, an input that does not fit: all go on."""
    said = script(
        {"call": "fail"},
        {"call": "slow"},
        {"call": "nothing"},
        {"call": "add", "input": {"a": "x", "b": 2}},
        {"call": "much"},
        {"say": "so be it"},
    )
    async with Client(toolserver.url, installation.key) as client:
        thread_id = await client.thread()
        sent = await client.ask(thread_id, said, tools=["fail", "slow", "add", "much"])
        assert sent["run"]["status"] == "completed"
        assert text_of(sent["reply"]) == "so be it"
        failed, slow, nothing, unfit, much = await calls_of(client, thread_id)
        assert (failed["output"], failed["is_error"], failed["status"]) == ("no such luck", True, "failed")
        assert slow["is_error"]
        assert "did not answer" in slow["output"]
        assert nothing["is_error"]
        assert nothing["kind"] is None
        assert nothing["attempt"] == 0
        assert unfit["is_error"]
        assert not much["is_error"]
        assert len(much["output"]) < 100_000
        assert len(await calls_of(client, thread_id, "&is_error=true")) == 4
        assert [call["name"] for call in await calls_of(client, thread_id, "&status=succeeded")] == ["much"]


async def test_a_tool_that_is_not_there_is_refused_before_anything_is_stored(
    toolserver: Server, installation: Installation
) -> None:
    """A misspelt name in a send is 422 and points to itself; a token chooses no tools."""
    async with Client(toolserver.url, installation.key) as client:
        thread_id = await client.thread(end_user_id="ann")
        problem = (await client.send(thread_id, "x", tools=["add", "ad"])).problem(422, "invalid_request")
        assert problem["pointer"] == "/tools/1"
        assert await client.history(thread_id) == []
        token = (await client.post("/v1/tokens", {"end_user_id": "ann"})).ok(201)["token"]
        async with Client(toolserver.url, token) as ann:
            (await ann.send(thread_id, "x", tools=["add"])).problem(403, "forbidden")
            (await ann.get(f"/v1/threads/{thread_id}/tool_calls")).problem(403, "forbidden")


async def test_no_answer_calls_for_ever(make_server: StartServer, installation: Installation, toys: Toys) -> None:
    """At the limit of rounds the calls are answered with that, and the run ends in words."""
    server = make_server(**toys.settings, THREADLINE_TOOL_ROUNDS_MAX="2").start()
    step = {"call": "add", "input": {"a": 1, "b": 1}}
    said = script(step, {"say": "a"}, step, {"say": "b"}, step, {"say": "c"}, step)
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        sent = await client.ask(thread_id, said, tools=["add"])
        assert sent["run"]["status"] == "completed"
        assert sent["reply"]["finish_reason"] == "tool_limit"
        calls = await calls_of(client, thread_id)
        assert [call["is_error"] for call in calls] == [False, False, True]
        assert "No more calls" in calls[-1]["output"]
        # And the thread goes on.
        assert (await client.ask(thread_id, script({"say": "next"})))["run"]["status"] == "completed"


async def test_a_hung_tool_does_not_keep_a_stop_out(toolserver: Server, installation: Installation, toys: Toys) -> None:
    """The run ends at once, the call has its outcome, and what another call of the round gave is kept."""
    said = script({"say": "hm"}, {"call": "add", "input": {"a": 1, "b": 1}}, {"call": "deaf"}, {"say": "never"})
    async with Client(toolserver.url, installation.key) as client:
        thread_id = await client.thread()
        async with client.send_stream(thread_id, said, tools=["add", "deaf"]) as stream:
            run_id = stream.headers["x-threadline-run-id"]
            await stream.read_until("tool.completed")

            async def hangs() -> bool:
                return (toys.folder / "deaf").exists()

            await until(hangs, "the tool that hangs")
            stopped = (await client.post(f"/v1/runs/{run_id}/cancel", {"wait": True})).ok(200)
            assert stopped["status"] == "cancelled"
            frames = await stream.read_to_end()
        message = of(frames, "message.completed")[0]["message"]
        assert [block["type"] for block in message["content"]] == ["text", *["tool_use"] * 2, *["tool_result"] * 2]
        added, deaf = await calls_of(client, thread_id)
        assert (added["output"], added["status"]) == (2, "succeeded")
        assert (deaf["is_error"], deaf["status"]) == (True, "cancelled")
        assert "not known" in deaf["output"]
        assert (await client.ask(thread_id, script({"say": "next"})))["run"]["status"] == "completed"
    toys.go()


async def test_a_demand_for_a_tool_is_made_once(toolserver: Server, installation: Installation) -> None:
    """`tool_choice` in each of its forms; what is no form of it is refused."""
    said = script({"call": "add", "input": {"a": 1, "b": 1}}, {"say": "two"})
    async with Client(toolserver.url, installation.key) as client:
        for choice in ("auto", "required", {"name": "add"}):
            sent = await client.ask(await client.thread(), said, tools=["add"], tool_choice=choice)
            assert text_of(sent["reply"]) == "two"
        thread_id = await client.thread()
        (await client.send(thread_id, said, tools=["add"], tool_choice="perhaps")).problem(422, "invalid_request")


async def test_a_silent_tool_is_not_a_silent_provider(
    make_server: StartServer, installation: Installation, toys: Toys
) -> None:
    """A tool has a time of its own: the one that a provider may be silent does not end the run."""
    times = {"THREADLINE_NO_PROGRESS_SECONDS": "3", "THREADLINE_FIRST_CHUNK_SECONDS": "3"}
    server = make_server(**toys.settings, **times).start()
    async with Client(server.url, installation.key) as client:
        sent = await client.ask(await client.thread(), script({"call": "nap"}, {"say": "up"}), tools=["nap"])
        assert (sent["run"]["status"], text_of(sent["reply"])) == ("completed", "up")


async def test_an_argument_is_nobodys_identity(toolserver: Server, installation: Installation) -> None:
    """A tool hears from the server whose thread it is called in, whatever a model puts into the arguments."""
    async with Client(toolserver.url, installation.key) as client:
        mine, theirs = await client.thread(end_user_id="ann"), await client.thread(end_user_id="bob")
        said = script({"call": "post", "input": {"thread_id": theirs, "text": "hi"}}, {"say": "ok"})
        await client.ask(mine, said, tools=["post"])
        (call,) = await calls_of(client, mine)
        assert call["output"] == {"told": theirs, "asked": mine, "of": "ann"}
