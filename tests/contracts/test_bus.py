"""What every bus promises: it wakes the others, and it never fails its caller."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import pytest

from support.waiting import PATIENCE_SECONDS
from threadline.bus.contract import Bus, Nudge, Whisper
from threadline.bus.memory import Exchange, MemoryBus
from threadline.bus.postgres import PostgresBus
from threadline.bus.redis import RedisBus
from threadline.ids import ThreadId
from threadline.limits import WHISPER_BYTES_MAX


class BusKit(Protocol):
    """One kind of bus."""

    def node(self) -> Bus:
        """Make the bus of one more node, not open yet."""
        ...


class MemoryKit:
    """Nodes of one process."""

    def __init__(self) -> None:
        self._exchange = Exchange()

    def node(self) -> MemoryBus:
        """Make the bus of one more node."""
        return MemoryBus(self._exchange)


class PostgresKit:
    """Nodes on one PostgreSQL."""

    def __init__(self, dsn: str, prefix: str) -> None:
        self._dsn = dsn
        self._prefix = prefix

    def node(self) -> PostgresBus:
        """Make the bus of one more node."""
        return PostgresBus(self._dsn, self._prefix)


class RedisKit:
    """Nodes on one Redis."""

    def __init__(self, url: str, prefix: str) -> None:
        self._url = url
        self._prefix = prefix

    def node(self) -> RedisBus:
        """Make the bus of one more node."""
        return RedisBus(self._url, self._prefix)


@pytest.fixture(params=["memory", "postgres", "redis"])
def kit(request: pytest.FixtureRequest, prefix: str) -> BusKit:
    """Every kind of bus."""
    if request.param == "postgres":
        return PostgresKit(request.getfixturevalue("postgres").url(), prefix)
    if request.param == "redis":
        return RedisKit(request.getfixturevalue("redis").url(), prefix)
    return MemoryKit()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still is no bus that has gone: what is said once here is waited for."""
    for room in ("remote", "postgres", "redis"):
        monkeypatch.setattr(f"threadline.bus.{room}.ANSWER_SECONDS", PATIENCE_SECONDS)


class Node:
    """A bus, and what was heard on it."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.heard: list[Nudge] = []
        self.whispered: list[Whisper] = []

    def hear(self, nudges: Sequence[Nudge]) -> None:
        """Take down what comes."""
        self.heard.extend(nudges)

    def overhear(self, whispers: Sequence[Whisper]) -> None:
        """Take down what is whispered."""
        self.whispered.extend(whispers)

    async def wait_for(self, nudge: Nudge) -> None:
        """Sleep until it has come; a bus may take its time."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while nudge not in self.heard:
                await asyncio.sleep(0.001)


@pytest.fixture
async def nodes(kit: BusKit) -> AsyncIterator[list[Node]]:
    """Three nodes that hear each other."""
    nodes = [Node(kit.node()) for _ in range(3)]
    for node in nodes:
        await node.bus.open(node.hear, node.overhear)
    yield nodes
    for node in nodes:
        await node.bus.close()


def nudge(seq: int, thread_id: str = "thr_1") -> Nudge:
    """Say that a thread has reached `seq`."""
    return Nudge(ThreadId(thread_id), seq)


async def test_the_others_hear_and_the_sender_does_not(nodes: list[Node]) -> None:
    """A node has told its own readers already; the bus is for the others."""
    one, two, three = nodes
    said = [nudge(5), nudge(9, "thr_2")]
    one.bus.nudge(said)
    for other in (two, three):
        await other.wait_for(said[-1])
        assert other.heard == said
    # What comes back from somebody else shows that nothing of one's own was on its way.
    two.bus.nudge([nudge(6)])
    await one.wait_for(nudge(6))
    assert one.heard == [nudge(6)]


async def test_after_its_end_a_node_hears_nothing_and_tells_nothing_badly(nodes: list[Node]) -> None:
    """Closing is the end of hearing; a nudge after it is dropped, not an error, and the others go on."""
    one, two, three = nodes
    await two.bus.close()
    one.bus.nudge([nudge(1)])
    await three.wait_for(nudge(1))
    assert two.heard == []
    two.bus.nudge([nudge(2)])
    await two.bus.close()
    one.bus.nudge([nudge(3)])
    await three.wait_for(nudge(3))
    assert two.heard == []


async def test_telling_never_waits_and_never_fails(kit: BusKit) -> None:
    """Before it is open, with nothing to say, with much to say, alone, and after its end: it returns, and that is all."""
    alone = Node(kit.node())
    alone.bus.nudge([nudge(1)])
    await alone.bus.open(alone.hear)
    assert await alone.bus.is_healthy()
    alone.bus.nudge([])
    alone.bus.nudge([nudge(seq, f"thr_{seq}") for seq in range(10_000)])
    await alone.bus.close()
    alone.bus.nudge([nudge(1)])
    assert alone.heard == []


async def test_a_nudge_says_where_and_never_what(nodes: list[Node]) -> None:
    """It has a thread and a seq and no more: what was written is read from the store, by whoever may read it."""
    assert Nudge.__struct_fields__ == ("thread_id", "seq")
    one, two, _ = nodes
    one.bus.nudge([nudge(2**53 - 1, "thr_" + "Z" * 26)])
    await two.wait_for(nudge(2**53 - 1, "thr_" + "Z" * 26))


async def test_much_at_once_arrives_whole(nodes: list[Node]) -> None:
    """A node with a thousand answers under way tells of all of them, in as many messages as it takes."""
    one, two, _ = nodes
    said = [nudge(seq, f"thr_{seq:026}") for seq in range(1, 1001)]
    one.bus.nudge(said)
    await two.wait_for(said[-1])
    assert two.heard == said


async def test_whispers_reach_the_others_whole_and_the_sender_not(nodes: list[Node]) -> None:
    """Any text of the length that is allowed, as many as there are, in their order; nudges beside them stay nudges."""
    one, two, three = nodes
    said = [Whisper(ThreadId(f"thr_{number}"), text) for number, text in enumerate(_texts())]
    one.bus.whisper(said)
    one.bus.nudge([nudge(1)])
    one.bus.whisper([Whisper(ThreadId("thr_last"), "")])
    for other in (two, three):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(other.whispered) <= len(said):
                await asyncio.sleep(0.001)
        assert other.whispered == [*said, Whisper(ThreadId("thr_last"), "")]
        await other.wait_for(nudge(1))
        assert other.heard == [nudge(1)]
    assert one.whispered == []


async def test_a_node_that_wants_no_whispers_hears_its_nudges(kit: BusKit) -> None:
    """Before it is open and after its end nobody fails either."""
    one, two = Node(kit.node()), Node(kit.node())
    two.bus.whisper([Whisper(ThreadId("thr_1"), "early")])
    await one.bus.open(one.hear)
    await two.bus.open(two.hear, two.overhear)
    two.bus.whisper([Whisper(ThreadId("thr_1"), "unheard")])
    two.bus.nudge([nudge(3)])
    await one.wait_for(nudge(3))
    assert one.whispered == two.whispered == []
    await one.bus.close()
    await two.bus.close()
    two.bus.whisper([Whisper(ThreadId("thr_1"), "late")])


def _texts() -> list[str]:
    longest = [
        "x" * WHISPER_BYTES_MAX,
        '"' * WHISPER_BYTES_MAX,
        "\\" * WHISPER_BYTES_MAX,
        "ä" * (WHISPER_BYTES_MAX // 2),
    ]
    return [*longest, "", " ", "~", "thr_1:7", "a:1 b:2", '{"type":"here"}', "\n", *(f"{n}" for n in range(500))]
