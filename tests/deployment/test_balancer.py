"""The load balancer's configuration, in a real one in front of two real nodes."""

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from deploy.cluster.servers import Balancer, Node

from support.client import Client, counted, said
from support.installation import make_key
from support.processes import send
from support.redis import RedisServer
from support.upstream import Gate, Upstream, chat
from support.waiting import until

DRAIN_SECONDS = 3600
"""Longer than any of these tests: whoever drains is there until its answer has been given."""


@pytest.fixture
def nodes(
    database: str, redis: RedisServer, tmp_path: Path, vendors: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Node]]:
    """Two nodes that serve, with the keys of our vendor in their environment."""
    for name, value in vendors.items():
        monkeypatch.setenv(name, value)
    # A node that a busy machine lets stand is not taken out here; one that is dead or drains says so at once.
    monkeypatch.setenv("HEALTH_TIMEOUT", "60s")
    made = [Node(tmp_path, number, 0, database, redis.url(), DRAIN_SECONDS) for number in (1, 2)]
    for node in made:
        node.start()
    yield made
    for node in made:
        if node.is_running:
            node.kill()


@pytest.fixture
async def balanced(nodes: list[Node], database: str, tmp_path: Path) -> AsyncIterator[Client]:
    """A client of the balancer in front of them."""
    balancer = Balancer(tmp_path, 0, nodes)
    balancer.start()
    async with Client(balancer.url, make_key(Path(), database=database)) as client:
        yield client
    balancer.stop()


async def readers(node: Node) -> int:
    """Return how many streams a node has."""
    async with Client(node.url, None) as client:
        text = (await client.get("/metrics")).body.decode()
    return int(float(text.partition("\nthreadline_readers ")[2].partition("\n")[0]))


async def test_words_arrive_while_they_are_made_and_nothing_stays_open(balanced: Client, nodes: list[Node]) -> None:
    """A stream is not buffered, streams are spread over the nodes, and a client that goes is gone at the node too."""
    thread_id = await balanced.thread()
    async with balanced.events(thread_id) as first, balanced.events(thread_id) as second:
        for stream in (first, second):
            await stream.read_until("caught_up")
        assert [await readers(node) for node in nodes] == [1, 1]
        run = (await balanced.begin(thread_id, "x", model="demo/count-600@10"))["run"]
        for stream in (first, second):
            await stream.read_until("message.delta")
        assert (await balanced.run(run["id"]))["status"] == "running"

    async def left() -> bool:
        return [await readers(node) for node in nodes] == [0, 0]

    await until(left, "the end of the streams")
    await balanced.post(f"/v1/runs/{run['id']}/cancel")


async def test_a_killed_node_cuts_its_streams_and_costs_no_send(
    balanced: Client, nodes: list[Node], upstream: Upstream
) -> None:
    """What is cut must look cut: a clean end would be taken for success. Later requests find the other node."""
    thread_id, model, is_killed = await balanced.thread(), f"m-{uuid.uuid4()}", Gate()
    upstream.play(model, chat("one ", is_killed, "two"), chat("one ", "two"))
    async with balanced.events(thread_id) as first, balanced.events(thread_id) as second:
        for stream in (first, second):
            await stream.read_until("caught_up")
        run = (await balanced.begin(thread_id, "x", model=f"openai/{model}"))["run"]
        for stream in (first, second):
            await stream.read_until("message.delta")
        nodes[0].kill()
        is_killed.set()
        endings = await asyncio.gather(*(_ending(stream) for stream in (first, second)))
        assert sorted(endings) == ["cut", "run.completed"]
    for _ in range(10):
        await balanced.thread()
    settled = await balanced.settled(run["id"])
    assert settled["status"] == "completed"
    assert said(await balanced.log(thread_id)) == "one two"


async def _ending(stream: object) -> str:
    try:
        await stream.read_until("run.completed")  # type: ignore[attr-defined]
    except AssertionError:
        return str(stream.ending)  # type: ignore[attr-defined]
    return "run.completed"


async def test_a_draining_node_gets_nothing_new(balanced: Client, nodes: list[Node]) -> None:
    """It says so at /readyz; streams and sends go to the other one, while the stream on the draining one is served to its end."""
    thread_id = await balanced.thread()
    async with balanced.send_stream(thread_id, "x", model="demo/count-9999@20") as stream:
        await stream.read_until("message.delta")
        (busy,) = [node for node in nodes if await readers(node)]
        send(busy.pid, signal.SIGTERM)

        async def is_left_out() -> bool:
            async with AsyncExitStack() as streams:
                for _ in range(4):
                    follow = await streams.enter_async_context(balanced.events(thread_id))
                    await follow.read_until("caught_up")
                return await readers(busy) == 1

        await until(is_left_out, "the other node for every stream")
        assert (await balanced.send(await balanced.thread(), "x", background=True)).status == 202
        assert await readers(busy) == 1
        await balanced.post(f"/v1/runs/{stream.headers['x-threadline-run-id']}/cancel")
        assert (await stream.read_to_end())[-1].event == "run.cancelled"
    assert counted(9999).startswith(said(stream.frames))


async def test_metrics_are_not_for_the_world(balanced: Client) -> None:
    """The balancer is on this machine, and still asks for somebody elsewhere."""
    async with Client(balanced.urls[0], None) as nobody:
        (await nobody.get("/metrics")).problem(401, "unauthorized")
    assert (await balanced.get("/metrics")).status == 403
