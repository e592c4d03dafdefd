"""The log of a store: no word is lost or invented, however deltas, packs and events lie on the disk."""

import random
from collections.abc import Awaitable, Callable

import pytest

from threadline.events import Entry, MessageDelta, ThreadUpdated, UnknownEvent
from threadline.ids import ThreadId
from threadline.records import Thread
from threadline.store.contract import AttemptRow, Transaction, Write

from .conftest import MINE, NODE, SYSTEM, Bench

Line = tuple[int, object]


def lines(entries: list[Entry]) -> list[Line]:
    """Return what a log says, in a form that compares and prints well."""
    return [(entry.seq, entry.event) for entry in entries]


async def test_what_is_said_while_a_part_is_packed_stays(bench: Bench) -> None:
    """A pack of a stretch holds what was read; words that were committed after that reading are still there."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    await bench.say(*(bench.delta(attempt, f"early {place} ") for place in range(5)))
    read = await bench.deltas(attempt)
    await bench.say(bench.delta(attempt, "in between "))
    await bench.pack(attempt, read, is_last=False)
    await bench.say(bench.delta(attempt, "later"))
    whole = lines(await bench.log(thread.id))
    assert [seq for seq, _ in whole] == [1, 2, 3, 4, 5, 6, 7]
    closed = await bench.close_attempt(attempt)
    await bench.pack(closed, await bench.deltas(closed), is_last=True)
    assert lines(await bench.log(thread.id))[:-1] == whole


async def test_the_head_counts_what_is_packed_already(bench: Bench) -> None:
    """Where all deltas of a running attempt are packed, the head is still its last one, also after a restart."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    await bench.say(*(bench.delta(attempt, "word ") for _ in range(3)))
    await bench.pack(attempt, await bench.deltas(attempt), is_last=False)
    assert await bench.head(thread.id) == 3
    await bench.reopen()
    assert await bench.head(thread.id) == 3
    assert await bench.say(bench.delta(attempt, "on")) == [4]
    assert len(await bench.log(thread.id)) == 4


async def test_every_cut_of_the_log_is_the_cut_of_the_whole(bench: Bench) -> None:
    """`log(after, upto)` is the same slice for every pair of cursors: inside packs, at their edges, and beyond."""
    thread = await bench.thread()
    first = await bench.attempt(thread)
    await bench.say(*(bench.delta(first, words) for words in ("a", "", "ü🧵", "\n\n")))
    await bench.append(thread.id)
    await bench.pack(first, await bench.deltas(first), is_last=False)
    await bench.say(*(bench.delta(first, words, block=1) for words in "xyz"))
    closed = await bench.close_attempt(first)
    await bench.pack(closed, await bench.deltas(closed), is_last=True)
    second = await bench.attempt(thread)
    await bench.say(bench.delta(second, "live"))
    whole = lines(await bench.log(thread.id))
    assert [seq for seq, _ in whole] == list(range(1, 11))
    for after in range(12):
        for upto in range(12):
            assert lines(await bench.log(thread.id, after, upto)) == whole[after : max(after, upto)]


async def test_kinds_blocks_and_text_come_back_exactly(bench: Bench) -> None:
    """A pack keeps the kind, the block and every code point of each delta, empty ones and emoji included."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    said = [("reasoning", 0, "hm…"), ("text", 1, ""), ("text", 1, "e\u0301 \U0001f9f5"), ("tool_input", 2, '{"a":')]
    rows = [bench.delta(attempt, text, block=block, kind=kind) for kind, block, text in said]
    await bench.say(*rows)
    expected = [
        (place, MessageDelta(attempt.message_id, row.block, row.kind, row.text)) for place, row in enumerate(rows, 1)
    ]
    assert lines(await bench.log(thread.id)) == expected
    closed = await bench.close_attempt(attempt)
    await bench.pack(closed, await bench.deltas(closed), is_last=True)
    assert lines(await bench.log(thread.id, 0, 4)) == expected


async def test_an_event_of_a_newer_version_is_kept_as_it_is(bench: Bench) -> None:
    """What this version does not know passes through it byte for byte."""
    thread = await bench.thread()
    body = '{"type":"room.renamed","old":"ä","new":null}'.encode()
    await bench.append(thread.id, UnknownEvent("room.renamed", body))
    await bench.reopen()
    assert lines(await bench.log(thread.id)) == [(1, UnknownEvent("room.renamed", body))]


async def test_entries_say_whose_run_they_belong_to(bench: Bench) -> None:
    """A run's stream is cut out of the log by `run_id`: events, packs and live deltas all carry it."""
    thread = await bench.thread()
    packed, live = await bench.attempt(thread), await bench.attempt(thread)
    await bench.append(thread.id)
    await bench.say(bench.delta(packed, "a"))
    closed = await bench.close_attempt(packed)
    await bench.pack(closed, await bench.deltas(closed), is_last=True)
    await bench.reopen()
    await bench.write(lambda transaction: transaction.open_attempt(SYSTEM, _later(live, 4)))
    await bench.say(bench.delta(live, "b"))
    runs = [entry.run_id for entry in await bench.log(thread.id)]
    assert runs == [None, packed.run_id, packed.run_id, live.run_id]


def _later(attempt: AttemptRow, first_seq: int) -> AttemptRow:
    return AttemptRow(
        attempt.tenant_id, attempt.thread_id, attempt.run_id, attempt.message_id, attempt.epoch + 100, first_seq
    )


async def test_a_refused_row_among_hundreds_leaves_no_hole(bench: Bench) -> None:
    """Batches larger than one statement are fenced and numbered as one."""
    thread, other = await bench.thread(), await bench.thread()
    alive, zombie = await bench.attempt(thread), await bench.attempt(other, epoch=7)
    rows = []
    for place in range(300):
        rows.append(bench.delta(alive, f"{place} "))
        rows.append(bench.delta(zombie, "old", epoch=6 if place % 50 == 0 else 7))
    seqs = await bench.say(*rows)
    assert seqs[::2] == list(range(1, 301))
    refused = [place for place, seq in enumerate(seqs[1::2]) if seq is None]
    assert refused == [0, 50, 100, 150, 200, 250]
    assert [seq for seq in seqs[1::2] if seq is not None] == list(range(1, 295))
    assert len(await bench.log(thread.id)) == 300
    assert len(await bench.log(other.id)) == 294


async def test_words_and_endings_of_many_threads_share_a_commit(bench: Bench) -> None:
    """A mixed batch: deltas of several threads, a stranger's delta, a script that fails and scripts that do not."""
    one, two = await bench.thread(), await bench.thread()
    first, second = await bench.attempt(one), await bench.attempt(two)

    async def fails(transaction: Transaction) -> None:
        await transaction.append(MINE, one.id, ThreadUpdated({"title": "never"}), None)
        await transaction.append(MINE, two.id, ThreadUpdated({"title": "never"}), None)
        raise ValueError("on purpose")

    def tells(thread: Thread) -> Callable[[Transaction], Awaitable[int]]:
        async def script(transaction: Transaction) -> int:
            return await transaction.append(MINE, thread.id, ThreadUpdated({"title": "t"}), None)

        return script

    stranger = bench.delta(first, "nobody's", epoch=99)
    deltas = [bench.delta(first, "a"), stranger, bench.delta(second, "b"), bench.delta(first, "c")]
    committed = await bench.store.commit(
        deltas, [Write(MINE, script) for script in (tells(one), fails, tells(two), tells(one))]
    )
    assert committed.seqs == [1, None, 1, 2]
    assert [outcome.value for outcome in committed.outcomes] == [3, None, 2, 4]
    assert [[entry.seq for entry in outcome.entries] for outcome in committed.outcomes] == [[3], [], [2], [4]]
    assert await bench.head(one.id) == 4
    assert await bench.head(two.id) == 2


async def test_an_undone_script_opens_and_closes_no_attempt(bench: Bench) -> None:
    """What a failing script did to the books of attempts is undone with it: the next words find their numbers."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    await bench.say(bench.delta(attempt, "a"))

    async def closes_and_fails(transaction: Transaction) -> None:
        row = await transaction.run(MINE, attempt.run_id)
        await transaction.close_attempt(SYSTEM, row, attempt.epoch, 1)
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        await bench.write(closes_and_fails)
    assert await bench.say(bench.delta(attempt, "b")) == [2]
    other = await bench.thread()

    async def opens_and_fails(transaction: Transaction) -> None:
        row = await transaction.run(MINE, attempt.run_id)
        await transaction.take_lease(SYSTEM, row, NODE, 2)
        await transaction.open_attempt(SYSTEM, _in(other.id, attempt))
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        await bench.write(opens_and_fails)
    assert await bench.append(other.id) == 1
    assert await bench.append(other.id) == 2
    assert await bench.say(bench.delta(attempt, "c")) == [3]


def _in(thread_id: ThreadId, attempt: AttemptRow) -> AttemptRow:
    return AttemptRow(attempt.tenant_id, thread_id, attempt.run_id, attempt.message_id, 2, 1)


class Model:
    """What a store should hold, in plain lists: the other side of the random test."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.source = random.Random(seed)
        self.threads: list[Thread] = []
        self.logs: dict[ThreadId, list[Line]] = {}
        self.live: dict[ThreadId, AttemptRow] = {}
        self.closed: list[AttemptRow] = []

    async def step(self) -> None:
        """Do something at random, to the store and to the model."""
        steps = (self.speak, self.speak, self.speak, self.tell, self.begin, self.end, self.pack_part, self.pack_whole)
        await self.source.choice((*steps, self.restart, self.fail))()

    async def begin_thread(self) -> None:
        thread = await self.bench.thread()
        self.threads.append(thread)
        self.logs[thread.id] = []

    async def speak(self) -> None:
        attempts = [
            self.source.choice(list(self.live.values())) for _ in range(self.source.randint(1, 90)) if self.live
        ]
        rows = []
        for attempt in attempts:
            epoch = attempt.epoch - 1 if self.source.random() < 0.02 else attempt.epoch
            row = self.bench.delta(attempt, self.source.choice(["a", "bc", "", "ü"]), epoch, self.source.randint(0, 2))
            rows.append((row, epoch == attempt.epoch))
        seqs = await self.bench.say(*(row for row, _ in rows))
        for (row, is_current), seq in zip(rows, seqs, strict=True):
            assert (seq is not None) == is_current
            if seq is not None:
                self.note(row.thread_id, seq, MessageDelta(row.message_id, row.block, row.kind, row.text))

    async def tell(self) -> None:
        thread = self.source.choice(self.threads)
        event = ThreadUpdated({"title": str(self.source.random())})
        self.note(thread.id, await self.bench.append(thread.id, event), event)

    async def fail(self) -> None:
        thread = self.source.choice(self.threads)

        async def script(transaction: Transaction) -> None:
            await transaction.append(MINE, thread.id, ThreadUpdated({"title": "never"}), None)
            raise ValueError("on purpose")

        with pytest.raises(ValueError, match="on purpose"):
            await self.bench.write(script)

    async def begin(self) -> None:
        idle = [thread for thread in self.threads if thread.id not in self.live]
        if idle:
            thread = self.source.choice(idle)
            self.live[thread.id] = await self.bench.attempt(thread, epoch=5)

    async def end(self) -> None:
        if self.live:
            attempt = self.live.pop(self.source.choice(list(self.live)))
            closed = await self.bench.close_attempt(attempt)
            self.closed.append(closed)
            entries = await self.bench.log(attempt.thread_id, len(self.logs[attempt.thread_id]))
            self.note(attempt.thread_id, entries[0].seq, entries[0].event)

    async def pack_part(self) -> None:
        if not self.live:
            return
        attempt = self.source.choice(list(self.live.values()))
        read = await self.bench.deltas(attempt)
        await self.speak()
        if read:
            await self.bench.pack(attempt, read[: self.source.randint(1, len(read))], is_last=False)

    async def pack_whole(self) -> None:
        if not self.closed:
            return
        attempt = self.closed.pop()
        deltas = await self.bench.deltas(attempt)
        if deltas:
            await self.bench.pack(attempt, deltas, is_last=True)
        else:
            await self.bench.write(lambda transaction: transaction.forget_attempt(SYSTEM, attempt))
            await self.bench.write(lambda transaction: transaction.prune_deltas(SYSTEM))

    async def restart(self) -> None:
        await self.bench.reopen()

    def note(self, thread_id: ThreadId, seq: int, event: object) -> None:
        assert seq == len(self.logs[thread_id]) + 1, "dense, from 1, never reset"
        self.logs[thread_id].append((seq, event))

    async def check(self) -> None:
        """Compare everything, from a cursor at random."""
        for thread_id, expected in self.logs.items():
            assert await self.bench.head(thread_id) == len(expected)
            after = self.source.randint(0, len(expected))
            assert lines(await self.bench.log(thread_id, after)) == expected[after:]


@pytest.mark.parametrize("seed", range(8))
async def test_random_histories_are_kept_to_the_word(bench: Bench, seed: int) -> None:
    """Promises 2 and 3: whatever is written, packed, pruned, refused, undone and restarted, the log is what was said."""
    model = Model(bench, seed)
    for _ in range(3):
        await model.begin_thread()
    for _ in range(60):
        await model.step()
        await model.check()
    while model.closed:
        await model.pack_whole()
    await model.check()
