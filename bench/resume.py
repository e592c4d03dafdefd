"""Resume: how soon a reader that comes back to the middle of a 5,000-token answer has its first event.

Measured on an answer that has ended and on one that is still being made, each time over a new connection.
"""

import time
from typing import Final

from bench.figure import Figure
from bench.load import Job, Spread, Summary, spread
from bench.peers.peer import start_upstream
from bench.peers.threadline import END_MARK, Server, start_threadline
from bench.plan import Plan
from bench.readers import Readers
from bench.wire import WireError, first_event_ms

TOKENS: Final = 5000
FAST: Final = 2000
SLOW: Final = 50
SLOW_TOKENS: Final = 1000
TIMES: Final = 60
BAR_MS: Final = 10.0
ENDED: Final = f"t{FAST}x{TOKENS}"
# The quick part makes the answer long, the slow part keeps it alive while it is measured.
ALIVE: Final = f"t{FAST}x{TOKENS}-t{SLOW}x{SLOW_TOKENS}"


def measure(plan: Plan) -> list[Figure]:
    """Measure the time to the first event, of an ended answer and of a live one."""
    plan.steps(3)
    with plan.step("starting Threadline"):
        server = start_threadline(plan, start_upstream(plan))
    with plan.step(f"an answer of {TOKENS:,} tokens, ended"):
        ended = time_ended(plan, server)
    with plan.step(f"an answer of {TOKENS:,} tokens, still being made"):
        alive = time_alive(plan, server)
    plan.keep("resume", {"ended": ended, "alive": alive})
    return [figure(name, found) for name, found in (*ended.items(), *alive.items())]


def figure(name: str, found: Spread) -> Figure:
    """Return one figure; only the first event from the middle has a bar."""
    bar = BAR_MS if "from the middle" in name else None
    return Figure(piece="resume", name=name, value=found.p50, unit="ms p50", bar=bar, note=f"p99 {found.p99:.1f} ms")


def time_ended(plan: Plan, server: Server) -> dict[str, Spread]:
    """Make an answer, wait for its end, and come back to it."""
    (thread,) = server.create_threads(1)
    exact(speak(plan, server, thread, ENDED, TOKENS).summary())
    seq = server.call("GET", f"/v1/threads/{thread}")["seq"]
    server.child.wait_until_quiet(2.0)
    return {
        "first event from the middle, ended answer": times(server, thread, seq // 2),
        "first event from the start, ended answer": times(server, thread, 0),
        "first event from near the end, ended answer": times(server, thread, seq - 2),
    }


def time_alive(plan: Plan, server: Server) -> dict[str, Spread]:
    """Make an answer, and come back to it while it is being made."""
    (thread,) = server.create_threads(1)
    readers = speak(plan, server, thread, ALIVE, TOKENS + SLOW_TOKENS)
    readers.wait_until_ready()
    time.sleep(TOKENS / FAST + 1.0)
    seq = server.call("GET", f"/v1/threads/{thread}")["seq"]
    found = {"first event from the middle, live answer": times(server, thread, seq // 2)}
    if not server.call("GET", f"/v1/threads/{thread}")["active_run_id"]:
        raise WireError("the answer ended before it was measured")
    exact(readers.summary())
    return found


def speak(plan: Plan, server: Server, thread: str, model: str, tokens: int) -> Readers:
    """Start one answer and its reader."""
    timeout_s = 3 * (TOKENS / FAST + SLOW_TOKENS / SLOW)
    requests = [server.send_request(thread, model)]
    job = Job(port=server.port, requests=requests, tokens=tokens, end_mark=END_MARK, timeout_s=timeout_s)
    return plan.start(Readers(job, plan.log("load")))


def exact(summary: Summary) -> None:
    """Raise if the answer was not whole."""
    if not summary.exact:
        raise WireError(f"the answer was not whole: {summary}")


def times(server: Server, thread: str, after: int) -> Spread:
    """Come back to one cursor many times."""
    request = server.events_request(thread, after)
    return spread(first_event_ms(server.port, request) for _ in range(TIMES))
