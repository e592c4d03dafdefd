"""Three nodes in a storm, and promises 1 to 6 hold for everybody who was there."""

import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence

import pytest

from crash.checker import broken_promises
from crash.witness import Crowd, Seen, Stored, all_settled, stored_of
from support.waiting import until
from threadline.cli.invariants import findings
from threadline.ids import ThreadId
from threadline.scopes import System, Tenant
from threadline.store.contract import Reader
from threadline.store.postgres.store import PostgresStore

from .clients import Anywhere
from .cluster import NODES, Cluster
from .conftest import StartCluster
from .storm import Storm

SECONDS = float(os.environ.get("THREADLINE_CHAOS_SECONDS", "12"))
SEED = int(os.environ.get("THREADLINE_CHAOS_SEED", random.SystemRandom().randrange(10**6)))
THREADS = 6
SETTLE_SECONDS = 90.0
"""From the end of the storm until every run has ended: a lapsed lease, a claim and a whole answer, and a queue of them."""


@pytest.mark.parametrize("bus", ["postgres", "redis"])
async def test_nothing_is_lost_in_a_storm(bus: str, start_cluster: StartCluster) -> None:
    """People send and read through any node while nodes, database, bus and wires break at seeded moments.

    In the end every acknowledged send is there once and in order, whatever anybody saw is stored, byte for byte and
    without a hole, every run has ended once, every answer is whole, and all nodes say the same.
    `THREADLINE_CHAOS_SEED` and `THREADLINE_CHAOS_SECONDS` choose another storm.
    """
    cluster = await start_cluster(bus)
    seen, source = Seen(), random.Random(SEED)
    storm = Storm(cluster, SEED, lambda what: tell(seen, what))
    print(f"THREADLINE_CHAOS_SEED={SEED} THREADLINE_CHAOS_SECONDS={SECONDS:g}")
    async with Anywhere(cluster.urls, cluster.key, source) as client:
        thread_ids = [await client.thread() for _ in range(THREADS)]
        crowd = Crowd(client, seen, source, away_seconds=0.2, servers_stall=True)
        people = [
            asyncio.create_task(member(thread_id))
            for thread_id in thread_ids
            for member in (crowd.person, crowd.reader, crowd.reader, crowd.onlooker)
        ]
        try:
            await storm.blow(SECONDS)
        finally:
            crowd.is_over = True
            await leave(people)
    threads = await settled(cluster, thread_ids)
    replaced = sum(frame.event == "message.superseded" for stored in threads.values() for frame in stored.log)
    acknowledged = [send for send in seen.sends if send.is_acknowledged]
    tell(seen, f"{storm.faults} faults, {client.refusals} refusals, {replaced} answers taken over")
    breaches = broken_promises(seen, threads) + await unsound(cluster, thread_ids)
    assert not breaches, f"seed {SEED}, {len(breaches)} breaches:\n" + "\n".join(breaches[:20])
    failed = [run for stored in threads.values() for run in stored.runs.values() if run["status"] != "completed"]
    assert not failed, f"seed {SEED}: {failed[:3]}"
    # A storm that hit nothing would prove nothing.
    assert replaced >= 2
    assert len(acknowledged) >= 2 * THREADS
    assert any(send.tries > 1 for send in acknowledged)
    assert client.refusals


def tell(seen: Seen, what: str) -> None:
    """Say how far it is: at failure, and at once where somebody watches (`make chaos`)."""
    acknowledged = sum(send.is_acknowledged for send in seen.sends)
    print(f"{time.strftime('%X')} {acknowledged}/{len(seen.sends)} sends, {len(seen.frames)} frames: {what}")
    sys.stdout.flush()


async def settled(cluster: Cluster, thread_ids: Sequence[str]) -> dict[str, Stored]:
    """Wait until all is quiet, and return what every node then says alike."""
    await cluster.wait_until_ready()
    ids = list(thread_ids)
    told = []
    for number in range(NODES):
        async with cluster.client(number) as client:
            await until(lambda client=client: all_settled(client, ids), "the end of all runs", SETTLE_SECONDS)
            told.append({thread_id: await stored_of(client, thread_id) for thread_id in ids})
    for number, others in enumerate(told[1:], 1):
        for thread_id in ids:
            raw = [[frame.raw for frame in stored[thread_id].log] for stored in (told[0], others)]
            assert raw[0] == raw[1], f"node 0 and node {number} tell {thread_id} differently"
            assert told[0][thread_id].history == others[thread_id].history
    return told[0]


async def unsound(cluster: Cluster, thread_ids: Sequence[str]) -> list[str]:
    """Return what `threadline db check` would find in these threads."""
    store = PostgresStore(cluster.database_url())
    await store.open()

    async def look(thread_id: ThreadId) -> list[str]:
        async def whose(reader: Reader) -> Tenant:
            found = await reader.locate_thread(System("a test"), thread_id)
            assert found is not None, "it is there"
            return Tenant(found)

        tenant = await store.read(System("a test"), whose)

        async def script(reader: Reader) -> list[str]:
            return await findings(reader, tenant, thread_id)

        return await store.read(tenant, script)

    try:
        return [f"{name}: {finding}" for name in thread_ids for finding in await look(ThreadId(name))]
    finally:
        await store.close()


async def leave(people: Sequence["asyncio.Task[None]"]) -> None:
    """Let everybody finish what they are doing; readers who wait for something new are taken by the arm."""
    await asyncio.wait(people, timeout=3)
    for task in people:
        task.cancel()
    for result in await asyncio.gather(*people, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
