"""One connection that follows many threads: each from a cursor of its own, all of them over one wire.

Every thread has a task that pulls its tail; they share nothing but the wire, and wait for it one by one. To a client
that keeps up, entries are written where they are published (decision 0008). Whoever is slow goes back to the store.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from threadline.api.readers import Readers
from threadline.errors import NotFound, Unavailable
from threadline.events import Entry, ThreadDeleted
from threadline.ids import ThreadId
from threadline.journal.tail import Tail
from threadline.limits import SSE_JOIN_BYTES_MAX
from threadline.observe import log
from threadline.scopes import Scope


class Wire(Protocol):
    """A connection to a client, as it takes frames."""

    @property
    def is_paused(self) -> bool:
        """Whether the client does not keep up."""
        ...

    @property
    def takes_more(self) -> bool:
        """Whether what is written now goes out without waiting for what was written before."""
        ...

    async def wait_until_writable(self) -> None:
        """Sleep until the client has read."""
        ...

    def write(self, data: bytes) -> None:
        """Write whole frames."""
        ...


class Dialect(Protocol):
    """How things are said on this wire."""

    def frame(self, entry: Entry) -> bytes:
        """Return an entry's frame."""
        ...

    def caught_up(self, thread_id: ThreadId, seq: int) -> bytes:
        """Return what ends the replay of a thread."""
        ...


class Follows:
    """The threads that one connection follows.

    `on_end` hears of each that is followed no more, `on_loss` when the store stays away for too long.
    """

    def __init__(
        self,
        tail: Tail,
        wire: Wire,
        dialect: Dialect,
        readers: Readers,
        tasks: asyncio.TaskGroup,
        on_end: Callable[[ThreadId], None],
        on_loss: Callable[[Unavailable], None],
    ) -> None:
        self._tail = tail
        self._wire = wire
        self._dialect = dialect
        self._readers = readers
        self._tasks = tasks
        self._on_end = on_end
        self._on_loss = on_loss
        self._pumps: dict[ThreadId, asyncio.Task[None]] = {}

    def __contains__(self, thread_id: ThreadId) -> bool:
        return thread_id in self._pumps

    def __len__(self) -> int:
        return len(self._pumps)

    def begin(self, scope: Scope, thread_id: ThreadId, after: int) -> None:
        """Follow a thread from a checked cursor."""
        assert thread_id not in self._pumps, "asked for by the caller"
        self._pumps[thread_id] = self._tasks.create_task(self._pump(scope, thread_id, after))

    def end(self, thread_id: ThreadId) -> bool:
        """Stop following a thread. Returns whether it was followed."""
        pump = self._pumps.pop(thread_id, None)
        if pump is None:
            return False
        pump.cancel()
        self._on_end(thread_id)
        return True

    def end_all(self) -> None:
        """Stop following."""
        for thread_id in list(self._pumps):
            self.end(thread_id)

    async def _pump(self, scope: Scope, thread_id: ThreadId, after: int) -> None:
        batches = self._tail.follow(scope, thread_id, after, self._write_nowait)
        cursor, is_caught_up = after, False
        try:
            async for entries in batches:
                if entries:
                    cursor = entries[-1].seq
                    self._readers.note_lag(len(entries))
                    await self._write(entries)
                elif not is_caught_up:
                    is_caught_up = True
                    await self._wait()
                    self._wire.write(self._dialect.caught_up(thread_id, cursor))
        except NotFound:
            # Deleted, or he was removed, between the look at his cursor and the first read: nothing of it is his.
            log.info("follow_ended", thread_id=thread_id)
        except Unavailable as error:
            self._on_loss(error)
        finally:
            await batches.aclose()
        # Only here by itself: the thread is deleted, its reader was removed, or the store was away.
        if self._pumps.pop(thread_id, None) is not None:
            self._on_end(thread_id)

    async def _write(self, entries: Sequence[Entry]) -> None:
        pending: list[bytes] = []
        size = 0
        for entry in entries:
            frame = self._dialect.frame(entry)
            if pending and size + len(frame) > SSE_JOIN_BYTES_MAX:
                await self._wait()
                self._wire.write(b"".join(pending))
                pending, size = [], 0
            pending.append(frame)
            size += len(frame)
        await self._wait()
        self._wire.write(b"".join(pending))

    async def _wait(self) -> None:
        # Again after waking: another thread's task may have been quicker.
        while self._wire.is_paused:
            await self._wire.wait_until_writable()

    def _write_nowait(self, entries: Sequence[Entry]) -> bool:
        """Write where it is published. False leaves it to the task, which can wait and can end."""
        if not self._wire.takes_more or isinstance(entries[-1].event, ThreadDeleted):
            return False
        self._readers.note_lag(len(entries))
        self._wire.write(b"".join(map(self._dialect.frame, entries)))
        return True
