"""All tools of one node: the operator's, which every tenant has, and those that each tenant has registered.

A name belongs to the operator's tool where both have one: what an installation promises is not replaced from outside.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from threadline.errors import InvalidRequest
from threadline.scopes import Scope
from threadline.tool_records import ToolRow
from threadline.tools.contract import Offer, Selection, Tool

Registered = Callable[[Scope, Sequence[str] | None], Awaitable[Sequence[ToolRow]]]
"""Reads a tenant's registered tools: all of them, or those of these names."""


class OfferedTools:
    """What one run may use: a list of tools."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self.definitions: Sequence[dict[str, Any]] = [definition(tool) for tool in self._tools.values()]

    def find(self, name: str) -> Tool | None:
        """Return the tool that the model means by this name."""
        return self._tools.get(name)


class InstalledTools:
    """The `Toolbox` of a node."""

    def __init__(self, installed: Sequence[Tool], registered: Registered) -> None:
        self._installed = {tool.name: tool for tool in installed}
        self._registered = registered

    async def offer(self, scope: Scope, selection: Selection) -> Offer:
        """Return what this selection means now. Names that mean nothing are left out."""
        return OfferedTools(await self._tools(scope, selection))

    async def check(self, scope: Scope, selection: Selection) -> None:
        """Look at a selection before it is stored. Raises InvalidRequest for a name that means nothing."""
        if selection.mode == "explicit":
            known = {tool.name for tool in await self._tools(scope, selection)}
            for place, name in enumerate(selection.names):
                if name not in known:
                    raise InvalidRequest(f"There is no tool named {name!r}.", pointer=f"/tools/{place}")

    async def close(self) -> None:
        """Close what is open towards tools."""

    async def _tools(self, scope: Scope, selection: Selection) -> list[Tool]:
        if selection.mode == "explicit":
            return [self._installed[name] for name in selection.names if name in self._installed]
        return list(self._installed.values())


def definition(tool: Tool) -> dict[str, Any]:
    """Return what a model is told of a tool."""
    return {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
