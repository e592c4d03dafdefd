"""The one client with which tools make requests: guarded, without cookies, redirects or proxies, and bounded."""

import asyncio
from collections.abc import Mapping

import aiohttp
from msgspec import Struct
from yarl import URL

from threadline.limits import TOOL_CONNECT_SECONDS, TOOL_HOSTS_OPEN_MAX, TOOL_RESPONSE_BYTES_MAX
from threadline.tools.network import Guard


class Answer(Struct, frozen=True):
    """What came back. `is_cut` says that there was more of it than is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool


class Outbound:
    """A session for each host, of which the least used ones are closed."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self._sessions: dict[tuple[str, str, int | None], aiohttp.ClientSession] = {}
        self._in_use: dict[aiohttp.ClientSession, int] = {}

    async def post(self, url: URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request and read its answer, up to a bound.

        Raises:
            aiohttp.ClientError: no connection, or it was lost; an AddressRefused is its `os_error` then.
            TimeoutError: no connection in time. For the answer, the caller keeps the time.
        """
        session = self._session(url)
        self._in_use[session] = self._in_use.get(session, 0) + 1
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                data = bytearray()
                async for chunk in response.content.iter_chunked(64 * 1024):
                    data += chunk
                    if len(data) > TOOL_RESPONSE_BYTES_MAX:
                        break
                is_cut = len(data) > TOOL_RESPONSE_BYTES_MAX
                kept = bytes(data[:TOOL_RESPONSE_BYTES_MAX])
                return Answer(response.status, response.headers, kept, is_cut)
        finally:
            self._in_use[session] -= 1
            await self._close_idle()

    async def close(self) -> None:
        """Close all connections."""
        sessions = list(self._sessions.values())
        self._sessions.clear()
        await asyncio.gather(*(session.close() for session in sessions))

    def _session(self, url: URL) -> aiohttp.ClientSession:
        place = (url.scheme, url.host or "", url.port)
        session = self._sessions.pop(place, None)
        if session is None or session.closed:
            session = aiohttp.ClientSession(
                connector=self.guard.connector(url),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, connect=TOOL_CONNECT_SECONDS),
                auto_decompress=False,
                headers={"accept-encoding": "identity", "user-agent": "threadline"},
            )
        # Put back at the end: the first one is the one that was used longest ago.
        self._sessions[place] = session
        return session

    async def _close_idle(self) -> None:
        idle = [place for place, session in self._sessions.items() if not self._in_use.get(session)]
        for place in idle[: max(0, len(self._sessions) - TOOL_HOSTS_OPEN_MAX)]:
            session = self._sessions.pop(place)
            self._in_use.pop(session, None)
            await session.close()
