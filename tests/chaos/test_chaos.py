"""Three nodes in a storm, and promises 1 to 6 hold for everybody who was there."""

import asyncio
import os
import random
import sys
import time
import uuid
from collections.abc import Mapping, Sequence

import pytest

from crash.witness import Crowd, Seen
from support.upstream import Upstream, chat

from .clients import Anywhere, Crossed, Person
from .cluster import Cluster
from .conftest import StartCluster
from .storm import Storm
from .verdict import hold_to_promises

SECONDS = float(os.environ.get("THREADLINE_CHAOS_SECONDS", "12"))
SEED = int(os.environ.get("THREADLINE_CHAOS_SEED", random.SystemRandom().randrange(10**6)))
THREADS = 6


@pytest.mark.parametrize("bus", ["postgres", "redis"])
async def test_nothing_is_lost_in_a_storm(
    bus: str, start_cluster: StartCluster, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """People send and read through any node while nodes, database, bus and wires break at seeded moments.

    In the end every acknowledged send is there once and in order, whatever anybody saw is stored, byte for byte and
    without a hole, every run has ended once, every answer is whole, and all nodes say the same.
    `THREADLINE_CHAOS_SEED` and `THREADLINE_CHAOS_SECONDS` choose another storm.
    """
    cluster = await start_cluster(bus, **vendors)
    seen, source = Seen(), random.Random(SEED)
    storm = Storm(cluster, SEED, lambda what: tell(seen, what))
    print(f"THREADLINE_CHAOS_SEED={SEED} THREADLINE_CHAOS_SECONDS={SECONDS:g}")
    async with Anywhere(cluster.urls, cluster.key, source) as client:
        async with cluster.client(0) as patient:
            thread_ids = [await patient.thread() for _ in range(THREADS)]
        crowd = Crowd(client, seen, source, away_seconds=0.2, servers_stall=True)
        crossed = Crossed(client, crowd, seen, source)
        people = [
            asyncio.create_task(member(thread_id))
            for thread_id in thread_ids
            for member in (crowd.person, crowd.reader, crowd.reader, crowd.onlooker, crossed.canceller)
        ]
        try:
            thread_ids.append(await struck_in_mid_answer(cluster, seen, upstream))
            await storm.blow(SECONDS)
            while not has_struck(seen, client):
                # A storm that hit nothing would prove nothing; how much it hits is the machine's business too.
                await storm.blow(0)
        finally:
            crowd.is_over = True
            await leave(people)
    threads = await hold_to_promises(cluster, seen, thread_ids)
    replaced = sum(frame.event == "message.superseded" for stored in threads.values() for frame in stored.log)
    tell(seen, f"{storm.faults} faults, {client.refusals} refusals, {replaced} answers taken over")
    ends = {run_id: run["status"] for stored in threads.values() for run_id, run in stored.runs.items()}
    assert {run_id for run_id, status in ends.items() if status != "completed"} <= crossed.tried, f"seed {SEED}: {ends}"
    assert set(ends.values()) <= {"completed", "cancelled"}, f"seed {SEED}: {ends}"
    assert replaced


def has_struck(seen: Seen, client: Anywhere) -> bool:
    """Whether there was enough to be lost: sends, some that had to come again, and some that were refused."""
    acknowledged = [send for send in seen.sends if send.is_acknowledged]
    return len(acknowledged) >= 2 * THREADS and any(send.tries > 1 for send in acknowledged) and client.refusals > 0


async def struck_in_mid_answer(cluster: Cluster, seen: Seen, upstream: Upstream) -> str:
    """Kill the node that is answering, so that the storm begins with a run that somebody has to take over."""
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat("w0", ending="hang"), chat("w0 ", "w1"))
    async with cluster.client(0) as client:
        person = Person(await client.thread(), seen)
        run_id = (await person.sends(client, "struck", f"openai/{model}")).ok(202)["run"]["id"]
        owner = await cluster.owner(run_id)
        async with cluster.client(owner) as reader, reader.events(person.thread_id) as stream:
            await stream.read_until("message.delta")
            cluster.nodes[owner].server.kill9()
            person.sees(await stream.read_to_cut())
    await asyncio.to_thread(cluster.nodes[owner].server.start)
    return person.thread_id


def tell(seen: Seen, what: str) -> None:
    """Say how far it is: at failure, and at once where somebody watches (`make chaos`)."""
    acknowledged = sum(send.is_acknowledged for send in seen.sends)
    print(f"{time.strftime('%X')} {acknowledged}/{len(seen.sends)} sends, {len(seen.frames)} frames: {what}")
    sys.stdout.flush()


async def leave(people: Sequence["asyncio.Task[None]"]) -> None:
    """Let everybody finish what they are doing; readers who wait for something new are taken by the arm."""
    await asyncio.wait(people, timeout=3)
    for task in people:
        task.cancel()
    for result in await asyncio.gather(*people, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
