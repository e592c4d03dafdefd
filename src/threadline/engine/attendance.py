"""Ends answers that nobody reads any more, for those who asked for that (`on_disconnect: cancel`).

Whoever reads a thread on any node counts as a reader of its answer. Each node says in the store, a few times in each
grace period, which of these answers it has readers for; the node that makes an answer ends it when nobody has said so
for the whole of one. Nothing of this is a wish of anybody's: the run ends with the code `no_readers`.
"""

import asyncio
import math
from collections.abc import Collection

from threadline.clock import Clock
from threadline.engine.schedule import Scheduler
from threadline.errors import Unavailable
from threadline.ids import ThreadId
from threadline.journal.append import Journal
from threadline.journal.tail import Tail
from threadline.limits import ATTENDANCE_SECONDS_MAX
from threadline.observe import log
from threadline.scopes import System
from threadline.store.contract import Attendance, Store, Transaction

_ATTEND = System("see which answers nobody reads")

LOOKS_PER_GRACE = 4
"""So that one look may fail, and one be late, before a reader is taken for gone."""

LOOKS_APART_SECONDS = 0.25
"""At most that often a node looks because somebody came."""


class Attendants:
    """The looks of one node."""

    def __init__(
        self, store: Store, journal: Journal, tail: Tail, scheduler: Scheduler, clock: Clock, grace_seconds: float
    ) -> None:
        self._store = store
        self._journal = journal
        self._tail = tail
        self._scheduler = scheduler
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._interval = min(grace_seconds / LOOKS_PER_GRACE, ATTENDANCE_SECONDS_MAX)
        self._steady_since = math.inf
        self._looked_at = -math.inf

    async def run(self) -> None:
        """Look for ever; the caller owns the task."""
        while True:
            await self._wait()
            try:
                await self._look()
            except Unavailable as error:
                log.warning("attendance_not_taken", detail=error.detail)
                self._steady_since = math.inf

    async def _wait(self) -> None:
        """Sleep until the next look is due: at once where somebody came, so that he is not taken for nobody."""
        await asyncio.sleep(min(LOOKS_APART_SECONDS, self._interval))
        try:
            async with asyncio.timeout(self._interval):
                await self._tail.first_came.wait()
        except TimeoutError:
            pass
        self._tail.first_came.clear()

    async def _look(self) -> None:
        awaited = await self._store.read(_ATTEND, lambda reader: reader.attendance(_ATTEND))
        # First of all: a node that stood still until now gives the others their time from now on.
        self._note_look()
        if awaited:
            here = self._tail.followed
            await self._tell([each.thread_id for each in awaited if each.thread_id in here])
            self._end_silent(awaited, here)

    async def _tell(self, read_here: list[ThreadId]) -> None:
        async def script(transaction: Transaction) -> None:
            await transaction.note_readers(_ATTEND, read_here)

        if read_here:
            await self._journal.write(_ATTEND, script)

    def _end_silent(self, awaited: list[Attendance], here: Collection[ThreadId]) -> None:
        # While the store was away, or this node was, the others could not say that they have readers either: they get
        # a whole grace period for it.
        if self._clock.monotonic() - self._steady_since < self._grace_seconds:
            return
        for each in awaited:
            if each.silent_seconds > self._grace_seconds and each.thread_id not in here:
                self._scheduler.stop(each.run_id, "no_readers")

    def _note_look(self) -> None:
        now = self._clock.monotonic()
        if now - self._looked_at > 3 * self._interval:
            self._steady_since = now
        self._steady_since = min(self._steady_since, now)
        self._looked_at = now
