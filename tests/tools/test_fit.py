"""Inputs that do not fit their tool's schema: what the model is told, and what no schema may do."""

from typing import Any

import pytest

from threadline.tools import tool
from threadline.tools.contract import Result, Tool
from threadline.tools.fit import BadSchema, check_schema, misfit
from threadline.tools.meta import DynamicOffer
from threadline.tools.python import PythonTool

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1},
        "days": {"type": "integer", "maximum": 14},
        "stops": {"type": "array", "items": {"type": "object", "properties": {"by": {"enum": ["train", "bus"]}}}},
    },
    "required": ["city"],
    "additionalProperties": False,
}


@tool
def plain(city: str, days: int = 1) -> str:
    """Do nothing."""
    return f"{city} {days}"


def with_schema(schema: Any) -> Tool:
    """Return a tool that has this schema."""
    made: Any = PythonTool(lambda: None, "t", "", "never", False, 1.0)
    made.input_schema = schema
    return made  # type: ignore[no-any-return]


def words(found: Result | None) -> str:
    """Return what the model is told."""
    assert found is not None
    assert found.is_error
    return str(found.output)


def test_what_fits_is_let_through() -> None:
    """Also what a schema does not speak of, and of a function's own signature."""
    assert misfit(with_schema(SCHEMA), {"city": "Bern", "stops": [{"by": "bus", "at": 9}]}) is None
    assert misfit(plain, {"city": "Bern"}) is None
    assert misfit(with_schema({"type": "object"}), {"anything": [1, None]}) is None


def test_each_place_is_named_with_what_was_expected() -> None:
    """By its path, without what stood there, which may be long or nobody's business."""
    told = words(misfit(with_schema(SCHEMA), {"city": "s3cret" * 9, "days": "3", "stops": [{}, {"by": "car"}], "x": 1}))
    assert '/days: the value is not of type "integer"' in told
    assert '/stops/1/by: the value is not one of "train" or "bus"' in told
    assert "at its top: Additional properties are not allowed ('x' was unexpected)" in told
    assert "s3cret" not in told
    assert '"city" is a required property' in words(misfit(with_schema(SCHEMA), {}))
    assert "/city: " in words(misfit(plain, {"city": 3}))
    assert 'not of type "object"' in words(misfit(plain, [1]))


def test_many_mistakes_are_counted() -> None:
    """Five are enough to try again."""
    told = words(misfit(with_schema(SCHEMA), {"city": "x", "stops": [{"by": n} for n in range(12)]}))
    assert told.count("/stops/") == 5
    assert told.endswith("; and 7 more.")


def test_a_tool_that_was_found_is_held_to_its_own_schema() -> None:
    """Through the tool that calls it; as JSON in a string too, which some models write."""
    call = DynamicOffer([plain]).find("call_tool")
    assert call is not None
    assert misfit(call, {"name": "plain", "input": {"city": "Bern"}}) is None
    assert misfit(call, {"name": "plain", "input": '{"city": "Bern"}'}) is None
    assert "/city" in words(misfit(call, {"name": "plain", "input": {"city": 3}}))
    assert misfit(call, {"name": "nothing", "input": {}}) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt"},
        {"type": "object", "properties": {"a": {"pattern": "(("}}},
        {"type": "object", "properties": [1]},
        {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/x"}}},
        {"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"type": "object", "$schema": "http://nowhere.test/schema"},
        {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}},
    ],
)
def test_what_is_no_schema_is_known(schema: Any) -> None:
    """And nothing is fetched for it. One that is there all the same leaves it to the tool."""
    with pytest.raises(BadSchema) as refused:
        check_schema(schema)
    assert 5 < len(str(refused.value)) < 400
    assert misfit(with_schema(schema), {"a": 1}) is None


def alternatives(many: int, below: str = "") -> dict[str, Any]:
    """Return a schema with two ways at each of so many steps; each step goes `below` into the value, where that is said."""
    steps: dict[str, Any] = {f"s{many}": {"type": "string"}}
    for number in range(many):
        one: dict[str, Any] = {"$ref": f"#/$defs/s{number + 1}"}
        steps[f"s{number}"] = {"anyOf": [{below: one}, {below: one}] if below else [one, one]}
    return {"$defs": steps, "type": "object", "properties": {"a": {"$ref": "#/$defs/s0"}}}


TREE = {"$defs": {"t": {"anyOf": [{"items": {"$ref": "#/$defs/t"}}] * 2}}, "properties": {"a": {"$ref": "#/$defs/t"}}}
CIRCLE = {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}] * 2}}, "$ref": "#/$defs/a"}

ELSEWHERE = {"$defs": {"a": {"$dynamicAnchor": "a"}}, "$dynamicRef": "#a"}


def nested(deep: int) -> Any:
    """Return a value that nests so deep."""
    return [nested(deep - 1)] if deep else 1


@pytest.mark.parametrize(
    ("schema", "input"),
    [
        (alternatives(200), {"a": 1}),
        (alternatives(60, "items"), {"a": nested(60)}),
        (alternatives(60, "additionalProperties"), {"a": 1}),
        (TREE, {"a": nested(60)}),
        (CIRCLE, {"a": 1}),
        ({"properties": {"a": {"items": {"enum": list(range(5000))}}}}, {"a": [-1] * 90_000}),
        ({"properties": {"a": {"items": False}}}, {"a": [1] * 200_000}),
    ],
    ids=["ways", "ways below", "ways never gone", "tree", "circle", "many options", "many values"],
)
def test_what_would_be_too_much_work_is_not_begun(schema: dict[str, Any], input: Any) -> None:
    """While one input is held against its schema nobody else is served: what could take years is left to the tool."""
    assert misfit(with_schema({"type": "object", **schema}), input) is None


@pytest.mark.parametrize("schema", [alternatives(20), alternatives(40), CIRCLE, {"$ref": "#"}, ELSEWHERE])
def test_such_a_schema_is_not_taken(schema: dict[str, Any]) -> None:
    """Who registers one is told so."""
    with pytest.raises(BadSchema, match=r"ways|itself"):
        check_schema({"type": "object", **schema})


def test_what_people_write_is_taken_and_held_to() -> None:
    """References, trees, alternatives and many fields are no reason to look away."""
    tree = {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "and": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    "or": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    "field": {"enum": ["name", "age"]},
                },
                "additionalProperties": False,
            }
        },
        "type": "object",
        "properties": {"where": {"$ref": "#/$defs/node"}, **{f"field{n}": {"type": "string"} for n in range(200)}},
    }
    check_schema(tree)
    deep = {"where": {"and": [{"or": [{"and": [{"or": [{"field": "name"}, {"field": "size"}]}]}]}]}}
    assert "/where/and/0/or/0/and/0/or/1/field" in words(misfit(with_schema(tree), deep))
    assert misfit(with_schema(tree), {"where": {"and": [{"field": "age"}]}, "field7": "x"}) is None


def test_the_more_there_is_the_less_is_told() -> None:
    """Every mistake in words is a thousand times the work of finding that there is one."""
    numbers = {"type": "object", "properties": {"a": {"items": {"type": "string"}}}}
    told = words(misfit(with_schema(numbers), {"a": [1] * 20_000}))
    assert (
        told
        == 'The input does not fit the tool\'s schema: /a/0: the value is not of type "string"; and there may be more.'
    )
    ways = {"type": "object", **alternatives(10)}
    assert words(misfit(with_schema(ways), {"a": 1})) == "The input does not fit the tool's schema."


def test_a_pattern_does_not_run_for_ever() -> None:
    """One that takes other engines longer than the world will last."""
    greedy = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    assert "/a" in words(misfit(with_schema(greedy), {"a": "a" * 60 + "b"}))
