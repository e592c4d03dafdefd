"""One stream of a sidebar: its list as it changes, and the threads that it names word for word.

Nudges make it quick and are not relied on: every minute it looks at the beginning of its list by itself.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress

from msgspec import Struct, structs

from threadline.api.connection import Connection
from threadline.api.follows import Follows
from threadline.api.house import House
from threadline.api.presence.room import Seat
from threadline.api.readers import Asker, Open
from threadline.api.sidebar.listing import Listing
from threadline.dialects import native, sidebar
from threadline.errors import Unavailable
from threadline.ids import TenantId, ThreadId
from threadline.limits import HEARTBEAT_SECONDS, SIDEBAR_LOOK_SECONDS
from threadline.observe import log
from threadline.scopes import Scope
from threadline.store.contract import ThreadQuery


class Named(Struct, frozen=True):
    """A thread that is followed word for word, from a checked cursor."""

    scope: Scope
    thread_id: ThreadId
    start: int


class SidebarStream:
    """What `GET /v1/stream` sends. Never ends by itself."""

    def __init__(
        self,
        house: House,
        scope: Scope,
        query: ThreadQuery,
        person: str | None,
        named: Sequence[Named],
        asker: Asker,
    ) -> None:
        self.tenant_id: TenantId = scope.tenant_id
        self.person = person
        self._house = house
        self._scope = scope
        self._query = query
        self._named = named
        self._asker = asker
        self._listing = Listing()
        self._touched: set[ThreadId] = set()
        self._lost: set[ThreadId] = set()
        self._wake = asyncio.Event()
        self._seats: dict[ThreadId, Seat] = {}

    def shows(self, thread_id: ThreadId) -> bool:
        """Whether this thread is in its list, as far as was shown."""
        return thread_id in self._listing

    def touch(self, thread_ids: Sequence[ThreadId]) -> None:
        """Hear that these threads may look otherwise now."""
        self._touched.update(thread_ids)
        self._wake.set()

    def lose(self, thread_ids: Sequence[ThreadId]) -> None:
        """Hear that these threads may not be to be seen any more, whether they were shown or not."""
        self._lost.update(thread_ids)
        self.touch(thread_ids)

    async def send(self, connection: Connection) -> None:
        """Send until the client goes, or somebody cuts."""
        self._connection = connection
        task = asyncio.current_task()
        assert task is not None, "a request is handled in a task"
        self._task = task
        stream = Open(task, connection, self._asker)
        self._house.readers.add(stream)
        self._house.touches.add(self)
        try:
            with connection.calling_when_lost(task.cancel):
                async with asyncio.TaskGroup() as tasks:
                    self._follow(tasks)
                    await self._list_forever()
        except asyncio.CancelledError:
            # As for every reader: its cursors stay good, and the task has nothing else to do.
            connection.abort()
        finally:
            self._house.touches.remove(self)
            self._house.readers.remove(stream)
            for thread_id in list(self._seats):
                self._leave(thread_id)

    # --- the wire, as its follows see it ---

    @property
    def is_paused(self) -> bool:
        """Whether the client does not keep up."""
        return self._connection.is_paused

    @property
    def takes_more(self) -> bool:
        """Whether what is written now goes out without waiting for what was written before."""
        return self._connection.takes_more

    async def wait_until_writable(self) -> None:
        """Sleep until the client has read."""
        await self._connection.wait_until_writable()

    def write(self, data: bytes) -> None:
        """Write whole frames."""
        self._connection.write_chunk(data)

    def _follow(self, tasks: asyncio.TaskGroup) -> None:
        follows = Follows(self._house.engine.tail, self, sidebar, self._house.readers, tasks, self._leave, self._lose)
        for named in self._named:
            follows.begin(named.scope, named.thread_id, named.start)
            self._seats[named.thread_id] = self._house.presence.enter(named.thread_id, self.person, self._show)

    def _leave(self, thread_id: ThreadId) -> None:
        seat = self._seats.pop(thread_id, None)
        if seat is not None:
            self._house.presence.leave(thread_id, seat)

    def _lose(self, error: Unavailable) -> None:
        log.info("sidebar_cut", why=error.detail)
        self._task.cancel()

    def _show(self, kind: str, payload: bytes) -> None:
        self.write(sidebar.told(kind, payload))

    # --- the list ---

    async def _list_forever(self) -> None:
        clock, look_at, is_live = self._house.clock, 0.0, False
        while True:
            try:
                if clock.monotonic() >= look_at:
                    has_more = await self._look()
                    look_at = clock.monotonic() + SIDEBAR_LOOK_SECONDS
                    if not is_live:
                        is_live = True
                        await self._say(sidebar.message("listed", {"type": "listed", "has_more": has_more}))
                await self._look_at_touched()
            except Unavailable:
                # What was missed is seen by the next look.
                look_at = 0.0
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self._wake.wait()
                continue
            await self._say(native.HEARTBEAT)

    async def _look(self) -> bool:
        """Look at the beginning of the list. Returns whether there is more behind it."""
        found = await self._house.engine.threads(self._scope, structs.replace(self._query, limit=self._query.limit + 1))
        first = found[: self._query.limit]
        for said in self._listing.news(first):
            await self._say(sidebar.message(said["type"], said))
        beyond = self._listing.beyond(first)
        if beyond:
            await self._look_at(beyond)
            self._listing.forget(beyond)
        return len(found) > len(first)

    async def _look_at_touched(self) -> None:
        self._wake.clear()
        if self._touched:
            touched, self._touched = list(self._touched), set()
            lost, self._lost = self._lost, set()
            try:
                await self._look_at(touched, lost)
            except Unavailable:
                # No later look at the beginning of the list would find these.
                self._lost |= lost
                self._touched |= lost
                raise

    async def _look_at(self, thread_ids: Sequence[ThreadId], lost: Collection[ThreadId] = ()) -> None:
        among = frozenset(thread_ids)
        found = await self._house.engine.threads(
            self._scope, structs.replace(self._query, among=among, limit=len(among))
        )
        for said in (*self._listing.news(found), *self._listing.gone(among - {thread.id for thread in found}, lost)):
            await self._say(sidebar.message(said["type"], said))

    async def _say(self, frame: bytes) -> None:
        while self.is_paused:
            await self.wait_until_writable()
        self.write(frame)
