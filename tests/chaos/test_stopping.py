"""A rollout does not wait for the weather: nodes are stopped and started while their database is away."""

import asyncio

from support.client import counted, said

from .clients import LONG, Person
from .conftest import StartCluster
from .verdict import hold_to_promises


async def test_a_node_that_is_stopped_while_its_database_is_away_ends(start_cluster: StartCluster) -> None:
    """SIGTERM ends it within bounds although nothing can be given back; whoever comes after it answers the run."""
    cluster = await start_cluster("redis", THREADLINE_LEASE_SECONDS="8")
    async with cluster.client(0) as one, cluster.client(1) as two:
        person = Person(await one.thread())
        run_id = (await person.sends(one, "first", LONG)).ok(202)["run"]["id"]
        async with two.events(person.thread_id) as reader:
            await reader.read_until("message.delta")
            await asyncio.to_thread(cluster.postgres.kill)
            node = cluster.nodes[0].server
            node.sigterm()
            assert await asyncio.to_thread(node.wait_for_exit) == 0
            starting = asyncio.create_task(asyncio.to_thread(node.start))
            await asyncio.to_thread(cluster.postgres.start)
            await starting
            await reader.read_until("run.completed")
        person.sees(reader.frames)
        assert said(reader.frames) == counted(150)
        threads = await hold_to_promises(cluster, person.seen, [person.thread_id])
    assert threads[person.thread_id].runs[run_id]["attempt"] == 2
