"""The operator's routes: what it has cost, and for whom. Admin keys see their own tenant."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from threadline.access.principals import Principal
from threadline.api.admin_answers import TenantPage, UsageLine, UsagePage, line_of
from threadline.api.house import Asking, House, TheHouse, answer
from threadline.api.spec import gives
from threadline.api.threads import EndUserIdQuery
from threadline.api.web.prices import cost_of
from threadline.clock import rfc3339
from threadline.errors import InvalidRequest, NotFound
from threadline.ids import TenantId
from threadline.limits import MODEL_CHARS_MAX
from threadline.scopes import System
from threadline.store.contract import Reader
from threadline.store.contract_usage import TenantRow, UsageBy, UsageQuery, UsageSum

USAGE_DAYS_DEFAULT = 30
_DAY_MS = 24 * 3600 * 1000
_OPERATE = System("an operator sees the whole installation")

TenantQuery = Annotated[str | None, Query(max_length=64, description="A tenant's id; one's own unless said.")]

router = APIRouter(tags=["operator"])


@router.get("/v1/admin/tenants", responses=gives(TenantPage, errors=(403,)))
async def list_tenants(house: TheHouse, principal: Asking) -> Response:
    """List the tenants: all of them for an operator, its own for an admin."""
    principal.require_admin()

    async def script(reader: Reader) -> list[TenantRow]:
        return await reader.tenants(_OPERATE)

    found = await house.store.read(_OPERATE, script)
    is_everybody = principal.role == "operator"
    return answer(TenantPage([row for row in found if is_everybody or row.id == principal.scope.tenant_id]))


@router.get("/v1/admin/usage", responses=gives(UsagePage, errors=(403, 404)))
async def get_usage(
    house: TheHouse,
    principal: Asking,
    by: UsageBy = "model",
    since: Annotated[str | None, Query(description="The first day, in UTC: `2026-01-31`.")] = None,
    until: Annotated[str | None, Query(description="The first day that does not count.")] = None,
    tenant: TenantQuery = None,
    end_user_id: EndUserIdQuery = None,
    model: Annotated[str | None, Query(max_length=MODEL_CHARS_MAX)] = None,
) -> Response:
    """Sum what attempts have cost: of the installation for an operator, of its tenant for an admin."""
    principal.require_admin()
    now_ms = house.clock.now_ms()
    query = UsageQuery(
        by,
        _day("since", since) or rfc3339(now_ms - USAGE_DAYS_DEFAULT * _DAY_MS)[:10],
        _day("until", until) or rfc3339(now_ms + _DAY_MS)[:10],
        tenant_id=None if tenant is None else await chosen_tenant(house, principal, tenant),
        end_user_id=end_user_id,
        model=model,
    )

    async def everywhere(reader: Reader) -> list[UsageSum]:
        return await reader.usage_everywhere(_OPERATE, query)

    async def own(reader: Reader) -> list[UsageSum]:
        return await reader.usage(principal.scope, query)

    if principal.role == "operator":
        sums = await house.store.read(_OPERATE, everywhere)
    else:
        sums = await house.store.read(principal.scope, own)
    return answer(UsagePage(by, query.since, query.until, [_line(used) for used in sums]))


async def chosen_tenant(house: House, principal: Principal, tenant: str | None) -> TenantId:
    """Return the tenant that an operator names, or one's own. Raises NotFound for one that is not to be seen."""
    own = principal.scope.tenant_id
    if tenant in (None, own):
        return own

    async def script(reader: Reader) -> list[TenantRow]:
        return await reader.tenants(_OPERATE)

    if principal.role == "operator":
        for row in await house.store.read(_OPERATE, script):
            if row.id == tenant:
                return row.id
    raise NotFound("There is no such tenant.")


def _line(used: UsageSum) -> UsageLine:
    cost = cost_of(used)
    return line_of(used, None if cost is None else f"{cost:f}")


def _day(name: str, given: str | None) -> str | None:
    if given is None:
        return None
    try:
        is_day = date.fromisoformat(given).isoformat() == given
    except ValueError:
        is_day = False
    if not is_day:
        raise InvalidRequest("A day reads 2026-01-31.", pointer=f"/query/{name}")
    return given
