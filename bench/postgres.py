"""PostgreSQL: the token table on it beside SQLite, readers on another node, one to three nodes, and `kill -9` of one.

The servers are durable and on the same disk as SQLite's folder; they are stopped and removed when the piece ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.cluster import beside, elsewhere, failover, nudges, token
from bench.cluster.nodes import Round, Setup, start_setup, with_another
from bench.cluster.servers import new_database, start_postgres, start_redis
from bench.family import Family
from bench.figure import Figure
from bench.peers.peer import Upstream, start_upstream
from bench.peers.threadline import start_threadline
from bench.plan import Plan


@dataclass
class Setups:
    """What is running."""

    sqlite: Setup
    postgres: Setup
    redis: Setup


def measure(plan: Plan) -> Iterator[Figure]:
    """Measure all of it: about eight minutes."""
    plan.steps(steps(plan))
    kept: dict[str, object] = {}
    plan.keep("postgres", kept)
    with plan.step("starting PostgreSQL, Redis, and Threadline on SQLite and on PostgreSQL"):
        upstream = start_upstream(plan)
        postgres, redis = start_postgres(plan), start_redis(plan)
        setups = Setups(
            Setup("sqlite", [start_threadline(plan, upstream)], None),
            start_setup(plan, upstream, "postgres", new_database(postgres), "postgres"),
            start_setup(plan, upstream, "redis", new_database(postgres), redis.url()),
        )
    with plan.step("nobody asks anything"):
        kept["idle_share"] = share = Family(postgres.pid).idle_share(plan.of(10, 2))
        yield idle(share)
    kept["rounds"] = rounds = token.measure(plan, [setups.sqlite, setups.postgres, setups.redis])
    yield from token.figures(rounds)
    kept["shared"], kept["elsewhere"] = shared, read_elsewhere = grow(plan, upstream, setups)
    for round_elsewhere in read_elsewhere:
        yield from elsewhere.figures(round_elsewhere)
    yield from beside.figures(shared)
    stop(setups)
    kept["nudges"] = found = nudges.measure(plan, new_database(postgres))
    yield from nudges.figures(found)
    kept["kills"] = kills = failover.measure(plan, upstream, postgres)
    yield from failover.figures(kills)


def grow(plan: Plan, upstream: Upstream, setups: Setups) -> tuple[list[Round], list[Round]]:
    """Share one load among one, two and three nodes; on two, read on the one what the other one answers."""
    shared = [beside.measure(plan, setups.postgres)]
    setups.postgres = with_another(plan, upstream, setups.postgres)
    setups.redis = with_another(plan, upstream, setups.redis)
    read_elsewhere = [elsewhere.measure(plan, setup) for setup in (setups.postgres, setups.redis)]
    shared.append(beside.measure(plan, setups.postgres))
    setups.postgres = with_another(plan, upstream, setups.postgres)
    shared.append(beside.measure(plan, setups.postgres))
    return shared, read_elsewhere


def stop(setups: Setups) -> None:
    """End everything but the servers, so that a takeover has the machine to itself."""
    for setup in (setups.sqlite, setups.postgres, setups.redis):
        for node in setup.nodes:
            node.child.stop()


def steps(plan: Plan) -> int:
    """Return how many steps there are."""
    return 2 + token.steps(plan) + 6 + failover.steps(plan)


def idle(share: float) -> Figure:
    """Return what PostgreSQL uses for two nodes that do nothing."""
    name = "CPU of PostgreSQL when idle, two nodes of two installations"
    return Figure(piece="postgres", name=name, value=share * 100, unit="% of a core")
