"""What a tool has said becomes a result that can be stored, shown to a model, and is of bounded size. Pure."""

from typing import Any

import msgspec

from threadline.content import storable
from threadline.limits import JSON_DEPTH_MAX, TOOL_OUTPUT_BYTES_MAX
from threadline.tools.contract import Result

_encode = msgspec.json.Encoder().encode


def result_of(output: Any, is_error: bool = False) -> Result:
    """Return a result of any JSON value. What is too long is cut, with a note for the model; that is no failure."""
    return Result(_bounded(_clean(output, 0)), is_error)


def failure(sentence: str) -> Result:
    """Return a result that says what went wrong."""
    return result_of(sentence, is_error=True)


def _clean(value: Any, depth: int) -> Any:
    if depth >= JSON_DEPTH_MAX:
        # Whoever reads the log has to survive it: what lies deeper is told as text.
        return storable(_encode(value).decode())
    match value:
        case str():
            return storable(value)
        case list():
            return [_clean(item, depth + 1) for item in value]
        case dict():
            return {storable(name): _clean(item, depth + 1) for name, item in value.items()}
        case _:
            return value


def _bounded(output: Any) -> Any:
    data = output.encode() if isinstance(output, str) else _encode(output)
    if len(data) <= TOOL_OUTPUT_BYTES_MAX:
        return output
    kept = data[:TOOL_OUTPUT_BYTES_MAX].decode(errors="ignore")
    return f"{kept}\n[The output has {len(data)} bytes; what is behind the first {TOOL_OUTPUT_BYTES_MAX} was cut.]"
