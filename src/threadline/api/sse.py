"""Stop 8 of a token's way, on this side: frames go onto the wire as server-sent events. Before: `dialects/native.py`.

A response of our own: it sends bytes that are encoded already, joins what is pending into one write, and holds no
buffer. A write waits for the socket, so a slow reader slows down itself alone.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

from fastapi import Response
from starlette.types import Receive, Scope, Send

from threadline.api.readers import Open, Readers
from threadline.clock import Clock
from threadline.dialects import native
from threadline.events import TERMINAL_TYPES, Entry
from threadline.ids import RunId
from threadline.limits import SSE_JOIN_BYTES_MAX

Batches = AsyncGenerator[Sequence[Entry], None]

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


async def thread_frames(batches: Batches, after: int) -> AsyncGenerator[bytes, None]:
    """Yield the frames of a whole thread: replay, one `caught_up`, then live, with heartbeats."""
    cursor, is_live = after, False
    async for entries in batches:
        if entries:
            cursor = entries[-1].seq
            for joined in _joined(entries):
                yield joined
        elif is_live:
            yield native.HEARTBEAT
        else:
            is_live = True
            yield native.caught_up(cursor)


async def run_frames(batches: Batches, run_id: RunId) -> AsyncGenerator[bytes, None]:
    """Yield the frames of one run up to its terminal event, with heartbeats."""
    is_live = False
    async for entries in batches:
        mine = [entry for entry in entries if entry.run_id == run_id]
        for joined in _joined(mine):
            yield joined
        if mine and mine[-1].type in TERMINAL_TYPES:
            return
        if not entries and is_live:
            yield native.HEARTBEAT
        is_live = is_live or not entries


def _joined(entries: Sequence[Entry]) -> Sequence[bytes]:
    """Join frames into writes of a bounded size."""
    if len(entries) == 1:
        return (native.frame(entries[0]),)
    writes: list[bytes] = []
    pending: list[bytes] = []
    size = 0
    for entry in entries:
        frame = native.frame(entry)
        if pending and size + len(frame) > SSE_JOIN_BYTES_MAX:
            writes.append(b"".join(pending))
            pending, size = [], 0
        pending.append(frame)
        size += len(frame)
    if pending:
        writes.append(b"".join(pending))
    return writes


class EventStream(Response):
    """A stream of frames. Ends cleanly when the frames end; everything else is a cut."""

    def __init__(
        self,
        batches: Batches,
        frames: AsyncGenerator[bytes, None],
        readers: Readers,
        clock: Clock,
        expires_at_ms: int | None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(None, 200, {**HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._batches = batches
        self._frames = frames
        self._readers = readers
        self._clock = clock
        self._expires_at_ms = expires_at_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the frames until they end, the client goes, or somebody cuts."""
        task = asyncio.current_task()
        assert task is not None, "an ASGI app runs in a task"
        stream = Open(task, scope.get("threadline.connection"), self._expires_at_ms)
        gone = asyncio.ensure_future(_wait_for_disconnect(receive))
        gone.add_done_callback(stream.on_gone)
        self._readers.add(stream)
        try:
            await self._send(stream, send)
        except asyncio.CancelledError:
            # The client has gone, or somebody has cut: an ordinary end for a reader, whose cursor stays good. The
            # response is left unfinished, so the server closes the connection instead of ending the body.
            if not (stream.is_cut or stream.is_gone):
                raise
        finally:
            self._readers.remove(stream)
            stream.has_ended = True
            gone.cancel()
            await self._frames.aclose()
            await self._batches.aclose()

    async def _send(self, stream: Open, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": native.RETRY, "more_body": True})
        connection = stream.connection
        async for frame in self._frames:
            stream.sending_since = self._clock.monotonic()
            if connection is not None:
                await connection.write_chunk(frame)
            else:
                await send({"type": "http.response.body", "body": frame, "more_body": True})
            stream.sending_since = None
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
