"""All tools of one node: the operator's, which every tenant has, and those that each tenant has registered.

A name belongs to the operator's tool where both have one: what an installation promises is not replaced from outside.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, assert_never

from threadline.clock import Clock
from threadline.errors import InvalidRequest, NameTaken
from threadline.limits import TOOLS_PER_SEND_MAX
from threadline.scopes import Scope
from threadline.tool_records import ToolRow
from threadline.tools.contract import Definition, Offer, Selection, Tool
from threadline.tools.outbound import Outbound
from threadline.tools.registered import ClientTool
from threadline.tools.webhook import WebhookTool

Registered = Callable[[Scope, Sequence[str] | None], Awaitable[Sequence[ToolRow]]]
"""Reads a tenant's registered tools: all of them, or those of these names."""


class OfferedTools:
    """What one run may use: a list of tools."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools[:TOOLS_PER_SEND_MAX]}
        self.definitions: Sequence[dict[str, Any]] = [definition(tool) for tool in self._tools.values()]

    def find(self, name: str) -> Tool | None:
        """Return the tool that the model means by this name."""
        return self._tools.get(name)


class NodeTools:
    """The `Toolbox` and `Catalog` of a node."""

    def __init__(self, installed: Sequence[Tool], registered: Registered, outbound: Outbound, clock: Clock) -> None:
        self._installed = {tool.name: tool for tool in installed}
        self._registered = registered
        self._outbound = outbound
        self._clock = clock

    async def offer(self, scope: Scope, selection: Selection) -> Offer:
        """Return what this selection means now. Names that mean nothing are left out."""
        return OfferedTools(await self._tools(scope, selection))

    async def check(self, scope: Scope, selection: Selection) -> None:
        """Look at a selection before it is stored. Raises InvalidRequest for a name that means nothing."""
        if selection.mode != "explicit":
            return
        if len(selection.names) > TOOLS_PER_SEND_MAX:
            raise InvalidRequest(f"A model is shown up to {TOOLS_PER_SEND_MAX} tools.", pointer="/tools")
        known = {tool.name for tool in await self._tools(scope, selection)}
        for place, name in enumerate(selection.names):
            if name not in known:
                raise InvalidRequest(f"There is no tool named {name!r}.", pointer=f"/tools/{place}")

    def installed(self) -> Sequence[Definition]:
        """Return the operator's tools."""
        return [described(tool) for tool in self._installed.values()]

    def check_registration(self, row: ToolRow) -> None:
        """Look at a tool before it is stored. Raises InvalidRequest, NameTaken."""
        if row.name in self._installed:
            raise NameTaken(f"This installation has a tool named {row.name!r} for everybody.", pointer="/name")
        if row.url is not None:
            self._outbound.guard.check_url(row.url)

    async def definitions(self, row: ToolRow) -> Sequence[Definition]:
        """Return what a model would be told of a registration at this moment."""
        return [described(tool) for tool in self._of_row(row)]

    async def close(self) -> None:
        """Close what is open towards tools."""
        await self._outbound.close()

    async def _tools(self, scope: Scope, selection: Selection) -> list[Tool]:
        if selection.mode != "explicit":
            return [*self._installed.values(), *self._of_rows(await self._registered(scope, None))]
        others = [name for name in selection.names if name not in self._installed]
        # Most sends name the operator's tools or none: those ask the database nothing.
        rows = await self._registered(scope, others) if others else []
        found = {tool.name: tool for tool in [*self._of_rows(rows), *self._installed.values()]}
        return [found[name] for name in dict.fromkeys(selection.names) if name in found]

    def _of_rows(self, rows: Sequence[ToolRow]) -> list[Tool]:
        return [tool for row in rows for tool in self._of_row(row) if tool.name not in self._installed]

    def _of_row(self, row: ToolRow) -> list[Tool]:
        match row.kind:
            case "webhook":
                return [WebhookTool(row, self._outbound, self._clock)]
            case "client":
                return [ClientTool(row)]
            case "mcp":
                return []
            case _:
                assert_never(row.kind)


def definition(tool: Tool) -> dict[str, Any]:
    """Return what a model is told of a tool."""
    return {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}


def described(tool: Tool) -> Definition:
    """Return what a person is told of a tool."""
    return Definition(tool.name, tool.kind, tool.description, tool.input_schema)
