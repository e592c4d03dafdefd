"""What the operator's routes are answered."""

from msgspec import Struct

from threadline.engine.audit import Part, Sums
from threadline.records import Thread
from threadline.store.contract_figures import OpenRun
from threadline.store.contract_usage import TenantRow, UsageSum


class Quantiles(Struct, frozen=True):
    """Below what half, 95 and 99 of 100 values lie, made out from buckets; None where nothing was counted."""

    p50: float | None
    p95: float | None
    p99: float | None
    count: int


class Doings(Struct, frozen=True, kw_only=True):
    """What is going on, and what has happened within a stretch of time.

    `throughput` is in pieces a second that providers send, over all answers: a token each, or a few.
    `commit_seconds` is of the machine, and None for who sees one tenant.
    """

    running: int
    queued: int
    waiting: int
    readers: int
    throughput: float
    started: int
    ended: dict[str, int]
    failures: dict[str, int]
    failures_by_provider: dict[str, dict[str, int]]
    attempts_replaced: int
    tokens: dict[str, int]
    first_token_seconds: Quantiles
    tokens_per_second: Quantiles
    commit_seconds: Quantiles | None


class NodeDoings(Doings, frozen=True, kw_only=True):
    """What one node that lives is doing."""

    node_id: str


class MinuteDoings(Doings, frozen=True, kw_only=True):
    """What all nodes did in the minute that begins at `at`; `running` and its like are as of its last seconds."""

    at: str


class Live(Doings, frozen=True, kw_only=True):
    """What the installation, or a tenant in it, is doing; counted over the last `minutes`."""

    object: str = "live"
    at: str
    minutes: int
    nodes: list[NodeDoings]
    history: list[MinuteDoings]


class Audit(Struct, frozen=True, kw_only=True):
    """A stretch of a thread's audit, in the order of its log. The sums are of this stretch."""

    object: str = "audit"
    thread: Thread
    data: list[Part]
    sums: Sums
    has_more: bool
    next_cursor: str | None


class RunsNow(Struct, frozen=True):
    """A page of the runs that have not ended, oldest first."""

    data: list[OpenRun]
    has_more: bool
    next_cursor: str | None = None


class TenantPage(Struct, frozen=True):
    """The tenants that one may see."""

    data: list[TenantRow]
    has_more: bool = False
    next_cursor: str | None = None


class UsageLine(Struct, frozen=True, kw_only=True):
    """One sum: of one value of what was asked by, and one model. `cost_usd` is None where a price is not known."""

    key: str | None
    model: str
    attempts: int
    known: int
    input_tokens: int | None
    output_tokens: int | None
    cached_input_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: str | None


class UsagePage(Struct, frozen=True):
    """The sums from `since` up to `until`, which does not count."""

    by: str
    since: str
    until: str
    data: list[UsageLine]


def line_of(used: UsageSum, cost_usd: str | None) -> UsageLine:
    """Return a sum as it is shown."""
    return UsageLine(
        key=used.key,
        model=used.model,
        attempts=used.attempts,
        known=used.known,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cached_input_tokens=used.cached_input_tokens,
        reasoning_tokens=used.reasoning_tokens,
        cost_usd=cost_usd,
    )
