"""Connections between clients and nodes: they take time, and they break."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from threadline.engine.engine import Engine
from threadline.errors import ThreadlineError
from threadline.events import Entry
from threadline.ids import TenantId, ThreadId
from threadline.scopes import EndUser, Tenant

from .disk import Disk
from .node import SimNode
from .weather import Weather
from .world import NodeLoop, World

T = TypeVar("T")

SCOPE = Tenant(TenantId("tnt_sim"))
REQUEST_SECONDS = 10.0
"""After this long without an answer a client tries elsewhere."""

LATE_SECONDS = 0.5
"""What a reader who waits may be behind where every nudge arrives: less than a slow poll would take."""


class Cut(Exception):
    """The connection broke, or there never was one. What the node has made of it is not known."""


class Line:
    """One stream from a node to a client: it keeps its order, and may end at any moment."""

    def __init__(self, world: World, weather: Weather, loop: NodeLoop) -> None:
        self._world = world
        self._weather = weather
        self._loop = loop
        self._arrives_at = 0.0
        self._arrived: list[Any] = []
        self._waiter: asyncio.Future[None] | None = None

    def push(self, item: Any) -> None:
        """Send, at the node's end."""
        self._arrives_at = max(self._arrives_at, self._world.now + self._weather.seconds_between())
        self._world.at(self._arrives_at, self._arrive, item)

    def cut(self) -> None:
        """Break; what is on its way may still arrive."""
        self.push(Cut())

    async def next(self) -> Any:
        """Receive, at the client's end. Raises what came in place of an item."""
        if not self._arrived:
            self._waiter = self._loop.create_future()
            await self._waiter
        item = self._arrived.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def _arrive(self, item: Any) -> None:
        self._arrived.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Wire:
    """The way from the clients to the nodes."""

    def __init__(self, world: World, weather: Weather, disk: Disk, nodes: list[SimNode]) -> None:
        self.world = world
        self.nodes = nodes
        self.loop = NodeLoop(world, "clients")
        self._weather = weather
        self.disk = disk

    async def call(self, place: int, work: Callable[[Engine], Awaitable[T]]) -> T:
        """Make a request of the node at a place. Raises Cut, and what the API answers with."""
        line = Line(self.world, self._weather, self.loop)

        async def serve(node: SimNode) -> None:
            line.push(await work(node.engine))

        self.world.after(self._weather.seconds_between(), self._connect, place, line, serve)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                answer: T = await line.next()
                return answer
        except TimeoutError:
            raise Cut from None

    async def follow(
        self, place: int, thread_id: ThreadId, after: int, pace: float, person: str | None = None
    ) -> AsyncGenerator[list[Entry], None]:
        """Follow a thread on the node at a place. Raises Cut, and what the API answers with."""
        scope = SCOPE if person is None else EndUser(SCOPE.tenant_id, person)
        line = Line(self.world, self._weather, self.loop)
        serving: list[asyncio.Task[None]] = []

        async def serve(node: SimNode) -> None:
            start = await node.engine.tail.start_of(scope, thread_id, after)
            await node.engine.see_to_thread(scope, thread_id)
            async with aclosing(node.engine.tail.follow(scope, thread_id, start)) as batches:
                is_waiting, is_removed = False, False
                async for entries in batches:
                    if is_removed:
                        self.world.blame(f"{thread_id}: the stream of {person} goes on after he was removed")
                    is_removed = person is not None and self._ends_for(thread_id, person, entries)
                    if entries:
                        self._check_what_is_shown(entries, is_waiting and not pace)
                    is_waiting = is_waiting or not entries
                    line.push(list(entries))
                    if self._weather.cuts_connection():
                        break
                    await asyncio.sleep(pace)
            line.cut()

        self.world.after(self._weather.seconds_between(), self._connect, place, line, serve, serving)
        try:
            while True:
                yield await line.next()
        finally:
            for task in serving:
                self.world.after(self._weather.seconds_between(), task.cancel)

    def _ends_for(self, thread_id: ThreadId, person: str, entries: Sequence[Entry]) -> bool:
        """Whether these are the last that a person is shown: who takes part no more sees nothing that came after."""
        removed_at = self.disk.removed_at(thread_id, person)
        if removed_at is None or not entries:
            return False
        if entries[-1].seq > removed_at:
            self.world.blame(f"{thread_id}: {person} was removed with {removed_at} and is shown {entries[-1].seq}")
        return entries[-1].seq >= removed_at

    def _check_what_is_shown(self, entries: Sequence[Entry], was_waiting: bool) -> None:
        """Promise 1, at the moment of showing; and where nothing goes wrong, nobody waits for a slow poll."""
        first, last = entries[0], entries[-1]
        if last.seq > self.disk.head(last.thread_id):
            self.world.blame(f"{last.thread_id}: {last.seq} is shown and is not stored")
        elif was_waiting and self._weather.climate.is_prompt:
            late = self.world.now - self.disk.committed_at[first.thread_id][first.seq - 1]
            if late > LATE_SECONDS:
                self.world.blame(f"{first.thread_id}: {first.seq} is shown {late:.2f} seconds after its commit")

    def _connect(
        self,
        place: int,
        line: Line,
        serve: Callable[[SimNode], Awaitable[None]],
        serving: list[asyncio.Task[None]] | None = None,
    ) -> None:
        node = self.nodes[place]
        if not node.is_up or self._weather.cuts_connection():
            line.cut()
            return

        async def guarded() -> None:
            try:
                await serve(node)
            except ThreadlineError as error:
                line.push(error)
            except Exception as error:
                self.world.blame(f"{node.name}: a request failed with {error!r}")
                line.cut()
            finally:
                node.cut.pop(line.cut, None)

        node.cut[line.cut] = None
        task = node.spawn(guarded())
        if serving is not None:
            serving.append(task)
