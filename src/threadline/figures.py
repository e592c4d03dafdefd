"""Small figures of what goes on: counted per tenant and for the node as a whole, summed over minutes and nodes. Pure.

What is counted here is shown to operators and forgotten after an hour; what lasts is in `/metrics` and in the usage of
attempts.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
RATES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
"""Upper bounds of the buckets for times and for tokens a second; the last bucket has none."""

WHOLE_NODE = ""
"""Stands for all tenants of a node, where others are told apart by their ids."""

K = TypeVar("K")

Buckets = dict[int, int]
"""How many values lie in which bucket; empty ones are left out."""


class Counts(Struct, omit_defaults=True):
    """What has happened since some moment, and (`running` to `throughput`) what was so when it was last looked at.

    `failures` are by provider and code. `pieces` are those that providers have sent: a token each, or a few.
    """

    started: int = 0
    ended: dict[str, int] = {}
    failures: dict[str, dict[str, int]] = {}
    replaced: int = 0
    pieces: int = 0
    tokens: dict[str, int] = {}
    first_token: Buckets = {}
    rates: Buckets = {}
    commits: Buckets = {}
    running: int = 0
    readers: int = 0
    queued: int = 0
    waiting: int = 0
    throughput: float = 0.0

    def add(self, other: "Counts") -> None:
        """Count in what has happened elsewhere or later. What was only looked at stays as it is."""
        self.started += other.started
        self.replaced += other.replaced
        self.pieces += other.pieces
        _add_up(self.ended, other.ended)
        _add_up(self.tokens, other.tokens)
        _add_up(self.first_token, other.first_token)
        _add_up(self.rates, other.rates)
        _add_up(self.commits, other.commits)
        for provider, codes in other.failures.items():
            _add_up(self.failures.setdefault(provider, {}), codes)

    def look_like(self, other: "Counts") -> None:
        """Take over what was so when the other one was looked at."""
        self.running, self.readers, self.throughput = other.running, other.readers, other.throughput
        self.queued, self.waiting = other.queued, other.waiting

    def stand_beside(self, other: "Counts") -> None:
        """Sum what was so on two nodes. Both have looked at the same queue."""
        self.running += other.running
        self.readers += other.readers
        self.throughput += other.throughput
        self.queued, self.waiting = max(self.queued, other.queued), max(self.waiting, other.waiting)

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing was going on when it was last looked at."""
        return not (self.running or self.readers or self.queued or self.waiting or self.throughput)


def count_in(buckets: Buckets, bucket: int) -> None:
    """Count one value."""
    buckets[bucket] = buckets.get(bucket, 0) + 1


def quantile(bounds: Sequence[float], buckets: Buckets, share: float) -> float | None:
    """Return below what this share of the values lies, as if they lay evenly in their buckets; None of no values.

    What lies beyond the last bound counts as that.
    """
    wanted, seen = share * sum(buckets.values()), 0
    for bucket, many in sorted(buckets.items()):
        if seen + many >= wanted and many:
            if bucket >= len(bounds):
                return float(bounds[-1])
            low = bounds[bucket - 1] if bucket else 0.0
            return float(low + (bounds[bucket] - low) * (wanted - seen) / many)
        seen += many
    return None


def _add_up(mine: dict[K, int], theirs: dict[K, int]) -> None:
    for key, value in theirs.items():
        mine[key] = mine.get(key, 0) + value


class Tallies:
    """What one node counts between two looks: for itself, and for each tenant."""

    def __init__(self) -> None:
        self._counts: dict[str, Counts] = {}
        self.running: Counter[str] = Counter()
        "The answers that are being made, by tenant."
        self.pieces: Counter[str] = Counter()
        "What providers have sent, by tenant: apart from the rest, since this is counted for every token."

    def of(self, tenant_id: str) -> tuple[Counts, Counts]:
        """Return where to count for a tenant: the node's own and the tenant's."""
        return self._of(WHOLE_NODE), self._of(tenant_id)

    def of_node(self) -> Counts:
        """Return where to count what is no tenant's."""
        return self._of(WHOLE_NODE)

    def take(self) -> dict[str, Counts]:
        """Return what was counted since the last time."""
        for tenant_id, pieces in self.pieces.items():
            for counts in self.of(tenant_id):
                counts.pieces += pieces
        # Emptied and not replaced: the turns that count hold on to it.
        self.pieces.clear()
        taken, self._counts = self._counts, {}
        return taken

    def _of(self, tenant_id: str) -> Counts:
        found = self._counts.get(tenant_id)
        if found is None:
            found = self._counts[tenant_id] = Counts()
        return found
