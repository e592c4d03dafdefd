"""Sidebar: the first page of a person who has 10,000 threads, as an app shows it when it opens."""

from typing import Final

from bench.figure import Figure
from bench.history import page_ms
from bench.load import Spread, spread
from bench.peers.threadline import Server
from bench.plan import Plan
from bench.stores import named, start_on_store
from bench.wire import Wire, in_bulk

THREADS: Final = 10_000
THREADS_QUICK: Final = 2_000
PAGE: Final = 50
TIMES: Final = 200
BAR_MS: Final = 5.0
PERSON: Final = "ann"


def measure(plan: Plan) -> list[Figure]:
    """Measure the first page of threads, by a key and by the person's own token."""
    threads = plan.of(THREADS, THREADS_QUICK)
    plan.steps(3)
    with plan.step("starting Threadline"):
        server = start_on_store(plan)
    with plan.step(f"creating {threads:,} threads with a message each"):
        in_bulk(server.port, server.key, threads, touch)
    with plan.step(f"reading {TIMES} first pages of each kind"):
        token = server.call("POST", "/v1/tokens", {"end_user_id": PERSON})["token"]
        asked = {
            "by a key": (server.key, f"/v1/threads?end_user_id={PERSON}&limit={PAGE}"),
            "by a token, with unread counts": (token, f"/v1/threads?limit={PAGE}"),
        }
        found = {how: timed(server, key, path) for how, (key, path) in asked.items()}
    plan.keep("sidebar", {"threads": threads, "pages": found})
    return [
        Figure(
            piece="sidebar",
            name=named(plan, f"first page of {PAGE}, {threads:,} threads, {how}"),
            value=pages.p50,
            unit="ms p50",
            bar=BAR_MS,
            note=f"p99 {pages.p99:.1f} ms",
        )
        for how, pages in found.items()
    ]


def touch(wire: Wire, number: int) -> None:
    """Create a thread of the person, with a title and a message."""
    body = {"end_user_id": PERSON, "title": f"A conversation about subject {number}"}
    thread = wire.call("POST", "/v1/threads", body)["id"]
    wire.call("POST", f"/v1/threads/{thread}/messages", {"content": f"Message {number}.", "respond": False})


def timed(server: Server, key: str, path: str) -> Spread:
    """Time the page, over one connection that stays open."""
    wire = Wire(server.port, key)
    try:
        return spread(page_ms(wire, path) for _ in range(TIMES))
    finally:
        wire.close()
