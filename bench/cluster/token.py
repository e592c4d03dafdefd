"""CPU per token of one node on PostgreSQL, beside the same program on SQLite in the same minutes."""

from collections.abc import Sequence
from statistics import mean, median
from typing import Final

from bench.cluster.nodes import Round, Setup, run_round, spread_job
from bench.figure import Figure
from bench.plan import Plan
from bench.token import RATE, STREAMS

SQLITE_BAR: Final = 1.5
# The other bus under one load only: what differs is one message a commit.
REDIS_STREAMS: Final = 100


ROUNDS: Final = 2


def steps(plan: Plan) -> int:
    """Return how many rounds there are."""
    return plan.of(ROUNDS, 1) * (2 * len(STREAMS) + 1)


def measure(plan: Plan, setups: Sequence[Setup]) -> list[Round]:
    """Put each load on each setup by turns."""
    rounds: list[Round] = []
    tokens = plan.of(10, 2) * RATE
    for streams in STREAMS:
        for number in range(plan.of(ROUNDS, 1)):
            for setup in setups:
                if setup.name == "redis" and streams != REDIS_STREAMS:
                    continue
                with plan.step(f"{streams} streams on {setup.name}, round {number + 1}"):
                    rounds.append(run_round(plan, setup, spread_job(setup, streams, tokens)))
    return rounds


def of(rounds: Sequence[Round], setup: str, streams: int) -> list[Round]:
    """Return one setup's rounds under one load."""
    return [found for found in rounds if found.setup == setup and found.streams == streams]


def figures(rounds: list[Round]) -> list[Figure]:
    """Return the table: CPU, latency, losses, disk."""
    made: list[Figure] = []
    for streams in STREAMS:
        made += costs(rounds, streams)
    for streams in STREAMS:
        made += latencies(rounds, streams)
    return [*made, losses(rounds), *disk(rounds)]


def costs(rounds: list[Round], streams: int) -> list[Figure]:
    """Return CPU per token of all setups, and the node's on PostgreSQL as a multiple of SQLite's."""
    made = []
    for name in ("sqlite", "postgres", "redis"):
        found = of(rounds, name, streams)
        if not found:
            continue
        note = "" if all(one.kept_up for one in found) else "did not keep up"
        label = "sqlite" if name == "sqlite" else f"node, bus {name}"
        cpu_us = median(one.cpu_us for one in found)
        made.append(_figure(f"CPU per token, {label}, {streams} streams", cpu_us, "µs", note=note))
        if name != "sqlite":
            # The mean: vacuuming falls into some rounds and not into others, and all of it counts.
            beside = mean(one.database_us for one in found)
            made.append(_figure(f"CPU per token, PostgreSQL itself, bus {name}, {streams} streams", beside, "µs"))
    ours, theirs = (median(one.cpu_us for one in of(rounds, name, streams)) for name in ("postgres", "sqlite"))
    share = ours / theirs if theirs else 0.0
    return [*made, _figure(f"node on postgres to sqlite, {streams} streams", share, "x", bar=SQLITE_BAR)]


def latencies(rounds: list[Round], streams: int) -> list[Figure]:
    """Return the latency that was added to each token."""
    made = []
    for name in ("sqlite", "postgres", "redis"):
        found = [one.summary.latency_ms for one in of(rounds, name, streams)]
        if found:
            label = "sqlite" if name == "sqlite" else f"node, bus {name}"
            p50, p99 = median(one.p50 for one in found), median(one.p99 for one in found)
            note = f"p99 {p99:.1f} ms"
            made.append(_figure(f"added latency p50, {label}, {streams} streams", p50, "ms", note=note))
    return made


def losses(rounds: list[Round]) -> Figure:
    """Return how many tokens were missing, double or out of order on PostgreSQL, over all rounds."""
    ours = [found.summary for found in rounds if found.setup != "sqlite"]
    amiss = sum(one.lost + one.doubled + one.disordered + one.failed for one in ours)
    note = "; ".join(
        [f"of {sum(one.expected for one in ours):,} tokens", *sorted({e for one in ours for e in one.errors})]
    )
    return _figure("tokens lost, doubled or out of order", amiss, bar=0, note=note)


def disk(rounds: list[Round]) -> list[Figure]:
    """Return what a token takes on PostgreSQL's disk, and how often that waits for the disk."""
    found = of(rounds, "postgres", 100)
    written = [one.written for one in found if one.written]
    seconds = sum(one.summary.seconds for one in found)
    syncs = sum(one.syncs for one in written)
    commits = sum(one.commits for one in written)
    pages = sum(one.full_pages for one in written)
    sync_ms = sum(one.sync_ms for one in written) / max(1.0, syncs)
    wal_bytes, kept_bytes = median(one.wal_bytes for one in found), median(one.kept_bytes for one in found)
    return [
        _figure("write-ahead log per token, 100 streams", wal_bytes, "B", note=f"{pages:,.0f} whole pages in all"),
        _figure("kept on disk per token, 100 streams", kept_bytes, "B", note="with indexes"),
        _figure("transactions, 100 streams", commits / seconds, "/s", note="reads and nudges too"),
        _figure("syncs of the write-ahead log, 100 streams", syncs / seconds, "/s"),
        _figure("one sync of the write-ahead log", sync_ms, "ms"),
    ]


def _figure(name: str, value: float, unit: str = "", bar: float | None = None, note: str = "") -> Figure:
    return Figure(piece="postgres", name=name, value=value, unit=unit, bar=bar, note=note)
