"""A real HTTP/1.1 server that does what a test's script says: answer, cut, reset, stall, vanish, come back.

Each request takes the next `Answer` of the script; a request that the script does not expect fails the test. The port
stays this server's own while nobody listens on it, so that "connection refused" cannot turn into somebody else's
server.
"""

import asyncio
import json
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Seen:
    """A request as it came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Exchange:
    """One request and the means to answer it."""

    server: "ScriptedServer"
    seen: Seen
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    keep_alive: bool = field(default=True)

    async def reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer."""
        await self._head(status, {"content-length": str(len(body))} | dict(headers or {}), body)

    async def begin(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send the head of a chunked answer."""
        stream = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
        await self._head(status, stream | dict(headers or {}))

    async def piece(self, data: bytes) -> None:
        """Send one chunk of the body."""
        if data:
            self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            await self.writer.drain()

    async def end(self) -> None:
        """End a chunked answer as it should be ended."""
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    def cut(self) -> None:
        """Close the connection, wherever the answer is."""
        self.keep_alive = False
        self.writer.close()

    def reset(self) -> None:
        """Close the connection with a TCP reset."""
        self.keep_alive = False
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def wait_until_gone(self) -> None:
        """Say nothing more, and return when the client has left."""
        self.keep_alive = False
        while await self.reader.read(4096):
            pass

    async def _head(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await self.writer.drain()


Answer = Callable[[Exchange], Awaitable[None]]


class ScriptedServer:
    """Listens on a port of its own. `seen` has every request, in the order in which they came."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.script: deque[Answer] = deque()
        self.otherwise: Answer | None = None
        self.unexpected: list[str] = []
        self._holder = _bound_socket(0)
        self.port: int = self._holder.getsockname()[1]
        self._listener: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        return [seen.line for seen in self.seen]

    def answer(self, *answers: Answer) -> None:
        """Add to the script."""
        self.script.extend(answers)

    async def start(self) -> None:
        """Listen."""
        self._listener = await asyncio.start_server(self._serve, sock=_bound_socket(self.port))

    def vanish(self) -> None:
        """Die: no listener, all connections reset. Connecting is refused until `start`."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for writer in self._connections.values():
            writer.transport.abort()

    async def stop(self) -> None:
        """Die for good, and leave nothing behind."""
        self.vanish()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._holder.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # The client left, or the test is over.
        finally:
            del self._connections[task]
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        exchange = Exchange(self, await _read_request(reader), reader, writer)
        self.seen.append(exchange.seen)
        answer = self.script.popleft() if self.script else self.otherwise
        if answer is None:
            self.unexpected.append(exchange.seen.line)
            await exchange.reply(418)
            return False
        await answer(exchange)
        return exchange.keep_alive


async def _read_request(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    url = urlsplit(target)
    return Seen(method, url.path, dict(parse_qsl(url.query)), headers, body)


def _bound_socket(port: int) -> socket.socket:
    # Two sockets may be bound to one port as long as one of them listens at most: the holder never does.
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock


def reply(status: int = 200, json_body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with JSON."""
    body = b"" if json_body is None else json.dumps(json_body).encode()
    return lambda exchange: exchange.reply(status, body, {"content-type": "application/json"} | dict(headers or {}))


def problem(status: int, code: str, headers: Mapping[str, str] | None = None, **members: object) -> Answer:
    """Answer with an error of the contract."""
    body = {"type": f"https://threadline.dev/problems/{code}", "title": code, "status": status, "code": code} | members
    return reply(status, body, {"content-type": "application/problem+json"} | dict(headers or {}))


def stream(*pieces: bytes, then: str = "end", headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with an event stream; `then` it is ended, cut, reset or left to stall."""

    async def answer(exchange: Exchange) -> None:
        await exchange.begin(headers=headers)
        for piece in pieces:
            await exchange.piece(piece)
        match then:
            case "end":
                await exchange.end()
            case "cut":
                exchange.cut()
            case "reset":
                # A reset may overtake what was sent; the client gets a moment to read it.
                await asyncio.sleep(0.02)
                exchange.reset()
            case "stall":
                await exchange.wait_until_gone()
            case _:
                raise AssertionError(then)

    return answer


async def hang_up(exchange: Exchange) -> None:
    """Take the request and close the connection without a word."""
    exchange.cut()


async def say_nothing(exchange: Exchange) -> None:
    """Take the request and never answer."""
    await exchange.wait_until_gone()
