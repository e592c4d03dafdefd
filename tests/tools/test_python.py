"""Python functions as tools: what a model is told of them, what it may pass in, and what it hears when they fail."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from support.waiting import PATIENCE_SECONDS
from threadline.limits import JSON_DEPTH_MAX, TOOL_OUTPUT_BYTES_MAX
from threadline.tools import Call, ToolError, tool
from threadline.tools import threads as tool_threads

from .calls import a_call


class Place(Struct):
    """Where something is."""

    city: str
    country: str = "IT"


@tool
def weather(place: Place, unit: Literal["C", "F"] = "C", days: Annotated[int, Meta(ge=1, le=7)] = 1) -> dict[str, Any]:
    """Tell the weather.

    It is always fine.

    Args:
        place: Where,
            as exactly as possible.
        unit: Celsius or Fahrenheit.
        days (int): How many days.

    Returns:
        What it will be like.
    """
    return {"city": place.city, "unit": unit, "days": days}


def test_the_schema_is_the_signature() -> None:
    """Types, bounds, defaults and the words of the docstring are in the schema; nothing else may be passed in."""
    assert weather.name == "weather"
    assert weather.description == "Tell the weather.\n\nIt is always fine."
    schema = weather.input_schema
    assert schema["type"] == "object"
    assert schema["required"] == ["place"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["place"]["description"] == "Where, as exactly as possible."
    assert schema["properties"]["unit"] == {
        "enum": ["C", "F"],
        "default": "C",
        "description": "Celsius or Fahrenheit.",
    }
    days = {"type": "integer", "minimum": 1, "maximum": 7, "default": 1, "description": "How many days."}
    assert schema["properties"]["days"] == days
    assert schema["$defs"]["Place"]["properties"]["country"]["default"] == "IT"
    assert schema["properties"]["place"]["$ref"] == "#/$defs/Place"


def test_a_type_may_have_the_functions_name() -> None:
    """And a function may have none that a schema could have."""

    def Place_(where: Place) -> str:
        """Tell."""
        return where.city

    Place_.__name__ = "Place"
    made = tool(name="tell")(Place_)
    assert made.input_schema["properties"].keys() == {"where"}
    assert len(made.input_schema["$defs"]) == 1
    assert tool(name="tell", description="x")(lambda: None).input_schema["properties"] == {}


async def test_it_is_called_with_what_the_model_wrote() -> None:
    """The input becomes the types of the signature, and the output JSON."""
    result = await weather.call(a_call("weather", {"place": {"city": "Rome"}, "days": 2}))
    assert (result.output, result.is_error) == ({"city": "Rome", "unit": "C", "days": 2}, False)
    assert weather(Place("Rome"))["city"] == "Rome"


@pytest.mark.parametrize(
    ("input", "words"),
    [
        ({}, "missing required field `place`"),
        ({"place": {"city": "Rome"}, "days": 9}, "<= 7"),
        ({"place": {"city": "Rome"}, "secret": 1}, "unknown field `secret`"),
        ([], "Expected `object`, got `array`"),
        (None, "missing required field"),
    ],
)
async def test_input_that_does_not_fit_is_told_to_the_model(input: Any, words: str) -> None:
    """It is a result, so that the model can correct itself."""
    result = await weather.call(a_call("weather", input))
    assert result.is_error
    assert words in result.output


async def test_a_function_that_asks_for_the_call_is_given_it() -> None:
    """The parameter is not shown to the model."""

    @tool(name="who-asks", description="Say who asks.")
    async def who(call: Call, loud: bool = False) -> list[Any]:
        return [call.end_user_id, call.idempotency_key, loud]

    assert list(who.input_schema["properties"]) == ["loud"]
    assert (who.name, who.description) == ("who-asks", "Say who asks.")
    assert (await who.call(a_call("who-asks"))).output == ["ann", "key_1", False]


async def test_failures_are_results() -> None:
    """The words of a ToolError reach the model; of everything else the kind alone, whose words may be secret."""

    @tool
    def refuse() -> None:
        """Refuse."""
        raise ToolError("Not on Sundays.")

    @tool
    def leak() -> None:
        """Fail."""
        raise ValueError("password=hunter2")

    @tool
    async def leave() -> None:
        """Try to end the process."""
        raise SystemExit(3)

    @tool
    def stop() -> None:
        """Raise what a future does not take."""
        raise StopIteration

    @tool
    async def cancel_itself() -> None:
        """Raise a cancellation that nobody asked for."""
        raise asyncio.CancelledError

    assert (await refuse.call(a_call("refuse"))).output == "Not on Sundays."
    for each in (leak, leave, stop, cancel_itself):
        result = await each.call(a_call(each.name))
        assert result.is_error
        assert "hunter2" not in result.output
    assert (await leak.call(a_call("leak"))).output == "The tool failed (ValueError)."


async def test_a_cancellation_from_outside_goes_through() -> None:
    """Whoever stops a run does not wait for its tool, also where that blocks in a thread for ever."""
    begun, end = threading.Event(), threading.Event()

    @tool
    def hang() -> None:
        """Hang."""
        begun.set()
        end.wait(2 * PATIENCE_SECONDS)

    before = tool_threads._room._value
    task = asyncio.ensure_future(hang.call(a_call("hang")))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tool_threads._room._value == before - 1, "the thread still has its place"
    end.set()
    while tool_threads._room._value != before:
        await asyncio.sleep(0.001)


async def test_too_many_blocking_tools_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is told; nothing waits for a place that may never be free."""
    monkeypatch.setattr(tool_threads, "_room", threading.BoundedSemaphore(1))
    begun, end = threading.Event(), threading.Event()

    @tool
    def hang() -> str:
        """Hang."""
        begun.set()
        end.wait(2 * PATIENCE_SECONDS)
        return "done"

    first = asyncio.ensure_future(hang.call(a_call("hang")))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    second = await hang.call(a_call("hang"))
    assert second.is_error
    assert "busy" in second.output
    end.set()
    assert (await first).output == "done"


async def test_any_value_becomes_json() -> None:
    """Structs, data classes and what has no JSON form at all."""

    @dataclass
    class Data:
        when: complex

    @tool
    def values() -> Any:
        """Give values."""
        return [Place("Rome"), Data(1j), {1: {2}}, b"\x00"]

    result = await values.call(a_call("values"))
    assert result.output == [{"city": "Rome", "country": "IT"}, {"when": "1j"}, {"1": [2]}, "AA=="]


async def test_output_is_bounded_and_storable() -> None:
    """Too much is cut with a note, which is no error; NUL and broken text and endless nesting become storable."""

    @tool
    def much(kind: str) -> Any:
        """Give too much."""
        if kind == "text":
            return "ä" * TOOL_OUTPUT_BYTES_MAX
        if kind == "json":
            return ["x" * 10] * TOOL_OUTPUT_BYTES_MAX
        if kind == "nul":
            return {"a\x00": ["\x00", "\ud800"]}
        deep: Any = "end"
        for _ in range(JSON_DEPTH_MAX * 2):
            deep = [deep]
        return deep

    for kind in ("text", "json"):
        result = await much.call(a_call("much", {"kind": kind}))
        assert not result.is_error
        assert TOOL_OUTPUT_BYTES_MAX <= len(result.output.encode()) < TOOL_OUTPUT_BYTES_MAX + 200
        assert result.output.endswith("was cut.]")
    assert (await much.call(a_call("much", {"kind": "nul"}))).output == {"a\ufffd": ["\ufffd", "\ufffd"]}
    deep = (await much.call(a_call("much", {"kind": "deep"}))).output
    levels = 0
    while isinstance(deep, list):
        deep, levels = deep[0], levels + 1
    assert levels == JSON_DEPTH_MAX


def test_approval_is_never_always_or_a_rule() -> None:
    """A rule that fails is a yes: what it cannot judge, a person does."""

    def pay(amount: int) -> None:
        """Pay."""

    assert not tool(pay).needs_approval({"amount": 1})
    assert tool(approval="always")(pay).needs_approval({"amount": 1})
    rule = tool(approval=lambda input: input["amount"] > 100)(pay)
    assert not rule.needs_approval({"amount": 100})
    assert rule.needs_approval({"amount": 101})
    assert rule.needs_approval({"amount": "much"})
    assert rule.needs_approval(None)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x, "has no type"),
        (eval("lambda *args: args"), "each have a name"),
    ],
)
def test_what_a_model_could_not_call_is_refused(function: Any, words: str) -> None:
    """When it is defined, not when it is called."""
    with pytest.raises(TypeError, match=words):
        tool(name="it")(function)


def test_a_name_that_no_vendor_takes_is_refused() -> None:
    """Spaces and dots, for example."""

    def fine() -> None:
        """Be fine."""

    with pytest.raises(TypeError, match="may not be called"):
        tool(name="not fine")(fine)
