"""One fault at a time, and exactly what is to be expected of it."""

import asyncio
import os
import uuid
from collections.abc import Mapping

import pytest

from support.client import Answer, Client, counted, said
from support.upstream import Gate, Upstream, chat
from support.waiting import until

from .clients import LONG, REFUSED_SECONDS, Person
from .cluster import Cluster, Node
from .conftest import StartCluster
from .verdict import hold_to_promises

OUTAGE_SECONDS = float(os.environ.get("THREADLINE_CHAOS_OUTAGE_SECONDS", "0"))
"""How long nobody reaches the database, at least; the test that needs it needs about 15 s by itself."""


async def refusal(person: Person, client: Client, key: str) -> None:
    """Send until a node notices that its database is away; it says so in words, and when to come again."""

    async def is_refused() -> bool:
        answer = await person.sends(client, key, "demo/count-3@60")
        if answer.status == 202:
            return False
        problem = answer.problem(503, "unavailable")
        assert problem["retryable"]
        assert int(answer.headers["retry-after"]) >= 1
        return True

    await until(is_refused, "a refusal", REFUSED_SECONDS)


async def test_answers_go_on_when_the_database_restarts(start_cluster: StartCluster) -> None:
    """While the database is gone, sends are refused and nothing is half done; streams stay open and go on to the end.

    It is gone for longer than leases hold, and still nobody takes the answer from the node that is giving it. The same
    key is then sent again through another node, and happens once.
    """
    lease_seconds = 12.0
    cluster = await start_cluster("postgres", THREADLINE_LEASE_SECONDS=str(lease_seconds))
    async with cluster.client(0) as one, cluster.client(1) as two:
        person = Person(await one.thread())
        sent = await person.sends(one, "first", LONG)
        run_id = sent.ok(202)["run"]["id"]
        async with one.open("GET", f"/v1/runs/{run_id}/events") as here, two.events(person.thread_id) as there:
            for stream in (here, there):
                await stream.read_until("message.delta")
            await asyncio.to_thread(cluster.postgres.kill)
            await refusal(person, two, "second")
            await until(lambda: is_out(cluster), "the other node's word that it is out of service")
            await asyncio.sleep(lease_seconds)
            await asyncio.to_thread(cluster.postgres.start)
            again = await until(lambda: accepted(person, one, "second"), "an accepted send")
            await here.read_to_end()
            await there.read_until("run.completed")
        person.sees(here.frames + there.frames)
        assert said(here.frames) == counted(150)
        threads = await hold_to_promises(cluster, person.seen, [person.thread_id])
    runs = threads[person.thread_id].runs
    assert [(run["status"], run["attempt"]) for run in runs.values()] == [("completed", 1), ("completed", 1)]
    assert list(runs) == [run_id, again.json["run"]["id"]]


async def is_out(cluster: Cluster) -> bool:
    """Whether the first node says that it cannot serve."""
    return not await cluster.is_ready(0)


async def accepted(person: Person, client: Client, key: str) -> Answer | None:
    """Send, and return the answer where it is no refusal."""
    answer = await person.sends(client, key, "demo/count-3@60")
    return answer if answer.status == 202 else None


async def test_a_database_that_nobody_reaches_is_no_end(start_cluster: StartCluster) -> None:
    """Packets vanish, and nobody is told. Sends are refused in time; when the wires are whole, answers go on."""
    cluster = await start_cluster("redis")
    async with cluster.client(0) as one, cluster.client(1) as two:
        person = Person(await one.thread())
        run_id = (await person.sends(one, "first", LONG)).ok(202)["run"]["id"]
        async with two.events(person.thread_id) as reader:
            await reader.read_until("message.delta")
            for node in cluster.nodes:
                node.database.hold()
            async with asyncio.TaskGroup() as outage:
                outage.create_task(asyncio.sleep(OUTAGE_SECONDS))
                for number in range(3):
                    outage.create_task(send_into_nothing(cluster, person, number))
            for node in cluster.nodes:
                node.database.release()
            await reader.read_until("run.completed")
        person.sees(reader.frames)
        for number in range(3):
            await until(lambda number=number: accepted(person, two, f"lost-{number}"), "an accepted send")
        threads = await hold_to_promises(cluster, person.seen, [person.thread_id])
    stored = threads[person.thread_id]
    assert stored.runs[run_id]["status"] == "completed"
    assert sorted(send.key for send in person.seen.sends if send.is_acknowledged) == [
        "first",
        *(f"lost-{number}" for number in range(3)),
    ]


async def send_into_nothing(cluster: Cluster, person: Person, number: int) -> None:
    """Send through a node that reaches no database."""
    async with cluster.client(number) as client:
        answer = await person.sends(client, f"lost-{number}", "demo/count-3@60")
    answer.problem(503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("way", ["dies", "vanishes"])
async def test_a_replica_takes_over(way: str, start_cluster: StartCluster) -> None:
    """The database dies, or nobody reaches it any more; its replica is promoted. The nodes find it by themselves.

    Every commit has waited for the replica, so nothing that anybody saw is missing there.
    """
    cluster = await start_cluster("redis", with_replica=True)
    async with cluster.client(0) as one, cluster.client(1) as two:
        person = Person(await one.thread())
        run_id = (await person.sends(one, "first", LONG)).ok(202)["run"]["id"]
        async with two.events(person.thread_id) as reader:
            for _ in range(2):
                await reader.read_until("message.delta")
            if way == "dies":
                await asyncio.to_thread(cluster.postgres.kill)
            else:
                for node in cluster.nodes:
                    node.database.hold()
                cluster.postgres.pause()
            await cluster.fail_over()
            await until(lambda: accepted(person, one, "second"), "an accepted send")
            await reader.read_until("run.completed")
        person.sees(reader.frames)
        threads = await hold_to_promises(cluster, person.seen, [person.thread_id])
    assert [run["status"] for run in threads[person.thread_id].runs.values()] == ["completed", "completed"]
    assert run_id in threads[person.thread_id].runs


@pytest.mark.parametrize("bus", ["postgres", "redis"])
async def test_without_the_bus_readers_are_later_and_miss_nothing(bus: str, start_cluster: StartCluster) -> None:
    """Nodes stay in service and say that they are degraded; readers of other nodes are told by the poll."""
    cluster = await start_cluster(bus)
    async with cluster.client(0) as one, cluster.client(1) as two:
        person = Person(await one.thread())
        async with two.events(person.thread_id) as reader:
            await reader.read_until("caught_up")
            for node in cluster.nodes:
                node.bus.cut()
                node.bus.hold()
            await until(lambda: is_degraded(one), "a node that says so")
            await person.sends(one, "first", LONG)
            await reader.read_until("run.completed")
            for node in cluster.nodes:
                node.bus.release()
        person.sees(reader.frames)
        assert said(reader.frames) == counted(150)
        await hold_to_promises(cluster, person.seen, [person.thread_id])


async def is_degraded(client: Client) -> bool:
    """Whether a node works without its bus."""
    answer = await client.get("/readyz")
    assert answer.status == 200, "a node without its bus stays in service"
    return answer.json["status"] == "degraded" and not answer.json["bus"]


async def test_a_zombie_writes_nothing_and_knows_it(
    start_cluster: StartCluster, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """A node stands still past its lease, another one takes its run over, and it wakes up in mid-answer.

    Nothing that it had to say is stored behind the takeover; it says in its log that it gave the run up; and whoever
    reads from it sees what is stored.
    """
    cluster = await start_cluster("redis", **vendors, THREADLINE_LEASE_SECONDS="15")
    model, has_woken, has_seen = f"m-{uuid.uuid4()}", Gate(), Gate()
    upstream.play(model, chat("one ", has_woken, "of a zombie"), chat("one ", has_seen, "and two"))
    async with cluster.client(0) as sender:
        person = Person(await sender.thread())
        run_id = (await person.sends(sender, "first", f"openai/{model}")).ok(202)["run"]["id"]
    owner = await cluster.owner(run_id)
    zombie = cluster.nodes[owner]
    async with cluster.client(owner) as one, cluster.client((owner + 1) % 3) as two:
        async with one.events(person.thread_id) as here, two.events(person.thread_id) as there:
            await here.read_until("message.delta")
            await there.read_until("message.delta")
            zombie.server.pause()
            await there.read_until("message.superseded")
            await there.read_until("message.delta")
            zombie.server.resume()
            has_woken.set()
            await until(lambda: gave_up(zombie, run_id), "its word that it gave the run up")
            has_seen.set()
            await there.read_until("run.completed")
            await here.read_until("run.completed")
        person.sees(here.frames + there.frames)
        threads = await hold_to_promises(cluster, person.seen, [person.thread_id])
    assert threads[person.thread_id].runs[run_id]["attempt"] == 2
    assert said(threads[person.thread_id].log) == "one and two"
    assert [frame.raw for frame in here.frames if frame.id] == [frame.raw for frame in there.frames if frame.id]


async def gave_up(node: Node, run_id: str) -> bool:
    """Whether a node has noticed that a run is not its own any more."""
    return any("run_given_up" in line and run_id in line for line in node.server.log().splitlines())


async def test_any_node_serves_anybody(start_cluster: StartCluster) -> None:
    """Sent through one node, read from another, cancelled through the third: all of them tell the same."""
    cluster = await start_cluster("redis", THREADLINE_LEASE_SECONDS="60")
    async with cluster.client(0) as one, cluster.client(1) as two, cluster.client(2) as three:
        person = Person(await one.thread())
        run_id = (await person.sends(one, "first", "demo/count-5000@50")).ok(202)["run"]["id"]
        async with two.events(person.thread_id) as reader:
            await reader.read_until("message.delta")
            ended = await three.post(f"/v1/runs/{run_id}/cancel", {"wait": True})
            await reader.read_until("run.cancelled")
        assert ended.ok(200)["status"] == "cancelled"
        person.sees(reader.frames)
        threads = await hold_to_promises(cluster, person.seen, [person.thread_id])
    assert threads[person.thread_id].runs[run_id]["attempt"] == 1


async def test_one_key_through_all_nodes_at_once_is_one_send(start_cluster: StartCluster) -> None:
    """Three nodes get the same send in the same moment, twenty times: one message and one run each, for everybody."""
    cluster = await start_cluster("postgres")
    async with cluster.client(0) as one, cluster.client(1) as two, cluster.client(2) as three:
        person = Person(await one.thread())
        for number in range(20):
            answers = await asyncio.gather(
                *(person.sends(client, f"key-{number}", "demo/count-2@400") for client in (one, two, three))
            )
            told = [answer.ok(202) for answer in answers]
            assert len({(answer["message"]["id"], answer["run"]["id"]) for answer in told}) == 1
            assert sorted(answer.headers.get("idempotency-replayed", "") for answer in answers) == ["", "true", "true"]
        await hold_to_promises(cluster, person.seen, [person.thread_id])
