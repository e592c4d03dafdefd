"""One WebSocket connection: uvicorn's, with a way for frames that are made already.

The way through ASGI's `send` would encode each frame again for each socket. Compression is off: the same frame is then
the same bytes for everybody, and a socket needs no window of its own.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from threadline.limits import SOCKET_BUFFER_BYTES_MAX

CLOSED_EXPIRED = 4401
"""Close code: the token or the session has ended, or the key was revoked. Come back with another one."""

CLOSE_SECONDS = 2.0
"""How long a client may take to say goodbye."""


class SocketConnection(WebSocketsSansIOProtocol):
    """Hands itself down to the application, and can be written to and cut."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_lost: Callable[[], None] | None = None
        self._paused_since: float | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever counts connections."""
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()

    def handle_connect(self, event: Request) -> None:
        """Hand the connection down."""
        super().handle_connect(event)
        # The application's task has not begun yet; what is no handshake has no scope.
        if not self.handshake_complete:
            self.scope["threadline.connection"] = self  # type: ignore[typeddict-unknown-key]

    def abort(self) -> None:
        """Break the connection, without waiting for what its client has not read."""
        self.transport.abort()

    def refuse(self) -> bool:
        """Close, because who is asking may not any more. Returns whether the client is told by that."""
        self.end(CLOSED_EXPIRED, "the session has ended, or the key was revoked")
        return True

    def end(self, code: int, reason: str) -> None:
        """Close with a code; who does not answer is cut."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        if self.is_paused:
            self.abort()
            return
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
        # Whoever waits for the client's next message waits for nothing more; the client's goodbye is still read.
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    @property
    def is_paused(self) -> bool:
        """Whether the client does not keep up: more is written than the socket takes."""
        return not self.writable.is_set()

    def paused_seconds(self, now: float) -> float:
        """Return for how long the client has not kept up; 0 where it does. `now` is of the monotonic clock."""
        if not self.is_paused:
            self._paused_since = None
        elif self._paused_since is None:
            self._paused_since = now
        return 0.0 if self._paused_since is None else now - self._paused_since

    @property
    def takes_more(self) -> bool:
        """Whether what is written now goes to the client without waiting for what was written before."""
        return not (self.is_paused or self.close_sent or self.disconnected or self.transport.is_closing())

    async def wait_until_writable(self) -> None:
        """Sleep until the client has read."""
        await self.writable.wait()

    def write(self, data: bytes) -> None:
        """Write whole frames. Whoever lets too much of them lie is cut: some frames wait for nobody's reading."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.transport.write(data)
        if self.transport.get_write_buffer_size() > SOCKET_BUFFER_BYTES_MAX:
            self.abort()


def upgraded(transport: asyncio.Transport) -> SocketConnection:
    """Return the socket that a connection has become."""
    protocol = transport.get_protocol()
    assert isinstance(protocol, SocketConnection), "upgraded a moment ago"
    return protocol
