"""The storm: what befalls a cluster, at moments that a seed chooses.

Two lanes at a time: one breaks nodes, the other one what nodes depend on. Each lane goes through all of its faults in an
order of its own before it repeats one, so that a short storm has met everything once, and both together meet in many ways.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from support.waiting import until

from .cluster import LEASE_SECONDS, Cluster, Node

Fault = Callable[[], Awaitable[None]]
Say = Callable[[str], None]

AIM_TRIES = 200
"""Four seconds: a storm in which nobody is struck in mid-answer proves little."""


class Storm:
    """Faults for one cluster. `say` hears of each of them."""

    def __init__(self, cluster: Cluster, seed: int, say: Say) -> None:
        self.faults = 0
        self._cluster = cluster
        self._seed = seed
        self._say = say

    async def blow(self, seconds: float) -> None:
        """Break things for about so long; afterwards everything is whole again."""
        deadline = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as lanes:
            lanes.create_task(NodeFaults(self, random.Random(f"{self._seed} nodes")).go_on_until(deadline))
            lanes.create_task(ServerFaults(self, random.Random(f"{self._seed} servers")).go_on_until(deadline))

    @property
    def cluster(self) -> Cluster:
        """What it befalls."""
        return self._cluster

    def note(self, what: str) -> None:
        """Count a fault and tell of it."""
        self.faults += 1
        self._say(what)


class _Lane:
    """Faults one after the other."""

    def __init__(self, storm: Storm, source: random.Random) -> None:
        self.storm = storm
        self.cluster = storm.cluster
        self.source = source

    def faults(self) -> Sequence[Fault]:
        """Return what this lane can do."""
        raise NotImplementedError

    async def go_on_until(self, deadline: float) -> None:
        """Do everything at least once, and go on until the time is over."""
        is_first = True
        while is_first or asyncio.get_running_loop().time() < deadline:
            for fault in self.source.sample(self.faults(), len(self.faults())):
                if not is_first and asyncio.get_running_loop().time() > deadline:
                    return
                await self.rest(0.1, 0.6)
                await fault()
            is_first = False

    async def rest(self, least: float, most: float) -> None:
        """Let some time go by."""
        await asyncio.sleep(self.source.uniform(least, most))


class NodeFaults(_Lane):
    """What befalls one node at a time; the two others go on."""

    def faults(self) -> Sequence[Fault]:
        """Return what this lane can do."""
        return [self.kill, self.freeze, self.stall, self.part, self.drain, self.cut_clients]

    async def kill(self) -> None:
        """Pull the plug, and start it again a little later."""
        node = self._node("killed", await self._who_answers())
        node.server.kill9()
        await self.rest(0, 1.5)
        await self._start(node)

    async def freeze(self) -> None:
        """Stop it past its lease: it wakes up as somebody whose runs others have."""
        node = self._node("frozen past its lease", await self._who_answers())
        node.server.pause()
        await self.rest(LEASE_SECONDS + 1, LEASE_SECONDS + 2)
        node.server.resume()

    async def stall(self) -> None:
        """Stop it for less than its lease."""
        node = self._node("stalled")
        node.server.pause()
        await self.rest(0.2, LEASE_SECONDS / 2)
        node.server.resume()

    async def part(self) -> None:
        """Part it from the database and the bus, while its clients still reach it."""
        node = self._node("parted from its servers")
        node.database.hold()
        node.bus.hold()
        await self.rest(0.5, LEASE_SECONDS + 2)
        if self.source.random() < 0.5:
            node.database.cut()
            node.bus.cut()
        node.database.release()
        node.bus.release()

    async def drain(self) -> None:
        """Ask it to stop, as a rollout does, and start it again."""
        node = self._node("drained")
        node.server.sigterm()
        assert await asyncio.to_thread(node.server.wait_for_exit) == 0, "a drained node ends well"
        await self._start(node)

    async def cut_clients(self) -> None:
        """Break the connections of everybody who speaks with it."""
        self._node("cut off from its clients").door.cut()

    async def _start(self, node: Node) -> None:
        # A node waits for its database for half a minute: one that recovers on a slow disk may need more.
        async def is_there() -> bool:
            postgres = self.cluster.postgres
            return postgres.is_running and postgres.is_ready()

        await until(is_there, "the database's return")
        await asyncio.to_thread(node.server.start)

    def _node(self, what: str, node: Node | None = None) -> Node:
        node = node or self.source.choice(self.cluster.nodes)
        assert node.server.is_running, f"{node.name} has ended by itself"
        self.storm.note(f"{node.name} is {what}")
        return node

    async def _who_answers(self) -> Node:
        """Wait a little for somebody in the middle of an answer, and return whoever gives most of them."""
        for _ in range(AIM_TRIES):
            if any(node.answers() for node in self.cluster.nodes):
                break
            await asyncio.sleep(0.02)
        return max(self.cluster.nodes, key=Node.answers)


class ServerFaults(_Lane):
    """What befalls the database and the bus, for all nodes alike."""

    def faults(self) -> Sequence[Fault]:
        """Return what this lane can do."""
        common = [self.kill_database, self.restart_database, self.pause_database, self.cut_database, self.cut_wires]
        return [*common, self.lose_bus, *([self.kill_redis, self.pause_redis] if self.cluster.redis else [])]

    async def kill_database(self) -> None:
        """Pull its plug: it recovers from its log when it starts again."""
        self.storm.note("the database is killed")
        await asyncio.to_thread(self.cluster.postgres.kill)
        await self.rest(0, 2)
        await asyncio.to_thread(self.cluster.postgres.start)

    async def restart_database(self) -> None:
        """Restart it in order, as for a change of its settings."""
        self.storm.note("the database restarts")
        await asyncio.to_thread(self.cluster.postgres.restart)

    async def pause_database(self) -> None:
        """Let it answer nobody for a while."""
        self.storm.note("the database stands still")
        self.cluster.postgres.pause()
        await self.rest(0.2, LEASE_SECONDS + 1)
        self.cluster.postgres.resume()

    async def cut_database(self) -> None:
        """Let it end all of its connections."""
        self.storm.note("the database ends all connections")
        await asyncio.to_thread(self.cluster.cut_database)

    async def cut_wires(self) -> None:
        """Break all connections to the database, wherever they are: some in the middle of a commit."""
        self.storm.note("all wires to the database are cut")
        for node in self.cluster.nodes:
            node.database.cut()

    async def lose_bus(self) -> None:
        """Let no nudge through."""
        self.storm.note("the bus is away")
        for node in self.cluster.nodes:
            node.bus.hold()
        await self.rest(0.5, 3)
        for node in self.cluster.nodes:
            node.bus.cut()
            node.bus.release()

    async def kill_redis(self) -> None:
        """Pull its plug."""
        assert self.cluster.redis is not None, "asked for where there is one"
        self.storm.note("redis is killed")
        await asyncio.to_thread(self.cluster.redis.kill)
        await self.rest(0, 2)
        await asyncio.to_thread(self.cluster.redis.start)

    async def pause_redis(self) -> None:
        """Let it answer nobody for a while."""
        assert self.cluster.redis is not None, "asked for where there is one"
        self.storm.note("redis stands still")
        self.cluster.redis.pause()
        await self.rest(0.2, 3)
        self.cluster.redis.resume()
