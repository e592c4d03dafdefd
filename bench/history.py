"""History: how long a page of 50 messages takes in a thread of 6,000, at random cursors, and in one of 100."""

import random
import time
from typing import Final
from urllib.parse import quote

from bench.figure import Figure
from bench.load import Spread, spread
from bench.peers.threadline import Server, new_thread, start_threadline
from bench.plan import Plan
from bench.wire import Wire, WireError, in_bulk

LONG: Final = 6000
LONG_QUICK: Final = 1500
SHORT: Final = 100
PAGE: Final = 50
TIMES: Final = 200
BAR_MS: Final = 5.0
# About as long as people's messages and models' answers are on average: 40 and 200 words.
TEXTS: Final = ("A question of some length, as people ask them. " * 5, "An answer goes on for somewhat longer. " * 30)
SEED: Final = 7


def measure(plan: Plan) -> list[Figure]:
    """Measure pages of a long and of a short thread."""
    long = plan.of(LONG, LONG_QUICK)
    plan.steps(3)
    with plan.step("starting Threadline"):
        server = start_threadline(plan, None)
    with plan.step(f"storing {long:,} + {SHORT} messages"):
        threads = {size: fill(server, size) for size in (long, SHORT)}
    with plan.step(f"reading {TIMES} pages of each"):
        found = {size: times(server, thread, size) for size, thread in threads.items()}
    plan.keep("history", {str(size): pages for size, pages in found.items()})
    return [figure(size, where, pages) for size, by_place in found.items() for where, pages in by_place.items()]


def figure(size: int, where: str, pages: Spread) -> Figure:
    """Return one figure."""
    name = f"page of {PAGE}, {where}, thread of {size:,}"
    return Figure(
        piece="history", name=name, value=pages.p50, unit="ms p50", bar=BAR_MS, note=f"p99 {pages.p99:.1f} ms"
    )


def fill(server: Server, size: int) -> str:
    """Create a thread with this many messages, people's and assistant's in turn; return its id."""
    with server.wire() as wire:
        thread = new_thread(wire)

    def store(wire: Wire, number: int) -> None:
        role = ("user", "assistant")[number % 2]
        body = {"content": f"{number} {TEXTS[number % 2]}", "role": role, "respond": False}
        wire.call("POST", f"/v1/threads/{thread}/messages", body)

    in_bulk(server.port, server.key, size, store)
    return thread


def times(server: Server, thread: str, size: int) -> dict[str, Spread]:
    """Time first pages and pages at random cursors."""
    path = f"/v1/threads/{thread}/messages?limit={PAGE}"
    with server.wire() as wire:
        cursors = walk(wire, path, size)
        picked = random.Random(SEED).choices(cursors, k=TIMES)
        return {
            "first": spread(page_ms(wire, path) for _ in range(TIMES)),
            "random": spread(page_ms(wire, f"{path}&cursor={cursor}") for cursor in picked),
            "last": spread(page_ms(wire, f"{path}&cursor={cursors[-1]}") for _ in range(TIMES)),
        }


def walk(wire: Wire, path: str, size: int) -> list[str]:
    """Go through all pages once, making sure that every message comes exactly once; return the cursors, quoted."""
    seen: set[str] = set()
    cursors: list[str] = []
    # One page more than there are, so that a cursor that leads in a circle ends here too.
    for _ in range(size // PAGE + 1):
        page = wire.call("GET", f"{path}&cursor={cursors[-1]}" if cursors else path)
        ids = {message["id"] for message in page["data"]}
        if len(ids) != len(page["data"]) or ids & seen:
            raise WireError(f"page {len(cursors) + 1} repeats a message")
        seen |= ids
        if not page["has_more"]:
            break
        cursors.append(quote(page["next_cursor"], safe=""))
    if len(seen) != size:
        raise WireError(f"the pages hold {len(seen)} of {size} messages")
    return cursors


def page_ms(wire: Wire, path: str) -> float:
    """Return the time that one page takes, in full."""
    start_s = time.perf_counter()
    status, content = wire.exchange("GET", path)
    took_ms = (time.perf_counter() - start_s) * 1000
    if status != 200:
        raise WireError(f"GET {path}: {status} {content[:300]!r}")
    return took_ms
