"""The writer and the packer on a real store whose commits can be held: what is shown when, and what is kept when not."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

import pytest

from support.waiting import PATIENCE_SECONDS
from threadline.bus.contract import Nudge
from threadline.bus.memory import Exchange, MemoryBus
from threadline.clock import SystemClock
from threadline.engine import pack
from threadline.engine.pack import Packer
from threadline.engine.threads import NewThread, create_thread
from threadline.errors import InvalidRequest, ShuttingDown, Unavailable
from threadline.events import Entry, MessageDelta, MessageSuperseded, ThreadUpdated
from threadline.ids import IdMaker, MessageId, NodeId, RunId, ThreadId
from threadline.journal import append
from threadline.journal.append import Journal
from threadline.journal.tail import Tail
from threadline.journal.window import Windows
from threadline.observe import Metrics
from threadline.records import Run, RunOptions
from threadline.store.contract import AttemptRow, Committed, DeltaRow, Reader, RunRow, Store, Transaction, Write

from .machine import SCOPE, SYSTEM, MakeStore, Wrapped

T = TypeVar("T")
AN_HOUR = 3600.0


class GatedStore(Wrapped):
    """A store behind a gate: a commit waits for it to open, and fails while there is no room."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.gate = asyncio.Event()
        self.gate.set()
        self.has_room = True
        self.commits = 0
        self.refusals = 0

    async def commit(self, deltas: Sequence[DeltaRow], writes: Sequence[Write[Any]]) -> Committed:
        """Commit, when one may."""
        await self.gate.wait()
        if not self.has_room:
            self.refusals += 1
            raise Unavailable("The disk is full.")
        committed = await super().commit(deltas, writes)
        self.commits += 1
        return committed


class Words:
    """A running answer, as the writer sees it."""

    def __init__(self, attempt: AttemptRow) -> None:
        self._attempt = attempt
        self._pending: list[str] = []
        self._on_the_way = 0
        self.settled: list[tuple[int, MessageDelta]] = []
        self.is_refused = False

    def say(self, journal: Journal, text: str, urgent: bool = False) -> None:
        """Say something, to be written down."""
        self._pending.append(text)
        journal.offer(self, urgent)

    def take(self) -> list[DeltaRow]:
        """Hand over what is pending."""
        attempt, pending = self._attempt, self._pending
        self._pending = []
        self._on_the_way += bool(pending)
        place = (attempt.tenant_id, attempt.thread_id, attempt.run_id, attempt.message_id, attempt.epoch)
        return [DeltaRow(*place, 0, "text", text) for text in pending]

    def settle(self, committed: Sequence[tuple[int, MessageDelta]], refused: bool) -> None:
        """Hear what became of it."""
        self.settled.extend(committed)
        self._on_the_way -= 1
        self.is_refused = self.is_refused or refused

    async def wait_until_settled(self) -> None:
        """Sleep until nothing is pending and nothing on its way."""
        await until(lambda: not (self._pending or self._on_the_way))


class Desk:
    """A writer at work, and one thread with a running answer."""

    def __init__(self, store: Store, gather_seconds: float, exchange: Exchange | None = None) -> None:
        self.store = GatedStore(store)
        self.windows = Windows()
        exchange = exchange or Exchange()
        self.other_node = MemoryBus(exchange)
        self.nudged: list[Nudge] = []
        self.journal = Journal(self.store, MemoryBus(exchange), self.windows, SystemClock(), Metrics(), gather_seconds)
        self.tail = Tail(self.store, self.windows)
        self.ids = IdMaker(SystemClock(), random.Random(1))
        self.thread_id = ThreadId("")

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Desk"]:
        """Open the store, write, and stop when the block ends."""
        await self.store.open()
        await self.other_node.open(self.nudged.extend)
        writer = asyncio.get_running_loop().create_task(self.journal.run())
        self.thread_id = (await self.journal.write(SCOPE, self._new_thread))[0].id
        self.nudged.clear()
        try:
            yield self
        finally:
            self.store.gate.set()
            self.store.has_room = True
            self.journal.close()
            await writer
            await self.store.close()

    async def attempt(self) -> AttemptRow:
        """Begin an attempt."""
        run = Run(
            id=self.ids.run(),
            thread_id=self.thread_id,
            status="running",
            model="x/y",
            input=None,
            input_message_id=MessageId("msg_in"),
            created_at="",
        )
        row = RunRow(SCOPE.tenant_id, run, RunOptions(), has_turn=True, first_seq=1)

        async def script(transaction: Transaction) -> AttemptRow:
            await transaction.insert_run(SCOPE, row)
            await transaction.take_lease(SYSTEM, row, NodeId("node_1"), 1)
            first_seq = await transaction.next_seq(SCOPE, self.thread_id)
            place = (SCOPE.tenant_id, self.thread_id, run.id, MessageId("msg_out"))
            attempt = AttemptRow(*place, 1, first_seq)
            await transaction.open_attempt(SYSTEM, attempt)
            return attempt

        return await self.journal.write(SYSTEM, script)

    def tells(self, title: str) -> Callable[[Transaction], Coroutine[Any, Any, int]]:
        """Return a script that appends an event."""

        async def script(transaction: Transaction) -> int:
            return await transaction.append(SCOPE, self.thread_id, ThreadUpdated({"title": title}), None)

        return script

    async def log(self) -> list[Entry]:
        """Read the log from the disk."""

        async def script(reader: Reader) -> list[Entry]:
            return await reader.log(SCOPE, self.thread_id, 0, 100_000)

        return await self.store.read(SYSTEM, script)

    async def _new_thread(self, transaction: Transaction) -> Any:
        return await create_thread(transaction, SCOPE, NewThread(), self.ids, 0)


@pytest.fixture(params=[0.0, AN_HOUR], ids=["at once", "with an hour to gather"])
async def desk(request: pytest.FixtureRequest, make_store: MakeStore) -> AsyncIterator[Desk]:
    """A writer that writes at once, and one that would wait an hour for company."""
    async with Desk(make_store(), request.param).at_work() as desk:
        yield desk


async def rest() -> None:
    """Let every task that can do something do it."""
    for _ in range(50):
        await asyncio.sleep(0.0005)


async def soon(work: Awaitable[T]) -> T:
    """Wait for something that must come; a test that hangs says nothing."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await work


async def until(condition: Callable[[], bool]) -> None:
    """Sleep until something is so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.001)


async def test_nobody_is_shown_what_is_not_on_the_disk(desk: Desk) -> None:
    """Promise 1: while a commit is on its way no reader, no caller and no other node hears of it; after it, all do."""
    words = Words(await desk.attempt())
    seen: list[Entry] = []

    async def read() -> None:
        async with aclosing(desk.tail.follow(SCOPE, desk.thread_id, 1)) as batches:
            async for entries in batches:
                seen.extend(entries)

    reader = asyncio.get_running_loop().create_task(read())
    await rest()
    desk.store.gate.clear()
    words.say(desk.journal, "said", urgent=True)
    writing = asyncio.get_running_loop().create_task(desk.journal.write(SCOPE, desk.tells("told")))
    await rest()
    assert (seen, desk.nudged, words.settled, writing.done()) == ([], [], [], False)
    assert len(await desk.log()) == 1
    desk.store.gate.set()
    assert await soon(writing) in (2, 3)
    await until(lambda: len(seen) == 2)
    assert sorted(entry.seq for entry in seen) == [2, 3]
    assert (await desk.log())[1:] == seen
    await until(lambda: max((nudge.seq for nudge in desk.nudged), default=0) == 3)
    assert len(words.settled) == 1
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)


async def test_a_nudge_is_one_for_a_thread_and_says_the_newest_seq(desk: Desk) -> None:
    """However much a commit holds of a thread, the other nodes hear where it ends, once."""
    words = Words(await desk.attempt())
    desk.nudged.clear()
    desk.store.gate.clear()
    first = asyncio.get_running_loop().create_task(desk.journal.write(SCOPE, desk.tells("held")))
    await rest()
    for place in range(5):
        words.say(desk.journal, f"{place} ", urgent=True)
    second = [asyncio.get_running_loop().create_task(desk.journal.write(SCOPE, desk.tells("t"))) for _ in range(3)]
    await rest()
    desk.store.gate.set()
    await soon(asyncio.gather(first, *second))
    await words.wait_until_settled()
    await rest()
    if desk.store.has_one_writer:
        assert [nudge.seq for nudge in desk.nudged] == [2, 10]
    else:
        # The words share a commit, each script has one of its own.
        assert len(desk.nudged) == 5
        assert max(nudge.seq for nudge in desk.nudged) == 10


@pytest.mark.parametrize("desk", [0.0], indirect=True)
async def test_while_there_is_no_room_sends_are_refused_and_endings_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person is told at once that nothing was stored; words and endings are held, in order, and written later."""
    monkeypatch.setattr(append, "RETRY_SECONDS_MIN", 0.001)
    monkeypatch.setattr(append, "RETRY_SECONDS_MAX", 0.002)
    words = Words(await desk.attempt())
    desk.store.has_room = False
    words.say(desk.journal, "one ", urgent=True)
    await until(lambda: desk.store.refusals > 0)
    assert not desk.journal.is_writable
    with pytest.raises(Unavailable):
        await desk.journal.write(SCOPE, desk.tells("refused"))
    ending = asyncio.get_running_loop().create_task(desk.journal.write_patiently(SCOPE, desk.tells("the end"), words))
    words.say(desk.journal, "two", urgent=True)
    refusals = desk.store.refusals
    await until(lambda: desk.store.refusals > refusals + 3)
    assert not ending.done()
    assert words.settled == []
    waiting = asyncio.get_running_loop().create_task(desk.journal.wait_until_writable())
    await rest()
    assert not waiting.done()
    desk.store.has_room = True
    assert await soon(ending) == 4
    await soon(waiting)
    assert desk.journal.is_writable
    assert [(seq, delta.text) for seq, delta in words.settled] == [(2, "one "), (3, "two")]
    log = await desk.log()
    assert [entry.seq for entry in log] == [1, 2, 3, 4]
    assert isinstance(log[3].event, ThreadUpdated)


async def test_whoever_gave_up_waiting_has_not_sent(desk: Desk) -> None:
    """A connection that closes before its turn has been promised nothing, and nothing is stored for it."""
    desk.store.gate.clear()
    first = asyncio.get_running_loop().create_task(desk.journal.write(SCOPE, desk.tells("held")))
    await rest()
    second = asyncio.get_running_loop().create_task(desk.journal.write(SCOPE, desk.tells("given up")))
    await rest()
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    desk.store.gate.set()
    await soon(first)
    await until(lambda: not desk.journal._beside)
    await desk.journal.write(SCOPE, desk.tells("next"))
    titles = [entry.event.thread["title"] for entry in (await desk.log())[1:]]  # type: ignore[union-attr]
    # Where it does not stand in a line, what was begun is brought to its end: stored, or not, but known.
    given_up = [] if desk.store.has_one_writer else ["given up"]
    assert sorted(titles[:-1]) == [*given_up, "held"]
    assert titles[-1] == "next"


async def test_a_script_that_fails_is_its_callers_alone(desk: Desk) -> None:
    """Its error reaches the caller; the others of the commit are stored and answered."""

    async def fails(transaction: Transaction) -> None:
        await transaction.append(SCOPE, desk.thread_id, ThreadUpdated({"title": "never"}), None)
        raise InvalidRequest("on purpose")

    results = await asyncio.gather(
        desk.journal.write(SCOPE, desk.tells("a")),
        desk.journal.write(SCOPE, fails),
        desk.journal.write(SCOPE, desk.tells("b")),
        return_exceptions=True,
    )
    assert results[0] == 2
    assert isinstance(results[1], InvalidRequest)
    assert results[2] == 3


async def test_a_burst_of_sends_is_taken_in_portions(desk: Desk) -> None:
    """Thousands of sends at once do not make one endless transaction, and each gets its own number."""
    count = 1000 if desk.store.has_one_writer else 200
    desk.store.gate.clear()
    held = asyncio.get_running_loop().create_task(desk.journal.write(SCOPE, desk.tells("held")))
    await rest()
    burst = [asyncio.get_running_loop().create_task(desk.journal.write(SCOPE, desk.tells("t"))) for _ in range(count)]
    await rest()
    before = desk.store.commits
    desk.store.gate.set()
    await soon(held)
    numbers = [await soon(held), *await soon(asyncio.gather(*burst))]
    assert sorted(numbers) == list(range(2, count + 3))
    portions = -(-count // append.SCRIPTS_PER_COMMIT_MAX) if desk.store.has_one_writer else count
    assert desk.store.commits - before == 1 + portions


async def test_the_first_word_waits_for_no_company(make_store: MakeStore) -> None:
    """Words wait for the gather window, an hour here; an urgent one takes along all that has gathered."""
    async with Desk(make_store(), AN_HOUR).at_work() as desk:
        words = Words(await desk.attempt())
        words.say(desk.journal, "patient ")
        await rest()
        assert words.settled == []
        words.say(desk.journal, "first", urgent=True)
        await until(lambda: len(words.settled) == 2)
        assert [delta.text for _, delta in words.settled] == ["patient ", "first"]


async def test_closing_writes_what_is_pending_and_takes_no_more(make_store: MakeStore) -> None:
    """An orderly end loses nothing that was handed over before it, and refuses what comes after."""
    async with Desk(make_store(), AN_HOUR).at_work() as desk:
        words = Words(await desk.attempt())
        words.say(desk.journal, "last words")
        desk.journal.close()
        with pytest.raises(ShuttingDown):
            await desk.journal.write(SCOPE, desk.tells("too late"))
        await until(lambda: len(words.settled) == 1)


async def test_answers_are_read_when_somebody_writes_and_not_when_nobody_can(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll is called before each commit until it says no; while nothing can be written it is not called at all."""
    monkeypatch.setattr(append, "RETRY_SECONDS_MIN", 0.001)
    monkeypatch.setattr(append, "RETRY_SECONDS_MAX", 0.002)
    async with Desk(make_store(), 0.0).at_work() as desk:
        words = Words(await desk.attempt())
        calls = 0

        def poll() -> bool:
            nonlocal calls
            calls += 1
            words.say(desk.journal, "w ")
            return calls < 20

        polling = asyncio.get_running_loop().create_task(desk.journal.poll_while(poll))
        await until(lambda: calls >= 5)
        desk.store.has_room = False
        await until(lambda: not desk.journal.is_writable)
        before = calls
        refusals = desk.store.refusals
        await until(lambda: desk.store.refusals > refusals + 5)
        assert calls == before
        desk.store.has_room = True
        await soon(polling)
        await until(lambda: len(words.settled) == 20)
        assert calls == 20
        assert [seq for seq, _ in words.settled] == list(range(2, 22))


class Interrupted(Wrapped):
    """A store in which something happens right after the deltas of an attempt were read."""

    after_deltas: Callable[[], Coroutine[Any, Any, None]] | None = None

    async def read(self, scope: Any, script: Any) -> Any:
        """Read, and then let it happen."""
        found = await super().read(scope, script)
        if isinstance(found, list) and found and isinstance(found[0], tuple) and self.after_deltas is not None:
            happens, self.after_deltas = self.after_deltas, None
            await happens()
        return found


@pytest.mark.parametrize("ends", [False, True], ids=["goes on", "ends"])
async def test_a_far_behind_attempt_that_speaks_while_it_is_packed_loses_nothing(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    """Promise 3: words that come, or an end that comes, between the reading and the packing are kept and packed later."""
    monkeypatch.setattr(pack, "DELTA_ROWS_BEHIND_MAX", 0)
    async with Desk(make_store(), 0.0).at_work() as desk:
        words = Words(attempt := await desk.attempt())
        for text in ("one ", "two "):
            words.say(desk.journal, text, urgent=True)
        await until(lambda: len(words.settled) == 2)

        async def meanwhile() -> None:
            words.say(desk.journal, "three ", urgent=True)
            await until(lambda: len(words.settled) == 3)
            if ends:
                await desk.journal.write(SYSTEM, lambda transaction: _close(transaction, attempt))

        reading = Interrupted(make_store())
        await reading.open()
        reading.after_deltas = meanwhile
        packer = Packer(reading, desk.journal)
        await packer.sweep()
        assert reading.after_deltas is None, "it happened"
        expected = ["one ", "two ", "three "]
        assert [entry.event.text for entry in (await desk.log())[1:4]] == expected  # type: ignore[union-attr]
        if not ends:
            await desk.journal.write(SYSTEM, lambda transaction: _close(transaction, attempt))
        await packer.sweep()
        assert [entry.event.text for entry in (await desk.log())[1:4]] == expected  # type: ignore[union-attr]
        assert await reading.read(SYSTEM, lambda reader: reader.unpacked_attempts(SYSTEM)) == []
        await reading.close()


async def _close(transaction: Transaction, attempt: AttemptRow) -> None:
    event = MessageSuperseded(attempt.message_id, 2)
    seq = await transaction.append(SCOPE, attempt.thread_id, event, attempt.run_id)
    row = await transaction.run(SCOPE, RunId(attempt.run_id))
    await transaction.close_attempt(SYSTEM, row, attempt.epoch, seq)
