"""One, two and three nodes side by side under one and the same load: what a token costs each of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bench.cluster.nodes import Round, Setup, run_round, spread_job
from bench.figure import Figure
from bench.plan import Plan
from bench.token import RATE

STREAMS: Final = 90


def measure(plan: Plan, setup: Setup) -> Round:
    """Share 90 streams out over all nodes that there are."""
    count = len(setup.nodes)
    sharing = replace(setup, name=f"{count} nodes" if count > 1 else "1 node")
    with plan.step(f"{STREAMS} streams on {sharing.name}"):
        return run_round(plan, sharing, spread_job(sharing, STREAMS, plan.of(10, 2) * RATE))


def figures(rounds: Sequence[Round]) -> list[Figure]:
    """Return what a token cost each node and PostgreSQL, and how late it was."""
    made = []
    for found in rounds:
        each = " + ".join(f"{cpu_us:.1f}" for cpu_us in found.nodes_us)
        note = each if found.kept_up else f"{each}; did not keep up"
        latency = found.summary.latency_ms
        made += [
            _figure(f"CPU per token, all nodes, {STREAMS} streams on {found.setup}", found.cpu_us, "µs", note),
            _figure(f"CPU per token, PostgreSQL itself, {STREAMS} streams on {found.setup}", found.database_us, "µs"),
            _figure(
                f"added latency p50, {STREAMS} streams on {found.setup}", latency.p50, "ms", f"p99 {latency.p99:.1f} ms"
            ),
        ]
    return made


def _figure(name: str, value: float, unit: str = "", note: str = "") -> Figure:
    return Figure(piece="postgres", name=name, value=value, unit=unit, note=note)
