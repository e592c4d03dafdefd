"""Some nodes of Threadline on one database, and what a load costs each of them and the database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from bench.cluster.servers import Database, Written
from bench.family import Family, wait_until_all_quiet
from bench.load import Job, Summary
from bench.peers.peer import Upstream
from bench.peers.threadline import END_MARK, Server, create_key, spawn, wait_until_ready
from bench.plan import Plan
from bench.readers import Readers
from bench.token import QUIET_WINDOW_S, RATE, kept_up
from bench.wire import WireError


@dataclass(frozen=True)
class Setup:
    """Nodes under one name, such as `postgres` after their bus; without a database it is one server on SQLite."""

    name: str
    nodes: Sequence[Server]
    database: Database | None
    options: Sequence[str] = ()
    """Of `threadline serve`, for all nodes."""


class Round(msgspec.Struct, kw_only=True):
    """One setup under one load, once."""

    setup: str
    streams: int
    nodes_us: list[float]
    """CPU of each node per token that was made, from the first request until all was quiet again."""
    database_us: float
    """CPU of PostgreSQL per token, all of its processes."""
    written: Written | None
    kept_up: bool
    summary: Summary

    @property
    def cpu_us(self) -> float:
        """CPU of all nodes per token."""
        return sum(self.nodes_us)

    @property
    def wal_bytes(self) -> float:
        """Bytes of write-ahead log per token."""
        return self.written.wal_bytes / max(1, self.summary.tokens) if self.written else 0.0

    @property
    def kept_bytes(self) -> float:
        """Bytes per token that stay."""
        return self.written.kept_bytes / max(1, self.summary.tokens) if self.written else 0.0


def start_setup(
    plan: Plan, upstream: Upstream, name: str, database: Database, bus: str, options: Sequence[str] = ()
) -> Setup:
    """Start one node on a database that nobody uses yet."""
    options = ("--database", database.url, "--bus", bus, *options)
    key = create_key(plan, plan.new_folder("key"), ("--database", database.url))
    return Setup(name, [start_node(plan, upstream, key, options)], database, options)


def with_another(plan: Plan, upstream: Upstream, setup: Setup) -> Setup:
    """Start one node more beside the others."""
    node = start_node(plan, upstream, setup.nodes[0].key, setup.options)
    return Setup(setup.name, [*setup.nodes, node], setup.database, setup.options)


def start_node(plan: Plan, upstream: Upstream, key: str, options: Sequence[str]) -> Server:
    """Start one node; it ends with the piece."""
    node = spawn(plan, plan.new_folder("node"), key, upstream, options)
    plan.start(node.child)
    wait_until_ready(node)
    warm_up(plan, node)
    return node


def warm_up(plan: Plan, node: Server) -> None:
    """Send a few short answers, so that everything is loaded and every statement prepared."""
    tokens = 20
    requests = node.ask(10, f"t{RATE}x{tokens}")
    job = Job(port=node.port, requests=requests, tokens=tokens, end_mark=END_MARK)
    with Readers(job, plan.log("load")) as readers:
        summary = readers.summary()
    if not summary.exact:
        raise WireError(f"a node does not deliver: {summary}")


def spread_job(setup: Setup, streams: int, tokens: int) -> Job:
    """Return a load that is shared by all nodes, each stream's reader being its sender."""
    model = f"t{RATE}x{tokens}"
    shares = [streams // len(setup.nodes) + (place < streams % len(setup.nodes)) for place in range(len(setup.nodes))]
    pairs = [
        (node.port, request)
        for node, share in zip(setup.nodes, shares, strict=True)
        for request in node.ask(share, model)
    ]
    return Job(
        port=0,
        ports=[port for port, _ in pairs],
        requests=[request for _, request in pairs],
        tokens=tokens,
        ramp_s=1 / RATE,
        end_mark=END_MARK,
    )


def run_round(plan: Plan, setup: Setup, job: Job, begin: Callable[[], object] | None = None) -> Round:
    """Put one load on a setup and count what everybody used until all was quiet again.

    Where `begin` is given the job only reads: it is called when all streams are open.
    """
    families: list[Family] = [node.child for node in setup.nodes]
    if setup.database:
        families.append(setup.database.family)
    if begin is None:
        before_s, written = look(setup, families)
        with Readers(job, plan.log("load")) as readers:
            summary = readers.summary()
    else:
        with Readers(job, plan.log("load")) as readers:
            if readers.wait_until_ready() != len(job.requests):
                raise WireError("not all readers caught up")
            before_s, written = look(setup, families)
            begin()
            summary = readers.summary()
    after_s, written_after = look(setup, families)
    used_us = [(after - before) / max(1, summary.tokens) * 1e6 for before, after in zip(before_s, after_s, strict=True)]
    return Round(
        setup=setup.name,
        streams=len(job.requests),
        nodes_us=used_us[: len(setup.nodes)],
        database_us=sum(used_us[len(setup.nodes) :]),
        written=written_after.since(written) if written and written_after else None,
        # Readers that wait for the answers to begin have a clock of their own: what they say is whether all came.
        kept_up=kept_up(summary, job.tokens / RATE) if begin is None else summary.exact,
        summary=summary,
    )


def look(setup: Setup, families: Sequence[Family]) -> tuple[list[float], Written | None]:
    """Wait until all is quiet; return the CPU seconds of everybody, and what the database has written."""
    used_s = wait_until_all_quiet(families, QUIET_WINDOW_S)
    return used_s, setup.database.written() if setup.database else None
