"""What happens in the demo, and what has to be true at its end."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx

from examples.room_demo.others import Till
from examples.room_demo.people import Person, event_stream, sidebar, websocket
from examples.room_demo.server import ASK_SECONDS, START_SECONDS, Server

ADA = [
    {"say": "Let me look into the warehouse, and tell you while I walk. " * 4, "pace": 60},
    {"call": "warehouse__stock", "input": {"item": "lamp"}},
    {"say": "There are three lamps left.", "pace": 60},
]
CLERK = [
    {"say": "I give the refund. ", "pace": 60},
    {"call": "refund", "input": {"amount": 40, "to": "cleo"}},
    {"say": "Forty are on their way to Cleo.", "pace": 60},
]


async def tell(folder: Path, mcp_url: str, say: Any = print) -> str:
    """Live through the story; return the audit report. Raises AssertionError where a promise is broken."""
    till = Till(folder)
    server = Server(folder, mcp_url)
    server.start()
    try:
        say("1  A server, a warehouse behind MCP, a till behind a webhook.")
        thread_id, people = furnish(server, till)
        ann, ben, cleo = people
        for person in people:
            person.arrive()
        say("2  Ann is there by WebSocket, Ben by server-sent events, Cleo with the stream of her sidebar.")
        await _ben_leaves_and_comes_back(server, thread_id, ann, ben, say)
        await _the_plug_is_pulled(server, thread_id, ben, cleo, till, say)
        await _all_have_seen_the_same(people, say)
        assert till.refunds == 1, "a refund is given once"
        say("8  The till was told twice, under one key, and has booked one refund.")
        for person in people:
            await person.leave()
        return server.run("threads", "audit", thread_id)
    finally:
        server.kill()
        till.stop()


def _wait_for_tool(api: httpx.Client, name: str) -> None:
    """Wait until an MCP server has said what it has: an agent without its tools would say that there are none."""
    give_up = time.monotonic() + START_SECONDS
    while not any(each["name"] == name for each in api.get("/v1/tools").json()["installed"]):
        if time.monotonic() > give_up:
            raise TimeoutError(f"No MCP server has {name}.")
        time.sleep(0.1)


def furnish(server: Server, till: Till) -> tuple[str, tuple[Person, Person, Person]]:
    """Make the tool, the agents, the room and its people."""
    with httpx.Client(base_url=server.url, headers={"x-api-key": server.key}, timeout=ASK_SECONDS) as api:
        tool = {
            "name": "refund",
            "kind": "webhook",
            "description": "Gives somebody money back.",
            "input_schema": {"type": "object", "properties": {"amount": {"type": "number"}, "to": {"type": "string"}}},
            "url": till.url,
            "approval": "always",
            "idempotent": True,
        }
        till.start(_post(api, "/v1/tools", tool)["secret"])
        _wait_for_tool(api, "warehouse__stock")
        for handle, name, steps, tools in (
            ("ada", "Ada", ADA, ["warehouse__stock"]),
            ("clerk", "Clerk", CLERK, ["refund"]),
        ):
            agent = {"handle": handle, "name": name, "visibility": "public", "model": "demo/role", "tools": tools}
            _post(api, "/v1/agents", agent | {"instructions": json.dumps({"steps": steps})})
        thread_id = _post(api, "/v1/threads", {"end_user_id": "ann", "title": "Lamps"})["id"]
        members = [{"agent": "ada"}, {"agent": "clerk"}]
        for member in members:
            _post(api, f"/v1/threads/{thread_id}/members", member | {"role": "member", "reply_policy": "mention"})
        for name in ("ben", "cleo"):
            _post(api, f"/v1/threads/{thread_id}/members", {"end_user_id": name, "role": "member"})
        tokens = {name: _post(api, "/v1/tokens", {"end_user_id": name})["token"] for name in ("ann", "ben", "cleo")}
    devices = {"ann": websocket, "ben": event_stream, "cleo": sidebar}
    ann, ben, cleo = (Person(name, server.url, tokens[name], thread_id, device) for name, device in devices.items())
    return thread_id, (ann, ben, cleo)


async def _ben_leaves_and_comes_back(server: Server, thread_id: str, ann: Person, ben: Person, say: Any) -> None:
    run = await _send(server, thread_id, ann, "@ada how many lamps do we have?")
    await ben.wait_for(lambda event: event["type"] == "message.delta")
    await ben.leave()
    at = ben.cursor
    say(f"3  Ada answers. In the middle of it, at event {at}, Ben closes his laptop.")
    ben.device = websocket
    await asyncio.sleep(0.5)
    ben.arrive()
    await ben.wait_for(lambda event: event["type"] == "run.completed" and event["run"]["id"] == run)
    looked = await ben.wait_for(lambda event: event["type"] == "tool.completed")
    assert looked["name"] == "warehouse__stock", looked
    assert not looked["is_error"], looked
    say(f"4  He is back on his phone, from event {at} on; the warehouse said: {looked['output']!r}.")


async def _the_plug_is_pulled(server: Server, thread_id: str, ben: Person, cleo: Person, till: Till, say: Any) -> None:
    run = await _send(server, thread_id, ben, "@clerk please give Cleo her 40 back.")
    waiting = await cleo.wait_for(lambda event: event["type"] == "run.waiting")
    asked = waiting["run"]["waiting_for"]["approvals"][0]
    say(f"5  The clerk wants to call {asked['name']}({asked['input']}) and waits. Cleo agrees.")
    decision = {"tool_use_id": asked["tool_use_id"], "approve": True}
    async with httpx.AsyncClient(base_url=server.url, timeout=ASK_SECONDS) as api:
        headers = {"authorization": f"Bearer {cleo.token}"}
        (await api.post(f"/v1/runs/{run}/approvals", json=decision, headers=headers)).raise_for_status()
    await asyncio.to_thread(till.wait_until_booked)
    server.kill()
    say("6  The till has booked it and is about to answer. kill -9.")
    await asyncio.to_thread(server.start)
    await cleo.wait_for(lambda event: event["type"] == "run.completed" and event["run"]["id"] == run)
    say("   The server is started again, and the answer goes on where it was.")


async def _all_have_seen_the_same(people: tuple[Person, Person, Person], say: Any) -> None:
    end = max(person.cursor for person in people)
    for person in people:
        await person.wait_for(lambda event: event["seq"] >= end)
    logs = [[person.seen[seq] for seq in range(1, end + 1)] for person in people]
    assert logs[0] == logs[1] == logs[2], "everybody holds the same log"
    back = ", ".join(f"{person.name} {person.reconnects}" for person in people)
    say(f"7  All three hold the same {end} events, none missing, none twice. Lost connections: {back}.")


async def _send(server: Server, thread_id: str, person: Person, words: str) -> str:
    """Say something in the room; return the run of whoever answers."""
    async with httpx.AsyncClient(base_url=server.url, timeout=ASK_SECONDS) as api:
        body = {"content": words, "background": True}
        headers = {"authorization": f"Bearer {person.token}", "idempotency-key": f"{person.name}-{person.cursor}"}
        answer = await api.post(f"/v1/threads/{thread_id}/messages", json=body, headers=headers)
    answer.raise_for_status()
    return str(answer.json()["run"]["id"])


def _post(api: httpx.Client, path: str, body: Any) -> Any:
    answer = api.post(path, json=body)
    if answer.is_error:
        raise RuntimeError(f"POST {path}: {answer.status_code} {answer.text}")
    return answer.json()
