"""A client's end of a WebSocket that hides nothing: every message in its order, and with which code it was closed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import aiohttp

from .client import Client
from .waiting import patience

_ENDS = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


class Socket:
    """An open socket. What has come is kept in `heard`; `closed_with` is the code of its end."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self.connection = connection
        self.heard: list[dict[str, Any]] = []
        self.closed_with: int | None = None
        self._numbers = count(1)
        self._seen = 0
        self._news = asyncio.Condition()
        self._listening = asyncio.create_task(self._listen())

    async def say(self, kind: str, **fields: Any) -> str:
        """Send a request without waiting for its answer. Returns its `ref`."""
        ref = str(next(self._numbers))
        await self.connection.send_str(json.dumps({"type": kind, "ref": ref, **fields}))
        return ref

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send a request; return its answer, which must be none of the errors."""
        found = await self.reply_to(await self.say(kind, **fields))
        assert found["type"] == "answer", found
        return found

    async def refused(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send a request; return the problem of its error, which must come."""
        found = await self.reply_to(await self.say(kind, **fields))
        assert found["type"] == "error", found
        problem: dict[str, Any] = found["error"]
        return problem

    async def reply_to(self, ref: str) -> dict[str, Any]:
        """Wait for the answer or the error that names `ref`."""
        return await self.wait_for(lambda said: said["type"] in ("answer", "error") and said["ref"] == ref)

    async def wait_for(self, wanted: Any) -> dict[str, Any]:
        """Wait for a message that is `wanted`, from the beginning on, and return it."""
        async with patience(), self._news:
            while True:
                for said in self.heard:
                    if wanted(said):
                        return said
                assert self.closed_with is None, f"closed with {self.closed_with}, after {self.heard[-3:]}"
                await self._news.wait()

    async def wait_for_type(self, kind: str, thread_id: str | None = None) -> dict[str, Any]:
        """Wait for the first message of a type."""
        return await self.wait_for(lambda said: said["type"] == kind and thread_id in (None, said.get("thread_id")))

    async def wait_for_close(self) -> int:
        """Wait until the server has closed; return the code."""
        async with patience():
            await self._listening
        assert self.closed_with is not None, "nothing more comes"
        return self.closed_with

    def events(self, thread_id: str) -> list[dict[str, Any]]:
        """Return the events of a thread's log so far: what has a seq and is no `caught_up`."""
        return [
            said
            for said in self.heard
            if said.get("thread_id") == thread_id and "seq" in said and said["type"] not in ("caught_up", "answer")
        ]

    async def _listen(self) -> None:
        while (message := await self.connection.receive()).type not in _ENDS:
            assert message.type is aiohttp.WSMsgType.TEXT, message
            async with self._news:
                self.heard.append(json.loads(message.data))
                self._news.notify_all()
        # What the server has said, also where it was gone before our goodbye: that has a code of its own.
        is_said = message.type is aiohttp.WSMsgType.CLOSE
        await self.connection.close()
        async with self._news:
            self.closed_with = int(message.data) if is_said else self.connection.close_code or 1006
            self._news.notify_all()


@asynccontextmanager
async def open_socket(client: Client, thread_id: str, query: str = "", url: str | None = None) -> AsyncIterator[Socket]:
    """Open a thread's socket."""
    headers = {} if client.key is None else {"authorization": f"Bearer {client.key}"}
    address = f"{url or client.place()}/v1/threads/{thread_id}/socket{query}"
    async with client.session.ws_connect(address, headers=headers, max_msg_size=0, autoclose=False) as connection:
        socket = Socket(connection)
        try:
            yield socket
        finally:
            await connection.close()
            socket._listening.cancel()
            await asyncio.gather(socket._listening, return_exceptions=True)


async def refusal_of(client: Client, thread_id: str, query: str = "") -> int:
    """Try to open a socket that must be refused; return the status."""
    try:
        async with open_socket(client, thread_id, query):
            raise AssertionError("the socket was let in")
    except aiohttp.WSServerHandshakeError as error:
        return error.status
