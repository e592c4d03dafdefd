"""A token, stop 6 of 8: the one live read. Before: `bus/contract.py`; next: `dialects/native.py`.

Rows and committed entries become a stream of entries again. A reader pulls; nothing is pushed at it and nothing is
buffered for it. Whoever is slow goes back to reading pages of the store by cursor.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from threadline.bus.contract import Nudge
from threadline.errors import BadCursor, NotFound, Unavailable
from threadline.events import Entry, MemberRemoved, ThreadDeleted
from threadline.ids import ThreadId
from threadline.journal.window import Window, Windows
from threadline.limits import HEARTBEAT_SECONDS, LOG_PAGE_BYTES, LOG_PAGE_EVENTS
from threadline.observe import log
from threadline.scopes import EndUser, Scope, System, Tenant
from threadline.store.contract import Reader, Store

FILL_SECONDS = 0.01
"""How long to gather what other nodes tell before one read for all of it."""

OUTAGE_SECONDS = 30
"""How long a reader waits for a store that does not answer before its stream is cut."""

POLL_SECONDS = 2.0
"""How late a reader may be when the bus has lost a nudge."""

_POLL = System("the slow poll behind the bus")
_FILL = System("read what other nodes have written, for all watched threads")


Live = Callable[[Sequence[Entry]], bool]
"""Takes new entries, without waiting, or returns False and has not taken them. May not raise."""


class Tail:
    """The live reads of one node."""

    def __init__(self, store: Store, windows: Windows) -> None:
        self._store = store
        self._windows = windows
        self._told = asyncio.Event()
        self._followers: Counter[ThreadId] = Counter()
        self.first_came = asyncio.Event()
        "Set when a thread gets its first reader. Whoever waits for it clears it."

    @property
    def followed(self) -> Collection[ThreadId]:
        """The threads that somebody reads at this moment, on this node."""
        return self._followers.keys()

    async def start_of(self, scope: Scope, thread_id: ThreadId, cursor: int | None) -> int:
        """Check a cursor before anything is sent: None is "now". Returns the seq to follow from.

        Raises:
            NotFound: no such thread in this scope.
            BadCursor: the cursor is beyond the end of the log, so it was never handed out.
        """

        async def head(reader: Reader) -> int:
            return await reader.head(scope, thread_id)

        end = await self._store.read(scope, head)
        if cursor is None:
            return end
        if cursor > end:
            raise BadCursor(f"The cursor {cursor} is beyond the end of this thread's log, which is at {end}.")
        return cursor

    async def follow(
        self, scope: Scope, thread_id: ThreadId, after: int, live: Live | None = None
    ) -> AsyncGenerator[Sequence[Entry], None]:
        """Yield the entries after the cursor as they come, for ever, without a hole or a repeat.

        An empty batch means "nothing more at the moment": the first one is the moment of having caught up, later
        ones come with each heartbeat. Ends by itself after `thread.deleted`, and for a
        person after the `member.removed` that concerns him.

        `live` is asked first, while the caller waits here and nothing else is due: what it takes is not yielded.
        """
        # Hold the window first and read history after: whatever is committed from here on is either in what the
        # store answers or in the window, so the seam between replay and live has no gap; seqs remove the overlap.
        window = self._windows.hold(thread_id)
        cursor, is_caught_up = after, False

        def take() -> bool:
            nonlocal cursor
            news = window.after(cursor)
            if not news or live is None or _removed_at(scope, news) is not None or not live(news):
                return False
            assert news[0].seq == cursor + 1, "no hole and no repeat between two batches"
            cursor = news[-1].seq
            return True

        if thread_id not in self._followers:
            self.first_came.set()
        self._followers[thread_id] += 1
        try:
            while True:
                entries = window.after(cursor)
                if entries is None:
                    head = window.head
                    entries = await self._owed(scope, thread_id, cursor, is_begun=is_caught_up or cursor > after)
                    if not entries:
                        window.settle(cursor, head)
                if entries:
                    assert entries[0].seq == cursor + 1, "no hole and no repeat between two batches"
                    if (place := _removed_at(scope, entries)) is not None and not await self._reaches(scope, thread_id):
                        yield entries[: place + 1]
                        return
                    cursor = entries[-1].seq
                    yield entries
                    if isinstance(entries[-1].event, ThreadDeleted):
                        return
                elif not is_caught_up:
                    is_caught_up = True
                    yield ()
                elif _has_nothing(window, cursor):
                    await (window.wait_for_wake() if live is None else window.call_while(take))
                    if _has_nothing(window, cursor):
                        yield ()
        finally:
            self._windows.release(thread_id)
            self._followers[thread_id] -= 1
            if not self._followers[thread_id]:
                del self._followers[thread_id]

    async def _owed(self, scope: Scope, thread_id: ThreadId, cursor: int, is_begun: bool) -> Sequence[Entry]:
        """Read a page. Raises NotFound."""
        try:
            return await self._page(scope, thread_id, cursor)
        except NotFound:
            if not isinstance(scope, EndUser) or not is_begun:
                raise
            # Removed while he was behind: what came before that is owed to him, and so is that it has come.
            return await self._page(Tenant(scope.tenant_id), thread_id, cursor)

    async def _reaches(self, scope: Scope, thread_id: ThreadId) -> bool:
        """Whether a thread is in scope now: who was removed long ago may have been invited again since."""

        async def head(reader: Reader) -> int:
            return await reader.head(scope, thread_id)

        try:
            await self._store.read(scope, head)
        except NotFound:
            return False
        return True

    @contextmanager
    def watching(self, thread_id: ThreadId) -> Iterator[None]:
        """Keep what is committed to a thread from here on in memory, for somebody who is about to follow it."""
        self._windows.hold(thread_id)
        try:
            yield
        finally:
            self._windows.release(thread_id)

    async def read(self, scope: Scope, thread_id: ThreadId, after: int, upto: int) -> Sequence[Entry]:
        """Return a stretch of the log at once: from the window where it reaches back, else from the store."""
        window = self._windows.hold(thread_id)
        try:
            held = window.after(after)
        finally:
            self._windows.release(thread_id)
        if held and held[-1].seq >= upto:
            return held[: upto - after]

        async def stretch(reader: Reader) -> list[Entry]:
            return await reader.log(scope, thread_id, after, upto)

        return await self._store.read(scope, stretch)

    def hear(self, nudges: Sequence[Nudge]) -> None:
        """Take nudges from the bus."""
        for nudge in nudges:
            if self._windows.note_head(nudge.thread_id, nudge.seq):
                self._told.set()

    async def fill_forever(self) -> None:
        """Read what other nodes have written, in one read for all watched threads. The caller owns the task."""
        while True:
            await self._told.wait()
            self._told.clear()
            await self._fill()
            await asyncio.sleep(FILL_SECONDS)

    async def poll_forever(self) -> None:
        """Look for what the bus has lost: one read for all watched threads. The caller owns the task."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self._poll()

    async def beat_forever(self) -> None:
        """Wake every reader for its heartbeat. One timer for all of them. The caller owns the task."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self._windows.wake_all()

    async def _poll(self) -> None:
        watched = self._windows.watched()
        if not watched:
            return

        async def heads(reader: Reader) -> dict[ThreadId, int]:
            return await reader.heads(_POLL, watched)

        try:
            found = await self._store.read(_POLL, heads)
        except Unavailable as error:
            log.warning("poll_failed", detail=error.detail)
            return
        self.hear([Nudge(thread_id, seq) for thread_id, seq in found.items()])

    async def _fill(self) -> None:
        behind = self._windows.behind()
        if not behind:
            return

        async def news(reader: Reader) -> list[Entry]:
            return await reader.news(_FILL, behind, LOG_PAGE_EVENTS)

        try:
            self._windows.publish(await self._store.read(_FILL, news))
        except Unavailable as error:
            log.warning("fill_failed", detail=error.detail)
        # What is packed already, or too long for one read, each reader reads for himself.
        self._windows.give_up(behind)

    async def _page(self, scope: Scope, thread_id: ThreadId, cursor: int) -> Sequence[Entry]:
        async def page(reader: Reader) -> list[Entry]:
            return await reader.log(scope, thread_id, cursor, cursor + LOG_PAGE_EVENTS, LOG_PAGE_BYTES)

        for _ in range(OUTAGE_SECONDS):
            try:
                return await self._store.read(scope, page)
            except Unavailable:
                # A database that restarts is no reason to cut a thousand readers, who would all come back at once.
                await asyncio.sleep(1)
        return await self._store.read(scope, page)


def _removed_at(scope: Scope, entries: Sequence[Entry]) -> int | None:
    """Return the place of the event that takes this person out of the thread."""
    if not isinstance(scope, EndUser):
        return None
    for place, entry in enumerate(entries):
        if type(entry.event) is MemberRemoved and entry.event.member.end_user_id == scope.end_user_id:
            return place
    return None


def _has_nothing(window: Window, cursor: int) -> bool:
    entries = window.after(cursor)
    return entries is not None and not entries
