"""Finding tools: a model searches, asks for a schema and calls, through the same checks as if it had named the tool."""

import asyncio
from typing import Any

import pytest

from threadline.errors import SettingsRefused
from threadline.ids import TenantId, ToolId
from threadline.tool_records import ToolRow
from threadline.tools import Call, tool
from threadline.tools.contract import Result, Tool
from threadline.tools.loading import load_tools
from threadline.tools.meta import DynamicOffer
from threadline.tools.registered import ClientTool

from .calls import a_call


@tool(approval=lambda input: input["amount"] > 100)
def refund_order(amount: int, call: Call) -> list[Any]:
    """Give money back to a customer.

    Not on Sundays.
    """
    return [call.name, call.input, call.idempotency_key, amount]


@tool
def weather(city: str) -> str:
    """Tell the weather, for orders that go by bicycle."""
    return f"fine in {city}"


@tool(timeout_seconds=0.01)
async def hang() -> None:
    """Hang."""
    await asyncio.sleep(60)


PICK = ClientTool(
    ToolRow(tenant_id=TenantId("tnt_1"), id=ToolId("tool_1"), name="pick", kind="client", created_at="", updated_at="")
)


@pytest.fixture
def offer() -> DynamicOffer:
    """An offer of all of them, and of many more."""
    many: list[Tool] = [tool(name=f"other_{number}", description="Do nothing.")(lambda: None) for number in range(200)]
    return DynamicOffer([refund_order, weather, hang, PICK, *many])


def found(offer: DynamicOffer, name: str) -> Tool:
    """Return a tool of an offer."""
    meant = offer.find(name)
    assert meant is not None
    return meant


async def ask(offer: DynamicOffer, name: str, input: Any) -> Result:
    """Call one of the three."""
    return await found(offer, name).call(a_call(name, input))


def test_a_model_is_shown_three_tools_and_those_of_the_client(offer: DynamicOffer) -> None:
    """However many there are."""
    assert [each["name"] for each in offer.definitions] == ["search_tools", "get_tool_schema", "call_tool", "pick"]
    assert offer.find("nothing") is None


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("refund", ["refund_order"]),
        ("order", ["refund_order", "weather"]),
        ("Weather in the CITY", ["weather"]),
        ("money customer", ["refund_order"]),
        ("nonsense", []),
        (" ".join(f"nonsense{number}" for number in range(200)) + " refund", []),
    ],
)
async def test_search_finds_by_words(offer: DynamicOffer, query: str, names: list[str]) -> None:
    """Of names and descriptions, the better ones first."""
    result = await ask(offer, "search_tools", {"query": query})
    assert [each["name"] for each in result.output["tools"]] == names
    assert result.output["of"] == 204


async def test_search_is_bounded(offer: DynamicOffer) -> None:
    """Ten unless said, never more than fifty, and one line of each."""
    assert len((await ask(offer, "search_tools", {"query": "other"})).output["tools"]) == 10
    result = await ask(offer, "search_tools", {"query": "", "limit": 1000})
    assert len(result.output["tools"]) == 50
    assert result.output["found"] == 204
    (refund,) = (await ask(offer, "search_tools", {"query": "refund"})).output["tools"]
    assert refund["description"] == "Give money back to a customer."
    for input in ({"query": 1}, {"query": "x", "limit": "y"}, []):
        assert (await ask(offer, "search_tools", input)).is_error


async def test_a_schema_is_told(offer: DynamicOffer) -> None:
    """The whole of it."""
    result = await ask(offer, "get_tool_schema", {"name": "refund_order"})
    assert result.output["input_schema"] == refund_order.input_schema
    for input in ({"name": "gone"}, {}, None, "x"):
        assert (await ask(offer, "get_tool_schema", input)).is_error


async def test_a_found_tool_is_called(offer: DynamicOffer) -> None:
    """As itself, under the key of this call; also where the input was written as text, or the name directly."""
    result = await ask(offer, "call_tool", {"name": "refund_order", "input": {"amount": 5}})
    assert result.output == ["refund_order", {"amount": 5}, "key_1", 5]
    assert (await ask(offer, "call_tool", {"name": "weather", "input": '{"city": "Rome"}'})).output == "fine in Rome"
    assert offer.find("weather") is weather
    for input in ({"name": "gone", "input": {}}, {"name": "weather"}, {"name": "weather", "input": "{"}, {}, []):
        assert (await ask(offer, "call_tool", input)).is_error, input


def test_approval_is_that_of_the_tool_that_is_meant(offer: DynamicOffer) -> None:
    """There is no way around it, whichever form the input has."""
    call_tool = found(offer, "call_tool")
    assert call_tool.needs_approval({"name": "refund_order", "input": {"amount": 101}})
    assert call_tool.needs_approval({"name": "refund_order", "input": '{"amount": 101}'})
    assert call_tool.needs_approval({"name": "refund_order"})
    assert not call_tool.needs_approval({"name": "refund_order", "input": {"amount": 100}})
    assert not call_tool.needs_approval({"name": "weather", "input": {}})
    assert not call_tool.needs_approval({"name": "gone"})
    assert not call_tool.is_idempotent


async def test_a_found_tool_has_its_own_time(offer: DynamicOffer) -> None:
    """And one that the client answers is not called from here."""
    result = await ask(offer, "call_tool", {"name": "hang", "input": {}})
    assert result.output == "The tool did not answer within 0.01 seconds."
    assert (await ask(offer, "call_tool", {"name": "pick", "input": {}})).is_error


def test_the_names_are_taken(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other tool may be taken for one of these."""
    (tmp_path / "taken_by_a_test.py").write_text('def call_tool(x: int) -> int:\n    """Call."""\n    return x\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SettingsRefused, match="call_tool"):
        load_tools(["taken_by_a_test:call_tool"])
