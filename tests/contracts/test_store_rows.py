"""Records and rows: what is put into a store comes out of it, field by field, and lists are in their order."""

import random
from typing import Any

import pytest
from msgspec import structs

from threadline.agent_records import AgentId
from threadline.content import (
    Base64Source,
    FileBlock,
    ImageBlock,
    ProviderBlock,
    ReasoningBlock,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from threadline.errors import NotFound
from threadline.events import ThreadUpdated
from threadline.ids import MessageId, NodeId, RunId, ThreadId
from threadline.limits import DELETE_BATCH_ROWS
from threadline.records import Attempt, Author, ErrorInfo, ForkPoint, Message, Run, RunOptions, RunStatus, Thread, Usage
from threadline.store.contract import MessageQuery, Reader, RunRow, SendRow, ThreadQuery, ThreadRow, Transaction

from .conftest import MINE, NODE, NOW, SYSTEM, Bench
from .kits import StoreKit

LATER = "2026-01-01T00:00:01.000Z"
METADATA = {"ü": [1, 2.5, None, True, {"a": "\U0001f9f5"}], "": "", "big": 2**53 - 1}
CONTENT = [
    TextBlock("Zwölf\n\u2028🥊"),
    ImageBlock(UrlSource("https://a.example/?q=1")),
    FileBlock(Base64Source("application/pdf", "AAAA"), name="a.pdf"),
    ReasoningBlock("hm", signature="c2ln", provider="anthropic"),
    ToolUseBlock("call_1", "weather", {"city": ["Rome", None]}),
    ToolResultBlock("call_1", [{"t": 1.5}], is_error=True),
    ProviderBlock("openai", '{"x" :  1}'),
]
USAGE = Usage(1, None, 0, 4, "estimated")
ERROR = ErrorInfo("provider_error", "It “failed”.", retryable=True)


def a_thread(bench: Bench) -> Thread:
    """Return a thread with all of its fields set."""
    return Thread(
        id=bench.ids.thread(),
        end_user_id="änn",
        external_id="x/1",
        title="",
        model="demo/x",
        instructions="Be brief.",
        agent_id="agt_1",
        on_busy="merge",
        on_disconnect="cancel",
        metadata=METADATA,
        pinned=True,
        archived=True,
        message_count=7,
        seq=0,
        active_run_id=RunId("run_9"),
        tip_message_id=MessageId("msg_tip"),
        forked_from=ForkPoint(ThreadId("thr_source"), MessageId("msg_source")),
        created_at=NOW,
        last_activity_at=LATER,
    )


def a_run(bench: Bench, thread: Thread, status: RunStatus = "waiting") -> RunRow:
    """Return a run with all of its fields set."""
    run = Run(
        id=bench.ids.run(),
        thread_id=thread.id,
        status=status,
        attempt=2,
        attempts=[Attempt(1, NOW, LATER, USAGE, ERROR), Attempt(2, LATER)],
        model="demo/x",
        agent_id=AgentId("agt_1"),
        agent_version=3,
        usage=USAGE,
        error=ERROR,
        input=bench.message(thread.id, seq=1, content=CONTENT),
        input_message_id=MessageId("msg_in"),
        output_message_id=MessageId("msg_out"),
        created_at=NOW,
        started_at=NOW,
        ended_at=LATER,
    )
    return RunRow(MINE.tenant_id, run, RunOptions("Be kind.", 100, 0.5, "demo/y"), True, 3, LATER, 1, 2, 9, -4, True)


async def test_a_thread_comes_back_as_it_went_in(bench: Bench) -> None:
    """Every field, in every list, and after a restart."""
    row = ThreadRow(MINE.tenant_id, a_thread(bench))
    await bench.write(lambda transaction: transaction.insert_thread(MINE, row))
    await bench.reopen()

    async def script(reader: Reader) -> None:
        assert await reader.thread(MINE, row.thread.id) == row
        assert await reader.thread_by_external_id(MINE, "änn", "x/1") == row
        assert await reader.threads(MINE, ThreadQuery()) == [row.thread]

    await bench.store.read(SYSTEM, script)


async def test_saving_a_thread_changes_all_but_its_number(bench: Bench) -> None:
    """Only an append moves `seq`: a save with an old one takes nothing back."""
    thread = await bench.thread()
    await bench.append(thread.id)
    changed = structs.replace(a_thread(bench), id=thread.id, seq=99)
    row = ThreadRow(MINE.tenant_id, changed)
    await bench.write(lambda transaction: transaction.save_thread(MINE, row))
    found = await bench.store.read(SYSTEM, lambda reader: reader.thread(MINE, thread.id))
    assert found == structs.replace(row, thread=structs.replace(changed, seq=1))


async def test_a_message_comes_back_as_it_went_in(bench: Bench) -> None:
    """Every kind of block, byte for byte, and every field, before and after it is completed."""
    thread = await bench.thread()
    begun = bench.message(
        thread.id,
        seq=1,
        role="assistant",
        author=Author("agent", "agt_1"),
        content=[],
        status="streaming",
        model="demo/x",
        run_id=RunId("run_1"),
        request_id="ключ".encode().hex(),
        metadata=METADATA,
    )
    completed = structs.replace(
        begun,
        content=CONTENT,
        status="failed",
        usage=USAGE,
        finish_reason="length",
        error=ERROR,
        completed_at=LATER,
    )
    for stored, verb in ((begun, "insert_message"), (completed, "save_message")):
        await bench.write(lambda transaction, verb=verb, stored=stored: getattr(transaction, verb)(MINE, stored))
        assert await bench.store.read(SYSTEM, lambda reader: reader.message(MINE, begun.id)) == stored
        assert await bench.store.read(SYSTEM, lambda reader: reader.messages(MINE, thread.id, MessageQuery())) == [
            stored
        ]


async def test_a_run_comes_back_as_it_went_in(bench: Bench) -> None:
    """Every field, the hidden ones too, when it is new and when it has changed. The position is counted."""
    thread = await bench.thread()
    bare = RunRow(
        MINE.tenant_id,
        Run(
            id=bench.ids.run(),
            thread_id=thread.id,
            status="queued",
            model="demo/x",
            input=None,
            input_message_id=MessageId("msg_in"),
            position=1,
            created_at=NOW,
        ),
        RunOptions(),
        has_turn=False,
        first_seq=1,
    )
    full = a_run(bench, thread)
    for row in (bare, full):
        await bench.write(lambda transaction, row=row: transaction.insert_run(MINE, row))
        assert await bench.store.read(SYSTEM, lambda reader, row=row: reader.run(MINE, row.run.id)) == row
    changed = structs.replace(full, run=structs.replace(full.run, id=bare.run.id))
    await bench.write(lambda transaction: transaction.save_run(MINE, changed))
    found = await bench.store.read(SYSTEM, lambda reader: reader.run(MINE, bare.run.id))
    # What the send asked for and where the run began stay as they were written first.
    assert found == structs.replace(changed, options=bare.options, first_seq=bare.first_seq)


@pytest.mark.parametrize("verb", ["save_message", "save_run"])
async def test_what_is_not_there_cannot_be_saved(bench: Bench, verb: str) -> None:
    """A save of a row that was never put in is an error and not a silence."""
    thread = await bench.thread()
    rows: dict[str, Any] = {"save_message": bench.message(thread.id, seq=1), "save_run": a_run(bench, thread)}
    with pytest.raises(NotFound):
        await bench.write(lambda transaction: getattr(transaction, verb)(MINE, rows[verb]))


async def test_messages_are_paged_in_both_directions(bench: Bench) -> None:
    """By their seq, which has gaps; every cursor gives the rest, without a skip or a repeat."""
    thread = await bench.thread()
    made: list[Message] = [bench.message(thread.id, seq=seq) for seq in (2, 3, 7, 8, 20)]

    async def script(transaction: Transaction) -> None:
        for message in random.Random(1).sample(made, len(made)):
            await transaction.insert_message(MINE, message)

    await bench.write(script)
    for descending in (False, True):
        expected, found, after = made[::-1] if descending else made, [], None
        while True:
            query = MessageQuery(descending=descending, after=after, limit=2)
            page = await bench.store.read(SYSTEM, lambda reader, query=query: reader.messages(MINE, thread.id, query))
            assert len(page) <= 2
            found += page
            if not page:
                break
            after = page[-1].seq
        assert found == expected


async def test_threads_of_one_moment_are_paged_without_a_skip(bench: Bench) -> None:
    """Ties in time are broken by id: timestamp cursors alone skip them."""
    made = [await bench.thread() for _ in range(7)]
    found: list[Any] = []
    after = None
    for _ in range(10):
        query = ThreadQuery(after=after, limit=2)
        page = await bench.store.read(SYSTEM, lambda reader, query=query: reader.threads(MINE, query))
        if not page:
            break
        found += [thread.id for thread in page]
        after = (page[-1].pinned, page[-1].last_activity_at, page[-1].id)
    assert found == [thread.id for thread in made][::-1]


async def test_an_external_id_is_one_end_users_own(bench: Bench) -> None:
    """Two people, and nobody in particular, may have the same external id; one person may have it once."""
    threads = {person: await bench.thread(end_user_id=person, external_id="e") for person in ("ann", "bob", None)}
    for person, thread in threads.items():
        found = await bench.store.read(
            SYSTEM, lambda reader, person=person: reader.thread_by_external_id(MINE, person, "e")
        )
        assert found is not None
        assert found.thread.id == thread.id
    with pytest.raises(Exception, match=r"(?i)unique"):
        await bench.thread(end_user_id="ann", external_id="e")
    await bench.write(lambda transaction: transaction.delete_thread(MINE, threads["ann"].id, NOW))
    again = await bench.thread(end_user_id="ann", external_id="e")
    found = await bench.store.read(SYSTEM, lambda reader: reader.thread_by_external_id(MINE, "ann", "e"))
    assert found is not None
    assert found.thread.id == again.id


async def test_open_runs_are_in_the_order_of_their_turns(bench: Bench) -> None:
    """The one that has the turn, then those that wait as they were sent or moved, counted; ended ones are not there."""
    thread = await bench.thread()
    ended: list[RunStatus] = ["completed", "failed", "cancelled", "expired"]

    def queued(first_seq: int, place: int | None = None) -> RunRow:
        row = a_run(bench, thread, "queued")
        return structs.replace(row, has_turn=False, first_seq=first_seq, place=place)

    active = structs.replace(a_run(bench, thread, "running"), first_seq=5)
    moved, first, third, last = queued(9, place=-2), queued(2), queued(7), queued(3, place=8)
    over = [a_run(bench, thread, status) for status in ended]

    async def script(transaction: Transaction) -> None:
        for row in (last, third, *over, first, active, moved):
            await transaction.insert_run(MINE, row)

    async def each(reader: Reader) -> list[RunRow]:
        return [await reader.run(MINE, row.run.id) for row in found]

    await bench.write(script)
    found = await bench.store.read(SYSTEM, lambda reader: reader.open_runs(MINE, thread.id))
    assert [row.run.id for row in found] == [row.run.id for row in (active, moved, first, third, last)]
    assert [row.run.position for row in found] == [None, 1, 2, 3, 4]
    assert await bench.store.read(SYSTEM, each) == found


async def test_only_runs_with_the_turn_and_without_an_owner_are_claimable(bench: Bench) -> None:
    """Not those that wait, not those that ended, not those whose node lives; a forgotten node frees its runs."""
    thread = await bench.thread()
    with_turn = a_run(bench, thread, "running")
    waits = structs.replace(a_run(bench, thread, "queued"), has_turn=False)
    over = a_run(bench, thread, "completed")

    async def script(transaction: Transaction) -> None:
        for row in (with_turn, waits, over):
            await transaction.insert_run(MINE, row)

    await bench.write(script)

    async def claimable() -> list[RunId]:
        return [row.run.id for row in await bench.store.read(SYSTEM, lambda reader: reader.claimable(SYSTEM))]

    assert await claimable() == [with_turn.run.id]
    await bench.write(lambda transaction: transaction.take_lease(SYSTEM, with_turn, NODE, 3))
    assert await claimable() == [with_turn.run.id], "a lease of a node that was never seen alive"
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, NODE, 1000))
    assert await claimable() == []
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, NodeId("node_2"), 1000))
    bench.advance(900)
    assert await claimable() == []
    bench.advance(100)
    assert await claimable() == [with_turn.run.id]
    lease = await bench.store.read(SYSTEM, lambda reader: reader.lease(SYSTEM, with_turn.run.id))
    assert lease is not None
    assert (lease.node_id, lease.epoch, lease.is_live) == (NODE, 3, False)
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, NODE, 10))
    await bench.write(lambda transaction: transaction.forget_nodes(SYSTEM))
    assert await claimable() == [with_turn.run.id], "a new process on the same folder waits for nobody"
    await bench.write(lambda transaction: transaction.drop_lease(SYSTEM, with_turn.run.id))
    assert await bench.store.read(SYSTEM, lambda reader: reader.lease(SYSTEM, with_turn.run.id)) is None


async def test_a_node_sees_which_of_its_runs_are_to_stop(bench: Bench) -> None:
    """Its own leases only, each with the wish that stands in the run; a lease that went elsewhere is not among them."""
    thread = await bench.thread()
    rows = [structs.replace(a_run(bench, thread, "running"), cancel_requested_at=None) for _ in range(3)]

    async def script(transaction: Transaction) -> None:
        for row, node_id in zip(rows, (NODE, NODE, "node_2"), strict=True):
            await transaction.insert_run(MINE, row)
            await transaction.take_lease(SYSTEM, row, NodeId(node_id), 1)

    await bench.write(script)

    async def held() -> dict[RunId, bool]:
        return await bench.store.read(SYSTEM, lambda reader: reader.leases_of(SYSTEM, NODE))

    first, second, _ = (row.run.id for row in rows)
    assert await held() == {first: False, second: False}
    wished = structs.replace(rows[1], cancel_requested_at=NOW)
    await bench.write(lambda transaction: transaction.save_run(MINE, wished))
    assert await held() == {first: False, second: True}
    await bench.write(lambda transaction: transaction.take_lease(SYSTEM, rows[0], NodeId("node_2"), 2))
    assert await held() == {second: True}
    await bench.write(lambda transaction: transaction.drop_lease(SYSTEM, second))
    assert await held() == {}


async def test_sends_are_swept_by_age_in_batches(bench: Bench) -> None:
    """Only what is older than the time goes, at most a batch at once, and the sweep comes to an end."""
    thread = await bench.thread()
    count = DELETE_BATCH_ROWS + 5

    async def script(transaction: Transaction) -> None:
        for place in range(count + 3):
            moment = NOW if place < count else LATER
            message_id = MessageId("msg_1")
            row = SendRow(MINE.tenant_id, thread.id, "ann", f"k{place}", b"f", message_id, None, moment)
            await transaction.insert_send(MINE, row)

    await bench.write(script)
    swept = [await bench.write(lambda transaction: transaction.sweep_sends(SYSTEM, LATER)) for _ in range(3)]
    assert swept == [DELETE_BATCH_ROWS, 5, 0]
    for place in range(count, count + 3):
        found = await bench.store.read(
            SYSTEM, lambda reader, place=place: reader.send(MINE, thread.id, "ann", f"k{place}")
        )
        assert found is not None


async def test_a_deleted_thread_is_swept_in_batches_and_leaves_nothing(kit: StoreKit, bench: Bench) -> None:
    """Each sweep removes a bounded number of rows; at the end all that was the thread's is gone, and only that."""
    thread, other = await bench.thread(end_user_id="ann"), await bench.thread(end_user_id="ann")
    attempts = [await bench.attempt(one) for one in (thread, other)]

    async def fill(transaction: Transaction) -> None:
        for one in (thread, other):
            await transaction.insert_message(MINE, bench.message(one.id, seq=1))
            row = SendRow(MINE.tenant_id, one.id, "ann", "k", b"f", MessageId("msg_1"), None, NOW)
            await transaction.insert_send(MINE, row)

    await bench.write(fill)
    for _ in range(3):
        await bench.say(*(bench.delta(attempts[place % 2], "w") for place in range(DELETE_BATCH_ROWS)))
    for attempt in attempts:
        closed = await bench.close_attempt(attempt)
        await bench.pack(closed, await bench.deltas(closed), is_last=True, prune=False)
    for one in (thread, other):
        await bench.write(
            *[lambda transaction, one=one: _tell(transaction, one) for _ in range(DELETE_BATCH_ROWS + 10)]
        )
    before = await bench.log(other.id)
    await bench.write(lambda transaction: transaction.delete_thread(MINE, thread.id, NOW))
    swept = []
    while gone := await bench.write(lambda transaction: transaction.sweep_deleted(SYSTEM)):
        swept.append(gone)
    assert max(swept) == DELETE_BATCH_ROWS
    # The message, the run, the key, over a thousand events in two batches, the pack, the lease, and the thread.
    assert sorted(swept) == [1, 1, 1, 1, 1, 1, 11, DELETE_BATCH_ROWS]
    with pytest.raises(NotFound):
        await bench.log(thread.id)
    assert await bench.log(other.id) == before
    # Where deltas do not go with their pack, they go when they are pruned.
    await bench.write(lambda transaction: transaction.prune_deltas(SYSTEM))
    assert kit.count("deltas") == 0


async def _tell(transaction: Transaction, thread: Thread) -> None:
    await transaction.append(MINE, thread.id, ThreadUpdated({"title": "t"}), None)
