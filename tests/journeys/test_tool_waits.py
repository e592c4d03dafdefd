"""Runs that wait for somebody outside: approvals and client tools, once each, through restarts and past their time."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from support.client import Client, text_of
from support.fixtures import Installation, StartServer
from support.server import Server, run_command
from support.toys import Toys
from support.waiting import until
from threadline import AsyncThreadline
from threadline.client.events import RunWaiting

from .test_tool_loop import calls_of, of, script

ASKS = script({"say": "May I?"}, {"call": "wipe", "input": {"what": "it"}}, {"say": "So."})
CLIENT_TOOL = {
    "name": "locate",
    "kind": "client",
    "description": "Where the person is.",
    "input_schema": {"type": "object", "properties": {}},
}


@pytest.fixture
def toys(tmp_path: Path) -> Toys:
    """The tools, and what they did."""
    return Toys(tmp_path)


@pytest.fixture
def toolserver(make_server: StartServer, toys: Toys) -> Server:
    """A server that has the tools."""
    return make_server(**toys.settings).start()


async def waiting(client: Client, thread_id: str, said: str, **fields: Any) -> dict[str, Any]:
    """Send something that makes the run wait, and return the run then."""
    sent = await client.ask(thread_id, said, **fields)
    run: dict[str, Any] = sent["run"]
    assert run["status"] == "waiting", run
    return run


def decision(run: dict[str, Any], approve: bool, **fields: Any) -> tuple[str, dict[str, Any]]:
    """Return where and what to post to decide the one call that a run waits for."""
    (asked,) = run["waiting_for"]["approvals"]
    return f"/v1/runs/{run['id']}/approvals", {"tool_use_id": asked["tool_use_id"], "approve": approve, **fields}


async def test_nothing_happens_before_somebody_agrees_and_then_it_happens_once(
    toolserver: Server, installation: Installation, toys: Toys
) -> None:
    """Two clicks at once and a third one later make one call; the stream goes on without a word taken back."""
    async with Client(toolserver.url, installation.key) as client:
        thread_id = await client.thread()
        async with client.send_stream(thread_id, ASKS, tools=["wipe"]) as stream:
            asked = (await stream.read_until("run.waiting")).data["run"]
            assert asked["waiting_for"]["approvals"][0]["input"] == {"what": "it"}
            assert asked["waiting_for"]["expires_at"] is not None
            assert toys.effects() == []
            where, what = decision(asked, True)
            answers = await asyncio.gather(client.post(where, what), client.post(where, what))
            assert [answer.status for answer in answers] == [200, 200]
            frames = await stream.read_to_end()
        assert (await client.post(where, what)).status == 200
        (await client.post(where, {**what, "approve": False})).problem(409, "not_waiting")
        assert [effect[0] for effect in toys.effects()] == ["wipe"]
        message = of(frames, "message.completed")[0]["message"]
        assert [block["type"] for block in message["content"]] == ["text", "tool_use", "tool_result", "text"]
        assert "message.superseded" not in stream.events()
        run = await client.run(asked["id"])
        assert (run["status"], run["attempt"], run["waiting_for"]) == ("completed", 2, None)
        (call,) = await calls_of(client, thread_id)
        assert (call["is_approved"], call["attempt"], call["output"]) == (True, 1, "wiped it")
        assert call["decided_by"]["type"] == "system"
        assert call["decided_at"] >= call["requested_at"]


async def test_a_refusal_is_a_result_with_its_reason(
    toolserver: Server, installation: Installation, toys: Toys
) -> None:
    """The tool is not called; the model reads why; the audit says who; an end user's token may decide in his thread."""
    async with Client(toolserver.url, installation.key) as client:
        thread_id = await client.thread(end_user_id="ann")
        (await client.post(f"/v1/threads/{thread_id}/members", {"end_user_id": "cid", "role": "viewer"})).ok(201)
        run = await waiting(client, thread_id, ASKS, tools=["wipe"])
        where, what = decision(run, False, reason="not today")
        cid = (await client.post("/v1/tokens", {"end_user_id": "cid"})).ok(201)["token"]
        bob = (await client.post("/v1/tokens", {"end_user_id": "bob"})).ok(201)["token"]
        reads = (await client.post("/v1/tokens", {"end_user_id": "ann", "rights": ["read"]})).ok(201)["token"]
        ann = (await client.post("/v1/tokens", {"end_user_id": "ann"})).ok(201)["token"]
        async with Client(toolserver.url, bob) as stranger, Client(toolserver.url, reads) as reader:
            (await stranger.post(where, what)).problem(404, "not_found")
            (await reader.post(where, what)).problem(403, "forbidden")
        async with Client(toolserver.url, cid) as viewer:
            (await viewer.post(where, what)).problem(403, "forbidden")
        async with Client(toolserver.url, ann) as owner:
            assert (await owner.post(where, what)).status == 200
        assert (await client.settled(run["id"]))["status"] == "completed"
        assert toys.effects() == []
        (call,) = await calls_of(client, thread_id)
        assert (call["status"], call["is_error"], call["is_approved"]) == ("cancelled", True, False)
        assert "not today" in call["output"]
        assert (call["decided_by"]["id"], call["reason"]) == ("ann", "not today")


async def test_the_sdk_agrees_refuses_and_answers(toolserver: Server, installation: Installation) -> None:
    """A program sees what is waited for, says it, and reads the audit list; the operator's report tells the same."""
    async with Client(toolserver.url, installation.admin) as admin:
        (await admin.post("/v1/tools", CLIENT_TOOL)).ok(201)
    asks = {"call": "wipe", "input": {"what": "a"}}
    said = script({"say": "x"}, asks, {"call": "wipe", "input": {"what": "b"}}, {"call": "locate"}, {"say": "y"})
    async with AsyncThreadline(toolserver.url, api_key=installation.key) as sdk:
        thread = await sdk.threads.create(end_user_id="ann")
        accepted = await sdk.threads.send_in_background(thread.id, said, tools=["wipe", "locate"])
        async for event in sdk.runs.events(accepted.run.id):
            if isinstance(event, RunWaiting) and event.run.waiting_for and len(event.run.waiting_for.approvals) == 2:
                first, second = event.run.waiting_for.approvals
                await sdk.runs.approve(event.run.id, first.tool_use_id)
                await sdk.runs.refuse(event.run.id, second.tool_use_id, reason="not b")
                (asked,) = event.run.waiting_for.results
                await sdk.runs.post_result(event.run.id, asked.tool_use_id, {"city": "Ulm"})
        assert (await sdk.runs.get(accepted.run.id)).status == "completed"
        calls = [call async for call in sdk.threads.tool_calls(thread.id)]
        assert [call.status for call in calls] == ["succeeded", "cancelled", "succeeded"]
        assert [call.output async for call in sdk.threads.tool_calls(thread.id, name="locate")] == [{"city": "Ulm"}]
    done = await asyncio.to_thread(
        run_command,
        "threads",
        "audit",
        thread.id,
        "--data",
        str(toolserver.data),
        home=toolserver.home,
        settings={"THREADLINE_DATABASE": toolserver.database} if toolserver.database else {},
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout
    assert "user ann says" in told
    assert 'calls wipe [python] with {"what":"a"}' in told
    assert "refused" in told
    assert "not b" in told
    assert "calls locate [client]" in told
    assert "3 tool calls, 1 of them with an error" in told
    assert "1 runs, 2 attempts" in told


async def test_a_wait_survives_a_restart(make_server: StartServer, installation: Installation, toys: Toys) -> None:
    """Killed while it waits, asked before and after: no memory holds it, and the state says what is waited for."""
    server = make_server(**toys.settings).start()
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        run = await waiting(client, thread_id, ASKS, tools=["wipe"])
        server.kill9()
        await asyncio.to_thread(server.start)
        state = await client.state(thread_id)
        assert state["runs"][0]["waiting_for"] == run["waiting_for"]
        assert state["messages"][-1]["content"][0] == {"type": "text", "text": "May I?"}
        where, what = decision(run, True)
        assert (await client.post(where, what)).status == 200
        ended = await client.settled(run["id"])
        assert ended["status"] == "completed"
        assert text_of((await client.history(thread_id))[-1]) == "May I?So."
        assert [effect[0] for effect in toys.effects()] == ["wipe"]
        frames = await client.log(thread_id)
        assert of(frames, "message.superseded") == []


async def test_what_nobody_answers_in_time_is_an_error_that_the_model_sees(
    make_server: StartServer, installation: Installation, toys: Toys
) -> None:
    """The run goes on by itself; who comes too late is told so."""
    server = make_server(**toys.settings, THREADLINE_TOOL_WAIT_SECONDS="4", THREADLINE_REAP_SECONDS="0.2").start()
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        # From the log: it may be over before anybody has looked at the run itself.
        async with client.send_stream(thread_id, ASKS, tools=["wipe"]) as stream:
            run = (await stream.read_until("run.waiting")).data["run"]
        assert (await client.settled(run["id"]))["status"] == "completed"
        (call,) = await calls_of(client, thread_id)
        assert (call["status"], call["is_error"]) == ("cancelled", True)
        assert "Nobody answered" in call["output"]
        (await client.post(*decision(run, True))).problem(409, "not_waiting")
        assert toys.effects() == []


async def test_a_waiting_run_can_be_stopped(toolserver: Server, installation: Installation, toys: Toys) -> None:
    """A cancel ends it at once, the call has its outcome, and the next question is answered."""
    async with Client(toolserver.url, installation.key) as client:
        thread_id = await client.thread()
        run = await waiting(client, thread_id, ASKS, tools=["wipe"])
        queued = await client.begin(thread_id, script({"say": "next"}))
        stopped = (await client.post(f"/v1/runs/{run['id']}/cancel", {"wait": True})).ok(200)
        assert (stopped["status"], stopped["waiting_for"]) == ("cancelled", None)
        assert (await client.settled(queued["run"]["id"]))["status"] == "completed"
        (call,) = await calls_of(client, thread_id)
        assert (call["status"], call["is_error"]) == ("cancelled", True)
        (await client.post(*decision(run, True))).problem(409, "not_waiting")
        message = (await client.history(thread_id))[1]
        assert [block["type"] for block in message["content"]] == ["text", "tool_use", "tool_result"]
        assert toys.effects() == []


async def test_a_client_makes_its_own_call(toolserver: Server, installation: Installation) -> None:
    """The run waits for the result, takes the first one, and a retry of the same one is the same answer."""
    async with (
        Client(toolserver.url, installation.admin) as admin,
        Client(toolserver.url, installation.key) as client,
    ):
        (await admin.post("/v1/tools", CLIENT_TOOL)).ok(201)
        thread_id = await client.thread()
        said = script(
            {"call": "locate"}, {"call": "add", "input": {"a": 2, "b": 2}}, {"call": "locate"}, {"say": "there"}
        )
        run = await waiting(client, thread_id, said, tools=["locate", "add"])
        first, second = run["waiting_for"]["results"]
        where = f"/v1/runs/{run['id']}/tool_results"
        given = {"tool_use_id": first["tool_use_id"], "output": {"city": ["Zürich", None]}}
        # What ran beside has ended before the run waits.
        assert [call["status"] for call in await calls_of(client, thread_id)] == ["requested", "succeeded", "requested"]
        left = (await client.post(where, given)).ok(200)
        assert (left["status"], left["waiting_for"]["results"]) == ("waiting", [second])
        assert (await client.post(where, given)).ok(200)["status"] == "waiting"
        (await client.post(where, {**given, "output": "elsewhere"})).problem(409, "not_waiting")
        (await client.post(where, {**given, "tool_use_id": "nobody's"})).problem(404, "not_found")
        failed = {"tool_use_id": second["tool_use_id"], "output": "no signal", "is_error": True}
        (await client.post(where, failed)).ok(200)
        assert (await client.settled(run["id"]))["status"] == "completed"
        calls = await calls_of(client, thread_id)
        assert [call["output"] for call in calls] == [given["output"], 4, "no signal"]
        assert [call["status"] for call in calls] == ["succeeded", "succeeded", "failed"]
        assert text_of((await client.history(thread_id))[-1]) == "there"


async def test_a_result_may_come_before_the_run_waits(
    toolserver: Server, installation: Installation, toys: Toys
) -> None:
    """Posted while another call of the round still runs: the run does not wait for what is there."""
    async with (
        Client(toolserver.url, installation.admin) as admin,
        Client(toolserver.url, installation.key) as client,
    ):
        (await admin.post("/v1/tools", CLIENT_TOOL)).ok(201)
        thread_id = await client.thread()
        said = script({"call": "locate"}, {"call": "look", "input": {"at": "x"}}, {"say": "done"})
        async with client.send_stream(thread_id, said, tools=["locate", "look"]) as stream:
            run_id = stream.headers["x-threadline-run-id"]
            asked = (await stream.read_until("tool.requested")).data
            await until(lambda: asyncio.sleep(0, bool(toys.effects())), "the other call")
            given = {"tool_use_id": asked["tool_use_id"], "output": "home"}
            (await client.post(f"/v1/runs/{run_id}/tool_results", given)).ok(200)
            toys.go()
            frames = await stream.read_to_end()
        assert of(frames, "run.waiting") == []
        message = of(frames, "message.completed")[0]["message"]
        assert [block["type"] for block in message["content"]] == [*["tool_use"] * 2, *["tool_result"] * 2, "text"]
        assert message["content"][2]["content"] == "home"


async def test_what_does_not_fit_is_told_to_the_model_and_asked_of_nobody(
    toolserver: Server, installation: Installation, toys: Toys
) -> None:
    """Neither a person nor a client hears of it, the tool is not called, and the model may try again."""
    schema = {"type": "object", "properties": {"within": {"type": "integer"}}, "required": ["within"]}
    wrong = script(
        {"call": "wipe", "input": {"what": 3}},
        {"call": "locate", "input": {"within": "3"}},
        {"call": "wipe", "input": {"what": "it"}},
        {"say": "So."},
    )
    async with Client(toolserver.url, installation.key) as client:
        (await client.post("/v1/tools", {**CLIENT_TOOL, "input_schema": schema})).ok(201)
        thread_id = await client.thread()
        run = await waiting(client, thread_id, wrong, tools=["wipe", "locate"])
        (asked,) = run["waiting_for"]["approvals"]
        assert (asked["input"], run["waiting_for"]["results"]) == ({"what": "it"}, [])
        (await client.post(*decision(run, True))).ok(200)
        await client.settled(run["id"])
        wiped, located, again = await calls_of(client, thread_id)
        assert (wiped["status"], wiped["attempt"], wiped["needs_approval"]) == ("failed", 0, False)
        assert '/what: the value is not of type "string"' in wiped["output"]
        assert (located["status"], located["kind"]) == ("failed", "client")
        assert '/within: the value is not of type "integer"' in located["output"]
        assert again["status"] == "succeeded"
    assert len(toys.effects()) == 1
