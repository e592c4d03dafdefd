"""Promises 2, 3 and 10: every reader, on every node, from every cursor, gets the whole log once, whatever the bus does."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest

from threadline.bus.contract import Nudge
from threadline.bus.memory import Exchange, MemoryBus
from threadline.errors import BadCursor, NotFound
from threadline.events import Entry
from threadline.ids import ThreadId
from threadline.journal import tail as tail_module
from threadline.journal import window as window_module
from threadline.journal.tail import Tail
from threadline.journal.window import Windows
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Store

from .machine import SCOPE, MakeStore
from .test_writer import AN_HOUR, Desk, Words, until


class Weather(Exchange):
    """A network between nodes that loses, repeats, delays and reorders what is told."""

    def __init__(self, seed: int, losses: float) -> None:
        super().__init__()
        self._source = random.Random(seed)
        self._losses = losses
        self._late: list[tuple[MemoryBus, Nudge]] = []

    def tell(self, sender: MemoryBus, nudges: Sequence[Nudge]) -> None:
        """Deliver some of it, some of it twice, some of it much later, and some things that are not so."""
        self._late += [(sender, nudge) for nudge in nudges for _ in range(self._source.randint(0, 2))]
        self._source.shuffle(self._late)
        now, self._late = self._late[:3], self._late[3:]
        for bus, nudge in now:
            if self._source.random() >= self._losses:
                super().tell(bus, [nudge, Nudge(nudge.thread_id, 0), Nudge(ThreadId("thr_none"), 7)])


class Reading:
    """A reader of a thread, which may be slow, and may take part of what comes without being woken."""

    def __init__(
        self, tail: Tail, thread_id: ThreadId, after: int, pause: float = 0.0, picky: random.Random | None = None
    ) -> None:
        self.after = after
        self.seen: list[Entry] = []
        self.taken_live = 0
        self._picky = picky
        self.caught_up_at: int | None = None
        self._pause = pause
        self._task = asyncio.get_running_loop().create_task(self._read(tail, thread_id))

    async def stop(self) -> None:
        """Read no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self, tail: Tail, thread_id: ThreadId) -> None:
        live = None if self._picky is None else self._take
        async with aclosing(tail.follow(SCOPE, thread_id, self.after, live)) as batches:
            async for entries in batches:
                if not entries and self.caught_up_at is None:
                    self.caught_up_at = self.seen[-1].seq if self.seen else self.after
                self.seen.extend(entries)
                await asyncio.sleep(self._pause)

    def _take(self, entries: Sequence[Entry]) -> bool:
        assert self._picky is not None
        if self._picky.random() < 0.3:
            return False
        self.seen.extend(entries)
        self.taken_live += len(entries)
        return True


@asynccontextmanager
async def another_node(store: Store, exchange: Exchange) -> AsyncIterator[Tail]:
    """A node that reads the same data, and hears of it over the bus alone."""
    await store.open()
    tail, bus = Tail(store, Windows()), MemoryBus(exchange)
    await bus.open(tail.hear)
    filling = asyncio.get_running_loop().create_task(tail.fill_forever())
    yield tail
    filling.cancel()
    await asyncio.gather(filling, return_exceptions=True)
    await bus.close()
    await store.close()


@pytest.mark.parametrize("losses", [0.0, 0.5, 1.0], ids=["nothing lost", "half lost", "all lost"])
@pytest.mark.parametrize("seed", range(3))
async def test_the_bus_costs_time_and_never_words(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch, seed: int, losses: float
) -> None:
    """Readers near and far, quick and slow, over tiny windows and pages, with whatever is left of the bus."""
    monkeypatch.setattr(window_module, "WINDOW_BYTES_MAX", 4000)
    monkeypatch.setattr(tail_module, "LOG_PAGE_EVENTS", 7)
    monkeypatch.setattr(tail_module, "POLL_SECONDS", 0.01)
    source = random.Random(seed)
    exchange = Weather(seed, losses)
    async with Desk(make_store(), 0.0, exchange).at_work() as desk, another_node(make_store(), exchange) as far:
        polling = asyncio.get_running_loop().create_task(far.poll_forever())
        words = Words(await desk.attempt())
        readings: list[Reading] = []
        for place in range(120):
            if source.random() < 0.5:
                words.say(desk.journal, f"{place} ", urgent=True)
            else:
                await desk.journal.write(SCOPE, desk.tells(str(place)))
            if place % 15 == 0:
                end = len(await desk.log())
                for tail in (desk.tail, far):
                    pause = source.choice([0.0, 0.0, 0.004])
                    picky = source.choice([None, source])
                    readings.append(Reading(tail, desk.thread_id, source.randint(0, end), pause, picky))
            if source.random() < 0.3:
                await asyncio.sleep(0.002)
        # However far behind the others are: somebody who keeps up takes what comes.
        readings.append(Reading(desk.tail, desk.thread_id, 0, picky=source))
        while not readings[-1].taken_live:
            await until(lambda: readings[-1].caught_up_at is not None)
            await desk.journal.write(SCOPE, desk.tells("more"))
            await asyncio.sleep(0.001)
        await desk.journal.write(SCOPE, desk.tells("the end"), words)
        log = await desk.log()
        assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
        await until(lambda: all(len(one.seen) >= len(log) - one.after for one in readings))
        for reading in readings:
            assert reading.seen == log[reading.after :]
            assert reading.caught_up_at is None or reading.caught_up_at <= len(log)
            await reading.stop()
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)


async def test_a_nudge_wakes_a_reader_on_another_node(make_store: MakeStore) -> None:
    """With the bus alone, and no poll: what one node has written, another one's readers get at once."""
    exchange = Exchange()
    async with Desk(make_store(), 0.0, exchange).at_work() as desk, another_node(make_store(), exchange) as far:
        reading = Reading(far, desk.thread_id, 1)
        await until(lambda: reading.caught_up_at == 1)
        for seq in (2, 3):
            assert await desk.journal.write(SCOPE, desk.tells("t")) == seq
            await until(lambda seq=seq: len(reading.seen) == seq - 1)
        await reading.stop()


async def test_being_caught_up_is_said_once_and_after_the_replay(make_store: MakeStore) -> None:
    """The first empty batch comes when nothing is left to replay, and never before it."""
    async with Desk(make_store(), 0.0).at_work() as desk:
        for _ in range(20):
            await desk.journal.write(SCOPE, desk.tells("t"))
        batches = desk.tail.follow(SCOPE, desk.thread_id, 0)
        seen: list[Entry] = []
        async for entries in batches:
            if not entries:
                break
            seen.extend(entries)
        assert len(seen) == 21
        await batches.aclose()


async def test_whoever_takes_live_is_asked_before_anybody_is_woken(make_store: MakeStore) -> None:
    """What is taken live is not yielded, what is refused is, and a beat comes through in between."""
    async with Desk(make_store(), 0.0).at_work() as desk:
        taken: list[Entry] = []

        def take(entries: Sequence[Entry]) -> bool:
            if len(taken) == 2:
                return False
            taken.extend(entries)
            return True

        batches = desk.tail.follow(SCOPE, desk.thread_id, 1, take)
        assert await anext(batches) == ()
        waiting = asyncio.get_running_loop().create_task(anext(batches))
        await asyncio.sleep(0.02)
        for _ in range(2):
            await desk.journal.write(SCOPE, desk.tells("t"))
        assert [entry.seq for entry in taken] == [2, 3]
        assert not waiting.done()
        desk.windows.wake_all()
        assert await waiting == ()
        waiting = asyncio.get_running_loop().create_task(anext(batches))
        await asyncio.sleep(0.02)
        await desk.journal.write(SCOPE, desk.tells("t"))
        assert [entry.seq for entry in await waiting] == [4]
        await batches.aclose()


async def test_a_heartbeat_is_an_empty_batch_for_whoever_waits(make_store: MakeStore) -> None:
    """A quiet thread gives its readers an empty batch with each beat, and nothing else."""
    async with Desk(make_store(), 0.0).at_work() as desk:
        batches = desk.tail.follow(SCOPE, desk.thread_id, 1)
        assert await anext(batches) == ()
        waiting = asyncio.get_running_loop().create_task(anext(batches))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        desk.windows.wake_all()
        assert await waiting == ()
        await batches.aclose()


async def test_a_reader_that_has_left_leaves_nothing_behind(make_store: MakeStore) -> None:
    """A thread without readers and without a running answer has no window: an idle thread costs no memory."""
    async with Desk(make_store(), 0.0).at_work() as desk:
        readings = [Reading(desk.tail, desk.thread_id, 0) for _ in range(5)]
        await until(lambda: all(reading.caught_up_at == 1 for reading in readings))
        assert len(desk.windows) == 1
        for reading in readings:
            await reading.stop()
        assert len(desk.windows) == 0


@pytest.mark.parametrize(("cursor", "start"), [(0, 0), (1, 1), (3, 3), (None, 3)])
async def test_a_cursor_that_was_handed_out_is_taken(make_store: MakeStore, cursor: int | None, start: int) -> None:
    """Any seq up to the end, and "now"; live words count, though they stand in no row of the thread."""
    async with Desk(make_store(), AN_HOUR).at_work() as desk:
        words = Words(await desk.attempt())
        words.say(desk.journal, "two")
        words.say(desk.journal, "three", urgent=True)
        await until(lambda: len(words.settled) == 2)
        assert await desk.tail.start_of(SCOPE, desk.thread_id, cursor) == start
        with pytest.raises(BadCursor):
            await desk.tail.start_of(SCOPE, desk.thread_id, 4)


async def test_nobody_follows_somebody_elses_thread(make_store: MakeStore) -> None:
    """The live read asks for whom: a stranger's cursor is not found, before anything is sent, and nor is a replay."""
    stranger: Scope = EndUser(SCOPE.tenant_id, "bob")
    async with Desk(make_store(), 0.0).at_work() as desk:
        reading = Reading(desk.tail, desk.thread_id, 0)
        await until(lambda: reading.caught_up_at == 1)
        for cursor in (0, 1, None):
            with pytest.raises(NotFound):
                await desk.tail.start_of(stranger, desk.thread_id, cursor)
        with pytest.raises(NotFound):
            await anext(desk.tail.follow(stranger, desk.thread_id, 0))
        await reading.stop()
