"""Whether an input fits its tool's JSON Schema: looked at before a person is asked and before the tool is.

What does not fit is an error result, which names each place and what was expected there, so that the model can try
again. The value itself is not repeated: the model knows what it said. A schema is compiled once, however often its tool
is called; looking at an input then takes some microseconds.

Schemas come from tenants and from foreign servers: nothing is fetched for a `$ref`, patterns cannot run for ever, and
what would be too much work (`effort.py`) is not begun. An input that nobody can hold against its schema is let through:
its tool looks for itself.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema_rs
import msgspec
from msgspec import Struct

from threadline.limits import SCHEMA_DEPTH_USUAL, SCHEMA_WORDS_WORK_MAX, SCHEMA_WORK_MAX, TOOL_SCHEMAS_KEPT
from threadline.observe import log
from threadline.tools.contract import Result, Tool
from threadline.tools.effort import Effort, Unbounded
from threadline.tools.meta import CallTool
from threadline.tools.output import failure

PLACES_NAMED = 5
_WORDS_CHARS_MAX = 300
_THE_VALUE = "the value"


class BadSchema(ValueError):
    """A schema that no input could be held against."""


def misfit(tool: Tool, input: Any) -> Result | None:
    """Return what the model is told where an input does not fit; None where it does, or where nobody can say."""
    meant: tuple[Tool, Any] | None = (tool, input)
    if isinstance(tool, CallTool):
        meant = tool.meant(input)
    if meant is None or meant[0].kind == "meta":
        # These look at what they get themselves, and take some of it more kindly.
        return None
    known = _known(msgspec.json.encode(meant[0].input_schema, order="sorted"))
    if known is None:
        return None
    try:
        visits, work = known.effort.of_input(meant[1])
    except Unbounded:
        visits = work = SCHEMA_WORK_MAX + 1
    if work > SCHEMA_WORK_MAX:
        log.info("input_not_held_against_schema", tool=meant[0].name)
        return None
    return None if known.validator.is_valid(meant[1]) else failure(_words(known.validator, meant[1], visits, work))


def check_schema(schema: Any) -> None:
    """Raise BadSchema for what is no JSON Schema, or refers to what is not in it, or is too much work."""
    _compiled(schema)
    try:
        is_too_much = Effort(schema).visits(SCHEMA_DEPTH_USUAL) > SCHEMA_WORDS_WORK_MAX
    except Unbounded as error:
        raise BadSchema("it refers to itself, or to a place that is not named as `#/$defs/name` is") from error
    if is_too_much:
        raise BadSchema("there are too many ways to hold an input against it")


class _Known(Struct, frozen=True):
    validator: jsonschema_rs.Validator
    effort: Effort


@lru_cache(maxsize=TOOL_SCHEMAS_KEPT)
def _known(schema: bytes) -> _Known | None:
    # By its text: the same for all versions of a tool that have it, and another one when it changes.
    decoded = msgspec.json.decode(schema)
    try:
        return _Known(_compiled(decoded), Effort(decoded))
    except BadSchema as error:
        # A foreign server's, or one that was stored before they were checked. Its tool looks for itself.
        log.warning("schema_not_usable", detail=str(error))
        return None


def _compiled(schema: Any) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.validator_for(schema, mask=_THE_VALUE, offline=True)
    except (ValueError, RecursionError) as error:
        raise BadSchema(next(_lines(error), "it cannot be read")) from error


def _words(validator: jsonschema_rs.Validator, input: Any, visits: int, work: int) -> str:
    """Say what does not fit, as far as it is told in no time: all of it, the first of it, or that it is so."""
    if visits > SCHEMA_WORDS_WORK_MAX // 10:
        return "The input does not fit the tool's schema."
    if work > SCHEMA_WORDS_WORK_MAX:
        try:
            validator.validate(input)
        except jsonschema_rs.ValidationError as error:
            return f"The input does not fit the tool's schema: {_told(error)}; and there may be more."
    errors = validator.iter_errors(input)
    words = "; ".join(map(_told, islice(errors, PLACES_NAMED)))
    more = sum(1 for _ in errors)
    return f"The input does not fit the tool's schema: {words}{f'; and {more} more' if more else ''}."


def _told(error: jsonschema_rs.ValidationError) -> str:
    path = "".join(f"/{part}" for part in error.instance_path)
    return f"{path or 'at its top'}: {error.message[:_WORDS_CHARS_MAX]}"


def _lines(error: Exception) -> Iterator[str]:
    return (line[:_WORDS_CHARS_MAX].rstrip(".") for line in str(error).splitlines() if line)
