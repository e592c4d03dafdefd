"""Tools with which a model finds others: for tenants with more tools than a prompt can show.

A tool that is called this way goes through the same checks, a person's approval included. Tools that the client answers
are shown as they are: the run waits for them by their own name.
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
from msgspec import structs

from threadline.limits import (
    QUERY_CHARS_MAX,
    TOOL_QUERY_WORDS_MAX,
    TOOL_SEARCHED_CHARS_MAX,
    TOOL_SECONDS_MAX,
    TOOLS_FOUND_DEFAULT,
    TOOLS_FOUND_MAX,
    TOOLS_PER_SEND_MAX,
)
from threadline.tools.contract import Call, Result, SourceKind, Tool
from threadline.tools.offer import definition
from threadline.tools.output import failure, result_of

META_NAMES = ("search_tools", "get_tool_schema", "call_tool")

_NAME = {"type": "string", "description": "The name of a tool that was found."}
_SEARCH: dict[str, Any] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "Words of what is to be done; none for any tools."},
        "limit": {"type": "integer", "minimum": 1, "maximum": TOOLS_FOUND_MAX, "default": TOOLS_FOUND_DEFAULT},
    },
    "required": ["query"],
}
_LOOK_UP: dict[str, Any] = {"type": "object", "properties": {"name": _NAME}, "required": ["name"]}
_CALL: dict[str, Any] = {
    "type": "object",
    "properties": {"name": _NAME, "input": {"type": "object", "description": "The tool's input."}},
    "required": ["name", "input"],
}


class DynamicOffer:
    """Three tools to find all others with."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._known = {tool.name: tool for tool in tools}
        self._meta: dict[str, Tool] = {
            "search_tools": SearchTools(self._known),
            "get_tool_schema": GetToolSchema(self._known),
            "call_tool": CallTool(self._known),
        }
        of_client = [tool for tool in tools if tool.kind == "client"]
        shown = [*self._meta.values(), *of_client][:TOOLS_PER_SEND_MAX]
        self.definitions: Sequence[dict[str, Any]] = [definition(tool) for tool in shown]

    def find(self, name: str) -> Tool | None:
        """Return the tool that the model means by this name, also one that it has found and calls directly."""
        return self._meta.get(name) or self._known.get(name)


class _Meta:
    """What the three have in common."""

    kind: SourceKind = "meta"
    is_idempotent = True
    timeout_seconds = 10.0

    def __init__(self, known: Mapping[str, Tool]) -> None:
        self._known = known

    def needs_approval(self, input: Any) -> bool:
        """Looking at what there is needs nobody's approval."""
        return False

    def _meant(self, input: Any) -> Tool | None:
        name = input.get("name") if isinstance(input, dict) else None
        return self._known.get(name) if isinstance(name, str) else None


class SearchTools(_Meta):
    """Finds tools by words."""

    name = "search_tools"
    description = "Find tools by words of what they do. Returns names and descriptions, the best first."
    input_schema = _SEARCH

    async def call(self, call: Call) -> Result:
        """Search."""
        query = call.input.get("query", "") if isinstance(call.input, dict) else ""
        limit = call.input.get("limit", TOOLS_FOUND_DEFAULT) if isinstance(call.input, dict) else None
        if not isinstance(query, str) or not isinstance(limit, int):
            return failure("`query` is text and `limit` a number.")
        words = frozenset(islice(_words(query[:QUERY_CHARS_MAX]), TOOL_QUERY_WORDS_MAX))
        scores = {name: _score(tool, words) for name, tool in self._known.items()}
        found = [name for name, score in scores.items() if not words or score]
        found.sort(key=lambda name: (-scores[name], name))
        shown = [_short(self._known[name]) for name in found[: max(1, min(limit, TOOLS_FOUND_MAX))]]
        return result_of({"tools": shown, "found": len(found), "of": len(self._known)})


class GetToolSchema(_Meta):
    """Tells all about one tool."""

    name = "get_tool_schema"
    description = "Return a tool's description and the JSON Schema of its input. Ask before you call it."
    input_schema = _LOOK_UP

    async def call(self, call: Call) -> Result:
        """Look it up."""
        tool = self._meant(call.input)
        return _unknown() if tool is None else result_of(definition(tool))


class CallTool(_Meta):
    """Calls another tool."""

    name = "call_tool"
    description = "Call a tool that was found, with an input that fits its schema."
    input_schema = _CALL
    is_idempotent = False
    timeout_seconds = TOOL_SECONDS_MAX

    def needs_approval(self, input: Any) -> bool:
        """Whether a person has to agree to a call of the tool that is meant."""
        tool = self._meant(input)
        return tool is not None and tool.needs_approval(_inner(input))

    def meant(self, input: Any) -> tuple[Tool, Any] | None:
        """Return the tool that is meant, and its input; None for a name that means nothing."""
        tool = self._meant(input)
        return None if tool is None else (tool, _inner(input))

    async def call(self, call: Call) -> Result:
        """Call the tool that is meant, within its own time."""
        tool = self._meant(call.input)
        if tool is None:
            return _unknown()
        if tool.kind == "client":
            return failure(f"Call {tool.name!r} by its own name.")
        try:
            async with asyncio.timeout(tool.timeout_seconds):
                return await tool.call(structs.replace(call, name=tool.name, input=_inner(call.input)))
        except TimeoutError:
            return failure(f"The tool did not answer within {tool.timeout_seconds:g} seconds.")


def _inner(input: dict[str, Any]) -> Any:
    given = input.get("input", {})
    if not isinstance(given, str):
        return given
    # Some models write the JSON of an object into a string.
    try:
        return msgspec.json.decode(given)
    except (msgspec.DecodeError, RecursionError):
        return given


def _unknown() -> Result:
    return failure("There is no tool of this name. `search_tools` finds those that there are.")


def _short(tool: Tool) -> dict[str, str]:
    return {"name": tool.name, "description": tool.description.partition("\n")[0]}


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _score(tool: Tool, words: Collection[str]) -> int:
    """Say how well a tool fits: a word of its name counts more than one of its description, and beginnings count."""
    # Searched as text, where each word has a space on both sides: a thousand tools are searched at once.
    name = f" {' '.join(_words(tool.name))} "
    description = f" {' '.join(_words(tool.description[:TOOL_SEARCHED_CHARS_MAX]))} "
    score = 0
    for word in words:
        score += 4 * (f" {word} " in name) or 2 * (f" {word}" in name)
        score += f" {word}" in description
    return score
