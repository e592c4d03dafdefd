"""Messages that are handed to an answer in progress, between two rounds of its tools."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.client import ENDINGS, Client, text_of
from support.fixtures import Installation, StartServer
from support.server import Server
from support.toys import Toys
from support.upstream import Upstream, chat, chat_call
from support.waiting import until

from .test_on_busy import asked, speaking, waiting

BUSY = json.dumps({"steps": [{"say": "I look."}, {"call": "look", "input": {"at": "it"}}, {"say": "seen"}]})


@pytest.fixture
def toys(tmp_path: Path) -> Toys:
    """Tools, one of which waits until the test lets it go."""
    return Toys(tmp_path)


@pytest.fixture
def server(make_server: StartServer, toys: Toys, vendors: dict[str, str]) -> Server:
    """A server that has the tools."""
    return make_server(**{**vendors, **toys.settings}).start()


async def looking(client: Client, thread_id: str, toys: Toys) -> str:
    """Begin an answer that waits for its tool; return its run."""
    run_id: str = (await client.begin(thread_id, BUSY, tools=["look"]))["run"]["id"]

    async def calls() -> bool:
        return bool(toys.effects())

    await until(calls, "the call")
    return run_id


def say(word: str) -> str:
    """Return a question that is answered with this word."""
    return json.dumps({"steps": [{"say": word}]})


def kinds(message: dict[str, Any]) -> list[str]:
    """Return the kinds of a message's blocks."""
    return [block["type"] for block in message["content"]]


async def test_a_steer_is_heard_at_the_next_boundary(server: Server, installation: Installation, toys: Toys) -> None:
    """The answer so far is a message; the steer stands behind it; the same run goes on behind both, in a new one."""
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        async with client.events(thread_id) as stream:
            run_id = await looking(client, thread_id, toys)
            steer = (await client.begin(thread_id, say("this"), on_busy="steer"))["run"]
            assert (steer["status"], steer["position"]) == ("queued", 1)
            toys.go()
            run = await client.settled(run_id)
            await stream.read_until("run.completed")
            await stream.read_until("run.completed")
            log = stream.frames
        question, before, handed, after = await client.history(thread_id)
        assert kinds(before) == ["text", "tool_use", "tool_result"]
        assert (before["status"], before["finish_reason"], before["run_id"]) == ("complete", "steer", run_id)
        assert (text_of(handed), handed["run_id"], handed["id"]) == (say("this"), run_id, steer["input_message_id"])
        assert (text_of(after), after["status"], after["run_id"]) == ("this", "complete", run_id)
        parents = [message["parent_id"] for message in (before, handed, after)]
        assert parents == [message["id"] for message in (question, before, handed)]
        assert (run["status"], run["attempt"], run["output_message_id"]) == ("completed", 2, after["id"])
        assert [attempt["error"] for attempt in run["attempts"]] == [None, None]
        assert all(attempt["usage"] and attempt["ended_at"] for attempt in run["attempts"])
        ended = await client.run(steer["id"])
        assert (ended["status"], ended["answered_by"], ended["position"]) == ("completed", run_id, None)
        assert (ended["attempt"], text_of(ended["input"])) == (0, say("this"))
    told = [frame.event for frame in log if frame.event not in ("message.delta", "caught_up")]
    assert told[told.index("tool.completed") + 1 :] == [
        *("message.completed", "message.created", "run.completed"),
        *("run.started", "message.started", "message.completed", "run.completed"),
    ]
    assert [frame.data["run"]["id"] for frame in log if frame.event in ENDINGS] == [steer["id"], run_id]


async def test_who_waits_for_a_steer_gets_the_answer(server: Server, installation: Installation, toys: Toys) -> None:
    """The send's own run is the one that was handed over; its reply is what was said after that. Once for one key."""
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread(on_busy="steer")
        run_id = await looking(client, thread_id, toys)
        async with client.send_stream(thread_id, say("this"), key="k") as stream:
            await stream.read_until("run.queued")
            toys.go()
            assert (await stream.read_to_end())[-1].data["run"]["answered_by"] == run_id
        sent = await client.send(thread_id, say("this"), key="k")
        assert sent.headers["idempotency-replayed"] == "true"
        again = sent.ok(200)
        assert (again["run"]["answered_by"], text_of(again["message"])) == (run_id, say("this"))
        assert (text_of(again["reply"]), again["reply"]["run_id"]) == ("this", run_id)


async def test_steers_are_heard_in_order_and_the_others_wait(
    server: Server, installation: Installation, toys: Toys
) -> None:
    """Two of them become two messages, before whoever waits; what waited goes on waiting for its own turn."""
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        await looking(client, thread_id, toys)
        await client.begin(thread_id, say("later"))
        for word in ("one", "two"):
            await client.begin(thread_id, say(word), on_busy="steer")
        assert asked(await waiting(client, thread_id)) == [say("one"), say("two"), say("later")]
        last = (await waiting(client, thread_id))[2]["id"]
        toys.go()
        await client.settled(last)
        said = [text_of(message) for message in (await client.history(thread_id))[2:]]
        assert said == [say("one"), say("two"), "two", say("later"), "later"]


async def test_a_steer_of_an_answer_without_tools_is_next(client: Client) -> None:
    """There is no boundary at which it could be heard: it has its own turn, before those that waited already."""
    thread_id = await client.thread()
    active = await speaking(client, thread_id)
    waited = (await client.begin(thread_id, "later"))["run"]["id"]
    steer = (await client.begin(thread_id, "next", on_busy="steer"))["run"]["id"]
    assert asked(await waiting(client, thread_id)) == ["next", "later"]
    await client.post(f"/v1/runs/{active}/cancel")
    await client.settled(waited)
    assert [text_of(message) for message in (await client.history(thread_id))[2:]] == ["next", "next", "later", "later"]
    assert (await client.run(steer))["answered_by"] is None


async def test_a_steer_that_was_withdrawn_is_not_heard(server: Server, installation: Installation, toys: Toys) -> None:
    """The answer goes on in its message as if nothing had been sent."""
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        run_id = await looking(client, thread_id, toys)
        steer = (await client.begin(thread_id, "never mind", on_busy="steer"))["run"]["id"]
        await client.post(f"/v1/runs/{steer}/cancel")
        toys.go()
        assert (await client.settled(run_id))["attempt"] == 1
        _, answer = await client.history(thread_id)
        assert kinds(answer) == ["text", "tool_use", "tool_result", "text"]


async def test_the_model_hears_what_was_said_and_then_the_steer(
    server: Server, installation: Installation, toys: Toys, upstream: Upstream
) -> None:
    """Its own words, its call with its result, and the message that was handed in, in this order."""
    model = f"m-{toys.folder.name}-{id(toys)}"
    upstream.play(model, chat_call("look", '{"at": "it"}'), chat("ok"))
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        run_id = (await client.begin(thread_id, "q", model=f"openai/{model}", tools=["look"]))["run"]["id"]

        async def calls() -> bool:
            return bool(toys.effects())

        await until(calls, "the call")
        await client.begin(thread_id, "s", on_busy="steer")
        toys.go()
        await client.settled(run_id)
    _, second = upstream.asked(model)
    told = [(each["role"], each.get("content")) for each in second.body["messages"]]
    assert told == [("user", "q"), ("assistant", None), ("tool", "found it"), ("user", "s")]


async def test_a_crash_after_a_steer_replaces_the_new_message_only(
    server: Server, installation: Installation, toys: Toys
) -> None:
    """What was whole stays, the steer is heard once, and the half answer to it is made anew, as after any crash."""
    stalls = json.dumps({"steps": [{"say": "half"}, {"stall": True}]})
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        run_id = await looking(client, thread_id, toys)
        steer = (await client.begin(thread_id, stalls, on_busy="steer"))["run"]["id"]
        async with client.events(thread_id) as stream:
            toys.go()
            await stream.read_until("run.completed")
            await stream.read_until("message.delta")
        server.kill9()
    server.start()
    async with Client(server.url, installation.key) as client:
        async with client.events(thread_id) as stream:
            taken_back = (await stream.read_until("message.superseded")).data
            assert taken_back["by_attempt"] == 3
            await stream.read_until("message.delta")
        assert (await client.post(f"/v1/runs/{run_id}/cancel", {"wait": True})).ok(200)["status"] == "cancelled"
        log = await client.log(thread_id)
        history = await client.history(thread_id)
        assert (await client.run(steer))["answered_by"] == run_id
    assert [frame.data["run"]["id"] for frame in log if frame.event in ENDINGS] == [steer, run_id]
    assert taken_back["message_id"] == history[3]["id"]
    assert [kinds(message) for message in history[1:]] == [["text", "tool_use", "tool_result"], ["text"], ["text"]]
    assert [message["status"] for message in history[1:]] == ["complete", "complete", "cancelled"]
    assert text_of(history[3]) == "half"
