"""Readers on another node than the one that answers: what they add to the latency and to everybody's CPU."""

from typing import Final

from bench.cluster.nodes import Round, Setup, run_round
from bench.figure import Figure
from bench.load import Job
from bench.peers.threadline import DONE_MARK, END_MARK, READY_MARK
from bench.plan import Plan
from bench.token import RATE
from bench.wire import Wire, in_bulk

STREAMS: Final = 30
LATENCY_P50_BAR_MS: Final = 40.0
LABELS: Final = {"postgres": "reader on another node, bus postgres", "redis": "reader on another node, bus redis"}


def measure(plan: Plan, setup: Setup) -> Round:
    """Have the first node answer 30 sends and read all of them on the second one."""
    tokens = plan.of(10, 3) * RATE
    writing, reading = setup.nodes
    threads = writing.create_threads(STREAMS)
    body = {"content": "go", "model": f"openai/t{RATE}x{tokens}", "background": True}

    def send(wire: Wire, number: int) -> None:
        wire.call("POST", f"/v1/threads/{threads[number]}/messages", body)

    job = Job(
        port=reading.port,
        requests=[reading.events_request(thread, 0) for thread in threads],
        tokens=tokens,
        end_mark=END_MARK,
        done_mark=DONE_MARK,
        ready_mark=READY_MARK,
    )
    with plan.step(f"{STREAMS} readers on another node, bus {setup.name}"):
        return run_round(plan, setup, job, lambda: in_bulk(writing.port, writing.key, STREAMS, send))


def figures(found: Round) -> list[Figure]:
    """Return the latency, and who paid how much for a token."""
    label, latency, amiss = LABELS[found.setup], found.summary.latency_ms, found.summary
    lost = amiss.lost + amiss.doubled + amiss.disordered + amiss.failed
    writing_us, reading_us = found.nodes_us
    return [
        _figure(f"added latency p50, {label}", latency.p50, "ms", LATENCY_P50_BAR_MS),
        _figure(f"added latency p99, {label}", latency.p99, "ms"),
        _figure(f"CPU per token of the node that answers, {label}", writing_us, "µs"),
        _figure(f"CPU per token of the node that only reads, {label}", reading_us, "µs"),
        _figure(f"CPU per token of PostgreSQL, {label}", found.database_us, "µs"),
        _figure(f"tokens lost, doubled or out of order, {label}", lost, bar=0, note="; ".join(amiss.errors)),
    ]


def _figure(name: str, value: float, unit: str = "", bar: float | None = None, note: str = "") -> Figure:
    return Figure(piece="postgres", name=name, value=value, unit=unit, bar=bar, note=note)
