"""Idle: what a thread costs in memory when nobody speaks, what a reader costs that waits, and how soon it hears.

Threads first: each gets one message and is left alone. Then readers: one on each of some thousands of these threads.
Then, with all of them connected, messages to one thread more, and the time until its reader has them.
"""

import gc
import re
import socket
import time
from typing import Final

from bench.figure import Figure
from bench.load import Job, Spread, spread
from bench.peers.threadline import READY_MARK, Server, new_thread, start_threadline
from bench.plan import Plan
from bench.readers import Readers
from bench.wire import TIMEOUT_S, Wire, WireError, in_bulk

THREADS: Final = 10_000
THREADS_QUICK: Final = 1_000
READERS: Final = 5_000
READERS_QUICK: Final = 500
WARM: Final = 300
WAKES: Final = 100
READER_BAR_KIB: Final = 25.0
# Not nothing, because the store's page cache fills while threads are created; a page of memory would be 4.
THREAD_BAR_KIB: Final = 1.0
WAKE_BAR_MS: Final = 5.0
ARRIVED: Final = re.compile(rb"event: ?message\.created")


def measure(plan: Plan) -> list[Figure]:
    """Measure memory per thread and per reader, CPU of waiting readers, and wake latency."""
    threads, readers = plan.of(THREADS, THREADS_QUICK), plan.of(READERS, READERS_QUICK)
    plan.steps(4)
    with plan.step("starting Threadline and warming it up"):
        server = start_threadline(plan, None)
        warm_up(plan, server)
    with plan.step(f"touching {threads:,} threads"):
        ids, thread_kib = thread_memory(plan, server, threads)
    with plan.step(f"opening {readers:,} readers"):
        held, reader_kib = reader_memory(plan, server, ids[:readers])
    with plan.step("listening to them wait, waking one"):
        share = server.child.idle_share(plan.of(16, 3))
        wakes = wake(server)
        held.release()
    plan.keep("idle", {"threads": threads, "readers": readers, "wake": wakes})
    return figures(threads, readers, thread_kib, reader_kib, share, wakes)


def figures(
    threads: int, readers: int, thread_kib: float, reader_kib: float, share: float, wakes: Spread
) -> list[Figure]:
    """Return the figures."""
    p99 = f"p99 {wakes.p99:.1f} ms"
    # Over fewer threads the store's cache, which fills once, would count for too much.
    bar = THREAD_BAR_KIB if threads >= THREADS else None
    return [
        _figure(f"memory per idle thread, {threads:,} threads", thread_kib, "KiB", bar),
        _figure(f"memory per idle reader, {readers:,} readers", reader_kib, "KiB", READER_BAR_KIB),
        _figure(f"CPU of {readers:,} idle readers", share * 100, "% of a core", None),
        _figure(f"wake, send to event, {readers:,} readers connected", wakes.p50, "ms p50", WAKE_BAR_MS, p99),
    ]


def _figure(name: str, value: float, unit: str, bar: float | None, note: str = "") -> Figure:
    return Figure(piece="idle", name=name, value=value, unit=unit, bar=bar, note=note)


def warm_up(plan: Plan, server: Server) -> None:
    """Let it load and allocate whatever the first few hundred threads and readers need, and forget them."""
    threads = touch(server, WARM)
    held = hold(plan, server, threads)
    held.release()
    held.process.wait(TIMEOUT_S)
    server.child.wait_until_quiet(1.0)


def touch(server: Server, count: int) -> list[str]:
    """Create threads with one message each; return their ids."""

    def one(wire: Wire, number: int) -> str:
        thread = new_thread(wire)
        say(wire, thread, f"Message {number}, which nobody answers.")
        return thread

    return in_bulk(server.port, server.key, count, one)


def say(wire: Wire, thread: str, content: str) -> None:
    """Store a message that nobody answers."""
    wire.call("POST", f"/v1/threads/{thread}/messages", {"content": content, "respond": False})


def thread_memory(plan: Plan, server: Server, count: int) -> tuple[list[str], float]:
    """Touch threads; return their ids and what each of them added to the memory in KiB."""
    before = server.child.rss_bytes()
    threads = touch(server, count)
    server.child.wait_until_quiet(plan.of(3, 1))
    return threads, (server.child.rss_bytes() - before) / count / 1024


def reader_memory(plan: Plan, server: Server, threads: list[str]) -> tuple[Readers, float]:
    """Open a reader on each thread; return them and what each of them added to the memory in KiB."""
    before = server.child.rss_bytes()
    held = hold(plan, server, threads)
    server.child.wait_until_quiet(1.0)
    return held, (server.child.rss_bytes() - before) / len(threads) / 1024


def hold(plan: Plan, server: Server, threads: list[str]) -> Readers:
    """Open a reader on each thread and wait until all have caught up."""
    requests = [server.events_request(thread, "now") for thread in threads]
    ramp_s = len(requests) / 500
    job = Job(port=server.port, requests=requests, ramp_s=ramp_s, ready_mark=READY_MARK, hold=True, timeout_s=120)
    held = plan.start(Readers(job, plan.log("load")))
    ready = held.wait_until_ready()
    if ready != len(threads):
        raise WireError(f"{ready} of {len(threads)} readers caught up")
    return held


def wake(server: Server) -> Spread:
    """Send messages to a thread with an idle reader; return the time until the reader has each."""
    with server.wire() as wire, socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as reader:
        thread = new_thread(wire)
        reader.sendall(server.events_request(thread, "now").encode())
        wait_for(reader, re.compile(READY_MARK.encode()))
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as sender:
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            gc.disable()
            try:
                return spread(wake_once(server, thread, sender, reader) for _ in range(WAKES))
            finally:
                gc.enable()


def wake_once(server: Server, thread: str, sender: socket.socket, reader: socket.socket) -> float:
    """Send one message; return the time until the reader has it."""
    body = {"content": "Wake up.", "respond": False}
    request = server.request("POST", f"/v1/threads/{thread}/messages", body).encode()
    start_s = time.perf_counter()
    sender.sendall(request)
    wait_for(reader, ARRIVED)
    took_ms = (time.perf_counter() - start_s) * 1000
    wait_for(sender, re.compile(rb"\r\n\r\n.*\}", re.DOTALL))
    # A pause, so that each message finds the reader asleep.
    time.sleep(0.02)
    return took_ms


def wait_for(connection: socket.socket, pattern: re.Pattern[bytes]) -> None:
    """Read until something is there."""
    found = b""
    while not pattern.search(found):
        piece = connection.recv(65536)
        if not piece:
            raise WireError(f"the connection ended: {found[:300]!r}")
        found += piece
