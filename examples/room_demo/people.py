"""Three people, each with another kind of connection. Each keeps what was seen, byte for byte, by its number.

All of them come back by themselves with their cursor, on whatever device they are by then.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from examples.room_demo.server import ASK_SECONDS

RETRY_SECONDS = 0.1
LOST = (httpx.HTTPError, WebSocketException, OSError, EOFError)


class Person:
    """Somebody in the room."""

    def __init__(self, name: str, url: str, token: str, thread_id: str, device: "Device") -> None:
        self.name = name
        self.token = token
        self.seen: dict[int, Any] = {}
        self.device = device
        self.reconnects = 0
        self._url = url
        self._thread_id = thread_id
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    @property
    def cursor(self) -> int:
        """The number of the last event seen."""
        return max(self.seen, default=0)

    def arrive(self) -> None:
        """Open the connection, from where one was."""
        self._task = asyncio.ensure_future(self._watch())

    async def leave(self) -> None:
        """Close the laptop."""
        assert self._task is not None, "whoever leaves has been there"
        self._task.cancel()
        await asyncio.wait([self._task])

    async def wait_for(self, is_it: Callable[[dict[str, Any]], bool], seconds: float = 180) -> dict[str, Any]:
        """Return the first event that is it, seen already or to come."""

        def found() -> dict[str, Any] | None:
            return next((event for event in self.seen.values() if is_it(event)), None)

        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: found() is not None)
        event = found()
        assert event is not None, "just seen"
        return event

    async def _watch(self) -> None:
        while True:
            try:
                async for event in self.device(self._url, self._thread_id, self.token, self.cursor):
                    await self._see(event)
            except LOST:
                self.reconnects += 1
            await asyncio.sleep(RETRY_SECONDS)

    async def _see(self, event: dict[str, Any]) -> None:
        if "seq" not in event or event["type"] == "caught_up":
            return
        assert event["seq"] == self.cursor + 1, f"{self.name} saw {event['seq']} after {self.cursor}"
        async with self._changed:
            self.seen[event["seq"]] = event
            self._changed.notify_all()


Device = Callable[[str, str, str, int], AsyncIterator[dict[str, Any]]]
"""(url, thread, token, cursor) -> the events behind the cursor."""


async def websocket(url: str, thread_id: str, token: str, cursor: int) -> AsyncIterator[dict[str, Any]]:
    """A WebSocket."""
    address = f"{url.replace('http', 'ws', 1)}/v1/threads/{thread_id}/socket?token={token}&after={cursor}"
    async with connect(address, open_timeout=ASK_SECONDS) as socket:
        async for text in socket:
            event: dict[str, Any] = json.loads(text)
            if event.get("thread_id") == thread_id:
                yield event


async def event_stream(url: str, thread_id: str, token: str, cursor: int) -> AsyncIterator[dict[str, Any]]:
    """Server-sent events of one thread, as a browser's EventSource reads them."""
    async for event in _events(f"{url}/v1/threads/{thread_id}/events?token={token}&after={cursor}"):
        yield event


async def sidebar(url: str, thread_id: str, token: str, cursor: int) -> AsyncIterator[dict[str, Any]]:
    """The stream of a whole sidebar, with this one thread in full."""
    async for event in _events(f"{url}/v1/stream?token={token}&threads={thread_id}:{cursor}"):
        if event.get("thread_id") == thread_id:
            yield event


async def _events(address: str) -> AsyncIterator[dict[str, Any]]:
    timeout = httpx.Timeout(ASK_SECONDS)
    async with httpx.AsyncClient(timeout=timeout) as client, client.stream("GET", address) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))
