"""Tool calls in the store: what goes in comes out, lists are in order and narrowed, nobody else sees them."""

import pytest
from msgspec import structs

from threadline.errors import NotFound
from threadline.ids import MessageId, RunId, ThreadId
from threadline.records import Author, Run, RunOptions, Usage
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Reader, RunRow, ToolCallQuery, Transaction
from threadline.tool_calls import ToolCall

from .conftest import MINE, NOW, SYSTEM, THEIRS, Bench, a_call
from .kits import SqliteKit, StoreKit

LATER = "2026-01-01T00:00:01.000Z"


async def stored(bench: Bench, *calls: ToolCall) -> None:
    """Store calls."""

    async def script(transaction: Transaction) -> None:
        for call in calls:
            await transaction.insert_tool_calls(MINE, [call])

    await bench.write(script)


async def listed(bench: Bench, thread_id: ThreadId, scope: Scope = MINE, **narrowed: object) -> list[ToolCall]:
    """List calls."""

    async def script(reader: Reader) -> list[ToolCall]:
        return await reader.tool_calls(scope, thread_id, ToolCallQuery(**narrowed))  # type: ignore[arg-type]

    return await bench.store.read(SYSTEM, script)


async def test_a_call_comes_out_as_it_went_in(bench: Bench) -> None:
    """Every field, before and after its outcome, false and null told apart."""
    thread = await bench.thread()
    asked = a_call(thread.id, 3, needs_approval=True, kind=None)
    await stored(bench, asked)
    assert await listed(bench, thread.id) == [asked]
    done = structs.replace(
        asked,
        output=["", {"a": None}],
        is_error=False,
        status="succeeded",
        attempt=2,
        is_approved=True,
        decided_by=Author("user", "änn"),
        decided_at=NOW,
        reason="go",
        started_at=NOW,
        ended_at=LATER,
    )
    await bench.write(lambda transaction: transaction.save_tool_calls(MINE, [done]))
    assert await listed(bench, thread.id) == [done]


async def test_lists_are_in_order_and_narrowed(bench: Bench) -> None:
    """By run, name, error, status, time, and the place of the last one seen."""
    thread = await bench.thread()
    one = a_call(thread.id, 1, is_error=False, status="succeeded", output="x")
    two = a_call(thread.id, 2, name="mail", is_error=True, status="failed", output="no", requested_at=LATER)
    three = a_call(thread.id, 3, run_id=RunId("run_2"))
    await stored(bench, three, one, two)
    assert await listed(bench, thread.id) == [one, two, three]
    assert await listed(bench, thread.id, limit=2) == [one, two]
    assert await listed(bench, thread.id, after=1) == [two, three]
    assert await listed(bench, thread.id, name="mail") == [two]
    assert await listed(bench, thread.id, is_error=False) == [one]
    assert await listed(bench, thread.id, is_error=True) == [two]
    assert await listed(bench, thread.id, status="requested") == [three]
    assert await listed(bench, thread.id, since=LATER) == [two]
    assert await listed(bench, thread.id, until=LATER) == [one, three]
    assert await listed(bench, thread.id, run_id=RunId("run_2")) == [three]

    async def of_run(reader: Reader) -> list[ToolCall]:
        return await reader.calls_of_run(MINE, thread.id, RunId("run_1"))

    assert await bench.store.read(MINE, of_run) == [one, two]


async def test_somebody_elses_calls_are_not_there(bench: Bench) -> None:
    """A foreign tenant, a foreign end user and an unknown thread are the same answer, to read and to write."""
    thread = await bench.thread(end_user_id="ann")
    call = a_call(thread.id, 1)
    await stored(bench, call)
    for scope in (THEIRS, EndUser(MINE.tenant_id, "bob")):
        with pytest.raises(NotFound):
            await listed(bench, thread.id, scope)
        with pytest.raises(NotFound):
            await bench.write(lambda transaction, scope=scope: transaction.save_tool_calls(scope, [call]))
        with pytest.raises(NotFound):
            await bench.write(lambda transaction, scope=scope: transaction.insert_tool_calls(scope, [call]))
    assert await listed(bench, thread.id, EndUser(MINE.tenant_id, "ann")) == [call]


async def test_calls_go_with_their_thread(bench: Bench, kit: StoreKit) -> None:
    """The rows of a deleted thread are swept."""
    thread = await bench.thread()
    await stored(bench, a_call(thread.id, 1), a_call(thread.id, 2))
    await bench.write(lambda transaction: transaction.delete_thread(MINE, thread.id, NOW))
    while await bench.write(lambda transaction: transaction.sweep_deleted(SYSTEM)):
        pass
    assert kit.count("tool_calls") == 0


async def test_a_waiting_run_is_claimable_when_its_time_has_come(bench: Bench, kit: StoreKit) -> None:
    """Not while somebody is waited for; then at once, or when the waiting has lasted long enough."""
    thread = await bench.thread()
    run = Run(
        id=bench.ids.run(),
        thread_id=thread.id,
        status="waiting",
        model="demo/x",
        input=None,
        input_message_id=MessageId("msg_1"),
        created_at=NOW,
    )
    row = RunRow(MINE.tenant_id, run, RunOptions(), has_turn=True, first_seq=1, spent=Usage(1, None, 0))
    await bench.write(lambda transaction: transaction.insert_run(MINE, row))

    async def claimable() -> list[RunRow]:
        return await bench.store.read(SYSTEM, lambda reader: reader.claimable(SYSTEM))

    assert await claimable() == []
    # The store's own clock: a fixed one in the file's test, the server's on PostgreSQL.
    now_ms = kit.clock.now_ms() if isinstance(kit, SqliteKit) else 2_000_000_000_000
    later = structs.replace(row, wake_at_ms=now_ms * 2)
    await bench.write(lambda transaction: transaction.save_run(MINE, later))
    assert await claimable() == []
    woken = structs.replace(row, wake_at_ms=0)
    await bench.write(lambda transaction: transaction.save_run(MINE, woken))
    assert await claimable() == [woken]
