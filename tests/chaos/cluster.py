"""A cluster to be cruel to: three nodes with wires that can be cut, a PostgreSQL and a Redis of its own."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from support.client import Client
from support.postgres import PostgresServer
from support.redis import RedisServer
from support.server import Server, run_command
from support.waiting import until
from support.wire import Wire

NODES = 3

LEASE_SECONDS = 3.0

SETTINGS: Mapping[str, str] = {
    "THREADLINE_LEASE_SECONDS": str(LEASE_SECONDS),
    "THREADLINE_REAP_SECONDS": "0.5",
    "THREADLINE_DRAIN_SECONDS": "1",
    "THREADLINE_ATTEMPTS_MAX": "100",
}

DATABASE = "threadline"


class Node:
    """A node: `door` is the wire of its clients, `database`, `replica` and `bus` are those to its servers."""

    def __init__(self, server: Server, door: Wire, database: Wire, replica: Wire, bus: Wire) -> None:
        self.server = server
        self.door = door
        self.database = database
        self.replica = replica
        self.bus = bus

    @property
    def url(self) -> str:
        """Where its clients find it: before the wire."""
        return f"http://127.0.0.1:{self.door.port}"

    @property
    def name(self) -> str:
        """Its name in what a storm tells."""
        return self.server.data.name

    def has_begun(self, run_id: str) -> bool:
        """Whether it has ever answered this run, by what it has said."""
        return any('"run_started"' in line and run_id in line for line in self.server.log().splitlines())

    def answers(self) -> int:
        """Count the answers that it is giving at the moment, by what it has said in this life."""
        said = self.server.log().rpartition("Threadline is ready")[2]
        return said.count('"run_started"') - said.count('"run_ended"') - said.count('"run_given_up"')


class Cluster:
    """The nodes and their servers. `redis` is None where the bus is PostgreSQL's."""

    def __init__(self, folder: Path, postgres: PostgresServer, redis: RedisServer | None = None) -> None:
        self.postgres = postgres
        self.redis = redis
        self.replica: PostgresServer | None = None
        self.nodes: list[Node] = []
        self.key = ""
        self._folder = folder
        self._wires: list[Wire] = []

    @property
    def urls(self) -> list[str]:
        """Where its clients find the nodes."""
        return [node.url for node in self.nodes]

    async def start(self, with_replica: bool = False, **settings: str) -> "Cluster":
        """Start the servers, make a database and a key, and start the nodes."""
        await asyncio.to_thread(self._start_servers)
        await asyncio.to_thread(self._make_key)
        if with_replica:
            await asyncio.to_thread(self._start_replica)
        for number in range(NODES):
            self.nodes.append(await self._make_node(f"node{number}", settings))
        await asyncio.gather(*(asyncio.to_thread(node.server.start) for node in self.nodes))
        return self

    async def close(self) -> None:
        """End the nodes and their wires. The servers are their maker's."""
        await asyncio.gather(*(asyncio.to_thread(node.server.stop) for node in self.nodes))
        await asyncio.gather(*(wire.close() for wire in self._wires))
        if self.replica is not None:
            await asyncio.to_thread(self.replica.close)

    def client(self, number: int) -> Client:
        """Return a client of one node."""
        return Client(self.nodes[number].url, self.key)

    async def owner(self, run_id: str) -> int:
        """Wait until a run is answered for the first time, and return by which node: not always the one that was asked."""

        async def found() -> list[int]:
            return [number for number, node in enumerate(self.nodes) if node.has_begun(run_id)]

        return (await until(found, "somebody who answers"))[0]

    async def wait_until_ready(self) -> None:
        """Wait until every node says that it is."""

        async def are_ready() -> bool:
            return all([await self.is_ready(number) for number in range(NODES)])

        await until(are_ready, "all nodes ready")

    async def is_ready(self, number: int) -> bool:
        """Whether a node's `/readyz` says so, bus included."""
        async with self.client(number) as client:
            answer = await client.get("/readyz")
            return answer.status == 200 and bool(answer.json["bus"])

    def cut_database(self) -> None:
        """Let PostgreSQL end every connection of every node."""
        self.postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'threadline%'"
        )

    def database_url(self, *ports: int) -> str:
        """Return the address of the database, behind wires where their ports are given."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports or [self.postgres.port])
        return f"postgresql://threadline@{hosts}/{DATABASE}"

    async def fail_over(self) -> None:
        """Make the replica the database."""
        assert self.replica is not None, "a cluster with a replica"
        await asyncio.to_thread(self.replica.promote)
        self.postgres = self.replica

    def _start_servers(self) -> None:
        self.postgres.start()
        self.postgres.execute(f"CREATE DATABASE {DATABASE}")
        if self.redis is not None:
            self.redis.start()

    def _start_replica(self) -> None:
        """Let a replica follow, and every commit wait for it: what was acknowledged outlives the server."""
        self.replica = self.postgres.make_replica()
        self.replica.start()
        self.postgres.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.postgres.execute("SELECT pg_reload_conf()")

    def _make_key(self) -> None:
        made = run_command("keys", "create", "--database", self.database_url(), home=self._folder)
        assert made.returncode == 0, made.stderr
        self.key = made.stdout.strip()

    async def _make_node(self, name: str, settings: Mapping[str, str]) -> Node:
        first, second = self.postgres, self.replica or self.postgres
        database, replica = await self._wire(lambda: first.port), await self._wire(lambda: second.port)
        bus = await self._wire(lambda: (self.redis or self.postgres).port)
        ports = [database.port] if self.replica is None else [database.port, replica.port]
        bus_url = f"redis://127.0.0.1:{bus.port}/0" if self.redis else self.database_url(bus.port)
        own = {"THREADLINE_DATABASE": self.database_url(*ports), "THREADLINE_BUS": bus_url}
        server = Server(self._folder / name, {**SETTINGS, **own, **settings})
        return Node(server, await self._wire(lambda: server.port), database, replica, bus)

    async def _wire(self, target: Callable[[], int]) -> Wire:
        self._wires.append(await Wire(target).start())
        return self._wires[-1]
