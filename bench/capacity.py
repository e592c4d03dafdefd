"""What a load needs: nodes, PostgreSQL's cores, write-ahead log, disk, connections, nudges; and what breaks first.

A model of a few multiplications, so that its assumptions can be seen and argued with. What was measured comes from
`bench/results/` (a full run, or `--only postgres`); where there is none, from the defaults below, and the output says
which. Run it as `python -m bench.capacity --streams 10000 --tokens-per-second 50`. The words are in
`docs/explain/scale.md`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import msgspec

RESULTS: Final = Path(__file__).parent / "results"
FILES: Final = ("results-postgres.json", "results.json")
BUSY_SHARE: Final = 0.6
"""The share of a core that is planned with. Beyond it waiting grows faster than work."""

GATHER_WINDOWS: Final = 30.0
"""Commits of one node in a second: `gather_window_ms` is 34."""

NUDGES_PER_MESSAGE: Final = 205
"""Of 38 bytes each, in the 7,900 that a NOTIFY holds."""

CONNECTIONS_PER_NODE: Final = 13
"""The pool's 12 and the bus."""

COMMITS_PER_ANSWER: Final = 4
"""Accept, claim, end, pack, beside the commits that all answers of a node share."""


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured, or what is taken for it: the defaults are of two cores of an AMD EPYC, on a busy day."""

    node_us: float = 70.0
    """CPU of a node for a token that it makes and sends to one reader."""
    database_us: float = 60.0
    """CPU of PostgreSQL for the same token, all of its processes."""
    reading_us: float = 60.0
    """CPU of another node for each token that it reads from the database and sends to one reader."""
    database_reading_us: float = 40.0
    """CPU of PostgreSQL for that."""
    wal_bytes: float = 450.0
    kept_bytes: float = 130.0
    """On disk per token in the long run, with indexes."""
    heard_us: float = 0.4
    """CPU of a node for each nudge that it hears, whether it is of use to it or not."""
    notify_ms: float = 0.13
    """One NOTIFY, from the start of its transaction to the end: all of them, of all nodes, come one after the other."""


SOURCES: Final = {
    "node_us": "CPU per token, node, bus postgres, 100 streams",
    "database_us": "CPU per token, PostgreSQL itself, bus postgres, 100 streams",
    "reading_us": "CPU per token of the node that only reads, reader on another node, bus postgres",
    "wal_bytes": "write-ahead log per token, 100 streams",
    "kept_bytes": "kept on disk per token, 100 streams",
    "heard_us": "CPU per nudge heard",
    "notify_ms": "one NOTIFY",
}
WITH_READERS: Final = "CPU per token of PostgreSQL, reader on another node, bus postgres"
WITHOUT_READERS: Final = "CPU per token, PostgreSQL itself, bus postgres, 30 streams"


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    streams: int
    tokens_per_second: float
    elsewhere: float
    """The share of readers that are on another node than their answer."""
    answer_seconds: float
    busy_hours: float
    """A day at this load has so many hours; the others have none."""

    @property
    def tokens(self) -> float:
        """Tokens in a second, of all streams."""
        return self.streams * self.tokens_per_second


class Ceilings(msgspec.Struct, frozen=True, kw_only=True):
    """What one PostgreSQL is taken to hold. Only the first is arithmetic; the others are assumptions of this model."""

    database_cores: int = 64
    wal_mb_per_second: float = 200.0
    """A good local disk holds this with syncs; a network disk may not."""
    connections: int = 500
    vacuumed_rows_per_second: float = 500_000.0
    """One autovacuum worker on one table that is in memory."""


class Needs(msgspec.Struct, kw_only=True):
    """What a load takes."""

    tokens_per_second: float
    nodes: int
    """Processes of one core each; 0 where no number would do, and then the rest is told as if none heard the others."""
    database_cores: int
    wal_mb_per_second: float
    disk_gb_per_day: float
    connections: int
    commits_per_second: float
    notifies_per_second: float
    nudges_heard_per_node_per_second: float
    dead_rows_per_second: float


@dataclass(frozen=True)
class Strain:
    """How much of one ceiling is used."""

    what: str
    share: float


def needs(load: Load, costs: Costs) -> Needs:
    """Return what the load takes."""
    nudges = load.streams * min(load.tokens_per_second, GATHER_WINDOWS)
    nodes = nodes_for(load, costs, nudges)
    working = nodes or nodes_for(load, costs, 0.0)
    database_us = costs.database_us + load.elsewhere * costs.database_reading_us
    messages = math.ceil(load.streams / working / NUDGES_PER_MESSAGE)
    return Needs(
        tokens_per_second=load.tokens,
        nodes=nodes,
        database_cores=math.ceil(load.tokens * database_us / 1e6 / BUSY_SHARE),
        wal_mb_per_second=load.tokens * costs.wal_bytes / 1e6,
        disk_gb_per_day=load.tokens * costs.kept_bytes * load.busy_hours * 3600 / 1e9,
        connections=working * CONNECTIONS_PER_NODE,
        commits_per_second=working * GATHER_WINDOWS + COMMITS_PER_ANSWER * load.streams / load.answer_seconds,
        notifies_per_second=working * GATHER_WINDOWS * messages,
        nudges_heard_per_node_per_second=nudges * (working - 1) / working,
        dead_rows_per_second=load.tokens,
    )


def nodes_for(load: Load, costs: Costs, nudges: float) -> int:
    """Return the smallest number of nodes that have the cores; 0 where hearing each other takes all they have."""
    work = load.tokens * (costs.node_us + load.elsewhere * costs.reading_us) / 1e6
    hearing = nudges * costs.heard_us / 1e6
    # n nodes: work / n + hearing * (n - 1) / n <= BUSY_SHARE
    if work <= BUSY_SHARE:
        return 1
    if hearing >= BUSY_SHARE:
        return 0
    return math.ceil((work - hearing) / (BUSY_SHARE - hearing))


def strains(load: Load, costs: Costs, ceilings: Ceilings) -> list[Strain]:
    """Return how much of each ceiling the load uses, the first to break first."""
    found = needs(load, costs)
    hearing = found.nudges_heard_per_node_per_second * costs.heard_us / 1e6 / BUSY_SHARE
    shares = {
        "PostgreSQL's cores": found.database_cores / ceilings.database_cores,
        "write-ahead log": found.wal_mb_per_second / ceilings.wal_mb_per_second,
        "every node hears every nudge": hearing,
        "NOTIFY, one at a time": found.notifies_per_second * costs.notify_ms / 1000,
        "connections": found.connections / ceilings.connections,
        "autovacuum of the live deltas": found.dead_rows_per_second / ceilings.vacuumed_rows_per_second,
    }
    return sorted((Strain(what, share) for what, share in shares.items()), key=lambda strain: -strain.share)


def streams_held(load: Load, costs: Costs, ceilings: Ceilings) -> tuple[int, str]:
    """Return the most streams of this kind within all ceilings, and which of them one more would break."""

    def worst(streams: int) -> Strain:
        return strains(msgspec.structs.replace(load, streams=streams), costs, ceilings)[0]

    held, broken = 0, 1
    while worst(broken).share <= 1:
        held, broken = broken, broken * 2
    while broken - held > 1:
        middle = (held + broken) // 2
        held, broken = (middle, broken) if worst(middle).share <= 1 else (held, middle)
    return held, worst(broken).what


def load_costs(results: Path) -> tuple[Costs, str]:
    """Return the measured costs and where they are from; defaults for what is not in the file."""
    for name in FILES:
        path = results / name
        if path.exists():
            figures = measured(msgspec.json.decode(path.read_bytes()))
            if SOURCES["node_us"] in figures:
                return costs_of(figures), str(path)
    return Costs(), "this program's defaults: there are no results"


def measured(outcome: dict[str, Any]) -> dict[str, float]:
    """Return the figures of the PostgreSQL piece by name."""
    return {figure["name"]: float(figure["value"]) for figure in outcome["figures"] if figure["piece"] == "postgres"}


def costs_of(figures: dict[str, float]) -> Costs:
    """Return the costs that the figures tell of, and the defaults of the others."""
    known = {field: figures[name] for field, name in SOURCES.items() if name in figures}
    if WITH_READERS in figures and WITHOUT_READERS in figures:
        known["database_reading_us"] = max(0.0, figures[WITH_READERS] - figures[WITHOUT_READERS])
    return Costs(**known)


@click.command(help=__doc__)
@click.option("--streams", type=click.IntRange(1), default=1000, show_default=True, help="Answers at the same moment.")
@click.option(
    "--tokens-per-second", type=click.FloatRange(0.1), default=50.0, show_default=True, help="Of each answer."
)
@click.option(
    "--elsewhere",
    type=click.FloatRange(0, 10),
    default=0.2,
    show_default=True,
    help="Readers on another node, per answer: who came back, a second device, a colleague.",
)
@click.option("--answer-seconds", type=click.FloatRange(0.1), default=20.0, show_default=True, help="Of one answer.")
@click.option("--busy-hours", type=click.FloatRange(0, 24), default=8.0, show_default=True, help="Hours a day at this.")
@click.option("--database-cores", type=click.IntRange(1), default=64, show_default=True, help="PostgreSQL's machine.")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="Where the measured figures are.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(results: Path, database_cores: int, as_json: bool, **asked: Any) -> None:
    """Read the options, compute, print."""
    load, ceilings = Load(**asked), Ceilings(database_cores=database_cores)
    costs, source = load_costs(results)
    if not as_json:
        for line in report(load, costs, ceilings, source):
            click.echo(line)
        return
    held, first = streams_held(load, costs, ceilings)
    content = {
        "load": load,
        "costs": costs,
        "source": source,
        "ceilings": ceilings,
        "needs": needs(load, costs),
        "used": {strain.what: strain.share for strain in strains(load, costs, ceilings)},
        "streams_held": held,
        "breaks_first": first,
    }
    click.echo(msgspec.json.format(msgspec.json.encode(content)).decode())


def report(load: Load, costs: Costs, ceilings: Ceilings, source: str) -> Iterator[str]:
    """Yield the output's lines."""
    each = f"{load.tokens_per_second:g} tokens/s, {load.elsewhere:g} readers elsewhere for each"
    held, first = streams_held(load, costs, ceilings)
    yield f"{load.streams:,} streams of {each}"
    yield f"costs from {source}"
    yield ""
    yield from table(needs(load, costs))
    yield ""
    yield "used of what one PostgreSQL is taken to hold, the worst first:"
    yield from (f"  {strain.what:36} {strain.share:10.0%}" for strain in strains(load, costs, ceilings))
    yield ""
    yield f"One installation holds {held:,} such streams; beyond that breaks: {first}."
    yield ""
    yield "assumed:"
    yield from table(costs)
    yield from table(ceilings)
    yield f"{'share of a core planned with':36} {BUSY_SHARE:12,.2f}"


def table(content: msgspec.Struct) -> Iterator[str]:
    """Yield a line for each field."""
    for name, value in msgspec.structs.asdict(content).items():
        shown = f"{value:12,.0f}" if value == int(value) or value >= 1000 else f"{value:12,.2f}"
        yield f"{name.replace('_', ' '):36} {shown}"


if __name__ == "__main__":
    main()
