"""`kill -9` of the node that answers: how soon readers on another node have the first words of the next attempt."""

import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
from tests.support.postgres import PostgresServer

from bench import stamp
from bench.cluster.nodes import Setup, start_setup, with_another
from bench.cluster.servers import new_database
from bench.figure import Figure
from bench.load import spread
from bench.peers.peer import Upstream
from bench.peers.threadline import Server
from bench.plan import Plan
from bench.token import RATE
from bench.wire import Wire, WireError, in_bulk

STREAMS: Final = 10
# Longer than any lease here, so that every answer is still being made when its node is killed.
TOKENS: Final = 60 * RATE
SHORT_LEASE_S: Final = 3.0
DEFAULT_LEASE_S: Final = 15.0
ALLOWED_BEYOND_S: Final = 2.0
# A node renews its lease three times in its length.
RENEWALS: Final = 3
SUPERSEDED: Final = b"event: message.superseded\n"
_READ_BYTES: Final = 65536
_HEAD_BYTES: Final = 200


class Failover(msgspec.Struct, kw_only=True):
    """One node killed."""

    lease_s: float
    waited_s: float
    """How long after the first words the node was killed, so that kills fall between two renewals at various places."""
    seconds: list[float]
    """From the kill until each reader had a word of the next attempt."""


class Follower:
    """One reader: a bare connection, and the end of what came over it."""

    def __init__(self, node: Server, thread: str) -> None:
        self.thread = thread
        self.connection = socket.create_connection(("127.0.0.1", node.port), 30.0)
        self.connection.sendall(node.events_request(thread, 0).encode())
        self._came = b""
        self._mark: re.Pattern[bytes] = stamp.PATTERN

    def await_next_attempt(self) -> None:
        """Look for words behind the mark of a new attempt from here on; what has come so far does not count."""
        self._came = b""
        self._mark = re.compile(re.escape(SUPERSEDED) + b".*?" + stamp.PATTERN.pattern, re.DOTALL)

    def has_found(self) -> bool:
        """Read what is there; say whether what is looked for has come."""
        piece = self.connection.recv(_READ_BYTES)
        if not piece:
            raise WireError(f"a reader was cut: {self._came[-_HEAD_BYTES:]!r}")
        self._came += piece
        return self._mark.search(self._came) is not None


def kills(plan: Plan) -> tuple[tuple[float, int], ...]:
    """Return each lease with how often a node is killed under it."""
    return (SHORT_LEASE_S, plan.of(4, 2)), (DEFAULT_LEASE_S, plan.of(3, 1))


def steps(plan: Plan) -> int:
    """Return how many kills there are."""
    return sum(times for _, times in kills(plan))


def measure(plan: Plan, upstream: Upstream, postgres: PostgresServer) -> list[Failover]:
    """Kill nodes with the default lease and with a short one."""
    found = []
    for lease_s, times in kills(plan):
        for number in range(times):
            waited_s = number / times * lease_s / RENEWALS
            with plan.step(f"kill -9, lease {lease_s:.0f} s, {number + 1} of {times}"):
                found.append(fail_over(plan, upstream, postgres, lease_s, waited_s))
    return found


def fail_over(plan: Plan, upstream: Upstream, postgres: PostgresServer, lease_s: float, waited_s: float) -> Failover:
    """Start two nodes on a database of their own, kill the one that answers, and wait for every reader of the other."""
    options = ("--lease-seconds", str(lease_s))
    setup = start_setup(plan, upstream, "failover", new_database(postgres), "postgres", options)
    setup = with_another(plan, upstream, setup)
    answering, reading = setup.nodes
    threads = answering.create_threads(STREAMS)
    followers = [Follower(reading, thread) for thread in threads]
    opened = list(followers)
    try:
        begin(answering, threads)
        wait_for_all(followers, 30.0)
        answered = threads_of_busiest(setup)
        followers = [follower for follower in followers if follower.thread in answered]
        time.sleep(waited_s)
        for follower in followers:
            follower.await_next_attempt()
        killed_s = time.monotonic()
        answering.child.kill()
        seconds = [at_s - killed_s for at_s in wait_for_all(followers, 2 * lease_s + 30.0)]
    finally:
        for follower in opened:
            follower.connection.close()
        stop(setup)
    return Failover(lease_s=lease_s, waited_s=waited_s, seconds=seconds)


def begin(node: Server, threads: Sequence[str]) -> None:
    """Have the node begin one long answer on each thread."""
    body = {"content": "go", "model": f"openai/t{RATE}x{TOKENS}", "background": True}

    def send(wire: Wire, number: int) -> None:
        wire.call("POST", f"/v1/threads/{threads[number]}/messages", body)

    in_bulk(node.port, node.key, len(threads), send)


def threads_of_busiest(setup: Setup) -> set[str]:
    """Return the threads whose answers the node makes that makes most of them: the one that took the sends.

    The other one also looks for runs that nobody owns, and may have found one before its own node claimed it.
    """
    assert setup.database is not None
    rows = setup.database.server.execute("SELECT node_id, thread_id FROM leases", setup.database.name)
    ((busiest, _),) = Counter(row["node_id"] for row in rows).most_common(1)
    return {row["thread_id"] for row in rows if row["node_id"] == busiest}


def wait_for_all(followers: Sequence[Follower], timeout_s: float) -> list[float]:
    """Return the moment at which each follower had what it looks for."""
    moments: dict[Follower, float] = {}
    give_up_s = time.monotonic() + timeout_s
    with selectors.DefaultSelector() as selector:
        for follower in followers:
            selector.register(follower.connection, selectors.EVENT_READ, follower)
        while len(moments) < len(followers):
            ready = selector.select(max(0.0, give_up_s - time.monotonic()))
            if not ready:
                raise WireError(f"{len(followers) - len(moments)} readers wait in vain for {timeout_s:.0f} s")
            for key, _ in ready:
                if key.data.has_found():
                    moments[key.data] = time.monotonic()
                    selector.unregister(key.fileobj)
    return [moments[follower] for follower in followers]


def stop(setup: Setup) -> None:
    """End the nodes at once: nobody waits for what they are answering."""
    for node in setup.nodes:
        if node.child.process.poll() is None:
            node.child.kill()
    assert setup.database is not None
    setup.database.server.drop_database(setup.database.name)


def figures(found: Sequence[Failover]) -> list[Figure]:
    """Return the longest and the median time for each lease."""
    made = []
    for lease_s in sorted({one.lease_s for one in found}):
        killed = [one for one in found if one.lease_s == lease_s]
        seconds = spread(second for one in killed for second in one.seconds)
        name = f"kill -9 to the next attempt's first words, lease {lease_s:.0f} s"
        answers = sum(len(one.seconds) for one in killed)
        note = f"the longest of {answers} answers and {len(killed)} kills; median {seconds.p50:.1f} s"
        bar = lease_s + ALLOWED_BEYOND_S
        made.append(Figure(piece="postgres", name=name, value=seconds.max, unit="s", bar=bar, note=note))
    return made
