"""MCP servers over both transports, with the official package on both sides: the one in examples/ is the server."""

import asyncio
import gzip
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from msgspec import structs

from support.processes import children_of, is_alive
from support.waiting import patience, until
from threadline.clock import ManualClock
from threadline.errors import SettingsRefused, ToolsUnreachable
from threadline.limits import MCP_AWAY_SECONDS, MCP_REFRESH_SECONDS
from threadline.tool_records import ApprovalRule, Condition
from threadline.tools.contract import Tool
from threadline.tools.mcp import connection
from threadline.tools.mcp.config import McpServer, mcp_config, server_of_config
from threadline.tools.mcp.network import http_client
from threadline.tools.mcp.servers import McpServers
from threadline.tools.mcp.tool import NAME_CHARS_MAX, called
from threadline.tools.network import Guard

from .calls import a_call
from .warehouse import SCRIPT, Warehouse

MIB = 1024 * 1024
STDIO = McpServer(key="1", name="shed", command=sys.executable, args=[str(SCRIPT)])


@pytest.fixture
async def warehouse() -> AsyncIterator[Warehouse]:
    """A running server on loopback."""
    warehouse = Warehouse()
    await warehouse.start()
    yield warehouse
    warehouse.kill()


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test wait for lists as long as it takes on a busy machine."""
    monkeypatch.setattr("threadline.tools.mcp.servers.MCP_PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr("threadline.tools.mcp.connection.MCP_CONNECT_SECONDS", 60.0)


@pytest.fixture
def clock() -> ManualClock:
    """The time of the lists."""
    return ManualClock()


@pytest.fixture
async def servers(clock: ManualClock) -> AsyncIterator[McpServers]:
    """All servers of a node."""
    servers = McpServers(clock)
    yield servers
    async with patience():
        await servers.close()


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest) -> McpServer:
    """The same server over either transport."""
    if request.param == "stdio":
        return STDIO
    warehouse: Warehouse = request.getfixturevalue("warehouse")
    return McpServer(key="1", name="shed", url=warehouse.url, guard=Guard(["127.0.0.1"]))


async def tool_of(servers: McpServers, server: McpServer, name: str) -> Tool:
    """Return one of a server's tools."""
    return {tool.name: tool for tool in await servers.tools(server)}[f"shed__{name}"]


async def ask(servers: McpServers, server: McpServer, name: str, input: Any = None) -> Any:
    """Call a tool; it must not fail. Returns its output."""
    result = await (await tool_of(servers, server, name)).call(a_call(name, input))
    assert not result.is_error, result.output
    return result.output


async def test_tools_are_listed_and_called(servers: McpServers, server: McpServer) -> None:
    """Names with the server's before them, schemas and descriptions as the server gives them, and JSON as output."""
    stock = await tool_of(servers, server, "stock")
    assert stock.description == "Tell how many of an item there are."
    assert stock.input_schema["properties"]["item"]["type"] == "string"
    assert (stock.kind, stock.is_idempotent) == ("mcp", False)
    assert await ask(servers, server, "stock", {"item": "lamp"}) == {"result": 3}
    assert await ask(servers, server, "reserve", {"item": "lamp", "count": 2}) == {
        "result": "Reserved 2 of lamp; 1 are left."
    }
    assert await ask(servers, server, "stock", {"item": "lamp"}) == {"result": 1}


async def test_failures_are_results(servers: McpServers, server: McpServer) -> None:
    """A tool that fails, input that does not fit, a tool that is gone: the model is told in the server's words."""
    stock = await tool_of(servers, server, "stock")
    for input in ({"item": "ghost"}, {"item": 3}, {}, None, "text"):
        result = await stock.call(a_call("stock", input))
        assert result.is_error, input
        assert "stock" in result.output
    assert await ask(servers, server, "stock", {"item": "lamp"}) == {"result": 3}


async def test_the_idempotency_key_goes_along(servers: McpServers, server: McpServer) -> None:
    """For servers that want to know a second try when they see one. And one connection serves many calls."""
    answers = {(await ask(servers, server, "who_asks"))["result"] for _ in range(3)}
    (answer,) = answers
    assert answer.startswith("key_1 ")


async def test_a_call_can_be_stopped(servers: McpServers, server: McpServer, tmp_path: Path) -> None:
    """Whoever waits goes at once, and the connection serves on."""
    mark = tmp_path / "mark"
    slow = await tool_of(servers, server, "count_slowly")
    call = asyncio.ensure_future(slow.call(a_call("count_slowly", {"seconds": 60, "mark": str(mark)})))

    async def has_begun() -> bool:
        return mark.exists()

    await until(has_begun, "the call")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    async with patience():
        assert await ask(servers, server, "stock", {"item": "lamp"}) == {"result": 3}


async def test_a_server_that_dies_in_mid_call(servers: McpServers) -> None:
    """The model is told that the outcome is not known; the next call starts the program again."""
    before = (await ask(servers, STDIO, "who_asks"))["result"]
    burn_down = await tool_of(servers, STDIO, "burn_down")
    async with patience():
        result = await burn_down.call(a_call("burn_down"))
    assert result.is_error
    assert "not known" in result.output
    async with patience():
        assert (await ask(servers, STDIO, "who_asks"))["result"] != before


async def test_a_server_that_goes_away_and_comes_back(servers: McpServers, warehouse: Warehouse) -> None:
    """Over HTTP too: a call ends in words while it is gone, and the first one after that is answered."""
    server = McpServer(key="1", name="shed", url=warehouse.url)
    stock = await tool_of(servers, server, "stock")
    warehouse.kill()
    async with patience():
        for _ in range(2):
            assert (await stock.call(a_call("stock", {"item": "lamp"}))).is_error
    await warehouse.start()
    async with patience():
        result = await stock.call(a_call("stock", {"item": "lamp"}))
    assert result.output == {"result": 3}, "the first call on a dead connection is not the one that finds out"


async def test_a_server_dies_in_mid_call_over_http(servers: McpServers, warehouse: Warehouse, tmp_path: Path) -> None:
    """Nobody waits for an answer that cannot come."""
    server = McpServer(key="1", name="shed", url=warehouse.url)
    mark = tmp_path / "mark"
    slow = await tool_of(servers, server, "count_slowly")
    call = asyncio.ensure_future(slow.call(a_call("count_slowly", {"seconds": 60, "mark": str(mark)})))

    async def has_begun() -> bool:
        return mark.exists()

    await until(has_begun, "the call")
    warehouse.kill()
    async with patience():
        result = await call
    assert result.is_error
    assert "not known" in result.output or "lost" in result.output


async def test_closing_ends_the_program(clock: ManualClock) -> None:
    """A node that stops leaves no process behind."""
    servers = McpServers(clock)
    pid = int((await ask(servers, STDIO, "who_asks"))["result"].split()[1])
    assert pid in children_of(os.getpid())
    async with patience():
        await servers.close()
    assert not is_alive(pid)


async def listed(servers: McpServers, server: McpServer) -> list[str]:
    """Return the names of a server's tools when whoever asks for them has come to an end."""
    await servers.tools(server)
    if (listing := servers._places[server.key].listing) is not None:
        await asyncio.wait({listing})
    return [tool.name for tool in await servers.tools(server)]


async def test_lists_are_kept_for_a_while(servers: McpServers, clock: ManualClock, warehouse: Warehouse) -> None:
    """A round asks nobody; a server that is away does not lose its tools, and is left alone for a moment."""
    server = McpServer(key="1", name="shed", url=warehouse.url)
    names = await listed(servers, server)
    assert "shed__stock" in names
    warehouse.kill()
    place = servers._places["1"]
    assert await listed(servers, server) == names
    assert place.listed_at == clock.monotonic()
    clock.advance(MCP_REFRESH_SECONDS + 1)
    assert await listed(servers, server) == names, "the last known ones"
    assert place.away_until == clock.monotonic() + MCP_AWAY_SECONDS
    with pytest.raises(ToolsUnreachable):
        await servers.tools_now(server)
    await warehouse.start()
    before = place.connection
    assert await listed(servers, server) == names
    assert place.connection is before, "left alone"
    clock.advance(MCP_AWAY_SECONDS + 1)
    assert await listed(servers, server) == names
    assert place.listed_at == clock.monotonic()


async def test_nobody_waits_for_an_old_list(servers: McpServers, clock: ManualClock) -> None:
    """It is asked for beside the answer that is being made, and the next answer has it."""
    await listed(servers, STDIO)
    clock.advance(MCP_REFRESH_SECONDS + 1)
    before = servers._places["1"].listed_at
    await servers.tools(STDIO)
    assert servers._places["1"].listed_at == before
    await listed(servers, STDIO)
    assert servers._places["1"].listed_at == clock.monotonic()


async def test_nobody_waits_long_for_a_server_that_hangs(servers: McpServers, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no tools yet; the attempt goes on beside the answer, and closing ends it."""
    monkeypatch.setattr("threadline.tools.mcp.servers.MCP_PATIENCE_SECONDS", 0.01)
    silent = McpServer(key="1", name="shed", command=sys.executable, args=["-c", "import time; time.sleep(600)"])
    assert await servers.tools(silent) == []
    listing = servers._places["1"].listing
    assert listing is not None
    await servers.tools(silent)
    assert servers._places["1"].listing is listing, "one attempt at a time"
    async with patience():
        await servers.close()
    assert listing.done()


@pytest.mark.parametrize("version", ["modern", "legacy"])
async def test_a_change_of_the_list_is_heard(
    servers: McpServers, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From servers that are asked for it, and from those of an older protocol, which say so by themselves."""
    if version == "legacy":
        monkeypatch.setattr(connection, "Client", partial(Client, mode="legacy"))
    server = structs.replace(STDIO, args=[str(Path(__file__).parent / "learning_server.py"), version])
    assert await listed(servers, server) == ["shed__learn"]
    place = servers._places["1"]
    assert place.connection is not None
    assert await ask(servers, server, "learn", {"name": "sing"}) == {"result": "learnt"}

    async def has_changed() -> bool:
        return place.connection is not None and place.connection.has_changed

    await until(has_changed, "the news")
    assert await listed(servers, server) == ["shed__learn", "shed__sing"]
    assert not await has_changed()


async def test_a_server_whose_settings_change_is_connected_to_anew(servers: McpServers) -> None:
    """What is allowed, and every secret, is that of the last change."""
    first = int((await ask(servers, STDIO, "who_asks"))["result"].split()[1])
    changed = structs.replace(STDIO, allow=frozenset({"who_asks"}))
    assert await listed(servers, changed) == ["shed__who_asks"]
    assert not is_alive(first)


async def test_a_server_that_was_never_there_has_no_tools(servers: McpServers) -> None:
    """A command that is none, and an address where nobody listens."""
    for number, server in enumerate(
        [
            McpServer(key="a", name="shed", command="/no/such/program"),
            McpServer(key="b", name="shed", command=sys.executable, args=["-c", "print('no MCP')"]),
            McpServer(key="c", name="shed", url="http://127.0.0.1:1/mcp"),
        ]
    ):
        async with patience():
            assert await servers.tools(server) == [], number


async def test_a_tenants_server_reaches_no_private_address(servers: McpServers, warehouse: Warehouse) -> None:
    """By its address and by a name: refused at the connection, before a byte is sent."""
    for number, host in enumerate(("127.0.0.1", "localhost", "2130706433")):
        url = warehouse.url.replace("127.0.0.1", host)
        server = McpServer(key=str(number), name="shed", url=url, guard=Guard([]))
        with pytest.raises(ToolsUnreachable):
            await servers.tools_now(server)
    allowed = McpServer(key="x", name="shed", url=warehouse.url, guard=Guard([f"127.0.0.1:{warehouse.port}"]))
    assert await servers.tools_now(allowed)


@pytest.mark.parametrize("packed", [False, True], ids=["endless", "packed"])
async def test_a_tenants_server_fills_no_memory(packed: bool) -> None:
    """What it says without an end is read up to a bound; what is packed, and may be anything when unpacked, not at all."""
    sent = 0
    body = gzip.compress(bytes(64 * MIB)) if packed else b" " * (64 * MIB)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        coding = b"content-encoding: gzip\r\n" if packed else b""
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n%b\r\n" % (len(body), coding))
        with suppress(ConnectionError):
            for start in range(0, len(body), MIB):
                writer.write(body[start : start + MIB])
                await writer.drain()
                sent += MIB
        writer.close()

    guard = Guard(["127.0.0.1"])
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as endless, http_client({}, guard) as client:
        port = endless.sockets[0].getsockname()[1]
        async with patience():
            with pytest.raises(httpx2.ReadError):
                await client.get(f"http://127.0.0.1:{port}/")
    assert sent < 64 * MIB


async def test_only_what_is_allowed_is_there(servers: McpServers) -> None:
    """By the names that the server gives; approval goes by them too."""
    rule = ApprovalRule([Condition(tools=["reserve"], argument="/count", over=1), Condition(tools=["stock"])])
    server = structs.replace(STDIO, allow=frozenset({"stock", "reserve"}), approval=rule, idempotent=True)
    assert sorted(tool.name for tool in await servers.tools(server)) == ["shed__reserve", "shed__stock"]
    reserve, stock = await tool_of(servers, server, "reserve"), await tool_of(servers, server, "stock")
    assert reserve.is_idempotent
    assert reserve.needs_approval({"item": "lamp", "count": 2})
    assert not reserve.needs_approval({"item": "lamp", "count": 1})
    assert stock.needs_approval({})


async def test_connections_are_bounded(servers: McpServers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was used longest ago is closed; it is opened again when somebody wants it."""
    monkeypatch.setattr("threadline.tools.mcp.servers.MCP_SERVERS_OPEN_MAX", 1)
    first = int((await ask(servers, STDIO, "who_asks"))["result"].split()[1])
    other = structs.replace(STDIO, key="2")
    await ask(servers, other, "who_asks")
    assert not is_alive(first)
    assert int((await ask(servers, STDIO, "who_asks"))["result"].split()[1]) != first


def test_names_are_made_for_vendors() -> None:
    """Other letters become `_`, and what is too long ends with a mark that keeps two apart."""
    assert called("shed", "read.file/now") == "shed__read_file_now"
    long, other = called("shed", "x" * 80 + "a"), called("shed", "x" * 80 + "b")
    assert long != other
    assert len(long) == NAME_CHARS_MAX


def test_configuration() -> None:
    """Secrets come from the environment; what is neither an address nor a command, or both, is refused."""
    config = mcp_config("git", {"url": "https://git.example/mcp", "token_env": "GIT_TOKEN", "headers": {"x": "y"}})
    server = server_of_config(config, {"GIT_TOKEN": "hush"})
    assert server.headers == {"x": "y", "Authorization": "Bearer hush"}
    assert "hush" not in repr(server)
    assert server.guard is None
    program = mcp_config("files", {"command": "npx", "args": ["files"], "pass_env": ["HOME"], "allow": ["read"]})
    made = server_of_config(program, {"HOME": "/root", "SECRET": "hush"})
    assert (made.env, made.allow) == ({"HOME": "/root"}, frozenset({"read"}))
    with pytest.raises(SettingsRefused, match="GIT_TOKEN"):
        server_of_config(config, {})
    for name, table in [
        ("git", {}),
        ("git", {"url": "https://a.example", "command": "x"}),
        ("git", {"command": "x", "shell": True}),
        ("a__b", {"command": "x"}),
        ("a" * 33, {"command": "x"}),
    ]:
        with pytest.raises(SettingsRefused):
            mcp_config(name, table)


def test_unused_servers_cost_nothing() -> None:
    """The package takes a second to load: whoever has no server does not load it."""
    import subprocess

    program = "import sys, threadline.wiring; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
