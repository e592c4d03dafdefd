"""A store without room: it says so, nothing is half done, and it goes on when there is room."""

from typing import Any

import pytest

from threadline.errors import Unavailable
from threadline.events import Entry, MessageDelta, ThreadUpdated
from threadline.records import Thread
from threadline.store.contract import DeltaRow, Transaction, Write

from .conftest import MINE, Bench
from .kits import StoreKit

LARGE = "x" * 100_000


async def _lines(bench: Bench, thread: Thread) -> list[tuple[int, Any]]:
    entries: list[Entry] = await bench.log(thread.id)
    return [(entry.seq, entry.event) for entry in entries]


async def test_without_room_it_is_unavailable_and_nothing_is_stored(kit: StoreKit, bench: Bench) -> None:
    """Words, a small script and a large script of one batch: all are refused together, and none leaves a trace."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    await bench.say(bench.delta(attempt, "before"))
    before = await _lines(bench, thread)

    async def small(transaction: Transaction) -> None:
        await transaction.append(MINE, thread.id, ThreadUpdated({"title": "never"}), None)

    async def large(transaction: Transaction) -> None:
        await transaction.append(MINE, thread.id, ThreadUpdated({"title": LARGE}), None)

    kit.fill()
    with pytest.raises(Unavailable):
        await bench.store.commit([bench.delta(attempt, "never")], [Write(MINE, small), Write(MINE, large)])
    assert await _lines(bench, thread) == before
    assert await bench.head(thread.id) == 1


async def test_the_same_batch_goes_through_when_there_is_room(kit: StoreKit, bench: Bench) -> None:
    """The writer tries again with what it holds: numbers go on where they were, without a hole and without a repeat."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    await bench.say(bench.delta(attempt, "one"))
    rows: list[DeltaRow] = [bench.delta(attempt, LARGE), bench.delta(attempt, "three")]
    kit.fill()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await bench.say(*rows)
    assert await bench.head(thread.id) == 1
    kit.make_room()
    assert await bench.say(*rows) == [2, 3]
    await bench.reopen()
    expected = [
        (place, MessageDelta(attempt.message_id, 0, "text", text))
        for place, text in enumerate(("one", LARGE, "three"), 1)
    ]
    assert await _lines(bench, thread) == expected
    assert await bench.append(thread.id) == 4


async def test_reading_goes_on_without_room(kit: StoreKit, bench: Bench) -> None:
    """A full disk stops writing alone: whoever reads history reads on, also from connections that are new."""
    threads = [await bench.thread() for _ in range(3)]
    for thread in threads:
        await bench.append(thread.id)
    kit.fill()
    with pytest.raises(Unavailable):
        await bench.append(threads[0].id, ThreadUpdated({"title": LARGE}))
    for thread in threads:
        assert len(await bench.log(thread.id)) == 1
