"""MCP over HTTP through the guarded door: the library's client, on connections that were looked at."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import httpcore2
import httpx2

from threadline.limits import MCP_CALL_SECONDS_MAX, MCP_RESPONSE_BYTES_MAX, TOOL_CONNECT_SECONDS
from threadline.tools.network import AddressRefused, Guard


def http_client(headers: Mapping[str, str], guard: Guard | None) -> httpx2.AsyncClient:
    """Return a client; `guard` None may reach everything. To be closed."""
    timeout = httpx2.Timeout(TOOL_CONNECT_SECONDS, read=MCP_CALL_SECONDS_MAX)
    transport = None if guard is None else GuardedTransport(guard)
    return httpx2.AsyncClient(
        headers=dict(headers), timeout=timeout, transport=transport, trust_env=False, follow_redirects=False
    )


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """Connects to nothing that the guard refuses, and reads no more of a response than fits."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(trust_env=False)
        assert hasattr(self, "_pool"), "the pool of the parent is replaced, so it has to be the one that is used"
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(), network_backend=_GuardedBackend(guard)
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask for a response as it is: what is packed may be a thousand times as large when it is not."""
        request.headers["accept-encoding"] = "identity"
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise httpx2.ReadError("The response is packed, and nobody asked for that.")
        assert isinstance(response.stream, httpx2.AsyncByteStream), "the parent's own"
        response.stream = _Bounded(response.stream)
        return response


class _Bounded(httpx2.AsyncByteStream):
    """Breaks off where a server says more than anybody can use."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MCP_RESPONSE_BYTES_MAX:
                raise httpx2.ReadError("The response has no end.")
            yield chunk

    async def aclose(self) -> None:
        """Close the connection, or give it back."""
        await self._stream.aclose()


class _GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Looks a name up, looks at what it means, and connects to exactly that."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first of a name's addresses that may be reached and answers."""
        try:
            async with asyncio.timeout(timeout):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError) as error:
            raise httpcore2.ConnectError("The name is not known.") from error
        addresses = [
            address for address in (str(info[4][0]) for info in found) if self._guard.may_reach(host, address, port)
        ]
        if not addresses:
            raise httpcore2.ConnectError(str(AddressRefused())) from AddressRefused()
        for address in addresses[:-1]:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await self._backend.sleep(seconds)
