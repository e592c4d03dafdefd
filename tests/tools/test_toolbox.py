"""The tools of an installation: how they are found, and what one run may use of them."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from threadline.errors import InvalidRequest, SettingsRefused
from threadline.ids import TenantId
from threadline.scopes import Scope, Tenant
from threadline.tool_records import ToolRow
from threadline.tools import tool
from threadline.tools.contract import Selection
from threadline.tools.loading import load_tools
from threadline.tools.toolbox import InstalledTools

MINE = Tenant(TenantId("tnt_mine"))


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@tool
def subtract(a: int, b: int) -> int:
    """Subtract."""
    return a - b


async def nothing(scope: Scope, names: Sequence[str] | None) -> Sequence[ToolRow]:
    """Read the tools of a tenant who has none."""
    return []


async def test_explicit_is_exactly_the_named_ones() -> None:
    """In their order; what means nothing is left out of an offer and refused before it is stored."""
    box = InstalledTools([add, subtract], nothing)
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
    offer = await InstalledTools([add, subtract], nothing).offer(MINE, Selection("tenant"))
    assert [each["name"] for each in offer.definitions] == ["add", "subtract"]


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
