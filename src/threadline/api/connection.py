"""One HTTP connection: uvicorn's, with bounds on what a client may hold open without asking for anything."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from threadline.limits import REQUEST_HEAD_SECONDS

HEAD_BYTES_MAX = 64 * 1024
"""A request's line and headers. A token for a hundred threads fits into 16 kB."""


class Connection(HttpToolsProtocol):
    """Closes a connection whose first request does not come, or where the head of one does not end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._paused_since: float | None = None
        self._when_lost: Callable[[], object] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first request its time."""
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer, and tell whoever is writing."""
        self._stop_timer()
        super().connection_lost(exc)
        if self._when_lost is not None:
            self._when_lost()

    def data_received(self, data: bytes) -> None:
        """Count a head that has not ended."""
        if self._head_bytes > HEAD_BYTES_MAX:
            self.send_400_response("The request's head is too large.")
            return
        # Counted after what came before: the first read may carry a small head and much of a large body.
        if self._head_timer is not None:
            self._head_bytes += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Give each further request on the connection the same time and the same room for its head."""
        super().on_message_begin()
        if self._head_timer is None:
            self._begin_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Bound the headers of any request, also of a later one on the same connection."""
        super().on_header(name, value)
        if len(self.headers) > 200 or sum(len(a) + len(b) for a, b in self.headers[-200:]) > HEAD_BYTES_MAX:
            self.send_400_response("The request's head is too large.")

    def on_headers_complete(self) -> None:
        """Hand the transport down, so that a stream can be cut at once and not when its buffer is empty."""
        self._stop_timer()
        self._head_bytes = 0
        self.scope["threadline.connection"] = self  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()

    def refuse(self) -> bool:
        """Say that who is asking may not any more: in mid-stream there are no words for it."""
        return False

    def abort(self) -> None:
        """Break the connection, without waiting for what its client has not read."""
        self._when_lost = None
        # Nobody is there any more for the rest of the response, so that it does not come is no error.
        self.cycle.disconnected = True
        self.transport.abort()

    @contextmanager
    def calling_when_lost(self, call: Callable[[], object]) -> Iterator[None]:
        """Call `call` when the client goes, which may have happened already."""
        self._when_lost = call
        if self.cycle.disconnected:
            call()
        try:
            yield
        finally:
            self._when_lost = None

    async def end_response(self) -> None:
        """End the body of the response that is being streamed, cleanly."""
        await self.cycle.send({"type": "http.response.body", "body": b"", "more_body": False})

    @property
    def is_paused(self) -> bool:
        """Whether the client does not keep up: more is written than the socket takes."""
        return self.flow.write_paused

    def paused_seconds(self, now: float) -> float:
        """Return for how long the client has not kept up; 0 where it does. `now` is of the monotonic clock."""
        if not self.flow.write_paused:
            self._paused_since = None
        elif self._paused_since is None:
            self._paused_since = now
        return 0.0 if self._paused_since is None else now - self._paused_since

    @property
    def takes_more(self) -> bool:
        """Whether what is written now goes to the client without waiting for what was written before."""
        return not (self.flow.write_paused or self.cycle.disconnected or self.transport.is_closing())

    async def wait_until_writable(self) -> None:
        """Sleep until the client has read."""
        await self.flow.drain()

    def write_chunk(self, data: bytes) -> None:
        """Write one chunk of a streamed body whose response has begun.

        The way through ASGI's `send` costs as much again as the write, in wrappers that look at each message.
        """
        if not self.cycle.disconnected:
            self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _begin_head(self) -> None:
        self._head_timer = self.loop.call_later(REQUEST_HEAD_SECONDS, self._close_silent)

    def _close_silent(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
