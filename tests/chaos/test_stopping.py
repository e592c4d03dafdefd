"""Nodes that are stopped: for good, while their database is away; and for a while, with the machine that they are on."""

import asyncio
import uuid
from collections.abc import Mapping

from support.client import said
from support.upstream import Gate, Upstream, chat

from .clients import Person
from .conftest import StartCluster
from .verdict import hold_to_promises


async def test_a_node_that_is_stopped_while_its_database_is_away_ends(
    start_cluster: StartCluster, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """SIGTERM ends it within bounds although nothing can be given back; whoever comes after it answers the run."""
    cluster = await start_cluster("redis", **vendors, THREADLINE_LEASE_SECONDS="15")
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat("half ", ending="hang"), chat("half ", "whole"))
    async with cluster.client(0) as sender:
        person = Person(await sender.thread())
        run_id = (await person.sends(sender, "first", f"openai/{model}")).ok(202)["run"]["id"]
    owner = await cluster.owner(run_id)
    async with cluster.client((owner + 1) % 3) as other:
        async with other.events(person.thread_id) as reader:
            await reader.read_until("message.delta")
            await asyncio.to_thread(cluster.postgres.kill)
            node = cluster.nodes[owner].server
            node.sigterm()
            assert await asyncio.to_thread(node.wait_for_exit) == 0
            await asyncio.to_thread(cluster.postgres.start)
            await asyncio.to_thread(node.start)
            await reader.read_until("run.completed")
        person.sees(reader.frames)
        assert said(reader.frames) == "half whole"
        threads = await hold_to_promises(cluster, person.seen, [person.thread_id])
    assert threads[person.thread_id].runs[run_id]["attempt"] == 2


async def test_a_machine_that_stood_still_begins_nothing_anew(
    start_cluster: StartCluster, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """All leases lapse in its sleep. Whoever wakes up first knows that he overslept, and lets the others renew theirs."""
    lease_seconds = 9.0
    cluster = await start_cluster("redis", **vendors, THREADLINE_LEASE_SECONDS=str(lease_seconds))
    model, has_woken = f"m-{uuid.uuid4()}", Gate()
    upstream.play(model, chat("one ", has_woken, "and two"), chat("again"))
    async with cluster.client(0) as sender:
        person = Person(await sender.thread())
        run_id = (await person.sends(sender, "first", f"openai/{model}")).ok(202)["run"]["id"]
    owner = await cluster.owner(run_id)
    async with cluster.client((owner + 1) % 3) as other, other.events(person.thread_id) as reader:
        await reader.read_until("message.delta")
        for node in cluster.nodes:
            node.server.pause()
        await asyncio.sleep(lease_seconds + 1)
        for number in ((owner + 1) % 3, (owner + 2) % 3):
            cluster.nodes[number].server.resume()
        await asyncio.sleep(1)
        cluster.nodes[owner].server.resume()
        has_woken.set()
        await reader.read_until("run.completed")
    person.sees(reader.frames)
    threads = await hold_to_promises(cluster, person.seen, [person.thread_id])
    assert threads[person.thread_id].runs[run_id]["attempt"] == 1
    assert said(reader.frames) == "one and two"
