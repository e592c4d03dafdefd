"""The real engine, journal and store in one process, with a provider that says what the test says.

A `World` has its own event loop, so that a Hypothesis state machine, which is synchronous, can step it. Between two
steps the loop stands still: whatever is on its way then (a commit, a half claimed run) is on its way when the next
step begins, or when the node is dropped.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, TypeVar

from support.toolboxes import GivenTools
from support.waiting import PATIENCE_SECONDS
from threadline.bus.memory import MemoryBus
from threadline.clock import SystemClock
from threadline.engine.engine import Engine
from threadline.engine.pack import Packer
from threadline.engine.schedule import RunTimes, Scheduler
from threadline.errors import NotFound, ProviderFailure, ProviderOverloaded, Unavailable
from threadline.events import Entry
from threadline.ids import IdMaker, NodeId, TenantId, ThreadId
from threadline.journal.append import Journal
from threadline.journal.lease import Leases
from threadline.journal.tail import Tail
from threadline.journal.window import Windows
from threadline.observe import Metrics
from threadline.providers.contract import Chunk, FinishChunk, Prompt
from threadline.scopes import Scope, System, Tenant
from threadline.store.contract import Committed, DeltaRow, ReadScript, Store, Write

from .workshop import Workshop

T = TypeVar("T")
SCOPE = Tenant(TenantId("tnt_test"))
SYSTEM = System("a test")

MakeStore = Callable[[], Store]
"""Makes one more store on the same data."""

PATIENCE_STEPS = 4000
"""Looks, a millisecond apart, before something that must happen is said not to happen."""


class Speech:
    """What one run hears. Yields what is said; what has been said already can also be polled for."""

    def __init__(self, puppet: "Puppet") -> None:
        self._puppet = puppet
        self._said: asyncio.Queue[Sequence[Chunk] | ProviderFailure] = asyncio.Queue()
        self._is_over = False
        puppet.listening.append(self)

    def say(self, said: Sequence[Chunk] | ProviderFailure) -> None:
        """Say something, or fail."""
        self._said.put_nowait(said)

    def __aiter__(self) -> "Speech":
        return self

    async def __anext__(self) -> Sequence[Chunk]:
        if self._is_over:
            raise StopAsyncIteration
        said = await self._said.get()
        if isinstance(said, ProviderFailure):
            raise said
        self._is_over = isinstance(said[-1], FinishChunk)
        return said

    async def aclose(self) -> None:
        """Nobody listens any more."""
        if self in self._puppet.listening:
            self._puppet.listening.remove(self)


class PolledSpeech(Speech):
    """The same, read the way that the fast providers are read."""

    def poll(self) -> Sequence[Chunk] | None:
        """Return what has been said since, without waiting; None for what only the generator can tell."""
        if self._is_over or self._said.empty():
            return None if self._is_over else ()
        if isinstance(self._said._queue[0], ProviderFailure):  # type: ignore[attr-defined]
            return None
        said = self._said.get_nowait()
        assert not isinstance(said, ProviderFailure), "looked at before"
        self._is_over = isinstance(said[-1], FinishChunk)
        return said


class Puppet:
    """A provider that says what it is told, to whichever run is listening."""

    name = "puppet"

    def __init__(self, is_polled: bool) -> None:
        self.listening: list[Speech] = []
        self._speech = PolledSpeech if is_polled else Speech

    def stream(self, prompt: Prompt) -> Any:
        """Begin to listen."""
        return self._speech(self)

    def say(self, which: int, *chunks: Chunk) -> None:
        """Say something to one of the listening runs, if there is one."""
        if self.listening:
            self.listening[which % len(self.listening)].say(chunks)

    def fail(self, which: int) -> None:
        """Fail one of the listening runs, if there is one."""
        if self.listening:
            self.listening[which % len(self.listening)].say(ProviderOverloaded())

    async def close(self) -> None:
        """Nothing is open."""


class Wrapped:
    """A store with something before it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def has_one_writer(self) -> bool:
        """Whether the store behind it has."""
        return self._store.has_one_writer

    async def open(self) -> None:
        """Open."""
        await self._store.open()

    async def close(self) -> None:
        """Close."""
        await self._store.close()

    async def read(self, scope: Scope | System, script: ReadScript[T]) -> T:
        """Read."""
        return await self._store.read(scope, script)

    async def commit(self, deltas: Sequence[DeltaRow], writes: Sequence[Write[Any]]) -> Committed:
        """Commit."""
        return await self._store.commit(deltas, writes)

    async def is_healthy(self) -> bool:
        """Whether the store behind it is."""
        return await self._store.is_healthy()


class Disk(Wrapped):
    """A store on a disk that can be full."""

    is_full = False

    async def commit(self, deltas: Sequence[DeltaRow], writes: Sequence[Write[Any]]) -> Committed:
        """Commit, where there is room."""
        if self.is_full:
            raise Unavailable("The disk is full.")
        return await super().commit(deltas, writes)


class LiveNode:
    """One life of a node on its data."""

    def __init__(self, store: Store, seed: int, workshop: Workshop, is_polled: bool = False) -> None:
        clock = SystemClock()
        self.ids = ids = IdMaker(clock, random.Random(seed))
        self.puppet = Puppet(is_polled)
        self.store = Disk(store)
        self.metrics = Metrics()
        self.windows = Windows()
        self.journal = Journal(self.store, MemoryBus(), self.windows, clock, self.metrics, gather_seconds=0.0)
        self.tail = Tail(self.store, self.windows)
        # Renewed often: the renewal is also what finds out that a disk has room again when nobody else writes.
        self.leases = Leases(self.journal, NodeId(ids.make("node")), 0.15, clock)
        self.packer = Packer(self.store, self.journal)
        self.scheduler = Scheduler(
            self.store,
            self.journal,
            self.windows,
            self.leases,
            lambda model: (self.puppet, model),
            self.packer,
            ids,
            clock,
            self.metrics,
            RunTimes(reap_seconds=0.05, attempts_max=3),
            GivenTools(*workshop.tools()),
        )
        self.engine = Engine(
            self.store, self.journal, self.tail, self.scheduler, lambda send, thread: "puppet/x", ids, clock
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["LiveNode"]:
        """Run it; leaving cancels everything where it stands, as a crash does (what is committed stays)."""
        await self.store.open()
        tasks = [asyncio.ensure_future(self.journal.run())]
        if self.store.has_one_writer:
            await self.leases.begin_alone()
        else:
            # What an earlier life had is free when its time is up.
            await self.leases.renew()
        tasks += [asyncio.ensure_future(room) for room in (self.leases.renew_forever(), self.scheduler.run())]
        try:
            yield self
        finally:
            tasks += self.journal._beside
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.store.close()


class Follower:
    """A client that follows a thread, over restarts, with nothing but its last seq."""

    def __init__(self, thread_id: ThreadId, after: int) -> None:
        self.thread_id = thread_id
        self.after = after
        self.seen: list[Entry] = []
        self.has_ended = False
        self._task: asyncio.Task[None] | None = None

    def follow(self, tail: Tail) -> None:
        """Begin, or go on where the last node was lost."""
        cursor = self.seen[-1].seq if self.seen else self.after
        self._task = asyncio.get_event_loop().create_task(self._read(tail, cursor))

    async def end(self) -> None:
        """Read on until the stream ends by itself."""
        assert self._task is not None, "followed before"
        await asyncio.wait([self._task], timeout=PATIENCE_SECONDS)

    async def leave(self) -> None:
        """Stop reading."""
        assert self._task is not None, "followed before"
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            raise error

    async def _read(self, tail: Tail, cursor: int) -> None:
        async with aclosing(tail.follow(SCOPE, self.thread_id, cursor)) as batches:
            async for entries in batches:
                self.seen.extend(entries)
        self.has_ended = True


class World:
    """Some data, the node that lives on it now, those who follow it, and an event loop to step it all with."""

    def __init__(self, make_store: MakeStore) -> None:
        self._make_store = make_store
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._stack = AsyncExitStack()
        self._lives = 0
        self.followers: list[Follower] = []
        self.workshop = Workshop()
        self.node = self._born()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one operation to its end."""
        return self._loop.run_until_complete(work)

    def read(self, script: ReadScript[T]) -> T:
        """Read from the store."""
        return self.do(self.node.store.read(SYSTEM, script))

    def follow(self, thread_id: ThreadId, after: int) -> None:
        """Let one more client follow."""
        self.followers.append(Follower(thread_id, after))

        async def begin() -> None:
            self.followers[-1].follow(self.node.tail)

        self.do(begin())

    def settle(self, thread_id: ThreadId) -> None:
        """Let happen what can happen by itself: until the log stands still and nobody is about to write."""

        async def quiet() -> None:
            still, head = 0, -1
            for _ in range(PATIENCE_STEPS):
                await asyncio.sleep(0.001)
                now = await self._head(thread_id)
                still = still + 1 if now == head and self.node.journal._is_idle() else 0
                head = now
                if still >= 5:
                    return
            raise AssertionError("it does not come to rest")

        self.do(quiet())

    def crash(self) -> None:
        """Drop the node where it stands, and start another one on the same data."""
        self.do(self._leave_and_stop())
        self.node = self._born()
        self.node.scheduler.poke()

    def restart(self) -> None:
        """Tell the node to stop, with no patience, and start another one."""
        self.do(self.node.scheduler.drain(0))
        self.crash()

    def close(self) -> None:
        """End."""
        self.do(self._leave_and_stop())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        asyncio.set_event_loop(None)

    async def _leave_and_stop(self) -> None:
        for follower in self.followers:
            await follower.leave()
        await self._stack.aclose()

    async def _head(self, thread_id: ThreadId) -> int:
        try:
            return await self.node.store.read(SYSTEM, lambda reader: reader.head(SCOPE, thread_id))
        except NotFound:
            return 0

    def _born(self) -> LiveNode:
        self._lives += 1
        # Every other life reads its provider the other way.
        node = LiveNode(self._make_store(), self._lives, self.workshop, is_polled=self._lives % 2 == 0)
        self._stack = AsyncExitStack()

        async def begin() -> None:
            await self._stack.enter_async_context(node.running())
            for follower in self.followers:
                if not follower.has_ended:
                    follower.follow(node.tail)

        self.do(begin())
        return node
