"""The highest rate: how many tokens a second one process holds with 99 of 100 tokens no later than a quarter second.

Streams are added in steps, each step a few seconds long, until a step fails twice or the bound is reached. The
streams of a step are opened over one second and judged from then on: this is about holding a rate, not about a rush.
"""

from typing import Final

from bench.figure import Figure
from bench.load import Job, Summary
from bench.peers.peer import Peer, start_handmade, start_relay, start_upstream
from bench.peers.threadline import start_threadline
from bench.plan import Plan
from bench.readers import read
from bench.token import QUIET_WINDOW_S, RATE, kept_up

P99_MAX_MS: Final = 250.0
# First step, step, and last step in streams; the last is where the upstream and the readers need a core for themselves.
LADDERS: Final = {"handmade": (20, 10, 120), "threadline": (100, 50, 700), "relay": (300, 100, 700)}
OPENING_S: Final = 1.0


def measure(plan: Plan) -> list[Figure]:
    """Step each peer up to its highest rate."""
    plan.steps(1 + len(LADDERS))
    with plan.step("starting the relay, the handmade server and Threadline"):
        upstream = start_upstream(plan)
        server = start_threadline(plan, upstream).as_peer()
        peers = [start_handmade(plan, upstream), server, start_relay(plan, upstream)]
    figures: list[Figure] = []
    kept: dict[str, list[Summary]] = {}
    for peer in peers:
        with plan.step(f"the highest rate of {peer.name}"):
            steps = climb(plan, peer)
        kept[peer.name] = steps
        figures.append(highest(peer, steps))
    plan.keep("rate", kept)
    return figures


def climb(plan: Plan, peer: Peer) -> list[Summary]:
    """Add streams until it fails twice at one height; return every step."""
    first, step, last = LADDERS[peer.name]
    steps: list[Summary] = []
    for streams in range(first, last + 1, step * plan.of(1, 2)):
        steps.append(hold(plan, peer, streams))
        if not held(steps[-1]):
            # Once may be the machine's neighbours; twice is the server.
            steps.append(hold(plan, peer, streams))
        if not held(steps[-1]):
            break
    return steps


def hold(plan: Plan, peer: Peer, streams: int) -> Summary:
    """Put this many streams on it for a few seconds."""
    tokens = plan.of(5, 3) * RATE
    requests = peer.ask(streams, f"t{RATE}x{tokens}")
    peer.child.wait_until_quiet(QUIET_WINDOW_S / 2)
    job = Job(
        port=peer.port,
        requests=requests,
        tokens=tokens,
        ramp_s=OPENING_S,
        settle_s=OPENING_S + 0.25,
        end_mark=peer.end_mark,
    )
    return read(job, plan.log("load"))


def held(summary: Summary) -> bool:
    """Say whether everything came, each token in time and the whole no later than its speaking took."""
    spoken_s = summary.expected / summary.streams / RATE
    in_time = 0 < summary.settled_ms.p99 < P99_MAX_MS
    return in_time and kept_up(summary, OPENING_S + spoken_s)


def highest(peer: Peer, steps: list[Summary]) -> Figure:
    """Return the highest rate that was held."""
    streams = max((step.streams for step in steps if held(step)), default=0)
    failed = [step for step in steps if not held(step)]
    end = f"failed at {failed[-1].streams}: {shortfall(failed[-1])}" if failed else "the last step tried"
    return Figure(
        piece="rate",
        name=f"highest rate, {peer.name}",
        value=streams * RATE,
        unit="tokens/s",
        more_is_better=True,
        note=f"{streams} streams; {end}",
    )


def shortfall(summary: Summary) -> str:
    """Say what was wrong with a step that was not held."""
    if not summary.exact:
        return f"{summary.failed} streams failed, {summary.lost} tokens lost"
    if summary.settled_ms.p99 >= P99_MAX_MS:
        return f"p99 {summary.settled_ms.p99:.0f} ms"
    return f"answers of {summary.expected / summary.streams / RATE:.0f} s were over after {summary.seconds:.1f} s"
