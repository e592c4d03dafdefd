"""Every source of tools through a real server: registered over HTTP, called by a model, in the log and the audit list."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from support.client import Client, text_of
from support.fixtures import Installation, StartServer
from support.server import Server
from support.waiting import until

from .shop import Shop, open_shop
from .warehouse import SCRIPT, Warehouse

SCHEMA = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
EXAMPLES = SCRIPT.parent
CONFIG = f"""
tools = ["shop_tools"]
allowed_hosts = ["127.0.0.1"]
default_model = "demo/script@max"

[mcp.shed]
command = {json.dumps(sys.executable)}
args = [{json.dumps(str(SCRIPT))}]
approval = {{any = [{{tools = ["reserve"], argument = "/count", over = 5}}]}}
"""


def script(*steps: dict[str, Any]) -> str:
    """Return a message that makes the demo model do these steps."""
    return json.dumps({"steps": steps})


def call(tool: str, /, **input: Any) -> dict[str, Any]:
    """Return a step that asks for a tool."""
    return {"call": tool, "input": input}


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """A tenant's own server on loopback."""
    async with open_shop() as shop:
        yield shop


@pytest.fixture
def toolserver(make_server: StartServer, tmp_path: Path) -> Server:
    """A server with Python tools and an MCP server of the operator's."""
    config = tmp_path / "threadline.toml"
    config.write_text(CONFIG)
    return make_server(THREADLINE_CONFIG=str(config), PYTHONPATH=str(EXAMPLES)).start()


@pytest.fixture
async def client(toolserver: Server, installation: Installation) -> AsyncIterator[Client]:
    """A client with a server key, of a server whose own MCP server has started."""
    async with Client(toolserver.url, installation.key) as client:

        async def is_listed() -> bool:
            installed = (await client.get("/v1/tools")).ok(200)["installed"]
            return any(each["name"] == "shed__stock" for each in installed)

        await until(is_listed, "the start of the MCP server")
        yield client


async def register(client: Client, name: str, **fields: Any) -> dict[str, Any]:
    """Register a webhook, or what `fields` say."""
    given = {"kind": "webhook", "input_schema": SCHEMA, **fields}
    made: dict[str, Any] = (await client.post("/v1/tools", {"name": name, **given})).ok(201)
    return made


async def calls_of(client: Client, thread_id: str) -> list[dict[str, Any]]:
    """Return the audit list."""
    calls: list[dict[str, Any]] = (await client.get(f"/v1/threads/{thread_id}/tool_calls")).ok(200)["data"]
    return calls


async def test_every_source_in_one_answer(client: Client, toolserver: Server, shop: Shop) -> None:
    """Python, a webhook, the operator's MCP server and the tenant's own; each result is where it belongs."""
    warehouse = Warehouse()
    await warehouse.start()
    try:
        made = await register(client, "refund", url=shop.url, headers={"authorization": "hush-hush"})
        await register(client, "store", kind="mcp", url=warehouse.url, input_schema=None)
        told = (await client.get("/v1/tools/store/definitions")).ok(200)["data"]
        assert "store__reserve" in [each["name"] for each in told]
        shop.will(text='{"refunded": 5}', content_type="application/json")
        said = script(
            call("find_order", number="A-1"),
            call("refund", amount=5),
            call("shed__stock", item="lamp"),
            call("store__stock", item="chair"),
            {"say": "done"},
        )
        thread_id = await client.thread(end_user_id="ann")
        sent = await client.ask(thread_id, said, tools=["find_order", "refund", "shed", "store__stock"])
        assert text_of(sent["reply"]) == "done"
        calls = await calls_of(client, thread_id)
        assert [(each["kind"], each["output"], each["is_error"]) for each in calls] == [
            ("python", {"number": "A-1", "item": "lamp", "paid": 49.0}, False),
            ("webhook", {"refunded": 5}, False),
            ("mcp", {"result": 3}, False),
            ("mcp", {"result": 12}, False),
        ]
        headers, body = shop.requests[0]
        told = Webhook(made["secret"]).verify(body, headers)["data"]
        assert (told["end_user_id"], told["thread_id"], told["input"]) == ("ann", thread_id, {"amount": 5})
        # What is secret is in no event, no message, no row that is shown, and not in the server's log.
        seen = json.dumps([frame.data for frame in await client.log(thread_id)])
        for text in (seen, json.dumps(await client.history(thread_id)), json.dumps(calls), toolserver.log()):
            assert "hush-hush" not in text
            assert made["secret"] not in text
    finally:
        warehouse.kill()


async def test_approval_goes_by_the_rule_of_the_tool(client: Client, shop: Shop) -> None:
    """A small refund is made, a large one waits for a person and is made once; so it is for an MCP server's tool."""
    await register(client, "refund", url=shop.url, approval={"any": [{"argument": "/amount", "over": 100}]})
    thread_id = await client.thread()
    shop.will(text="small")
    await client.ask(thread_id, script(call("refund", amount=100), {"say": "done"}), tools=["refund"])
    assert len(shop.requests) == 1
    said = script(call("refund", amount=101), call("shed__reserve", item="chair", count=6), {"say": "done"})
    run = (await client.begin(thread_id, said, tools=["refund", "shed"]))["run"]

    async def waits() -> Any:
        found = await client.run(run["id"])
        return found["status"] == "waiting" and found["waiting_for"]["approvals"]

    asked = await until(waits, "the wait")
    assert [each["name"] for each in asked] == ["refund", "shed__reserve"]
    assert len(shop.requests) == 1
    shop.will(text="large")
    for each in asked:
        answer = {"tool_use_id": each["tool_use_id"], "approve": True}
        (await client.post(f"/v1/runs/{run['id']}/approvals", answer)).ok(200)
    assert (await client.settled(run["id"]))["status"] == "completed"
    outputs = [each["output"] for each in await calls_of(client, thread_id)]
    assert outputs == ["small", "large", {"result": "Reserved 6 of chair; 6 are left."}]
    assert len(shop.requests) == 2


async def test_a_model_finds_its_tools(client: Client, shop: Shop) -> None:
    """`dynamic`: it searches, asks for the schema and calls; approval is that of the tool that is meant."""
    await register(
        client,
        "refund",
        url=shop.url,
        description="Give money back.",
        approval={"any": [{"argument": "/amount", "over": 100}]},
    )
    shop.will(text="paid back")
    said = script(
        call("search_tools", query="money back"),
        call("get_tool_schema", name="refund"),
        {"say": "I see"},
        call("call_tool", name="refund", input={"amount": 5}),
        call("call_tool", name="shed__stock", input={"item": "lamp"}),
        {"say": "done"},
    )
    thread_id = await client.thread()
    sent = await client.ask(thread_id, said, tools_mode="dynamic")
    assert sent["run"]["status"] == "completed"
    search, schema, refund, stock = [each["output"] for each in await calls_of(client, thread_id)]
    assert search["tools"][0] == {"name": "refund", "description": "Give money back."}
    assert schema["input_schema"] == SCHEMA
    assert (refund, stock) == ("paid back", {"result": 3})
    said = script(call("call_tool", name="refund", input={"amount": 500}), {"say": "done"})
    run = (await client.begin(thread_id, said, tools_mode="dynamic"))["run"]

    async def waits() -> bool:
        return (await client.run(run["id"]))["status"] == "waiting"

    await until(waits, "the wait")
    assert len(shop.requests) == 1
    (await client.post(f"/v1/runs/{run['id']}/cancel", {"wait": True})).ok(200)


async def test_all_of_a_tenants_tools(client: Client, foreign_client: Client, shop: Shop) -> None:
    """`tenant`: what is registered is there, and another tenant's is not, whatever its name."""
    await register(client, "refund", url=shop.url)
    shop.will(text="ok")
    said = script(call("refund", amount=1), {"say": "done"})
    thread_id = await client.thread()
    await client.ask(thread_id, said, tools_mode="tenant")
    assert [each["output"] for each in await calls_of(client, thread_id)] == ["ok"]
    theirs = await foreign_client.thread()
    await foreign_client.ask(theirs, said, tools_mode="tenant")
    assert (await calls_of(foreign_client, theirs))[0]["is_error"]
    (await foreign_client.send(theirs, said, tools=["refund"])).problem(422, "invalid_request")
    assert len(shop.requests) == 1
    (await client.delete("/v1/tools/refund")).ok(204)
    (await client.send(thread_id, said, tools=["refund"])).problem(422, "invalid_request")


@pytest.fixture
async def foreign_client(toolserver: Server, installation: Installation) -> AsyncIterator[Client]:
    """Another tenant's client."""
    async with Client(toolserver.url, installation.foreign) as client:
        yield client


async def test_a_tool_that_the_client_answers(client: Client) -> None:
    """The run waits for it by its name, with its input, and goes on with what is posted."""
    await register(client, "pick", kind="client", input_schema={"type": "object"})
    run = (await client.begin(await client.thread(), script(call("pick", of=[1, 2]), {"say": "done"}), tools=["pick"]))[
        "run"
    ]

    async def waits() -> Any:
        found = await client.run(run["id"])
        return found["status"] == "waiting" and found["waiting_for"]["results"]

    (asked,) = await until(waits, "the wait")
    assert (asked["name"], asked["input"]) == ("pick", {"of": [1, 2]})
    given = {"tool_use_id": asked["tool_use_id"], "output": {"picked": 2}}
    (await client.post(f"/v1/runs/{run['id']}/tool_results", given)).ok(200)
    assert (await client.settled(run["id"]))["status"] == "completed"


async def test_private_addresses_stay_private(make_server: StartServer, installation: Installation, shop: Shop) -> None:
    """A name that leads to this machine is refused when it is called; the run goes on, and nothing has arrived."""
    server = make_server(THREADLINE_DEFAULT_MODEL="demo/script@max").start()
    url = shop.url.replace("http://127.0.0.1", "https://localhost")
    async with Client(server.url, installation.key) as client:
        await register(client, "refund", url=url)
        await register(client, "store", kind="mcp", url=url, input_schema=None)
        (await client.get("/v1/tools/store/definitions")).problem(502, "tools_unreachable")
        thread_id = await client.thread()
        sent = await client.ask(thread_id, script(call("refund", amount=1), {"say": "so be it"}), tools=["refund"])
        assert text_of(sent["reply"]) == "so be it"
        (refused,) = await calls_of(client, thread_id)
        assert (refused["output"], refused["is_error"]) == ("This address may not be reached.", True)
    assert shop.requests == []


@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_crash_in_the_middle_of_a_webhook(
    toolserver: Server, installation: Installation, shop: Shop, idempotent: bool
) -> None:
    """The process is killed while the tenant's server works: only an idempotent call is made again, under its id."""
    async with Client(toolserver.url, installation.key) as client:
        await register(client, "refund", url=shop.url.replace("/hook", "/hang"), idempotent=idempotent)
        thread_id = await client.thread()
        sent = await client.begin(thread_id, script(call("refund", amount=1), {"say": "done"}), tools=["refund"])
        while not shop.requests:
            await asyncio.sleep(0.005)
        toolserver.kill9()
        shop.will(text="first")
        shop.will(text="second")
        shop.hangs.set()
        toolserver.start()
        assert (await client.settled(sent["run"]["id"]))["status"] == "completed"
        (made,) = await calls_of(client, thread_id)
        keys = {headers["webhook-id"] for headers, _ in shop.requests}
        assert len(keys) == 1
        if idempotent:
            assert (made["is_error"], made["attempt"], len(shop.requests)) == (False, 2, 2)
        else:
            assert (made["is_error"], len(shop.requests)) == (True, 1)
            assert "not known" in made["output"]
