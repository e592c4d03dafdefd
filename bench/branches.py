"""Branches: a page of the active path among 6,000 messages in 200 branches: from its tip, its middle, another leaf."""

import random
from typing import Final
from urllib.parse import quote

from bench.figure import Figure
from bench.history import TEXTS, page_ms
from bench.load import Spread, spread
from bench.peers.threadline import Server, new_thread
from bench.plan import Plan
from bench.stores import named, start_on_store
from bench.wire import Wire, WireError

BRANCHES: Final = 200
BRANCHES_QUICK: Final = 40
PER_BRANCH: Final = 30
PAGE: Final = 50
TIMES: Final = 200
BAR_MS: Final = 5.0
SEED: Final = 7


def measure(plan: Plan) -> list[Figure]:
    """Measure pages of the active path."""
    branches = plan.of(BRANCHES, BRANCHES_QUICK)
    plan.steps(3)
    with plan.step("starting Threadline"):
        server = start_on_store(plan)
    with plan.step(f"storing {branches * PER_BRANCH:,} messages in {branches} branches"), server.wire() as wire:
        thread, path = fill(wire, branches)
    with plan.step(f"reading {TIMES} pages of each kind"):
        pages = times(server, thread, path)
    plan.keep("branches", {"branches": branches, "path": len(path), "pages": pages})
    size = branches * PER_BRANCH
    return [
        Figure(
            piece="branches",
            name=named(plan, f"page of {PAGE} of the active path ({len(path):,} long), {where}, {size:,} messages"),
            value=found.p50,
            unit="ms p50",
            bar=BAR_MS,
            note=f"p99 {found.p99:.1f} ms",
        )
        for where, found in pages.items()
    ]


def fill(wire: Wire, branches: int) -> tuple[str, list[str]]:
    """Grow a tree: each branch leaves the one before it in the upper half. Returns the thread and its active path."""
    thread = new_thread(wire)
    picked = random.Random(SEED)
    path: list[str] = []
    for _ in range(branches):
        # A long path on which most branches have left something behind, as after months of editing.
        del path[len(path) - picked.randrange(1, PER_BRANCH // 2) if path else 0 :]
        for number in range(PER_BRANCH):
            role = ("user", "assistant")[number % 2]
            body = {"content": TEXTS[number % 2], "role": role, "respond": False}
            if path:
                body["parent_id"] = path[-1]
            path.append(wire.call("POST", f"/v1/threads/{thread}/messages", body)["message"]["id"])
    return thread, path


def times(server: Server, thread: str, path: list[str]) -> dict[str, Spread]:
    """Time first pages, pages in the middle, and the page of another branch's leaf."""
    address = f"/v1/threads/{thread}/messages?limit={PAGE}"
    with server.wire() as wire:
        cursors = walk(wire, address, path)
        picked = random.Random(SEED).choices(cursors, k=TIMES)
        leaf = path[len(path) // 2]
        return {
            "from the tip": spread(page_ms(wire, address) for _ in range(TIMES)),
            "at a random cursor": spread(page_ms(wire, f"{address}&cursor={cursor}") for cursor in picked),
            "from another leaf": spread(page_ms(wire, f"{address}&leaf={leaf}") for _ in range(TIMES)),
        }


def walk(wire: Wire, address: str, path: list[str]) -> list[str]:
    """Read the whole path once, making sure that it is the one that was made; return the cursors, quoted."""
    seen: list[str] = []
    cursors: list[str] = []
    while len(seen) <= len(path):
        page = wire.call("GET", f"{address}&cursor={cursors[-1]}" if cursors else address)
        seen += [message["id"] for message in page["data"]]
        if not page["has_more"]:
            break
        cursors.append(quote(page["next_cursor"], safe=""))
    if seen != path[::-1]:
        raise WireError(f"the pages hold {len(seen)} messages, the path has {len(path)}, or in another order")
    return cursors
