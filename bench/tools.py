"""Tools: a run of 20 calls in 5 rounds, and what the framework adds to each of them.

Every call is a row, committed as requested before it is begun, as running before the tool hears of it, and with its
outcome before the model does. The tool itself does nothing; a run of the same words without calls is taken off.
"""

import time
from typing import Any, Final

import msgspec

from bench.cluster.servers import Database, Written
from bench.figure import Figure
from bench.load import Spread, spread
from bench.peers.threadline import Server, new_thread
from bench.plan import Plan
from bench.stores import named, new_store, start_on_store
from bench.wire import Wire, WireError

ROUNDS: Final = 5
CALLS: Final = 20
RUNS: Final = 60
RUNS_QUICK: Final = 15
WARM: Final = 5
BAR_MS: Final = 3.0
# PostgreSQL counts what a connection has done about a second after it has done it.
REST_S: Final = 1.5
TOOLS: Final = "bench.own_tools:note"


def measure(plan: Plan) -> list[Figure]:
    """Measure the time of a call beyond the tool's own, in rounds of several calls and of one."""
    runs = plan.of(RUNS, RUNS_QUICK)
    plan.steps(2)
    with plan.step("starting Threadline with a tool"):
        database = new_store(plan)
        server = start_on_store(plan, ("--tools", TOOLS), database)
    shapes = {"4 at a time": CALLS // ROUNDS, "one at a time": 1}
    with plan.step(f"{runs} runs of {CALLS} calls of each kind"):
        plain = timed(server, script(0), runs, 0)
        found: dict[str, Spread] = {}
        written: dict[str, Written] = {}
        for how, together in shapes.items():
            before = rested(database)
            found[how] = timed(server, script(together), runs, CALLS)
            for then, now in zip(before, rested(database), strict=True):
                written[how] = now.since(then)
    plan.keep("tools", {"plain": plain, "runs": found, "written": written})
    return [
        figure(plan, how, together, plain, found[how], written_a_run(written.get(how), runs + WARM))
        for how, together in shapes.items()
    ]


def rested(database: Database | None) -> list[Written]:
    """Return what a database has written by now, all of it counted; nothing for SQLite, which does not count."""
    if database is None:
        return []
    time.sleep(REST_S)
    return [database.written()]


def written_a_run(written: Written | None, runs: int) -> str:
    """Say what a run was to the database; its nudges to other nodes are commits too."""
    return "" if written is None else f"; {written.commits / runs:.0f} commits, {written.syncs / runs:.0f} syncs a run"


def figure(plan: Plan, how: str, together: int, plain: Spread, run: Spread, written: str) -> Figure:
    """Return what one call adds."""
    return Figure(
        piece="tools",
        name=named(plan, f"framework time of a tool call, {CALLS} calls in {CALLS // together} rounds, {how}"),
        value=(run.p50 - plain.p50) / CALLS,
        unit="ms p50",
        # The bar is for rounds of several calls, as models ask for them.
        bar=BAR_MS if together > 1 else None,
        note=f"the whole run {run.p50:.1f} ms, without calls {plain.p50:.1f} ms{written}",
    )


def script(together: int) -> str:
    """Return a script for the demo model: `CALLS` calls, so many in a round; 0 is the words alone."""
    steps: list[dict[str, Any]] = []
    for number in range(CALLS):
        if not together or number % together == 0:
            steps.append({"say": f"Now number {number}. "})
        if together:
            steps.append({"call": "note", "input": {"text": f"number {number}"}})
    return msgspec.json.encode({"steps": [*steps, {"say": "Done."}]}).decode()


def timed(server: Server, content: str, runs: int, calls: int) -> Spread:
    """Time whole runs, from the send to the answer."""
    with server.wire() as wire:
        for _ in range(WARM):
            run_ms(wire, content, calls)
        return spread(run_ms(wire, content, calls) for _ in range(runs))


def run_ms(wire: Wire, content: str, calls: int) -> float:
    """Return the time of one run, after making sure that every call was made and has succeeded."""
    thread = new_thread(wire)
    body = {"content": content, "model": "demo/script@max", "tools": ["note"]}
    start_s = time.perf_counter()
    sent = wire.call("POST", f"/v1/threads/{thread}/messages", body)
    took_ms = (time.perf_counter() - start_s) * 1000
    results = [block for block in sent["reply"]["content"] if block["type"] == "tool_result"]
    if sent["run"]["status"] != "completed" or len(results) != calls or any(block["is_error"] for block in results):
        raise WireError(f"{len(results)} of {calls} calls were made: {sent['run']}")
    return took_ms
