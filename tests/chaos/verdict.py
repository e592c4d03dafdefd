"""What a cluster holds when all is quiet again, as each of its nodes and its database tell it."""

from collections.abc import Sequence
from typing import Any

from crash.checker import broken_promises
from crash.witness import Seen, Stored, all_settled, stored_of
from support.waiting import until
from threadline.cli.invariants import findings
from threadline.ids import ThreadId
from threadline.scopes import System, Tenant
from threadline.store.contract import Reader
from threadline.store.postgres.store import PostgresStore

from .cluster import NODES, Cluster

SETTLE_SECONDS = 180.0
"""From the end of the storm until every run has ended: a lapsed lease, a claim and a whole answer, and a queue of them."""

_LOOK = System("a test looks at everything")


async def hold_to_promises(cluster: Cluster, seen: Seen, thread_ids: Sequence[str]) -> dict[str, Stored]:
    """Wait until all is quiet; every promise must be kept, on every node and in the database. Returns what is stored."""
    threads = await settled(cluster, thread_ids)
    breaches = broken_promises(seen, threads) + await unsound(cluster, thread_ids)
    assert not breaches, f"{len(breaches)} breaches:\n" + "\n".join(breaches[:20])
    return threads


async def settled(cluster: Cluster, thread_ids: Sequence[str]) -> dict[str, Stored]:
    """Wait until all is quiet, and return what every node then says alike."""
    await cluster.wait_until_ready()
    ids = list(thread_ids)

    async def told_alike() -> dict[str, Stored] | None:
        told = [await _told(cluster, number, ids) for number in range(NODES)]
        return told[0] if all(_raw(told[0]) == _raw(others) for others in told[1:]) else None

    # Whoever has gone in mid-request may still be taken at his word after the first node was asked.
    found = await until(told_alike, "one tale of all nodes", SETTLE_SECONDS)
    assert found is not None
    return found


async def _told(cluster: Cluster, number: int, thread_ids: list[str]) -> dict[str, Stored]:
    async with cluster.client(number) as client:
        await until(lambda: all_settled(client, thread_ids), "the end of all runs", SETTLE_SECONDS)
        return {thread_id: await stored_of(client, thread_id) for thread_id in thread_ids}


def _raw(stored: dict[str, Stored]) -> list[tuple[list[bytes], list[dict[str, Any]]]]:
    return [([frame.raw for frame in each.log], each.history) for each in stored.values()]


async def unsound(cluster: Cluster, thread_ids: Sequence[str]) -> list[str]:
    """Return what `threadline db check` would find in these threads."""
    store = PostgresStore(cluster.database_url())
    await store.open()

    async def look(thread_id: ThreadId) -> list[str]:
        async def whose(reader: Reader) -> Tenant:
            found = await reader.locate_thread(_LOOK, thread_id)
            assert found is not None, "it is there"
            return Tenant(found)

        tenant = await store.read(_LOOK, whose)

        async def script(reader: Reader) -> list[str]:
            return await findings(reader, tenant, thread_id)

        return await store.read(tenant, script)

    try:
        return [f"{name}: {finding}" for name in thread_ids for finding in await look(ThreadId(name))]
    finally:
        await store.close()
