"""Tools over the API: registered, shown, changed, deleted; what is secret is shown once and then to nobody."""

from typing import Any

import pytest

from support.client import Client
from support.fixtures import Installation, StartServer
from threadline.limits import MCP_SERVERS_PER_TENANT_MAX

from .test_access import browser

SCHEMA = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
HOOK = {
    "name": "refund",
    "kind": "webhook",
    "description": "Give money back.",
    "input_schema": SCHEMA,
    "url": "https://shop.example/refund",
    "headers": {"Authorization": "Bearer hush-hush"},
    "approval": {"any": [{"argument": "/amount", "over": 100}]},
    "idempotent": True,
    "timeout_seconds": 2.5,
}


async def test_a_tool_is_registered_shown_changed_and_deleted(client: Client) -> None:
    """By its id and by its name alike; a webhook gets its secret once, and again when it asks for another."""
    made = (await client.post("/v1/tools", HOOK)).ok(201)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made["id"].startswith("tool_")
    assert (made["object"], made["header_names"], made["allow"]) == ("tool", ["Authorization"], None)
    assert {name: made[name] for name in HOOK.keys() - {"headers"}} == {
        name: value for name, value in HOOK.items() if name != "headers"
    }
    for name in (made["id"], "refund"):
        found = (await client.get(f"/v1/tools/{name}")).ok(200)
        assert found.pop("secret") is None
        assert found == made
    listed = (await client.get("/v1/tools")).ok(200)
    assert [each["id"] for each in listed["data"]] == [made["id"]]
    assert listed["installed"] == []
    (told,) = (await client.get("/v1/tools/refund/definitions")).ok(200)["data"]
    assert told == {"name": "refund", "kind": "webhook", "description": "Give money back.", "input_schema": SCHEMA}

    changed = (await client.patch("/v1/tools/refund", {"description": "", "approval": "always"})).ok(200)
    assert (changed["description"], changed["approval"], changed["secret"]) == ("", "always", None)
    assert changed["idempotent"] is True
    rotated = (await client.patch(f"/v1/tools/{made['id']}", {"rotate_secret": True})).ok(200)
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != secret

    (await client.post("/v1/tools", HOOK)).problem(409, "name_taken")
    (await client.delete("/v1/tools/refund")).ok(204)
    (await client.get("/v1/tools/refund")).problem(404, "not_found")
    (await client.delete(f"/v1/tools/{made['id']}")).problem(404, "not_found")
    again = (await client.post("/v1/tools", HOOK)).ok(201)
    assert again["id"] != made["id"]
    (await client.delete("/v1/tools/refund")).ok(204)


async def test_what_is_secret_is_not_shown_again(client: Client) -> None:
    """In no answer, whatever is asked; nor are stored headers sent to another server than they were given for."""
    made = (await client.post("/v1/tools", {**HOOK, "name": "hush"})).ok(201)
    answers = [
        await client.get("/v1/tools"),
        await client.get("/v1/tools/hush"),
        await client.get("/v1/tools/hush/definitions"),
        await client.patch("/v1/tools/hush", {"description": "x"}),
        await client.post("/v1/tools", {**HOOK, "name": "hush"}),
    ]
    for answer in answers:
        assert b"hush-hush" not in answer.body
        assert made["secret"].encode() not in answer.body
    problem = (await client.patch("/v1/tools/hush", {"url": "https://evil.example/"})).problem(422, "invalid_request")
    assert problem["pointer"] == "/headers"
    (await client.patch("/v1/tools/hush", {"url": "https://shop.example/other"})).ok(200)
    (await client.patch("/v1/tools/hush", {"url": "https://new.example/", "headers": {}})).ok(200)
    (await client.delete("/v1/tools/hush")).ok(204)


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"name": "not fine"}, "/name"),
        ({"name": "server__tool"}, "/name"),
        ({"name": "call_tool"}, "/name"),
        ({"name": "refund_\n"}, "/name"),
        ({"url": "http://shop.example/"}, "/url"),
        ({"url": "https://169.254.169.254/latest"}, "/url"),
        ({"url": None}, "/url"),
        ({"input_schema": None}, "/input_schema"),
        ({"input_schema": {"type": "string"}}, "/input_schema/type"),
        ({"input_schema": {"type": "object", "x": "y" * 40_000}}, "/input_schema"),
        ({"input_schema": {"type": "object", "properties": {"a": {"type": "strnig"}}}}, "/input_schema"),
        ({"input_schema": {"type": "object", "properties": {"a": {"$ref": "http://10.0.0.1/a"}}}}, "/input_schema"),
        ({"headers": {"webhook-id": "x"}}, "/headers"),
        ({"headers": {"Host": "x"}}, "/headers"),
        ({"headers": {"a b": "x"}}, "/headers"),
        ({"headers": {"a\n": "x"}}, "/headers"),
        ({"headers": {"Content-Encoding": "gzip"}}, "/headers"),
        ({"headers": {"Expect": "100-continue"}}, "/headers"),
        ({"headers": {"a": "x\r\ny: z"}}, "/headers"),
        ({"allow": ["x"]}, "/allow"),
        ({"approval": "sometimes"}, "/approval"),
        ({"approval": {"any": []}}, "/approval/any"),
        ({"approval": {"any": [{"argument": "/a"}]}}, "/approval/any/0"),
        ({"timeout_seconds": 0}, "/timeout_seconds"),
        ({"kind": "client"}, "/url"),
        ({"kind": "mcp"}, "/input_schema"),
        ({"kind": "stdio"}, "/kind"),
        ({"command": "rm"}, "/command"),
    ],
)
async def test_what_is_no_tool_is_refused(client: Client, changed: dict[str, Any], pointer: str) -> None:
    """With the place of the fault, and nothing is stored. A program to run (stdio) is for the config file only."""
    problem = (await client.post("/v1/tools", {**HOOK, "name": "refused", **changed})).problem(422, "invalid_request")
    assert problem.get("pointer", "") in (pointer, ""), problem
    (await client.get("/v1/tools/refused")).problem(404, "not_found")


async def test_tools_are_a_keys_business(client: Client, foreign: Client) -> None:
    """An end user's token is 403, another tenant's key is 404, and what it registers is its own."""
    (await client.post("/v1/tools", {**HOOK, "name": "mine"})).ok(201)
    requests: list[tuple[str, str, Any]] = [
        ("GET", "/v1/tools/mine", None),
        ("GET", "/v1/tools/mine/definitions", None),
        ("PATCH", "/v1/tools/mine", {"description": "taken"}),
        ("DELETE", "/v1/tools/mine", None),
    ]
    async with browser(client) as token:
        for method, path, body in [*requests, ("GET", "/v1/tools", None), ("POST", "/v1/tools", HOOK)]:
            (await token.request(method, path, **({} if body is None else {"body": body}))).problem(403, "forbidden")
    for method, path, body in requests:
        (await foreign.request(method, path, **({} if body is None else {"body": body}))).problem(404, "not_found")
    theirs = (await foreign.post("/v1/tools", {**HOOK, "name": "mine"})).ok(201)
    assert [each["id"] for each in (await foreign.get("/v1/tools")).ok(200)["data"]] == [theirs["id"]]
    (await foreign.delete("/v1/tools/mine")).ok(204)
    (await client.get("/v1/tools/mine")).ok(200)
    (await client.delete("/v1/tools/mine")).ok(204)


async def test_a_tenant_has_so_many_servers(make_server: StartServer, installation: Installation) -> None:
    """An answer that may use all of its tenant's tools asks each of them; tools of other kinds are not counted."""
    server = make_server().start()
    async with Client(server.url, installation.key) as client:
        for number in range(MCP_SERVERS_PER_TENANT_MAX):
            (await client.post("/v1/tools", mcp_server(f"server{number}"))).ok(201)
        refused = await client.post("/v1/tools", mcp_server("straw"))
        assert refused.problem(422, "invalid_request")["pointer"] == "/kind"
        (await client.post("/v1/tools", HOOK)).ok(201)
        (await client.delete("/v1/tools/server0")).ok(204)
        (await client.post("/v1/tools", mcp_server("straw"))).ok(201)


def mcp_server(name: str) -> dict[str, Any]:
    """Return the registration of a server that nobody asks."""
    return {"name": name, "kind": "mcp", "url": f"https://{name}.example/mcp"}


async def test_a_client_tool_has_no_address(client: Client) -> None:
    """Only a name, a description and a schema: the run waits, and the client answers."""
    made = (await client.post("/v1/tools", {"name": "pick", "kind": "client", "input_schema": SCHEMA})).ok(201)
    assert (made["url"], made["secret"], made["header_names"]) == (None, None, [])
    (await client.patch("/v1/tools/pick", {"rotate_secret": True})).problem(422, "invalid_request")
    (await client.patch("/v1/tools/pick", {"url": "https://shop.example/"})).problem(422, "invalid_request")
    (await client.delete("/v1/tools/pick")).ok(204)
