"""Start-up: from starting the process to the first token of an answer over HTTP, on a new folder and on a used one.

The key is made before the clock starts, in both cases: only `threadline keys create` ever shows a secret, and it is a
command of its own, whose time is given separately. A new folder therefore holds a database with one key and nothing
else.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from bench.figure import Figure
from bench.peers.threadline import create_key, new_thread, spawn, wait_until_ready
from bench.plan import Plan
from bench.wire import Wire, first_match_ms, in_bulk

TIMES: Final = 5
TIMES_QUICK: Final = 2
THREADS: Final = 300
BAR_S: Final = 1.5
TOKEN: Final = re.compile(rb"event: ?message\.delta")


def measure(plan: Plan) -> list[Figure]:
    """Measure both kinds of start, and the making of a key."""
    times = plan.of(TIMES, TIMES_QUICK)
    plan.steps(2 * times + 1)
    keys: list[float] = []

    def new() -> tuple[Path, str]:
        folder = plan.new_folder("startup")
        start_s = time.monotonic()
        key = create_key(plan, folder)
        keys.append(time.monotonic() - start_s)
        return folder, key

    with plan.step(f"filling a folder with {THREADS} threads"):
        used = new()
        fill(plan, *used)
    on_new = starts(plan, "new", times, new)
    on_used = starts(plan, "used", times, lambda: used)
    plan.keep("startup", {"new_s": on_new, "used_s": on_used, "key_s": keys})
    return [
        _figure("first token on a new folder", on_new, BAR_S, "its key was made before, by `threadline keys create`"),
        _figure("first token on a used folder", on_used, BAR_S, f"{THREADS} threads"),
        _figure("making a key", keys, None, "not part of the above"),
    ]


def _figure(name: str, values: list[float], bar: float | None, note: str) -> Figure:
    note = f"{note}; slowest {max(values):.2f} s"
    return Figure(piece="startup", name=name, value=median(values), unit="s median", bar=bar, note=note)


def starts(plan: Plan, kind: str, times: int, folder: Callable[[], tuple[Path, str]]) -> list[float]:
    """Start it some times; return the seconds until each one's first token."""
    seconds: list[float] = []
    for number in range(times):
        with plan.step(f"start {number + 1} on a {kind} folder"):
            seconds.append(start_once(plan, *folder()))
    return seconds


def start_once(plan: Plan, folder: Path, key: str) -> float:
    """Start it, ask the demo model as soon as it listens, and return the seconds until the first token."""
    start_s = time.monotonic()
    server = spawn(plan, folder, key, None)
    with server.child:
        server.child.wait_for_port(server.port)
        with server.wire() as wire:
            thread = new_thread(wire)
        body = {"content": "Hello.", "stream": True}
        first_match_ms(server.port, server.request("POST", f"/v1/threads/{thread}/messages", body), TOKEN)
        return time.monotonic() - start_s


def fill(plan: Plan, folder: Path, key: str) -> None:
    """Leave some threads in a folder."""
    server = spawn(plan, folder, key, None)
    with server.child:
        wait_until_ready(server)
        in_bulk(server.port, key, THREADS, one_thread)


def one_thread(wire: Wire, number: int) -> None:
    """Create a thread with one message."""
    thread = new_thread(wire)
    body = {"content": f"Message {number}.", "respond": False}
    wire.call("POST", f"/v1/threads/{thread}/messages", body)
