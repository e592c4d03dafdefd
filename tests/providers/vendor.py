"""A vendor to test against: a real HTTP server on a local port that says what it is told, byte for byte.

It misbehaves on request. Raw asyncio on purpose: no server framework would send half a line, or hang up in the middle.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from support.waiting import PATIENCE_SECONDS

Ending = Literal["clean", "cut", "hang", "mute"]


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


@dataclass(frozen=True)
class Answer:
    """What to answer. `parts` are written one by one, each flushed; a number waits so many seconds.

    `clean` ends the body as HTTP wants it, `cut` closes the connection without that, `hang` says nothing more, and
    `mute` says nothing at all.
    """

    parts: Sequence[bytes | float] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"
    ending: Ending = "clean"


class Vendor:
    """The server. Plays its answers in order, and the last of them again and again."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.connections = 0
        self.hung_up = asyncio.Event()
        """A client closed its connection."""
        self._answers: list[Answer] = [Answer()]
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it is."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    def play(self, *answers: Answer) -> None:
        """Say what comes next."""
        self._answers = list(answers)

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Close everything."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        number = self.connections
        try:
            while await self._exchange(reader, writer, number):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        asked = await _read_request(reader, number)
        if asked is None:
            self.hung_up.set()
            return False
        self.requests.append(asked)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer.ending != "mute":
            writer.write(_head(answer))
        for part in answer.parts:
            if isinstance(part, bytes):
                writer.write(b"%x\r\n%b\r\n" % (len(part), part))
                await writer.drain()
            else:
                await asyncio.sleep(part)
        match answer.ending:
            case "clean":
                writer.write(b"0\r\n\r\n")
                await writer.drain()
                return True
            case "cut":
                return False
            case "hang" | "mute":
                await reader.read(1)
                self.hung_up.set()
                return False


def _head(answer: Answer) -> bytes:
    headers = {"content-type": answer.content_type, "transfer-encoding": "chunked", **answer.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} Whatever\r\n{lines}\r\n".encode()


async def _read_request(reader: asyncio.StreamReader, number: int) -> Asked | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode().strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body, number)


async def until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something has happened."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)
