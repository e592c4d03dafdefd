"""A token, stop 8 of 8: frames go onto the wire. Before: `dialects/native.py`; next: the client.

A response of our own: it sends bytes that are encoded already, joins what is pending into one write, and holds no
buffer. A write waits for the socket, so a slow reader slows down itself alone. To a reader that keeps up, deltas are
written where they are published; everything else goes by its task.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

from fastapi import Response
from starlette.types import Receive, Scope, Send

from threadline.access.principals import Principal
from threadline.api.connection import Connection
from threadline.api.readers import Asker, Open, Readers, asker_of
from threadline.dialects import native
from threadline.errors import Unavailable
from threadline.events import TERMINAL_TYPES, Entry, MessageDelta
from threadline.ids import RunId
from threadline.journal.tail import Live
from threadline.limits import SSE_JOIN_BYTES_MAX
from threadline.observe import log

Batches = AsyncGenerator[Sequence[Entry], None]
Follow = Callable[[Live | None], Batches]
"""`Tail.follow` of one thread from one cursor."""

STREAM_KEY = "threadline.stream"
"""Where in the scope of a request the application leaves what `finish_stream` is to send."""

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


class Frames(Protocol):
    """Which frames a reader gets for a batch of entries. An empty batch says that there is nothing more for now."""

    is_over: bool
    """Nothing follows what was returned last."""

    def of(self, entries: Sequence[Entry]) -> Iterable[bytes]:
        """Return the writes for a batch, none or several."""
        ...


class ThreadFrames:
    """The frames of a whole thread: replay, one `caught_up`, then live, with heartbeats."""

    __slots__ = ("_cursor", "_is_live", "is_over")

    def __init__(self, after: int) -> None:
        self.is_over = False
        self._cursor = after
        self._is_live = False

    def of(self, entries: Sequence[Entry]) -> Iterable[bytes]:
        """Return the writes for a batch."""
        if entries:
            self._cursor = entries[-1].seq
            return _joined(entries)
        if self._is_live:
            return (native.HEARTBEAT,)
        self._is_live = True
        return (native.caught_up(self._cursor),)


class RunFrames:
    """The frames of one run up to its terminal event, with heartbeats."""

    __slots__ = ("_is_live", "_run_id", "is_over")

    def __init__(self, run_id: RunId) -> None:
        self.is_over = False
        self._run_id = run_id
        self._is_live = False

    def of(self, entries: Sequence[Entry]) -> Iterable[bytes]:
        """Return the writes for a batch."""
        if not entries:
            is_heartbeat, self._is_live = self._is_live, True
            return (native.HEARTBEAT,) if is_heartbeat else ()
        mine = [entry for entry in entries if entry.run_id == self._run_id]
        self.is_over = bool(mine) and mine[-1].type in TERMINAL_TYPES
        return _joined(mine)


def _joined(entries: Sequence[Entry]) -> Iterable[bytes]:
    """Join frames into writes of a bounded size."""
    return (native.frame(entries[0]),) if len(entries) == 1 else _joined_frames(entries)


def _joined_frames(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Join frames into writes of a bounded size, each made when the one before it is on its way."""
    pending: list[bytes] = []
    size = 0
    for entry in entries:
        frame = native.frame(entry)
        if pending and size + len(frame) > SSE_JOIN_BYTES_MAX:
            yield b"".join(pending)
            pending, size = [], 0
        pending.append(frame)
        size += len(frame)
    if pending:
        yield pending[0] if len(pending) == 1 else b"".join(pending)


class EventStream(Response):
    """The answer that is a stream: it hands the stream to `finish_stream`, and the framework's call ends here.

    A stream lives for hours. Below the framework's dozen of frames, with the request and all that it had looked up, a
    reader that waits would cost twice the memory, and each time that it is woken the time to go through them.
    """

    def __init__(
        self,
        follow: Follow,
        frames: Frames,
        readers: Readers,
        principal: Principal,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(None, 200, {**HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._stream = Stream(follow, frames, readers, asker_of(principal))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin the response, and leave the rest of it to whoever called the application."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": native.RETRY, "more_body": True})
        scope[STREAM_KEY] = self._stream


class Unfinished(Protocol):
    """What is left of a response whose head is sent."""

    async def send(self, connection: Connection) -> None:
        """Send it."""
        ...


async def finish_stream(scope: Scope) -> None:
    """Send what the application has left to send. Called outside of it."""
    stream: Unfinished | None = scope.pop(STREAM_KEY, None)
    if stream is not None:
        await stream.send(scope["threadline.connection"])


class Stream:
    """A stream on its connection. Ends cleanly when the frames are over; everything else is a cut."""

    __slots__ = ("_asker", "_follow", "_frames", "_readers")

    def __init__(self, follow: Follow, frames: Frames, readers: Readers, asker: Asker) -> None:
        self._follow = follow
        self._frames = frames
        self._readers = readers
        self._asker = asker

    async def send(self, connection: Connection) -> None:
        """Send the frames until they are over, the client goes, or somebody cuts."""
        task = asyncio.current_task()
        assert task is not None, "a request is handled in a task"
        batches = self._follow(partial(self._write_nowait, connection))
        stream = Open(task, connection, self._asker)
        self._readers.add(stream)
        try:
            with connection.calling_when_lost(task.cancel):
                await self._send(batches, connection)
        except asyncio.CancelledError:
            # The client has gone or somebody has cut: an ordinary end for a reader, whose cursor stays good. Nothing
            # is done in this task after it, so the cancellation ends here.
            connection.abort()
        except Unavailable as error:
            log.info("reader_cut", why=error.detail)
            connection.abort()
        finally:
            self._readers.remove(stream)
            await batches.aclose()

    async def _send(self, batches: Batches, connection: Connection) -> None:
        frames = self._frames
        async for entries in batches:
            self._readers.note_lag(len(entries))
            for frame in frames.of(entries):
                if connection.is_paused:
                    await connection.wait_until_writable()
                connection.write_chunk(frame)
            if frames.is_over:
                break
        await connection.end_response()

    def _write_nowait(self, connection: Connection, entries: Sequence[Entry]) -> bool:
        """Write deltas where they were published. False leaves them to the task, which can wait and can end."""
        for entry in entries:
            if type(entry.event) is not MessageDelta:
                return False
        if not connection.takes_more:
            return False
        self._readers.note_lag(len(entries))
        for frame in self._frames.of(entries):
            connection.write_chunk(frame)
        return True
