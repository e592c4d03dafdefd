"""What the operator's routes are answered."""

from msgspec import Struct

from threadline.store.contract_usage import TenantRow, UsageSum


class Quantiles(Struct, frozen=True):
    """Upper bounds of the buckets in which half and 95 of 100 values lie; None where nothing was counted."""

    p50: float | None
    p95: float | None
    count: int


class Live(Struct, frozen=True, kw_only=True):
    """What one node is doing, and has done since it started."""

    object: str = "live"
    node_id: str
    running: int
    readers: int
    started: int
    ended: dict[str, int]
    failures: dict[str, int]
    attempts_replaced: int
    deltas: int
    tokens: dict[str, int]
    first_token_seconds: Quantiles
    commit_seconds: Quantiles
    tokens_per_second: Quantiles
    up_since: str


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
