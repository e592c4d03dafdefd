"""All MCP servers of one node: connections that are kept, lists that are kept for a while, and calls.

A server that is away makes nobody wait twice: its tools are left out of what runs are offered until it is asked again.
"""

import asyncio
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from threadline.clock import Clock
from threadline.errors import ToolsUnreachable
from threadline.limits import (
    MCP_AWAY_SECONDS,
    MCP_LIST_SECONDS,
    MCP_PATIENCE_SECONDS,
    MCP_REFRESH_SECONDS,
    MCP_SERVERS_OPEN_MAX,
)
from threadline.observe import log
from threadline.tools.contract import Call, Result
from threadline.tools.mcp.config import CallFailed, McpServer
from threadline.tools.mcp.tool import McpTool, called, is_usable, result_of_content
from threadline.tools.output import failure

if TYPE_CHECKING:
    from threadline.tools.mcp.connection import McpConnection


class _Place:
    """What is known of one server. The lock lets one connect or ask at a time."""

    def __init__(self, server: McpServer) -> None:
        self.server = server
        self.lock = asyncio.Lock()
        self.connection: McpConnection | None = None
        self.tools: list[McpTool] = []
        self.listed_at: float | None = None
        self.away_until = 0.0
        self.calls = 0
        self.listing: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody is at it."""
        return not self.calls and self.listing is None and not self.lock.locked()

    def is_stale(self, now: float) -> bool:
        """Whether the list is to be asked for again."""
        if now < self.away_until:
            return False
        if self.listed_at is None or now - self.listed_at > MCP_REFRESH_SECONDS:
            return True
        return self.connection is not None and self.connection.has_changed

    async def close(self) -> None:
        """End what is open."""
        if self.listing is not None:
            self.listing.cancel()
            await asyncio.wait({self.listing})
        if self.connection is not None:
            await self.connection.close()


class McpServers:
    """Connections by server, of which the least used ones are closed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._places: dict[str, _Place] = {}

    async def tools(self, server: McpServer) -> Sequence[McpTool]:
        """Return the tools of a server as they were a moment ago, or none where it does not say for too long.

        A run does not wait for a list that is only old, and not for long for one that is not there: asking goes on
        without it, and the next run finds the answer.
        """
        place = await self._place(server)
        if place.is_stale(self._clock.monotonic()):
            if place.listing is None:
                place.listing = asyncio.ensure_future(self._refresh(server, place))
            has_a_list = place.listed_at is not None and not (place.connection and place.connection.has_changed)
            await asyncio.wait({place.listing}, timeout=0 if has_a_list else MCP_PATIENCE_SECONDS)
        await self._close_unused()
        return place.tools

    async def tools_now(self, server: McpServer) -> Sequence[McpTool]:
        """Ask a server for its tools. Raises ToolsUnreachable."""
        place = await self._place(server)
        async with place.lock:
            return await self._list(server, place)

    async def close(self) -> None:
        """Close all connections."""
        places = list(self._places.values())
        self._places.clear()
        await asyncio.gather(*(place.close() for place in places))

    async def _invoke(self, server: McpServer, name: str, call: Call) -> Result:
        """Call a tool once. Raises nothing but cancellation."""
        arguments = call.input if isinstance(call.input, dict) else {}
        place = await self._place(server)
        place.calls += 1
        words = ""
        try:
            async with place.lock:
                connection = await self._connection(server, place)
            words = " Whether the call took effect is not known."
            answer = await connection.call(name, arguments, call.idempotency_key)
        except ToolsUnreachable as error:
            return failure(error.detail + words)
        except CallFailed as error:
            return failure(str(error))
        finally:
            place.calls -= 1
            await self._close_unused()
        return result_of_content(answer.content, answer.structured_content, answer.is_error)

    async def _refresh(self, server: McpServer, place: _Place) -> None:
        try:
            async with place.lock:
                await self._list(server, place)
        except ToolsUnreachable as error:
            log.warning("mcp_server_away", server=server.name, detail=error.detail)
        finally:
            place.listing = None

    async def _list(self, server: McpServer, place: _Place) -> list[McpTool]:
        """Ask for the list, once more on a new connection where the old one is dead. Raises ToolsUnreachable."""
        had_one = place.connection is not None
        try:
            try:
                found = await self._ask(server, place)
            except ToolsUnreachable:
                if not had_one:
                    raise
                found = await self._ask(server, place)
        except ToolsUnreachable:
            place.away_until = self._clock.monotonic() + MCP_AWAY_SECONDS
            raise
        place.tools = self._usable(server, found)
        place.listed_at = self._clock.monotonic()
        return place.tools

    async def _ask(self, server: McpServer, place: _Place) -> Sequence[Any]:
        connection = await self._connection(server, place)
        try:
            async with asyncio.timeout(MCP_LIST_SECONDS):
                return await connection.list_tools()
        except (TimeoutError, CallFailed) as error:
            raise ToolsUnreachable(f"The MCP server {server.name!r} gives no list of its tools.") from error

    async def _connection(self, server: McpServer, place: _Place) -> "McpConnection":
        """Return an open connection; the caller has the lock of its place. Raises ToolsUnreachable."""
        if place.connection is not None and place.connection.is_open:
            return place.connection
        if place.connection is not None:
            await place.connection.close()
        # The package takes a second to load; meanwhile others talk on.
        module = await asyncio.to_thread(import_module, "threadline.tools.mcp.connection")
        connection: McpConnection = module.McpConnection(server)
        await connection.open()
        place.connection = connection
        return connection

    def _usable(self, server: McpServer, listed: Sequence[Any]) -> list[McpTool]:
        tools: dict[str, McpTool] = {}
        for each in listed:
            is_allowed = server.allow is None or each.name in server.allow
            if is_allowed and is_usable(each.input_schema) and called(server.name, each.name) not in tools:
                tool = McpTool(server, each.name, each.description or "", each.input_schema, self._invoke)
                tools[tool.name] = tool
        return list(tools.values())

    async def _place(self, server: McpServer) -> _Place:
        place = self._places.pop(server.key, None)
        if place is not None and place.server != server:
            # Its address, its headers or what is allowed of it has changed.
            await place.close()
            place = None
        # Put back at the end: the first one is the one that was used longest ago.
        return self._places.setdefault(server.key, place or _Place(server))

    async def _close_unused(self) -> None:
        idle = [key for key, place in self._places.items() if place.is_idle]
        for key in idle[: max(0, len(self._places) - MCP_SERVERS_OPEN_MAX)]:
            if place := self._places.pop(key, None):
                await place.close()
