"""How much work it may be to hold an input against a JSON Schema. Pure.

A schema of a few lines can send whoever follows it down 2^60 ways: two alternatives that refer to one place, which has
two alternatives in turn. Here is found how many there may be, without going any of them: each place of the schema is
looked at once for each depth of the input, with the sum over what is held against the same value, and the most that any
one field can add.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from threadline.limits import JSON_DEPTH_MAX, JSON_VALUES_MAX, SCHEMA_WORK_MAX

_SAME = ("not", "if", "then", "else")
_SAME_EACH = ("allOf", "anyOf", "oneOf", "dependentSchemas", "dependencies")
_BELOW = (
    *("additionalProperties", "additionalItems", "items", "contains", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_BELOW_EACH = ("patternProperties",)
_BELOW_ONE = ("properties", "prefixItems", "items")
"""Of these a value meets one: a field has one name, an item one place."""

_ELSEWHERE = frozenset({"$dynamicRef", "$recursiveRef"})
_NAMES = ("$id", "id")
_OPTIONS_A_VISIT = 8
"""Options of an `enum` that are compared in the time of one visit."""

PLACES_MAX = 20_000
"""Places of a schema, each at each depth: about as many as are looked at in 20 ms."""


class Unbounded(Exception):
    """Nobody can say how much work it is: the schema refers to what is not in it, or to itself without an end."""


class Effort:
    """What is known of one schema."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._visits: dict[int, int] = {}

    def of_input(self, input: Any) -> tuple[int, int]:
        """Return how often a value may be looked at, and how often all of them together. Raises Unbounded."""
        values, depth = _measured(input)
        visits = self.visits(depth)
        return visits, visits * values

    def visits(self, depth: int) -> int:
        """Return how often one value of an input that nests so deep may be looked at. Raises Unbounded."""
        if depth not in self._visits:
            try:
                self._visits[depth] = _Look(self._schema).visits(self._schema, depth)
            except RecursionError as error:
                raise Unbounded from error
        return self._visits[depth]


class _Look:
    """One look at a schema. What has been found of a place, at a depth, is None while it is looked at."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._found: dict[tuple[int, int], int | None] = {}

    def visits(self, schema: Any, depth: int) -> int:
        if not isinstance(schema, dict):
            return 1
        place = id(schema), depth
        if place in self._found:
            known = self._found[place]
            if known is None:
                raise Unbounded
            return known
        is_named = schema is not self._root and any(isinstance(schema.get(name), str) for name in _NAMES)
        if is_named or _ELSEWHERE & schema.keys() or len(self._found) >= PLACES_MAX:
            raise Unbounded
        self._found[place] = None
        # More than that is never asked for, and sums of sums grow long.
        found = self._found[place] = min(self._sum(schema, depth), SCHEMA_WORK_MAX + 1)
        return found

    def _sum(self, schema: dict[str, Any], depth: int) -> int:
        options = schema.get("enum")
        own = 1 + (len(options) // _OPTIONS_A_VISIT if isinstance(options, list) else 0)
        same = sum(self.visits(each, depth) for each in self._same(schema))
        if any(name in schema for name in ("unevaluatedItems", "unevaluatedProperties")):
            # What is held against the same value is asked again what it has spoken of.
            same *= 2
        if depth == 0:
            return own + same
        below = sum(self.visits(each, depth - 1) for each in _each(schema, _BELOW, _BELOW_EACH))
        most = max((self.visits(each, depth - 1) for each in _each(schema, (), _BELOW_ONE)), default=0)
        return own + same + below + most

    def _same(self, schema: dict[str, Any]) -> Iterator[Any]:
        if "$ref" in schema:
            yield self._meant(schema["$ref"])
        yield from _each(schema, _SAME, _SAME_EACH)

    def _meant(self, reference: Any) -> Any:
        """Return the place of this schema that a reference names. Raises Unbounded for any other one."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise Unbounded
        path = unquote(reference[1:])
        if path and not path.startswith("/"):
            raise Unbounded
        found = self._root
        for step in path.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isascii() and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise Unbounded
        return found


def _each(schema: dict[str, Any], ones: tuple[str, ...], several: tuple[str, ...]) -> Iterator[Any]:
    """Yield the schemas under these names: each of `ones` is one, each of `several` a list or an object of them."""
    for name in ones:
        if isinstance(schema.get(name), dict):
            yield schema[name]
    for name in several:
        match schema.get(name):
            case list(found):
                yield from found
            case dict(found) if name != "items":
                yield from found.values()
            case _:
                pass


def _measured(input: Any) -> tuple[int, int]:
    """Return how many values an input has, and how deep it nests. Raises Unbounded beyond what anybody sends."""
    values, depth, level = 1, 0, [input]
    while level := [child for value in level for child in _children(value)]:
        depth += 1
        values += len(level)
        if depth > JSON_DEPTH_MAX or values > JSON_VALUES_MAX:
            raise Unbounded
    return values, depth


def _children(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            yield from value.values()
        case list():
            yield from value
        case _:
            pass
