"""All tools of one node: the operator's, which every tenant has, and those that each tenant has registered.

A name belongs to the operator's tool where both have one: what an installation promises is not replaced from outside.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from typing import assert_never

from threadline.clock import Clock
from threadline.errors import InvalidRequest, NameTaken
from threadline.limits import TOOLS_PER_SEND_MAX
from threadline.scopes import Scope
from threadline.tool_records import ToolRow
from threadline.tools.contract import Definition, Offer, Selection, Tool
from threadline.tools.mcp.config import HOW_TO_INSTALL, McpServer, is_installed, server_of_row
from threadline.tools.mcp.servers import McpServers
from threadline.tools.mcp.tool import SEPARATOR
from threadline.tools.meta import DynamicOffer
from threadline.tools.offer import OfferedTools, described
from threadline.tools.outbound import Outbound
from threadline.tools.registered import ClientTool
from threadline.tools.webhook import WebhookTool

Registered = Callable[[Scope, Sequence[str] | None], Awaitable[Sequence[ToolRow]]]
"""Reads a tenant's registered tools: all of them, or those of these names."""


class NodeTools:
    """The `Toolbox` and `Catalog` of a node."""

    def __init__(
        self,
        installed: Sequence[Tool],
        servers: Sequence[McpServer],
        registered: Registered,
        outbound: Outbound,
        clock: Clock,
    ) -> None:
        self._installed = {tool.name: tool for tool in installed}
        self._servers = {server.name: server for server in servers}
        self._registered = registered
        self._mcp = McpServers(clock)
        self._outbound = outbound
        self._clock = clock

    async def open(self) -> None:
        """Ask the operator's servers for their tools, so that the first answer need not wait for their start."""
        await asyncio.gather(*map(self._mcp.tools, self._servers.values()))

    async def offer(self, scope: Scope, selection: Selection) -> Offer:
        """Return what this selection means now. Names that mean nothing are left out."""
        tools = await self._tools(scope, selection)
        return DynamicOffer(tools) if selection.mode == "dynamic" else OfferedTools(tools)

    async def check(self, scope: Scope, selection: Selection) -> None:
        """Look at a selection before it is stored. Raises InvalidRequest for a name that means nothing."""
        if selection.mode != "explicit":
            return
        if len(selection.names) > TOOLS_PER_SEND_MAX:
            raise InvalidRequest(f"A model is shown up to {TOOLS_PER_SEND_MAX} tools.", pointer="/tools")
        rows = {row.name: row for row in await self._rows(scope, selection.names)}
        for place, name in enumerate(selection.names):
            # A server that is away at the moment does not make a send wrong.
            server, separator, _ = name.partition(SEPARATOR)
            is_of_server = bool(separator) and (
                server in self._servers or (server in rows and rows[server].kind == "mcp")
            )
            if not (name in self._installed or name in self._servers or name in rows or is_of_server):
                raise InvalidRequest(f"There is no tool named {name!r}.", pointer=f"/tools/{place}")

    async def installed(self) -> Sequence[Definition]:
        """Return the operator's tools, which every tenant has."""
        return [described(tool) for tool in await self._all_installed()]

    def check_registration(self, row: ToolRow) -> None:
        """Look at a tool before it is stored. Raises InvalidRequest, NameTaken."""
        if row.name in self._installed or row.name in self._servers:
            raise NameTaken(f"This installation has a tool named {row.name!r} for everybody.", pointer="/name")
        if row.kind == "mcp" and not is_installed():
            raise InvalidRequest(HOW_TO_INSTALL, pointer="/kind")
        if row.url is not None:
            self._outbound.guard.check_url(row.url)

    async def definitions(self, row: ToolRow) -> Sequence[Definition]:
        """Return what a model would be told of a registration at this moment."""
        if row.kind == "mcp":
            return [described(tool) for tool in await self._mcp.tools_now(self._server(row))]
        return [described(tool) for tool in await self._of_row(row)]

    async def close(self) -> None:
        """Close what is open towards tools."""
        await self._mcp.close()
        await self._outbound.close()

    async def _tools(self, scope: Scope, selection: Selection) -> list[Tool]:
        """Return the tools that a selection means, each name once, the operator's first."""
        if selection.mode == "explicit":
            return await self._named(scope, selection.names)
        rows = await self._registered(scope, None)
        return _once([*await self._all_installed(), *await self._of_rows(rows)])

    async def _named(self, scope: Scope, names: Sequence[str]) -> list[Tool]:
        """Return the tools of these names, in their order. The name of a server means all of its tools."""
        wanted = {name.partition(SEPARATOR)[0] for name in names}
        servers = [server for server in self._servers.values() if server.name in wanted]
        of_servers = await asyncio.gather(*map(self._mcp.tools, servers))
        rows = await self._rows(scope, names)
        known = _once([*self._installed.values(), *chain(*of_servers), *await self._of_rows(rows)])
        found = [[tool for tool in known if name in (tool.name, tool.name.partition(SEPARATOR)[0])] for name in names]
        return _once(list(chain(*found)))

    async def _rows(self, scope: Scope, names: Sequence[str]) -> Sequence[ToolRow]:
        """Return the registered tools and servers that these names mean."""
        # Most sends name the operator's tools or none: those ask the database nothing.
        firsts = dict.fromkeys(name.partition(SEPARATOR)[0] for name in names if name not in self._installed)
        others = [name for name in firsts if name not in self._servers]
        return await self._registered(scope, others) if others else []

    async def _all_installed(self) -> list[Tool]:
        of_servers = await asyncio.gather(*map(self._mcp.tools, self._servers.values()))
        return _once([*self._installed.values(), *chain(*of_servers)])

    async def _of_rows(self, rows: Sequence[ToolRow]) -> list[Tool]:
        return list(chain(*await asyncio.gather(*map(self._of_row, rows))))

    async def _of_row(self, row: ToolRow) -> Sequence[Tool]:
        match row.kind:
            case "webhook":
                return [WebhookTool(row, self._outbound, self._clock)]
            case "client":
                return [ClientTool(row)]
            case "mcp":
                return await self._mcp.tools(self._server(row))
            case _:
                assert_never(row.kind)

    def _server(self, row: ToolRow) -> McpServer:
        return server_of_row(row, self._outbound.guard)


def _once(tools: Sequence[Tool]) -> list[Tool]:
    """Return the first tool of each name."""
    found: dict[str, Tool] = {}
    for tool in tools:
        found.setdefault(tool.name, tool)
    return list(found.values())
