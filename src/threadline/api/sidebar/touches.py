"""Which threads have changed, and whose sidebars are to look again: one look of the node for all of them.

A nudge says that a thread has gone on. Most are about words of answers, which change nothing in a list; what is left is
told to those streams alone in whose lists the thread may be, and each of them asks for it in its own scope.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import structs

from threadline.bus.contract import Nudge
from threadline.errors import Unavailable
from threadline.ids import TenantId, ThreadId
from threadline.observe import log
from threadline.scopes import System
from threadline.store.contract import Reader, Store, TouchedThread

GATHER_SECONDS = 0.1
"""How long to gather nudges before one look. A list is read by people."""

KNOWN_MAX = 10_000
"""Threads of which is remembered how they looked last. One that is forgotten is told of once too often."""

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


class Touches:
    """The sidebars of one node."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: set[Watcher] = set()
        self._touched: set[ThreadId] = set()
        self._is_touched = asyncio.Event()
        self._known: OrderedDict[ThreadId, int] = OrderedDict()

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
                self._known.pop(nudge.thread_id, None)
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

        async def script(reader: Reader) -> list[TouchedThread]:
            return await reader.touched(_TOUCHED, thread_ids)

        try:
            found = await self._store.read(_TOUCHED, script)
        except Unavailable as error:
            # Each stream looks by itself from time to time.
            log.warning("touches_failed", detail=error.detail)
            return
        news = [touched for touched in found if self._is_news(touched)]
        for watcher in list(self._watchers):
            mine = [touched.row.thread.id for touched in news if _concerns(watcher, touched)]
            if mine:
                watcher.touch(mine)

    def _is_news(self, touched: TouchedThread) -> bool:
        # Every word of an answer moves the seq, and nothing else of what a list shows.
        thread = structs.replace(touched.row.thread, seq=0)
        looks = hash((_encode(thread), touched.people, touched.is_deleted))
        before = self._known.pop(thread.id, None)
        self._known[thread.id] = looks
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return looks != before


def _concerns(watcher: Watcher, touched: TouchedThread) -> bool:
    if watcher.tenant_id != touched.row.tenant_id:
        return False
    # Whoever has it in his list looks again also where it is not to be seen any more.
    return watcher.person is None or watcher.person in touched.people or watcher.shows(touched.row.thread.id)
