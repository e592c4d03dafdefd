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
from threadline.store.contract import Reader, Store, ThreadRow, TouchedThread

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
        self._known: OrderedDict[ThreadId, tuple[int | None, frozenset[str]]] = OrderedDict()

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
        if self._watchers:
            self._touched.update(nudge.thread_id for nudge in nudges)
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
        concerned = [(touched.row, self._people_to_tell(touched)) for touched in found]
        for watcher in list(self._watchers):
            mine = [
                row.thread.id for row, people in concerned if people is not None and _concerns(watcher, row, people)
            ]
            if mine:
                watcher.touch(mine)

    def _people_to_tell(self, touched: TouchedThread) -> frozenset[str] | None:
        """Return who is to look again: those who see it and those who saw it. None where it looks as it did."""
        thread_id = touched.row.thread.id
        # Every word of an answer moves the seq, and nothing else of what a list shows.
        thread = structs.replace(touched.row.thread, seq=0)
        looks = hash((_encode(thread), touched.people, touched.is_deleted))
        before, people = self._known.pop(thread_id, (None, frozenset[str]()))
        self._known[thread_id] = looks, touched.people
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return None if looks == before else touched.people | people


def _concerns(watcher: Watcher, row: ThreadRow, people: frozenset[str]) -> bool:
    return watcher.tenant_id == row.tenant_id and (watcher.person is None or watcher.person in people)
