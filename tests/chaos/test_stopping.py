"""A rollout does not wait for the weather: nodes are stopped and started while their database is away."""

import asyncio
import uuid
from collections.abc import Mapping

from support.client import said
from support.upstream import Upstream, chat

from .clients import Person
from .conftest import StartCluster
from .verdict import hold_to_promises


async def test_a_node_that_is_stopped_while_its_database_is_away_ends(
    start_cluster: StartCluster, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """SIGTERM ends it within bounds although nothing can be given back; whoever comes after it answers the run."""
    cluster = await start_cluster("redis", **vendors, THREADLINE_LEASE_SECONDS="8")
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
            starting = asyncio.create_task(asyncio.to_thread(node.start))
            await asyncio.to_thread(cluster.postgres.start)
            await starting
            await reader.read_until("run.completed")
        person.sees(reader.frames)
        assert said(reader.frames) == "half whole"
        threads = await hold_to_promises(cluster, person.seen, [person.thread_id])
    assert threads[person.thread_id].runs[run_id]["attempt"] == 2
