"""Everybody who is reading a stream: counted, given a time, and cut where it must be.

A stream of an unfinished run is never ended cleanly: every client takes a clean end for success. It is cut, and a
client that sees a cut comes back with its cursor.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from fastapi import Request
from msgspec import Struct

from threadline.access.principals import Principal
from threadline.api.connection import Connection
from threadline.clock import Clock
from threadline.ids import KeyId, SessionId, TenantId
from threadline.limits import READER_STALL_SECONDS
from threadline.observe import Metrics, log

CHECK_SECONDS = 1.0


class Connected(Protocol):
    """A client's connection, as far as somebody who watches it is concerned."""

    def paused_seconds(self, now: float) -> float:
        """Return for how long the client has not kept up; 0 where it does. `now` is of the monotonic clock."""
        ...

    def abort(self) -> None:
        """Break the connection, without waiting for what its client has not read."""
        ...

    def refuse(self) -> bool:
        """Close, because who is asking may not any more. Returns False where that cannot be told, only cut."""
        ...


class Asker(Struct, frozen=True, gc=False):
    """Who has opened a stream: what is kept of a principal for as long as somebody reads."""

    tenant_id: TenantId
    key_id: KeyId | None
    session: SessionId | None
    expires_at_ms: int | None


def asker_of(principal: Principal) -> Asker:
    """Return what is kept of who is asking."""
    return Asker(principal.scope.tenant_id, principal.key_id, principal.session, principal.expires_at_ms)


class Open:
    """One stream that is being read."""

    __slots__ = ("asker", "connection", "task")

    def __init__(self, task: "asyncio.Task[Any]", connection: Connected | None, asker: Asker) -> None:
        self.task = task
        self.connection = connection
        self.asker = asker

    def has_expired(self, now_ms: int) -> bool:
        """Whether its token or session has come to its end."""
        expires_at_ms = self.asker.expires_at_ms
        return expires_at_ms is not None and now_ms >= expires_at_ms

    def is_stalled(self, now: float) -> bool:
        """Whether its client has not read for too long."""
        return self.connection is not None and self.connection.paused_seconds(now) > READER_STALL_SECONDS

    def refuse(self) -> None:
        """End the stream now: who has opened it may not any more."""
        if self.connection is None or not self.connection.refuse():
            self.cut()

    def cut(self) -> None:
        """End the stream now, as a broken connection."""
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

    def note_lag(self, events: int) -> None:
        """Count by how many events a reader was behind when it pulled; at most a page of the log."""
        self._metrics.reader_lag.observe(events)

    @contextmanager
    def waiting(self, request: Request, principal: Principal) -> Iterator[None]:
        """Count a request in that waits for the end of a run: it is cut with the streams, and for the same reasons.

        A client that goes does not wait any more: it is no reader of the answer.
        """
        task = asyncio.current_task()
        assert task is not None, "a request is handled in a task"
        connection: Connection = request.scope["threadline.connection"]
        waits = Open(task, connection, asker_of(principal))
        self.add(waits)
        try:
            with connection.calling_when_lost(task.cancel):
                yield
        finally:
            self.remove(waits)

    def credentials(self) -> tuple[set[SessionId], set[KeyId]]:
        """Return the sessions and the keys that streams were opened with; a token counts as its key."""
        askers = [stream.asker for stream in self._open]
        return {each.session for each in askers if each.session}, {each.key_id for each in askers if each.key_id}

    def cut_those(self, ended: Collection[str]) -> None:
        """Cut every stream that was opened with one of these sessions or keys, or with a token of such a key."""
        for stream in list(self._open):
            if stream.asker.session in ended or stream.asker.key_id in ended:
                log.info("reader_cut", why="its session has ended, or its key was revoked")
                stream.refuse()

    def by_tenant(self) -> dict[str, int]:
        """Return how many streams are open for each tenant."""
        return Counter(stream.asker.tenant_id for stream in self._open)

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
                if stream.is_stalled(now):
                    self._metrics.readers_cut += 1
                    log.info("reader_cut", why="it did not read")
                    stream.cut()
                elif stream.has_expired(now_ms):
                    log.info("reader_cut", why="its token has expired")
                    stream.cut()
