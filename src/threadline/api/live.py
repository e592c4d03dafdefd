"""What goes on, now and in the last hour: the figures of all nodes, summed for whoever may see them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from threadline.api.admin_answers import Live, MinuteDoings, NodeDoings, Quantiles, RunsNow
from threadline.api.house import Asking, TheHouse, answer
from threadline.api.requests import from_page_cursor, to_page_cursor
from threadline.api.spec import gives
from threadline.api.threads import Cursor, Limit
from threadline.clock import rfc3339
from threadline.engine.figures import Found
from threadline.errors import Unavailable
from threadline.figures import RATES, SECONDS, Buckets, Counts, quantile
from threadline.ids import NodeId, RunId
from threadline.limits import FIGURES_MINUTES, PAGE_SIZE_MAX
from threadline.scopes import System
from threadline.store.contract import Reader
from threadline.store.contract_figures import OpenRun

COUNTED_MINUTES = 5
_MINUTE_MS = 60_000
_OPERATE = System("an operator sees what has not ended, an admin what of it is its tenant's")

router = APIRouter(tags=["operator"])


@router.get("/v1/admin/live", responses=gives(Live, errors=(403,)))
async def get_live(
    house: TheHouse,
    principal: Asking,
    minutes: Annotated[int, Query(ge=1, le=FIGURES_MINUTES, description="Over how many of the last minutes.")] = (
        COUNTED_MINUTES
    ),
    history: Annotated[int, Query(ge=0, le=FIGURES_MINUTES, description="How many minutes to show one by one.")] = 0,
) -> Response:
    """Say what goes on: on all nodes for an operator, of its tenant for an admin."""
    principal.require_admin()
    is_whole = principal.role == "operator"
    with suppress(Unavailable):
        # What other nodes do not know yet. A store that cannot write still says what was written.
        await house.figures.keep()
    found = await (house.figures.everywhere() if is_whole else house.figures.of_tenant(principal.scope))
    now_ms = house.clock.now_ms()
    return answer(live_of(found, now_ms, minutes, history, is_whole))


@router.get("/v1/admin/runs", responses=gives(RunsNow, errors=(400, 403)))
async def list_open_runs(
    house: TheHouse, principal: Asking, limit: Limit = PAGE_SIZE_MAX, cursor: Cursor = None
) -> Response:
    """List the runs that have not ended: of the installation for an operator, of its tenant for an admin."""
    principal.require_admin()
    tenant_id = None if principal.role == "operator" else principal.scope.tenant_id
    after = None if cursor is None else from_page_cursor(cursor, tuple[RunId])[0]

    async def script(reader: Reader) -> list[OpenRun]:
        return await reader.unfinished(_OPERATE, tenant_id, limit + 1, after)

    found = await house.store.read(_OPERATE, script)
    page, has_more = found[:limit], len(found) > limit
    return answer(RunsNow(page, has_more, to_page_cursor(page[-1].run_id) if has_more else None))


def live_of(found: Found, now_ms: int, minutes: int, history: int, is_whole: bool) -> Live:
    """Sum what was found over nodes and minutes; `is_whole` says that it is of the machine, and not of one tenant."""
    minute = now_ms // _MINUTE_MS
    by_node: dict[NodeId, Counts] = {node: Counts() for node in sorted(found.live)} if is_whole else {}
    by_minute = {each: Counts() for each in range(minute - history + 1, minute + 1)}
    total, newest = Counts(), dict[NodeId, Counts]()
    for node, at, counts in found.rows:
        if at in by_minute:
            by_minute[at].add(counts)
            by_minute[at].stand_beside(counts)
        if node in found.live:
            # Who has written nothing since was at rest then.
            newest[node] = counts
        if at > minute - minutes:
            total.add(counts)
            if node in by_node:
                by_node[node].add(counts)
    for node, counts in newest.items():
        total.stand_beside(counts)
        if node in by_node:
            by_node[node].look_like(counts)
    total.queued, total.waiting = found.queue.queued, found.queue.waiting
    return Live(
        at=rfc3339(now_ms),
        minutes=minutes,
        nodes=[NodeDoings(node_id=node, **_doings(counts, is_whole)) for node, counts in by_node.items()],
        history=[
            MinuteDoings(at=rfc3339(each * _MINUTE_MS), **_doings(counts, is_whole))
            for each, counts in by_minute.items()
        ],
        **_doings(total, is_whole),
    )


def _doings(counts: Counts, is_whole: bool) -> dict[str, Any]:
    by_code: dict[str, int] = {}
    for codes in counts.failures.values():
        for code, many in codes.items():
            by_code[code] = by_code.get(code, 0) + many
    return {
        "running": counts.running,
        "queued": counts.queued,
        "waiting": counts.waiting,
        "readers": counts.readers,
        "throughput": round(counts.throughput, 1),
        "started": counts.started,
        "ended": counts.ended,
        "failures": by_code,
        "failures_by_provider": counts.failures,
        "attempts_replaced": counts.replaced,
        "tokens": counts.tokens,
        "first_token_seconds": _quantiles(SECONDS, counts.first_token),
        "tokens_per_second": _quantiles(RATES, counts.rates),
        "commit_seconds": _quantiles(SECONDS, counts.commits) if is_whole else None,
    }


def _quantiles(bounds: Sequence[float], buckets: Buckets) -> Quantiles:
    p50, p95, p99 = (quantile(bounds, buckets, share) for share in (0.5, 0.95, 0.99))
    return Quantiles(p50, p95, p99, sum(buckets.values()))
