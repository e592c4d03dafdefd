"""CPU per token: what a token costs from provider to reader, beside the relay and the handmade server.

In comes a plan; out go figures for 30, 100 and 200 streams of 50 tokens a second, each the median of rounds in which
the peers take turns, so that a slow minute of the machine falls on all of them.
"""

from collections.abc import Callable, Iterable
from statistics import median
from typing import Final

import msgspec

from bench.figure import Figure
from bench.load import Job, Summary
from bench.peers.peer import Peer, Upstream, start_handmade, start_relay, start_upstream
from bench.peers.threadline import Server, start_threadline
from bench.plan import Plan
from bench.readers import read
from bench.wire import WireError, connected

RATE: Final = 50
STREAMS: Final = (30, 100, 200)
# The bars are for these; 30 streams are shown because small installations have them, and batching helps them least.
BARRED: Final = (100, 200)
RELAY_BAR: Final = 3.0
RELAY_GOAL: Final = 2.0
HANDMADE_BAR: Final = 1 / 5
HANDMADE_GOAL: Final = 1 / 8
LATENCY_P50_BAR_MS: Final = 25.0
LATENCY_P99_BAR_MS: Final = 80.0
PEERS: Final = ("relay", "handmade", "threadline")
# Packing comes after an answer's end, perhaps on a timer: a pause shorter than this is not the end of the work.
QUIET_WINDOW_S: Final = 2.0


class Round(msgspec.Struct, kw_only=True):
    """One peer under one load, once."""

    peer: str
    streams: int
    cpu_us: float
    """Per token, from the first request until the server was quiet again."""
    kept_up: bool
    summary: Summary
    upstream: dict[str, float]
    written_bytes: float
    """Per token, as the kernel counts what went to the disk."""
    stored_bytes: float
    """Per token, by which the data folder grew."""


def measure(plan: Plan) -> list[Figure]:
    """Measure CPU per token, latency, losses and bytes on disk."""
    rounds_each, tokens = plan.of(3, 1), plan.of(10, 3) * RATE
    plan.steps(1 + rounds_each * len(STREAMS) * 3)
    with plan.step("starting the relay, the handmade server and Threadline"):
        upstream = start_upstream(plan)
        server = start_threadline(plan, upstream)
        peers = [start_relay(plan, upstream), start_handmade(plan, upstream), server.as_peer()]
        idle = {peer.name: warm_up(plan, peer) for peer in peers}
    rounds: list[Round] = []
    for streams in STREAMS:
        for number in range(rounds_each):
            for peer in peers:
                with plan.step(f"{streams} streams on {peer.name}, round {number + 1}"):
                    stored = server.data_bytes if peer.name == "threadline" else None
                    rounds.append(run_round(plan, upstream, peer, streams, tokens, stored))
    plan.keep("token", {"rate": RATE, "tokens": tokens, "idle_share": idle, "rounds": rounds})
    return [*costs(rounds), *latencies(rounds), *losses(rounds), *disk(rounds, server), *idles(idle)]


def warm_up(plan: Plan, peer: Peer) -> float:
    """Send a few short answers, so that everything is loaded; return the share of a core it uses when idle."""
    tokens = 20
    job = Job(port=peer.port, requests=peer.ask(10, f"t{RATE}x{tokens}"), tokens=tokens, end_mark=peer.end_mark)
    summary = read(job, plan.log("load"))
    if not summary.exact:
        raise WireError(f"{peer.name} does not deliver: {summary}")
    peer.child.wait_until_quiet(QUIET_WINDOW_S)
    return peer.child.idle_share(plan.of(4, 1))


def run_round(
    plan: Plan,
    upstream: Upstream,
    peer: Peer,
    streams: int,
    tokens: int,
    stored: Callable[[], dict[str, int]] | None = None,
) -> Round:
    """Put one load on one peer and count what it used until it was quiet again."""
    requests = peer.ask(streams, f"t{RATE}x{tokens}")
    used_s = peer.child.wait_until_quiet(QUIET_WINDOW_S)
    written, size = peer.child.written_bytes(), sum(stored().values()) if stored else 0
    upstream_stats(upstream)
    job = Job(port=peer.port, requests=requests, tokens=tokens, ramp_s=1 / RATE, end_mark=peer.end_mark)
    summary = read(job, plan.log("load"))
    stats = upstream_stats(upstream)
    used_s = peer.child.wait_until_quiet(QUIET_WINDOW_S) - used_s
    delivered = max(1, summary.tokens)
    return Round(
        peer=peer.name,
        streams=streams,
        cpu_us=used_s / delivered * 1e6,
        kept_up=kept_up(summary, tokens / RATE),
        summary=summary,
        upstream=stats,
        written_bytes=(peer.child.written_bytes() - written) / delivered,
        stored_bytes=((sum(stored().values()) - size) / delivered) if stored else 0.0,
    )


def kept_up(summary: Summary, spoken_s: float) -> bool:
    """Say whether the answers were over, everything delivered, not long after the provider had to be done speaking.

    The half second is for the opening of all streams at once. A server that cannot read as fast as the provider speaks
    either lets words wait (they come late) or opens streams late (the whole takes longer); both show here.
    """
    return summary.exact and summary.seconds <= spoken_s * 1.05 + 0.5


def upstream_stats(upstream: Upstream) -> dict[str, float]:
    """Return what the upstream sent since it was last asked, and how punctual it was."""
    with connected(upstream.port) as wire:
        stats: dict[str, float] = wire.call("GET", "/stats")
    return stats


def of(rounds: Iterable[Round], peer: str, streams: int) -> list[Round]:
    """Return one peer's rounds under one load."""
    return [found for found in rounds if found.peer == peer and found.streams == streams]


def costs(rounds: list[Round]) -> list[Figure]:
    """Return CPU per token of all three, and Threadline's as a share of the others'."""
    figures: list[Figure] = []
    for streams in STREAMS:
        cpu = {peer: median(found.cpu_us for found in of(rounds, peer, streams)) for peer in PEERS}
        figures += [cost(rounds, peer, streams, cpu[peer]) for peer in PEERS]
        figures += shares(cpu, streams)
    return figures


def cost(rounds: list[Round], peer: str, streams: int, cpu_us: float) -> Figure:
    """Return one peer's CPU per token, with a word on whether it kept up."""
    kept = all(found.kept_up for found in of(rounds, peer, streams))
    rate = median(found.summary.rate for found in of(rounds, peer, streams))
    note = "" if kept else f"did not keep up: {rate:,.0f} of {streams * RATE:,} tokens/s"
    return Figure(piece="token", name=f"CPU per token, {peer}, {streams} streams", value=cpu_us, unit="µs", note=note)


def shares(cpu: dict[str, float], streams: int) -> list[Figure]:
    """Return Threadline's CPU per token as multiples of the relay's and the handmade server's."""
    barred = streams in BARRED
    to_relay, to_handmade = cpu["threadline"] / cpu["relay"], cpu["threadline"] / cpu["handmade"]
    return [
        Figure(
            piece="token",
            name=f"threadline to relay, {streams} streams",
            value=to_relay,
            unit="x",
            bar=RELAY_BAR if barred else None,
            goal=RELAY_GOAL if barred else None,
        ),
        Figure(
            piece="token",
            name=f"threadline to handmade, {streams} streams",
            value=to_handmade,
            unit="x",
            bar=HANDMADE_BAR if barred else None,
            goal=HANDMADE_GOAL if barred else None,
            note=f"1/{1 / to_handmade:.1f}",
        ),
    ]


def latencies(rounds: list[Round]) -> list[Figure]:
    """Return the latency that was added to each token."""
    figures: list[Figure] = []
    for streams in STREAMS:
        for peer in PEERS:
            barred = peer == "threadline" and streams == 100
            added = [found.summary.latency_ms for found in of(rounds, peer, streams)]
            for name, values, bar in (
                ("p50", [one.p50 for one in added], LATENCY_P50_BAR_MS),
                ("p99", [one.p99 for one in added], LATENCY_P99_BAR_MS),
            ):
                title = f"added latency {name}, {peer}, {streams} streams"
                value = median(values)
                figures.append(Figure(piece="token", name=title, value=value, unit="ms", bar=bar if barred else None))
    return figures


def losses(rounds: list[Round]) -> list[Figure]:
    """Return how many tokens were missing, double or out of order on Threadline, over all rounds."""
    ours = [found.summary for found in rounds if found.peer == "threadline"]
    amiss = sum(one.lost + one.doubled + one.disordered + one.failed for one in ours)
    note = f"of {sum(one.expected for one in ours):,} tokens"
    errors = sorted({error for one in ours for error in one.errors})
    return [
        Figure(
            piece="token",
            name="tokens lost, doubled or out of order, threadline",
            value=amiss,
            bar=0,
            note="; ".join([note, *errors]),
        )
    ]


def disk(rounds: list[Round], server: Server) -> list[Figure]:
    """Return what a token takes on disk: written while it passes, and kept."""
    ours = of(rounds, "threadline", 100)
    sizes = ", ".join(f"{name} {size / 2**20:.1f} MiB" for name, size in server.data_bytes().items())
    return [
        Figure(
            piece="token",
            name="written to disk per token, 100 streams",
            value=median(found.written_bytes for found in ours),
            unit="B",
        ),
        Figure(
            piece="token",
            name="kept on disk per token, 100 streams",
            value=median(found.stored_bytes for found in ours),
            unit="B",
            note=f"folder at the end: {sizes}",
        ),
    ]


def idles(idle: dict[str, float]) -> list[Figure]:
    """Return what each server uses when nobody asks anything of it; it is not taken off the other figures."""
    return [
        Figure(piece="token", name=f"CPU when idle, {peer}", value=share * 100, unit="% of a core")
        for peer, share in idle.items()
    ]
