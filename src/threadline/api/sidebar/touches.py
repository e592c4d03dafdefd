"""Which threads have changed, and whose sidebars are to look again: one look of the node for all of them.

A nudge says that a thread has gone on. Most are about words of answers, which change nothing in a list; what is left is
told to those streams alone in whose lists the thread may be, and each of them asks for it in its own scope.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import Struct, structs

from threadline.bus.contract import Nudge
from threadline.errors import NotFound, Unavailable
from threadline.events import MemberRemoved
from threadline.ids import TenantId, ThreadId
from threadline.observe import log
from threadline.scopes import System, Tenant
from threadline.store.contract import Reader, Store, TouchedThread

GATHER_SECONDS = 0.1
"""How long to gather nudges before one look. A list is read by people."""

KNOWN_MAX = 10_000
"""Threads of which is remembered how they looked last. One that is forgotten is told of once too often."""

REMOVALS_AMONG = 8
"""How many of the newest events of a thread that is new here are looked at for somebody who was just removed."""

_TOUCHED = System("see what of the threads that have gone on is to be seen in lists, and by whom")

_encode = msgspec.json.Encoder().encode


class Watcher(Protocol):
    """A stream of a sidebar. `person` is None for one that sees all threads of its tenant."""

    tenant_id: TenantId
    person: str | None

    def shows(self, thread_id: ThreadId) -> bool:
        """Whether this thread is in its list, as far as was shown."""
        ...

    def touch(self, thread_ids: Sequence[ThreadId]) -> None:
        """Hear that these threads may look otherwise now."""
        ...

    def lose(self, thread_ids: Sequence[ThreadId]) -> None:
        """Hear that these threads may not be to be seen any more, whether they were shown or not."""
        ...


class _Seen(Struct):
    """How a thread looked last, None where that is to be forgotten, and who saw it."""

    looks: int | None
    people: frozenset[str]


class _News(Struct, frozen=True):
    """A thread that looks otherwise, and who sees it no more."""

    touched: TouchedThread
    lost_by: frozenset[str]


class Touches:
    """The sidebars of one node."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: set[Watcher] = set()
        self._touched: set[ThreadId] = set()
        self._is_touched = asyncio.Event()
        self._known: OrderedDict[ThreadId, _Seen] = OrderedDict()

    def add(self, watcher: Watcher) -> None:
        """Tell a stream from here on."""
        self._watchers.add(watcher)

    def remove(self, watcher: Watcher) -> None:
        """Tell it no more."""
        self._watchers.discard(watcher)
        if not self._watchers:
            self._touched.clear()
            self._known.clear()

    def hear(self, nudges: Sequence[Nudge]) -> None:
        """Take nudges, from this node and from the others."""
        if not self._watchers:
            return
        for nudge in nudges:
            self._touched.add(nudge.thread_id)
            if nudge.seq == 0:
                # "Look again": what has changed may be somebody's own, such as how far he has read.
                known = self._known.get(nudge.thread_id)
                if known is not None:
                    known.looks = None
        self._is_touched.set()

    async def look_forever(self) -> None:
        """Look at what was touched. The caller owns the task."""
        while True:
            await self._is_touched.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._is_touched.clear()
            await self._look()

    async def _look(self) -> None:
        thread_ids, self._touched = list(self._touched), set()

        async def script(reader: Reader) -> list[_News]:
            news: list[_News] = []
            for touched in await reader.touched(_TOUCHED, thread_ids):
                before = self._known.get(touched.row.thread.id)
                if before is not None and before.looks == _looks(touched):
                    continue
                were = await _just_removed(reader, touched) if before is None else before.people
                news.append(_News(touched, were - touched.people))
            return news

        try:
            found = await self._store.read(_TOUCHED, script)
        except Unavailable as error:
            # Each stream looks by itself from time to time.
            log.warning("touches_failed", detail=error.detail)
            return
        for news in found:
            self._remember(news.touched)
        for watcher in list(self._watchers):
            mine = [news for news in found if _concerns(watcher, news)]
            lost = [news.touched.row.thread.id for news in mine if _loses(watcher, news)]
            if lost:
                watcher.lose(lost)
            if mine:
                watcher.touch([news.touched.row.thread.id for news in mine])

    def _remember(self, touched: TouchedThread) -> None:
        thread_id = touched.row.thread.id
        self._known.pop(thread_id, None)
        self._known[thread_id] = _Seen(_looks(touched), touched.people)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)


def _looks(touched: TouchedThread) -> int:
    # Every word of an answer moves the seq, and nothing else of what a list shows.
    thread = structs.replace(touched.row.thread, seq=0)
    return hash((_encode(thread), touched.people, touched.is_deleted))


async def _just_removed(reader: Reader, touched: TouchedThread) -> frozenset[str]:
    """Return who was removed from a thread of which nobody here knows who was in it."""
    thread = touched.row.thread
    try:
        scope = Tenant(touched.row.tenant_id)
        entries = await reader.whole_events(scope, thread.id, max(0, thread.seq - REMOVALS_AMONG), REMOVALS_AMONG)
    except NotFound:
        # Deleted: whoever was in it is still written down.
        return frozenset()
    removed = (entry.event.member.end_user_id for entry in entries if isinstance(entry.event, MemberRemoved))
    return frozenset(person for person in removed if person is not None)


def _concerns(watcher: Watcher, news: _News) -> bool:
    row, people = news.touched.row, news.touched.people | news.lost_by
    if watcher.tenant_id != row.tenant_id:
        return False
    # Whoever has it in his list looks again also where it is not to be seen any more.
    return watcher.person is None or watcher.person in people or watcher.shows(row.thread.id)


def _loses(watcher: Watcher, news: _News) -> bool:
    return news.touched.is_deleted or watcher.person in news.lost_by
