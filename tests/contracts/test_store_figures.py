"""What nodes say of themselves, in both stores: replaced within its minute, kept apart by tenant, forgotten."""

from typing import cast

from msgspec import structs

from threadline.ids import MessageId, NodeId, TenantId
from threadline.records import Run, RunOptions, RunStatus
from threadline.scopes import Tenant
from threadline.store.contract import Reader, RunRow, Transaction
from threadline.store.contract_figures import FigureRow, OpenRun, Queue

from .conftest import MINE, NODE, NOW, SYSTEM, THEIRS, Bench

OTHER_NODE = NodeId("node_2")


def figure(tenant_id: str, minute: int, body: str, node: NodeId = NODE) -> FigureRow:
    """Return a row."""
    return FigureRow(tenant_id, node, minute, body)


async def test_figures_are_replaced_and_forgotten(bench: Bench) -> None:
    """A node's newest word about a minute counts; each tenant sees its own, the installation the nodes' own."""
    mine = MINE.tenant_id
    rows = [figure("", 10, "a"), figure(mine, 10, "b"), figure("", 11, "c"), figure("", 11, "d", OTHER_NODE)]

    async def save(transaction: Transaction) -> None:
        await transaction.save_figures(SYSTEM, rows)
        await transaction.save_figures(SYSTEM, [figure("", 11, "e")])

    await bench.write(save)

    async def read(reader: Reader) -> tuple[list[FigureRow], list[FigureRow], list[FigureRow]]:
        everywhere = await reader.figures_everywhere(SYSTEM, 10)
        return everywhere, await reader.figures(MINE, 10), await reader.figures(THEIRS, 0)

    whole, of_mine, of_theirs = await bench.store.read(SYSTEM, read)
    assert whole == [rows[0], figure("", 11, "e"), rows[3]]
    assert (of_mine, of_theirs) == ([rows[1]], [])
    assert await bench.store.read(MINE, lambda reader: reader.figures(MINE, 11)) == []
    assert await bench.write(lambda transaction: transaction.sweep_figures(SYSTEM, 11)) == 2
    whole, of_mine, _ = await bench.store.read(SYSTEM, read)
    assert (len(whole), of_mine) == (2, [])


async def test_who_waits_is_counted_by_tenant(bench: Bench) -> None:
    """Queued and waiting runs of threads, and nothing of what runs or has ended."""
    statuses: tuple[RunStatus, ...] = ("queued", "queued", "waiting", "running", "completed")
    for status in statuses:
        thread = await bench.thread()
        run = Run(
            id=bench.ids.run(),
            thread_id=thread.id,
            status=status,
            model="demo/x",
            input=None,
            input_message_id=MessageId("msg_1"),
            created_at=NOW,
        )
        row = RunRow(MINE.tenant_id, run, RunOptions(), has_turn=status == "running", first_seq=1)

        async def insert(transaction: Transaction, row: RunRow = row) -> None:
            await transaction.insert_run(MINE, row)
            await transaction.save_run(MINE, structs.replace(row, place=1))

        await bench.write(insert)

    async def look(reader: Reader) -> tuple[dict[TenantId, Queue], Queue, Queue]:
        return await reader.queues(SYSTEM), await reader.queue_of(MINE), await reader.queue_of(THEIRS)

    assert await bench.store.read(SYSTEM, look) == ({MINE.tenant_id: Queue(2, 1)}, Queue(2, 1), Queue())


async def test_what_has_not_ended_is_listed_with_who_writes_for_it(bench: Bench) -> None:
    """Of one tenant or of all, oldest first, and nothing that has ended."""
    rows: list[RunRow] = []
    for scope, status in ((MINE, "running"), (MINE, "completed"), (THEIRS, "queued"), (MINE, "waiting")):
        thread = await bench.thread(scope=scope)
        run = Run(
            id=bench.ids.run(),
            thread_id=thread.id,
            status=cast(RunStatus, status),
            model="demo/x",
            input=None,
            input_message_id=MessageId("msg_1"),
            created_at=NOW,
        )
        rows.append(RunRow(scope.tenant_id, run, RunOptions(), has_turn=status == "running", first_seq=1))

        async def insert(transaction: Transaction, row: RunRow = rows[-1], scope: Tenant = scope) -> None:
            await transaction.insert_run(scope, row)

        await bench.write(insert)
    await bench.write(lambda transaction: transaction.take_lease(SYSTEM, rows[0], NODE, 1))

    async def look(reader: Reader) -> tuple[list[OpenRun], ...]:
        return (
            await reader.unfinished(SYSTEM, None, 10),
            await reader.unfinished(SYSTEM, MINE.tenant_id, 10),
            await reader.unfinished(SYSTEM, None, 1),
            await reader.unfinished(SYSTEM, None, 1, rows[0].run.id),
            await reader.unfinished(SYSTEM, MINE.tenant_id, 10, rows[0].run.id),
            await reader.unfinished(SYSTEM, None, 10, rows[3].run.id),
        )

    everywhere, mine, first, second, rest, nothing = await bench.store.read(SYSTEM, look)
    assert [run.run_id for run in everywhere] == [row.run.id for row in (rows[0], rows[2], rows[3])]
    assert [(run.run_id, run.status, run.node_id) for run in mine] == [
        (rows[0].run.id, "running", NODE),
        (rows[3].run.id, "waiting", None),
    ]
    assert (first, second, rest, nothing) == (everywhere[:1], everywhere[1:2], mine[1:], [])


async def test_who_has_not_renewed_does_not_live(bench: Bench) -> None:
    """By the store's clock."""
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, NODE, 10.0))
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, OTHER_NODE, 100.0))
    assert await bench.store.read(SYSTEM, lambda reader: reader.live_nodes(SYSTEM)) == [NODE, OTHER_NODE]
    bench.advance(50.0)
    assert await bench.store.read(SYSTEM, lambda reader: reader.live_nodes(SYSTEM)) == [OTHER_NODE]


async def test_the_long_dead_are_forgotten(bench: Bench) -> None:
    """Who has been silent for long goes; who lives stays, and whoever a lease names, until that is another's."""
    attempt = await bench.attempt(await bench.thread())
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, NODE, 10.0))
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, NodeId("node_gone"), 10.0))
    bench.advance(1000.0)
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, OTHER_NODE, 100.0))

    async def sweep() -> int:
        gone: int = await bench.write(lambda transaction: transaction.sweep_nodes(SYSTEM, 500.0))
        return gone

    assert bench.count("nodes") == 3
    assert await sweep() == 1
    assert await sweep() == 0
    # Its lease is still no live one: forgotten or not, the dead own nothing.
    lease = await bench.store.read(SYSTEM, lambda reader: reader.lease(SYSTEM, attempt.run_id))
    assert lease is not None
    assert (lease.node_id, lease.is_live) == (NODE, False)

    async def take_over(transaction: Transaction) -> None:
        run = await transaction.run(MINE, attempt.run_id)
        await transaction.take_lease(SYSTEM, run, OTHER_NODE, 2)

    await bench.write(take_over)
    assert await sweep() == 1
    assert await bench.store.read(SYSTEM, lambda reader: reader.live_nodes(SYSTEM)) == [OTHER_NODE]
    # Whoever wakes up after all is refused by the fence, as before.
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, NODE, 10.0))
    assert await bench.say(bench.delta(attempt, "late")) == [None]
