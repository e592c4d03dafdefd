"""Titles that are to be made: who makes one, and of which threads."""

from msgspec import structs

from threadline.ids import TenantId, ThreadId
from threadline.records import Thread
from threadline.store.contract import Reader, ThreadRow, Transaction

from .conftest import MINE, NOW, SYSTEM, Bench
from .kits import StoreKit

LATER = "2026-01-01T00:00:01.000Z"


async def an_exchange(bench: Bench, **fields: object) -> Thread:
    """Make a thread in which something was said."""
    thread = structs.replace(await bench.thread(), **{"message_count": 2, "last_activity_at": LATER, **fields})
    await bench.write(lambda transaction: transaction.save_thread(MINE, ThreadRow(MINE.tenant_id, thread)))
    return thread


async def untitled(bench: Bench) -> list[tuple[TenantId, ThreadId]]:
    """Ask for threads to make titles for."""

    async def script(reader: Reader) -> list[tuple[TenantId, ThreadId]]:
        return await reader.untitled(SYSTEM, NOW, 10)

    return await bench.store.read(SYSTEM, script)


async def claim(bench: Bench, thread: Thread) -> bool:
    """Claim a title for ten seconds."""

    async def script(transaction: Transaction) -> bool:
        return await transaction.claim_title(SYSTEM, MINE.tenant_id, thread.id, 10.0)

    return await bench.write(script)


async def test_only_what_has_an_exchange_and_no_title_is_to_be_titled(bench: Bench) -> None:
    """Neither with a title, nor with a question alone, in mid-answer, deleted, or silent for long."""
    wanted = await an_exchange(bench)
    await an_exchange(bench, title="")
    await an_exchange(bench, message_count=1)
    await an_exchange(bench, active_run_id="run_1")
    await an_exchange(bench, last_activity_at=NOW)
    deleted = await an_exchange(bench)
    await bench.write(lambda transaction: transaction.delete_thread(MINE, deleted.id, NOW))
    assert await untitled(bench) == [(MINE.tenant_id, wanted.id)]


async def test_a_title_is_made_by_one_at_a_time(bench: Bench) -> None:
    """The second one is told so, and the thread is not to be titled meanwhile; others are."""
    first, second = await an_exchange(bench), await an_exchange(bench)
    assert [await claim(bench, each) for each in (first, first, second, first)] == [True, False, True, False]
    assert await untitled(bench) == []


async def test_a_claim_lapses(bench: Bench, kit: StoreKit) -> None:
    """Whoever died with it leaves it to others, when its time is up by the store's clock."""
    thread = await an_exchange(bench)

    async def hold(transaction: Transaction) -> bool:
        return await transaction.claim_title(SYSTEM, MINE.tenant_id, thread.id, 0.0)

    assert await bench.write(hold)
    kit.advance(1)
    assert await untitled(bench) == [(MINE.tenant_id, thread.id)]
    assert await claim(bench, thread)
    assert not await claim(bench, thread)


async def test_a_title_by_hand_is_for_good(bench: Bench) -> None:
    """Written before, or while somebody makes one: none is made, and none may be stored."""
    before, meanwhile = await an_exchange(bench), await an_exchange(bench)
    assert await claim(bench, meanwhile)

    async def edit(transaction: Transaction) -> list[bool]:
        may = [await transaction.may_title(SYSTEM, MINE.tenant_id, each.id) for each in (before, meanwhile)]
        for each in (before, meanwhile):
            await transaction.note_edited_title(MINE, each.id)
        return may + [await transaction.may_title(SYSTEM, MINE.tenant_id, each.id) for each in (before, meanwhile)]

    assert await bench.write(edit) == [True, True, False, False]
    assert await untitled(bench) == []
    assert not await claim(bench, before)
