"""Usage in both stores: each attempt once, with its tokens or without, beyond the life of its thread."""

from msgspec import structs

from threadline.ids import MessageId
from threadline.records import Attempt, Run, RunOptions, Usage
from threadline.store.contract import Reader, RunRow, Transaction
from threadline.store.contract_usage import TenantRow, UsageQuery, UsageSum

from .conftest import MINE, NOW, SYSTEM, THEIRS, Bench

ALL = ("2026-01-01", "2026-02-01")


async def test_each_attempt_is_counted_once(bench: Bench) -> None:
    """However often its run is saved; open ones not at all, and unknown tokens in no sum."""
    thread = await bench.thread(end_user_id="ann")
    run = Run(
        id=bench.ids.run(),
        thread_id=thread.id,
        status="running",
        model="demo/x",
        input=None,
        input_message_id=MessageId("msg_1"),
        created_at=NOW,
        attempts=[Attempt(1, NOW)],
    )
    row = RunRow(MINE.tenant_id, run, RunOptions(), has_turn=True, first_seq=1)
    closed = Attempt(1, NOW, ended_at=NOW, usage=Usage(10, 5, cached_input_tokens=4))
    unknown = Attempt(2, NOW, ended_at=NOW)

    async def save(*attempts: Attempt) -> None:
        changed = structs.replace(row, run=structs.replace(run, attempts=list(attempts)))
        await bench.write(lambda transaction: transaction.save_run(MINE, changed))

    async def begin(transaction: Transaction) -> None:
        await transaction.insert_tenant(SYSTEM, MINE.tenant_id, "mine", NOW)
        await transaction.insert_run(MINE, row)

    await bench.write(begin)
    await save(Attempt(1, NOW))
    await save(closed, Attempt(2, NOW))
    await save(closed, unknown)
    await bench.write(lambda transaction: transaction.delete_thread(MINE, thread.id, NOW))
    while await bench.write(lambda transaction: transaction.sweep_deleted(SYSTEM)):
        pass

    async def look(reader: Reader) -> None:
        one = UsageSum("ann", "demo/x", 2, 1, 10, 5, 4, None)
        assert await reader.usage(MINE, UsageQuery("end_user", *ALL)) == [one]
        assert await reader.usage_everywhere(SYSTEM, UsageQuery("day", *ALL)) == [structs.replace(one, key=NOW[:10])]
        assert await reader.usage(THEIRS, UsageQuery("model", *ALL)) == []
        assert await reader.usage(MINE, UsageQuery("tenant", "2026-01-02", "2026-02-01")) == []
        assert await reader.tenants(SYSTEM) == [TenantRow(MINE.tenant_id, "mine", NOW)]

    await bench.store.read(SYSTEM, look)
