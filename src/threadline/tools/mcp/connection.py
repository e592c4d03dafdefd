"""One open connection to an MCP server. The library wants to be entered and left by one task, which is this one's own.

Whoever calls has a task for the call beside that one: when the connection dies, the call ends in words, whatever the
library is waiting for.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Any, TypeVar

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, Implementation, ToolListChangedNotification
from mcp_types import Tool as Listed

from threadline import __version__
from threadline.errors import ToolsUnreachable
from threadline.limits import MCP_CLOSE_SECONDS, MCP_CONNECT_SECONDS, MCP_TOOLS_MAX
from threadline.observe import log
from threadline.tools.mcp.config import CallFailed, McpServer
from threadline.tools.mcp.network import http_client

T = TypeVar("T")

_OF_THE_CONNECTION = frozenset({-32000, -32600})
"""Codes that the library gives to calls whose connection or session is gone. They were not answered by a tool."""


class McpConnection:
    """Opened by the first use. `changed` is set when the server says that its list has changed."""

    def __init__(self, server: McpServer) -> None:
        self._server = server
        self._closing = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self.has_changed = False

    @property
    def is_open(self) -> bool:
        """Whether calls can be made on it."""
        return self._client is not None and self._life is not None and not self._life.done()

    async def open(self) -> None:
        """Connect and greet. Raises ToolsUnreachable."""
        ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._life = asyncio.ensure_future(self._live(ready))
        try:
            async with asyncio.timeout(MCP_CONNECT_SECONDS):
                either: list[asyncio.Future[Any]] = [ready, self._life]
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            await self.close()
            raise ToolsUnreachable(f"The MCP server {self._server.name!r} does not answer.") from error
        except asyncio.CancelledError:
            await self.close()
            raise
        if not ready.done():
            raise ToolsUnreachable(f"The MCP server {self._server.name!r} cannot be reached.")
        self._client = ready.result()

    async def list_tools(self) -> list[Listed]:
        """Return what the server offers, up to a bound. Raises ToolsUnreachable."""
        self.has_changed = False
        client = self._open_client()
        found: list[Listed] = []
        cursor = None
        while len(found) < MCP_TOOLS_MAX:
            page = await self._while_open(client.list_tools(cursor=cursor, cache_mode="refresh"))
            found += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
        return found[:MCP_TOOLS_MAX]

    async def call(self, name: str, arguments: dict[str, Any], idempotency_key: str) -> CallToolResult:
        """Call a tool. Raises ToolsUnreachable where the outcome is not known, and CallFailed."""
        client = self._open_client()
        meta: Any = {"threadline/idempotency_key": idempotency_key}
        return await self._while_open(client.call_tool(name, arguments, meta=meta))

    async def close(self) -> None:
        """End it, and wait until it has ended."""
        self._closing.set()
        self._client = None
        if self._life is not None:
            done, _ = await asyncio.wait({self._life}, timeout=MCP_CLOSE_SECONDS)
            if not done:
                self._life.cancel()
                await asyncio.wait({self._life})

    def _open_client(self) -> Client:
        if not self.is_open or self._client is None:
            raise ToolsUnreachable(f"The connection to the MCP server {self._server.name!r} was lost.")
        return self._client

    async def _while_open(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what comes of it. Raises ToolsUnreachable when the connection dies first, and CallFailed."""
        assert self._life is not None, "opened before"
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task, self._life}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
            await asyncio.wait({task})
        if task.cancelled():
            raise ToolsUnreachable(f"The connection to the MCP server {self._server.name!r} was lost.")
        try:
            return task.result()
        except MCPError as error:
            if error.code not in _OF_THE_CONNECTION:
                raise CallFailed(str(error)) from error
            # Of no use any more: the next call opens another one.
            self._client = None
            self._closing.set()
            raise ToolsUnreachable(f"The connection to the MCP server {self._server.name!r} was lost.") from error
        except Exception as error:
            # A library's own: a form that it does not know, rounds of questions that nobody here can answer.
            raise CallFailed(f"The MCP server's answer is not usable ({type(error).__name__}).") from error

    async def _live(self, ready: asyncio.Future[Client]) -> None:
        try:
            async with AsyncExitStack() as stack:
                transport = await self._transport(stack)
                info = Implementation(name="threadline", version=__version__)
                client = Client(transport, client_info=info, message_handler=self._hear)
                await stack.enter_async_context(client)
                if not ready.done():
                    ready.set_result(client)
                await self._stay(client)
        except (Exception, BaseExceptionGroup) as error:
            # Groups of errors from the depths of two libraries; their words may have secrets in them.
            log.info("mcp_connection_ended", server=self._server.name, error=_kinds(error))

    async def _stay(self, client: Client) -> None:
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen(client))
            await self._closing.wait()
            listening.cancel()

    async def _listen(self, client: Client) -> None:
        """Hear that the list has changed, from servers that have to be asked for it. Others say so by themselves."""
        with suppress(ListenNotSupportedError, SubscriptionLost, MCPError, TimeoutError):
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self.has_changed = True

    async def _transport(self, stack: AsyncExitStack) -> Any:
        server = self._server
        if server.command is not None:
            parameters = StdioServerParameters(
                command=server.command, args=list(server.args), env=dict(server.env), cwd=server.folder
            )
            return stdio_client(parameters)
        assert server.url is not None, "a server has an address or a command"
        client = await stack.enter_async_context(http_client(server.headers, server.guard))
        return streamable_http_client(server.url, http_client=client)

    async def _hear(self, message: Any) -> None:
        if isinstance(message, ToolListChangedNotification):
            self.has_changed = True


def _kinds(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return ", ".join(_kinds(each) for each in error.exceptions)
    return type(error).__name__
