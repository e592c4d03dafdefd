"""One provider's HTTP: a pool of warm connections, and requests whose answers come as raw bytes.

Comes in: an `HttpRequest`. Goes out: an open `HttpResponse`, whose `read` returns whatever has arrived, as it arrived.
This file is the only one that knows aiohttp's client; whoever brings a quicker source of bytes replaces it here.

The pool opens with its first request, inside the running loop, and closes when nobody has used it for five minutes. A
response that is left before its end takes its connection with it: nothing half-read goes back to the pool.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Final, Literal
from urllib.request import getproxies, proxy_bypass

import aiohttp
from msgspec import Struct
from yarl import URL

from threadline.limits import PROVIDER_POOL_IDLE_SECONDS
from threadline.providers.failures import Failures
from threadline.providers.tap import Tap, open_tap

CONNECT_SECONDS: Final = 10.0
"""To reach a vendor, DNS and TLS included. From anywhere to anywhere takes less than two seconds, or for ever."""

READ_BUFFER_BYTES: Final = 64 * 1024
"""What one stream may have received and not yet read before the vendor is pushed back. aiohttp doubles it."""

ERROR_BODY_SECONDS: Final = 10.0
"""For the body of an error: it is one sentence, and its status has said enough already."""

KEEPALIVE_PROBE_SECONDS: Final = 30
"""A quiet connection is probed this often: routers forget idle connections after one to five minutes without a word."""

UNANSWERED_MS: Final = 30_000
"""How long sent bytes may stay unacknowledged. A forgotten warm connection must not swallow a question for minutes."""


class HttpRequest(Struct, frozen=True):
    """A request. `headers` come on top of the pool's."""

    url: str
    headers: Mapping[str, str]
    body: bytes | AsyncIterator[bytes] = b""
    method: Literal["POST", "DELETE"] = "POST"


class HttpResponse:
    """An open answer. Leaving the `with` closes the connection at once, unless the answer was read to its end."""

    __slots__ = ("_content", "_failures", "_pool", "_response", "_tap", "headers", "is_json", "status")

    def __init__(self, response: aiohttp.ClientResponse, failures: Failures, pool: "Pool") -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._content = response.content
        self._tap: Tap | None = None
        self._failures = failures
        self._pool = pool
        self.is_json = response.content_type == "application/json"
        """Whether the body is one JSON value and no stream. Asked for every read, so it is asked of aiohttp once."""

    async def read(self) -> bytes:
        """Wait for more bytes and return all that have arrived; empty at the end.

        Raises:
            ProviderFailure: the connection broke.
        """
        if self._tap is not None:
            self._tap.close()
            self._tap = None
        try:
            return await self._content.readany()
        except (aiohttp.ClientError, OSError) as error:
            return self._last_words(error)

    def read_nowait(self) -> bytes | None:
        """Return what has arrived, which may be nothing; None where it takes `read` to say what became of it."""
        if self._tap is not None and self._tap.is_open:
            return self._tap.read()
        self._tap = None
        content = self._content
        if content.exception() is not None or content.at_eof():
            return None
        data = content.read_nowait()
        self._tap = open_tap(self._response)
        return data

    async def read_all(self, bytes_max: int) -> bytes:
        """Read to the end, but no more than `bytes_max` (and the rest of the read that passes it)."""
        parts: list[bytes] = []
        while bytes_max > 0 and (part := await self.read()):
            parts.append(part)
            bytes_max -= len(part)
        return b"".join(parts)

    async def read_error(self, bytes_max: int) -> bytes:
        """Read an error's body: as much as comes in time. It is worth less than the status that came before it."""
        body = b""
        try:
            async with asyncio.timeout(ERROR_BODY_SECONDS):
                while len(body) < bytes_max and (part := await self._content.readany()):
                    body += part
        except (aiohttp.ClientError, OSError):
            pass
        return body[:bytes_max]

    def _last_words(self, error: Exception) -> bytes:
        # aiohttp raises a broken connection before it gives out what had arrived until then. A server that hangs up
        # right behind its last event would cost its answer the end, whenever we were too busy to read in between.
        buffer = self._content._buffer
        words = b"".join(buffer)
        buffer.clear()
        if words:
            return words
        raise self._failures.connection(error) from error

    def __enter__(self) -> "HttpResponse":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Synchronous on purpose: a cancelled reader gets no further turn in which something could be awaited.
        self._response.close()
        self._pool.give_back()


class Pool:
    """The warm connections to one provider."""

    def __init__(
        self, failures: Failures, headers: Mapping[str, str], *, idle_seconds: float = PROVIDER_POOL_IDLE_SECONDS
    ) -> None:
        self._failures = failures
        self._headers = headers
        self._idle_seconds = idle_seconds
        self._session: aiohttp.ClientSession | None = None
        self._streams = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._proxies: dict[str, URL | None] = {}

    @property
    def is_open(self) -> bool:
        """Whether there may be warm connections."""
        return self._session is not None

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request and wait for the head of the answer, as long as it takes; waiting is the reader's to end.

        Raises:
            ProviderFailure: no connection, or one that broke.
        """
        session = self._take()
        response: aiohttp.ClientResponse | None = None
        if request.url not in self._proxies:
            # Once for each address, of which there are one or two: it walks the whole environment.
            self._proxies[request.url] = _proxy_for(URL(request.url))
        proxy = self._proxies[request.url]
        try:
            response = await session.request(
                request.method,
                request.url,
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
                read_bufsize=READ_BUFFER_BYTES,
                proxy=proxy,
            )
        except (aiohttp.ClientError, OSError) as error:
            raise self._failures.connection(error) from error
        finally:
            if response is None:
                self.give_back()
        return HttpResponse(response, self._failures, self)

    def _take(self) -> aiohttp.ClientSession:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._streams += 1
        if self._session is None:
            self._session = _new_session(self._headers, self._idle_seconds)
        return self._session

    def give_back(self) -> None:
        """Note that a stream has ended; the last one starts the timer."""
        self._streams -= 1
        assert self._streams >= 0, "more streams ended than began"
        if self._streams == 0 and self._session is not None:
            self._timer = asyncio.get_running_loop().call_later(self._idle_seconds, self._close_idle)

    def _close_idle(self) -> None:
        self._timer = None
        session, self._session = self._session, None
        if session is not None:
            # Held here and awaited by `close`: a timer cannot wait, and nobody else owns this.
            task = asyncio.get_running_loop().create_task(session.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close all connections, open streams too. The next request opens the pool again."""
        if self._timer is not None:
            self._timer.cancel()
        self._close_idle()
        await asyncio.gather(*self._closing)


def _new_session(headers: Mapping[str, str], idle_seconds: float) -> aiohttp.ClientSession:
    # Connections live as long as their pool: five minutes covers the time in which a person reads and writes the next
    # question, and TCP probes keep routers from forgetting them.
    connector = aiohttp.TCPConnector(
        limit=0, keepalive_timeout=idle_seconds, ttl_dns_cache=60, socket_factory=_new_socket
    )
    timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS)
    return aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers=headers, cookie_jar=aiohttp.DummyCookieJar()
    )


def _new_socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {
        "TCP_KEEPIDLE": KEEPALIVE_PROBE_SECONDS,
        "TCP_KEEPINTVL": KEEPALIVE_PROBE_SECONDS // 3,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": UNANSWERED_MS,
    }
    for name, value in options.items():
        if hasattr(socket, name):  # Not every system has them all.
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made


def _proxy_for(url: URL) -> URL | None:
    """Return the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name.

    aiohttp's own `trust_env` would also read ~/.netrc, in a thread for each request, and refuse the request if that
    has an entry for the vendor.
    """
    proxy = getproxies().get(url.scheme)
    if not proxy or proxy_bypass(url.host or ""):
        return None
    return URL(proxy)
