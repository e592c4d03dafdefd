"""Everybody who is reading a stream: counted, given a time, and cut where it must be.

A stream of an unfinished run is never ended cleanly: every client takes a clean end for success. It is cut, and a
client that sees a cut comes back with its cursor.
"""

import asyncio

from threadline.api.connection import Connection
from threadline.clock import Clock
from threadline.limits import READER_STALL_SECONDS
from threadline.observe import Metrics, log

CHECK_SECONDS = 1.0


class Open:
    """One stream that is being read. `sending_since` is set while a write to it blocks."""

    __slots__ = ("connection", "expires_at_ms", "has_ended", "is_cut", "is_gone", "sending_since", "task")

    def __init__(
        self, task: "asyncio.Task[None]", connection: Connection | None, expires_at_ms: int | None
    ) -> None:
        self.task = task
        self.connection = connection
        self.expires_at_ms = expires_at_ms
        self.sending_since: float | None = None
        self.is_cut = False
        self.is_gone = False
        self.has_ended = False

    def on_gone(self, receiving: "asyncio.Future[None]") -> None:
        """The client has closed the connection: stop sending to it."""
        if not (self.has_ended or receiving.cancelled()):
            self.is_gone = True
            self.task.cancel()

    def cut(self) -> None:
        """End the stream now, as a broken connection."""
        if not (self.is_cut or self.has_ended):
            self.is_cut = True
            if self.connection is not None:
                self.connection.abort()
            self.task.cancel()


class Readers:
    """The open streams of one node."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._open: set[Open] = set()

    def add(self, stream: Open) -> None:
        """Count a stream in."""
        self._open.add(stream)
        self._metrics.readers = len(self._open)

    def remove(self, stream: Open) -> None:
        """Count a stream out."""
        self._open.discard(stream)
        self._metrics.readers = len(self._open)

    def cut_all(self) -> None:
        """Cut every stream: the process goes down."""
        for stream in list(self._open):
            stream.cut()

    async def watch_forever(self) -> None:
        """Cut who does not read, and whose token has expired. The caller owns the task."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            now, now_ms = self._clock.monotonic(), self._clock.now_ms()
            for stream in list(self._open):
                if stream.sending_since is not None and now - stream.sending_since > READER_STALL_SECONDS:
                    self._metrics.readers_cut += 1
                    log.info("reader_cut", why="it did not read")
                    stream.cut()
                elif stream.expires_at_ms is not None and now_ms >= stream.expires_at_ms:
                    log.info("reader_cut", why="its token has expired")
                    stream.cut()
