"""What the bus itself takes: one NOTIFY, of which there is one at a time, and one nudge heard by a node."""

import asyncio
import time
from typing import Final, cast

import asyncpg

from bench.cluster.servers import Database
from bench.figure import Figure
from bench.plan import Plan
from threadline.bus.contract import Nudge
from threadline.bus.wire import from_message, to_messages
from threadline.ids import ThreadId
from threadline.journal.tail import Tail
from threadline.journal.window import Windows
from threadline.store.contract import Store

NUDGES: Final = 200
SEQ: Final = 123_456


def measure(plan: Plan, database: Database) -> dict[str, float]:
    """Time both with a full message; return the milliseconds of a NOTIFY and the µs of a nudge."""
    threads = [ThreadId(f"thr_{number:026d}") for number in range(NUDGES)]
    (message,) = to_messages("0" * 16, [Nudge(thread, SEQ) for thread in threads])
    times = plan.of(2000, 200)
    with plan.step("nudges"):
        return {"notify_ms": asyncio.run(notify_ms(database, message, times)), "heard_us": heard_us(message, times)}


async def notify_ms(database: Database, message: str, times: int) -> float:
    """Notify again and again over one connection, with one listener."""
    sender, listener = await asyncpg.connect(database.url), await asyncpg.connect(database.url)
    try:
        await listener.execute("LISTEN bench")
        start_s = time.monotonic()
        for _ in range(times):
            await sender.execute("SELECT pg_notify('bench', $1)", message)
        return (time.monotonic() - start_s) / times * 1e3
    finally:
        await sender.close()
        await listener.close()


def heard_us(message: str, times: int) -> float:
    """Hear a message as a node does on which nobody reads any of it: it asks no store."""
    tail = Tail(cast(Store, None), Windows())
    start_s = time.process_time()
    for _ in range(times):
        tail.hear(from_message(message, "somebody else"))
    return (time.process_time() - start_s) / times / NUDGES * 1e6


def figures(found: dict[str, float]) -> list[Figure]:
    """Return both."""
    return [
        Figure(piece="postgres", name="one NOTIFY", value=found["notify_ms"], unit="ms", note="a full message"),
        Figure(piece="postgres", name="CPU per nudge heard", value=found["heard_us"], unit="µs"),
    ]
