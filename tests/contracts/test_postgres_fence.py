"""The fence on PostgreSQL: whoever has looked at his lease within a script still has it when the script commits."""

import asyncio
from typing import cast

import pytest

from support.waiting import PATIENCE_SECONDS
from threadline.errors import LeaseLost
from threadline.events import MessageDelta, ThreadUpdated
from threadline.ids import NodeId
from threadline.journal.lease import require_lease
from threadline.records import Thread
from threadline.store.contract import LATER, AttemptRow, Transaction, Write
from threadline.store.postgres.store import PostgresStore
from threadline.store.postgres.transaction import PostgresTransaction, Receipt

from .conftest import MINE, SYSTEM, Bench
from .kits import PostgresKit


@pytest.fixture
async def bench(postgres_kit: PostgresKit) -> Bench:
    """A PostgreSQL store with a bench before it."""
    return Bench(postgres_kit, await postgres_kit.open())


async def take_over(transaction: Transaction, attempt: AttemptRow) -> None:
    """Do what a claim does: read the run, take its lease, and say so."""
    row = await transaction.run(MINE, attempt.run_id)
    await transaction.take_lease(SYSTEM, row, NodeId("node_2"), attempt.epoch + 1)
    await transaction.append(MINE, attempt.thread_id, ThreadUpdated({"title": "taken over"}), attempt.run_id)


async def test_nobody_takes_a_run_over_from_whoever_is_ending_it(bench: Bench, postgres_kit: PostgresKit) -> None:
    """The end of an answer begins with a look at its lease. From then on a claim waits: it never comes in between."""
    thread: Thread = await bench.thread()
    attempt = await bench.attempt(thread)
    has_looked, goes_on = asyncio.Event(), asyncio.Event()

    async def end(transaction: Transaction) -> None:
        await require_lease(transaction, attempt.run_id, attempt.epoch)
        has_looked.set()
        await goes_on.wait()
        await transaction.append(MINE, thread.id, ThreadUpdated({"title": "ended"}), attempt.run_id)

    ending = asyncio.create_task(bench.store.commit([], [Write(SYSTEM, end)]))
    await has_looked.wait()
    claiming = asyncio.create_task(
        bench.store.commit([], [Write(SYSTEM, lambda transaction: take_over(transaction, attempt))])
    )
    question = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not claiming.done() and not await asyncio.to_thread(postgres_kit.execute, question):
            await asyncio.sleep(0.005)
    goes_on.set()
    for outcome in [*(await ending).outcomes, *(await claiming).outcomes]:
        assert outcome.error is None
    told = [entry.event.thread["title"] for entry in await bench.log(thread.id)]  # type: ignore[union-attr]
    assert told == ["ended", "taken over"]


async def test_whoever_was_taken_over_ends_nothing(bench: Bench) -> None:
    """Behind the claim the same look says that the lease is lost."""
    attempt = await bench.attempt(await bench.thread())
    await bench.write(lambda transaction: take_over(transaction, attempt))
    with pytest.raises(LeaseLost):
        await bench.write(lambda transaction: require_lease(transaction, attempt.run_id, attempt.epoch))


async def test_another_transaction_of_the_same_number_is_not_taken_for_ours(bench: Bench) -> None:
    """A promoted replica that never got a transaction gives its number away again: committed is then somebody else's."""
    store = cast(PostgresStore, bench.store)
    thread = await bench.thread()
    receipts: list[Receipt | None] = []

    async def tell(transaction: Transaction) -> None:
        await transaction.append(MINE, thread.id, ThreadUpdated({"title": "ours"}), None)
        receipts.append(cast(PostgresTransaction, transaction).receipt)

    await bench.write(tell)
    (ours,) = receipts
    assert ours is not None
    assert await store._was_committed(ours)
    assert not await store._was_committed(ours._replace(body='{"type":"thread.updated","title":"theirs"}'))
    assert not await store._was_committed(ours._replace(seq=2))


async def test_a_batch_that_arrives_after_the_next_one_stores_nothing(bench: Bench) -> None:
    """A batch is one statement, and one that was given up may still lie before a server that stood still."""
    store = cast(PostgresStore, bench.store)
    attempt = await bench.attempt(await bench.thread())
    assert await bench.say(bench.delta(attempt, "one")) == [1]
    assert await bench.say(bench.delta(attempt, "two")) == [2]
    store._batch -= 2
    assert await bench.say(bench.delta(attempt, "one")) == [LATER]
    said = [cast(MessageDelta, entry.event).text for entry in await bench.log(attempt.thread_id)]
    assert said == ["one", "two"]
