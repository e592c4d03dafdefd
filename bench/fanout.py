"""Fan-out: one answer, a thousand readers: what a delivery costs, how late it is, whether all see the same."""

from typing import Final

from bench.figure import Figure
from bench.load import Job, Summary
from bench.peers.peer import start_upstream
from bench.peers.threadline import DONE_MARK, END_MARK, READY_MARK, Server, new_thread, start_threadline
from bench.plan import Plan
from bench.readers import Readers
from bench.wire import WireError

READERS: Final = 1000
RATE: Final = 50
OPENING_S: Final = 3.0


def measure(plan: Plan) -> list[Figure]:
    """Measure one answer of 50 tokens a second with 1,000 readers."""
    tokens = plan.of(10, 3) * RATE
    plan.steps(3)
    with plan.step("starting Threadline"):
        server = start_threadline(plan, start_upstream(plan))
        thread = warm_up(server)
    with plan.step(f"opening {READERS:,} readers"):
        readers = open_readers(plan, server, thread, tokens)
    with plan.step(f"an answer of {tokens} tokens"):
        used_s = server.child.wait_until_quiet(1.0)
        server.call("POST", f"/v1/threads/{thread}/messages", ask(tokens))
        summary = readers.summary()
        used_s = server.child.wait_until_quiet(2.0) - used_s
    plan.keep("fanout", {"summary": summary, "cpu_s": used_s})
    return figures(summary, used_s, tokens)


def warm_up(server: Server) -> str:
    """Have one short answer made elsewhere; return an empty thread."""
    with server.wire() as wire:
        elsewhere = new_thread(wire)
        body = {"content": "go", "model": f"openai/t{RATE}x10"}
        wire.call("POST", f"/v1/threads/{elsewhere}/messages", body)
        return new_thread(wire)


def ask(tokens: int) -> dict[str, object]:
    """Return the body of the send."""
    return {"content": "go", "model": f"openai/t{RATE}x{tokens}", "background": True}


def open_readers(plan: Plan, server: Server, thread: str, tokens: int) -> Readers:
    """Open all readers and wait until they have caught up."""
    job = Job(
        port=server.port,
        requests=[server.events_request(thread, 0)] * READERS,
        tokens=tokens,
        ramp_s=OPENING_S,
        end_mark=END_MARK,
        done_mark=DONE_MARK,
        ready_mark=READY_MARK,
        digest=True,
    )
    readers = plan.start(Readers(job, plan.log("load")))
    ready = readers.wait_until_ready()
    if ready != READERS:
        raise WireError(f"{ready} of {READERS} readers caught up")
    return readers


def figures(summary: Summary, used_s: float, tokens: int) -> list[Figure]:
    """Return the figures."""
    amiss = summary.lost + summary.doubled + summary.disordered + summary.failed
    spoken_s = tokens / RATE
    # A reader process near a whole core is itself the cause of what is late.
    busy = f"the {READERS:,} readers' own process used {summary.cpu_s / spoken_s * 100:.0f} % of a core"
    return [
        _figure("CPU per delivered event", used_s / max(1, summary.events) * 1e6, "µs"),
        _figure("CPU per delivered token", used_s / max(1, summary.tokens) * 1e6, "µs"),
        _figure("latency p50", summary.latency_ms.p50, "ms", note=busy),
        _figure("latency p99", summary.latency_ms.p99, "ms"),
        _figure("tokens lost, doubled or out of order", amiss, bar=0, note="; ".join(summary.errors)),
        _figure("readers that saw something else", 0 if summary.agreed else 1, bar=0),
    ]


def _figure(name: str, value: float, unit: str = "", bar: float | None = None, note: str = "") -> Figure:
    return Figure(piece="fanout", name=f"{name}, {READERS:,} readers", value=value, unit=unit, bar=bar, note=note)
