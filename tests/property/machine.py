"""The real engine, journal and SQLite store in one process, with a provider that says what the test says.

A `World` has its own event loop, so that a Hypothesis state machine, which is synchronous, can step it.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from threadline.bus.memory import MemoryBus
from threadline.clock import SystemClock
from threadline.engine.engine import Engine
from threadline.engine.pack import Packer
from threadline.engine.schedule import RunTimes, Scheduler
from threadline.errors import ProviderOverloaded
from threadline.ids import IdMaker, NodeId, TenantId
from threadline.journal.append import Journal
from threadline.journal.lease import Leases
from threadline.journal.tail import Tail
from threadline.journal.window import Windows
from threadline.observe import Metrics
from threadline.providers.contract import (
    Chunk,
    FinishChunk,
    Prompt,
    ReasoningChunk,
    TextChunk,
    ToolCallChunk,
    ToolInputChunk,
)
from threadline.scopes import Tenant
from threadline.store.contract import Reader
from threadline.store.sqlite.store import SqliteStore

T = TypeVar("T")
SCOPE = Tenant(TenantId("tnt_test"))


class Puppet:
    """A provider that says what it is told, to whichever run is listening."""

    name = "puppet"

    def __init__(self) -> None:
        self.listening: list[asyncio.Queue[Sequence[Chunk] | Exception]] = []

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Sequence[Chunk], None]:
        queue: asyncio.Queue[Sequence[Chunk] | Exception] = asyncio.Queue()
        self.listening.append(queue)
        try:
            while True:
                said = await queue.get()
                if isinstance(said, Exception):
                    raise said
                yield said
                if isinstance(said[-1], FinishChunk):
                    return
        finally:
            self.listening.remove(queue)

    def say(self, which: int, *chunks: Chunk) -> bool:
        """Say something to one of the listening runs; False where nobody listens."""
        if not self.listening:
            return False
        self.listening[which % len(self.listening)].put_nowait(chunks)
        return True

    def fail(self, which: int) -> bool:
        """Fail one of the listening runs."""
        if not self.listening:
            return False
        self.listening[which % len(self.listening)].put_nowait(ProviderOverloaded())
        return True

    async def close(self) -> None:
        """Nothing is open."""


class LiveNode:
    """One life of a node on a file."""

    def __init__(self, path: Path, seed: int) -> None:
        clock = SystemClock()
        ids = IdMaker(clock, random.Random(seed))
        self.puppet = Puppet()
        self.store = SqliteStore(path, clock)
        windows = Windows()
        self.journal = Journal(self.store, MemoryBus(), windows, clock, Metrics(), gather_seconds=0.0)
        self.tail = Tail(self.store, windows)
        self.leases = Leases(self.journal, NodeId(ids.make("node")), 30)
        self.packer = Packer(self.store, self.journal)
        self.scheduler = Scheduler(
            self.store,
            self.journal,
            windows,
            self.leases,
            lambda model: (self.puppet, model),
            self.packer,
            ids,
            clock,
            Metrics(),
            RunTimes(reap_seconds=0.05, attempts_max=3),
        )
        self.engine = Engine(
            self.store, self.journal, self.tail, self.scheduler, lambda send, thread: "puppet/x", ids, clock
        )

    @asynccontextmanager
    async def running(self):
        """Run it; leaving cancels everything where it stands, as a crash does (what is committed stays)."""
        await self.store.open()
        tasks = [asyncio.ensure_future(self.journal.run())]
        await self.leases.renew()
        tasks.append(asyncio.ensure_future(self.scheduler.run()))
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.store.close()


class World:
    """A file, the node that lives on it now, and an event loop to step it with."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self._lives = 0
        self.node = self._born()

    def do(self, work: Awaitable[T]) -> T:
        """Run one operation to its end."""
        return self._loop.run_until_complete(work)

    def settle(self) -> None:
        """Let everything that can happen happen: until two looks at the log agree and nobody is about to write."""

        async def quiet() -> None:
            for _ in range(12):
                await asyncio.sleep(0.002)

        self.do(quiet())

    def crash(self) -> None:
        """Drop the node where it stands, and start another one on the same file."""
        self.do(self._stack.aclose())

        async def forget_old_node() -> None:
            # A new process holds the folder's lock, so nobody else can be alive; what a lapsed lease would say.
            self.node.store._write_connection.execute("DELETE FROM nodes WHERE id != ?", (self.node.leases.node_id,))

        self.node = self._born()
        self.do(forget_old_node())
        self.node.scheduler.poke()

    def read(self, script) -> object:
        """Read from the store."""
        return self.do(self.node.store.read(script))

    def close(self) -> None:
        """End."""
        self.do(self._stack.aclose())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def _born(self) -> LiveNode:
        self._lives += 1
        node = LiveNode(self._path, self._lives)
        self._stack = AsyncExitStack()
        return self.do(self._stack.enter_async_context(node.running()))


def text(words: str, block: int = 0) -> TextChunk:
    """Say a piece of text."""
    return TextChunk(block, words)


__all__ = [
    "SCOPE",
    "FinishChunk",
    "Reader",
    "ReasoningChunk",
    "ToolCallChunk",
    "ToolInputChunk",
    "World",
    "text",
]
