"""The tools of an installation: how they are found, and what one run may use of them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from threadline.clock import SystemClock
from threadline.errors import InvalidRequest, NameTaken, SettingsRefused, ToolsUnreachable
from threadline.ids import TenantId, ToolId
from threadline.scopes import Scope, Tenant
from threadline.tool_records import ToolRow
from threadline.tools import tool
from threadline.tools.contract import Selection
from threadline.tools.loading import load_tools
from threadline.tools.mcp.config import McpServer
from threadline.tools.network import Guard
from threadline.tools.outbound import Outbound
from threadline.tools.toolbox import NodeTools

from .calls import a_call
from .warehouse import SCRIPT, Warehouse

MINE = Tenant(TenantId("tnt_mine"))


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@tool
def subtract(a: int, b: int) -> int:
    """Subtract."""
    return a - b


def box_of(
    rows: list[ToolRow], asked: list[Any] | None = None, servers: Sequence[McpServer] = (), hosts: Sequence[str] = ()
) -> NodeTools:
    """Return the tools of a node whose tenant has registered these."""

    async def registered(scope: Scope, names: Sequence[str] | None) -> Sequence[ToolRow]:
        if asked is not None:
            asked.append(names)
        return [row for row in rows if names is None or row.name in names]

    return NodeTools([add, subtract], servers, registered, Outbound(Guard(hosts)), SystemClock())


def a_row(name: str, **fields: Any) -> ToolRow:
    """Return a registered tool."""
    given = {"kind": "webhook", "url": "https://shop.example/", "secret": "whsec_", "input_schema": {"type": "object"}}
    made = {**given, "id": ToolId(f"tool_{name}"), "created_at": "", "updated_at": "", **fields}
    return ToolRow(tenant_id=MINE.tenant_id, name=name, **made)


async def test_explicit_is_exactly_the_named_ones() -> None:
    """In their order; what means nothing is left out of an offer and refused before it is stored."""
    box = box_of([])
    offer = await box.offer(MINE, Selection("explicit", ["subtract", "gone"]))
    assert [each["name"] for each in offer.definitions] == ["subtract"]
    found = offer.find("subtract")
    assert found is subtract
    assert offer.find("add") is None
    await box.check(MINE, Selection("explicit", ["add"]))
    with pytest.raises(InvalidRequest) as refused:
        await box.check(MINE, Selection("explicit", ["add", "gone"]))
    assert refused.value.extra["pointer"] == "/tools/1"


async def test_tenant_is_all() -> None:
    """All that the tenant may use."""
    offer = await box_of([]).offer(MINE, Selection("tenant"))
    assert [each["name"] for each in offer.definitions] == ["add", "subtract"]


async def test_registered_tools_are_offered_beside_the_operators() -> None:
    """Each with what its row says; and a name that both have is the operator's."""
    rows = [
        a_row("refund", description="Give back.", approval="always", idempotent=True, timeout_ms=1500),
        a_row("where", kind="client", url=None, secret=None),
        a_row("add"),
    ]
    offer = await box_of(rows).offer(MINE, Selection("tenant"))
    assert [each["name"] for each in offer.definitions] == ["add", "subtract", "refund", "where"]
    assert offer.find("add") is add
    refund, where = offer.find("refund"), offer.find("where")
    assert refund is not None
    assert where is not None
    assert (refund.kind, refund.is_idempotent, refund.timeout_seconds) == ("webhook", True, 1.5)
    assert refund.needs_approval({})
    assert where.kind == "client"
    assert (await where.call(a_call("where"))).is_error
    offer = await box_of(rows).offer(MINE, Selection("explicit", ["where", "add", "where", "gone"]))
    assert [each["name"] for each in offer.definitions] == ["where", "add"]


async def test_sends_that_name_the_operators_tools_ask_the_database_nothing() -> None:
    """And others ask for what they name."""
    asked: list[Any] = []
    box = box_of([], asked)
    await box.offer(MINE, Selection("explicit", ["add"]))
    await box.offer(MINE, Selection("explicit"))
    assert asked == []
    await box.offer(MINE, Selection("explicit", ["add", "refund"]))
    assert asked == [["refund"]]


async def test_a_model_is_not_shown_more_than_it_takes() -> None:
    """More than vendors take is refused where it is named, and cut where it is all that there is."""
    names = [f"t{number}" for number in range(200)]
    box = box_of([a_row(name) for name in names])
    with pytest.raises(InvalidRequest):
        await box.check(MINE, Selection("explicit", names))
    await box.check(MINE, Selection("tenant"))
    assert len((await box.offer(MINE, Selection("tenant"))).definitions) == 128


def test_a_registration_is_looked_at() -> None:
    """Its address, and whether the installation has its name for everybody."""
    with pytest.raises(NameTaken):
        box_of([]).check_registration(a_row("add"))
    with pytest.raises(InvalidRequest):
        box_of([]).check_registration(a_row("x", url="https://127.0.0.1/"))
    box_of([]).check_registration(a_row("x"))


async def test_the_tools_of_servers_are_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's and the tenant's; all of a server's by its name, or one of them by its own."""
    monkeypatch.setattr("threadline.tools.mcp.servers.MCP_PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr("threadline.tools.mcp.connection.MCP_CONNECT_SECONDS", 60.0)
    warehouse = Warehouse()
    await warehouse.start()
    rows = [a_row("away", kind="mcp", url="http://127.0.0.1:1/mcp"), a_row("store", kind="mcp", url=warehouse.url)]
    shed = McpServer(key="shed", name="shed", command=sys.executable, args=[str(SCRIPT)], allow=frozenset({"stock"}))
    box = box_of(rows, servers=[shed], hosts=["127.0.0.1"])
    try:
        offer = await box.offer(MINE, Selection("explicit", ["store__stock", "shed", "add", "store__gone", "away"]))
        assert [each["name"] for each in offer.definitions] == ["store__stock", "shed__stock", "add"]
        offer = await box.offer(MINE, Selection("tenant"))
        names = [each["name"] for each in offer.definitions]
        assert names[:3] == ["add", "subtract", "shed__stock"]
        assert "store__reserve" in names
        assert [each.name for each in await box.installed()] == ["add", "subtract", "shed__stock"]
        assert "store__stock" in [each.name for each in await box.definitions(rows[1])]
        with pytest.raises(ToolsUnreachable):
            await box.definitions(rows[0])
        # A server that is away at the moment does not make a send wrong.
        await box.check(MINE, Selection("explicit", ["store", "away__x", "shed", "shed__stock"]))
        with pytest.raises(InvalidRequest):
            await box.check(MINE, Selection("explicit", ["nobody__x"]))
        with pytest.raises(NameTaken):
            box.check_registration(a_row("shed", kind="mcp"))
    finally:
        await box.close()
        warehouse.kill()


def test_tools_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder of the start: a tool, a function, a list, or all tools that a module has made."""
    (tmp_path / "shop_of_a_test.py").write_text(
        dedent(
            '''
            from threadline.tools import tool

            @tool
            def price(of: str) -> int:
                """Tell a price."""
                return 3

            def order(what: str) -> str:
                """Order."""
                return what

            class nested:
                both = [price, order]
            '''
        )
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    assert [each.name for each in load_tools(["shop_of_a_test"])] == ["price"]
    assert [each.name for each in load_tools(["shop_of_a_test:order"])] == ["order"]
    assert [each.name for each in load_tools(["shop_of_a_test:nested.both"])] == ["price", "order"]
    for name, words in [
        ("shop_of_a_test:gone", "has no attribute"),
        ("no_such_module_here", "No module named"),
        ("shop_of_a_test:__name__", "no tool"),
        ("", "cannot be loaded"),
    ]:
        with pytest.raises(SettingsRefused, match=words):
            load_tools([name])


def test_two_tools_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could say which of them a model means."""
    for module in ("one_of_a_test", "two_of_a_test"):
        (tmp_path / f"{module}.py").write_text('def same(x: int) -> int:\n    """Be the same."""\n    return x\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SettingsRefused, match="'same'"):
        load_tools(["one_of_a_test:same", "two_of_a_test:same"])


def test_entry_points_of_packages_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package in the environment brings its tools by being installed."""
    info = tmp_path / "bring-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bring\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[threadline.tools]\nbring = brought_by_a_test:fetch\n")
    (tmp_path / "brought_by_a_test.py").write_text('def fetch(x: int) -> int:\n    """Fetch."""\n    return x\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [each.name for each in load_tools([])] == ["fetch"]
