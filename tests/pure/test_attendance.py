"""Answers that nobody reads: a node that stood still gives the others their time before it says that nobody does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest

from support.waiting import until
from threadline.clock import ManualClock
from threadline.engine.attendance import Attendants
from threadline.ids import RunId, ThreadId
from threadline.store.contract import Attendance

GRACE_SECONDS = 0.4


class Node:
    """A node whose store says for how long nobody has read an answer of its own."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.silent_seconds = 0.0
        self.looks = 0
        self.stopped: list[tuple[RunId, str]] = []
        tail = SimpleNamespace(followed=set[ThreadId](), first_came=asyncio.Event())
        scheduler = SimpleNamespace(stop=lambda run_id, reason: self.stopped.append((run_id, reason)))
        store = SimpleNamespace(read=self._read)
        self.attendants = Attendants(
            *cast(Any, (store, None, tail, scheduler)), clock=self.clock, grace_seconds=GRACE_SECONDS
        )

    async def _read(self, scope: Any, script: Callable[[Any], Any]) -> list[Attendance]:
        self.looks += 1
        return [Attendance(RunId("run_1"), ThreadId("thr_1"), self.silent_seconds)]

    async def look(self) -> None:
        """Wait for two looks: the first one may have begun before."""
        wanted = self.looks + 2

        async def looked() -> bool:
            return self.looks >= wanted

        await until(looked, "two looks")

    async def live(self, seconds: float) -> None:
        """Let so much time pass in steps that no node takes for a standstill."""
        passed = 0.0
        while passed < seconds:
            self.clock.advance(0.2)
            passed += 0.2
            await self.look()


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    """A node that looks, and has done so for longer than a grace period."""
    made = Node()
    looking = asyncio.create_task(made.attendants.run())
    await made.look()
    await made.live(2 * GRACE_SECONDS)
    yield made
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking


async def test_what_nobody_reads_ends(node: Node) -> None:
    """After a whole grace period without a reader anywhere."""
    node.silent_seconds = GRACE_SECONDS
    await node.look()
    assert node.stopped == []
    node.silent_seconds = 2 * GRACE_SECONDS
    await node.look()
    assert set(node.stopped) == {("run_1", "no_readers")}


async def test_who_stood_still_ends_nothing_at_once(node: Node) -> None:
    """Where the machine slept the others could not say that they have readers: they get a whole grace period for it."""
    node.clock.advance(60)
    node.silent_seconds = 60.0
    await node.look()
    assert node.stopped == []
    await node.live(GRACE_SECONDS)
    assert set(node.stopped) == {("run_1", "no_readers")}
