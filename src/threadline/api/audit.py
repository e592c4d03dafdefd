"""What operators look at thread by thread: which there are, and what has happened in one, with what it has cost."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from threadline.api.admin import TenantQuery, chosen_tenant
from threadline.api.admin_answers import Audit
from threadline.api.answers import ThreadPage
from threadline.api.house import Asking, TheHouse, answer, thread_scope
from threadline.api.requests import from_page_cursor, to_page_cursor
from threadline.api.spec import gives
from threadline.api.threads import Cursor, EndUserIdQuery, Limit
from threadline.api.web.prices import cost_of_attempt
from threadline.engine.audit import parts, sums_of
from threadline.events import Entry
from threadline.ids import ThreadId
from threadline.limits import QUERY_CHARS_MAX
from threadline.records import Thread
from threadline.scopes import Tenant
from threadline.store.contract import Reader, ThreadQuery, ThreadStatus
from threadline.tool_calls import ToolCall

EVENTS_AT_ONCE = 10
"""Events that are read for each part of the audit that is asked for: more than one part has."""

router = APIRouter(tags=["operator"])


@router.get("/v1/admin/threads", responses=gives(ThreadPage, errors=(400, 403, 404)))
async def list_all_threads(
    house: TheHouse,
    principal: Asking,
    tenant: TenantQuery = None,
    end_user_id: EndUserIdQuery = None,
    state: Annotated[
        ThreadStatus | None,
        Query(description="Being answered, waiting for somebody, or failed in its last run."),
    ] = None,
    q: Annotated[str | None, Query(max_length=QUERY_CHARS_MAX)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the threads of a tenant: pinned first, then latest activity. `q` is looked for in titles."""
    principal.require_admin()
    scope = Tenant(await chosen_tenant(house, principal, tenant))
    after = None if cursor is None else from_page_cursor(cursor, tuple[bool, str, str])
    query = ThreadQuery(end_user_id=end_user_id, q=q, after=after, limit=limit + 1, state=state)
    found = await house.engine.threads(scope, query)
    page, has_more = found[:limit], len(found) > limit
    last = page[-1] if has_more else None
    next_cursor = None if last is None else to_page_cursor(last.pinned, last.last_activity_at, last.id)
    return answer(ThreadPage(page, has_more, next_cursor))


@router.get("/v1/threads/{thread_id}/audit", responses=gives(Audit, errors=(400, 403, 404)))
async def get_audit(
    house: TheHouse, principal: Asking, thread_id: str, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Tell who said what, what was called, what it gave, and what every attempt has cost. For keys."""
    principal.require("read")
    principal.require_key()
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    after = 0 if cursor is None else from_page_cursor(cursor, tuple[int])[0]

    async def script(reader: Reader) -> tuple[Thread, list[Entry], list[ToolCall]]:
        thread = (await reader.thread(scope, ThreadId(thread_id))).thread
        entries = await reader.whole_events(scope, thread.id, after, limit * EVENTS_AT_ONCE)
        run_ids = {entry.run_id for entry in entries if entry.run_id is not None}
        calls = [await reader.calls_of_run(scope, thread.id, run_id) for run_id in sorted(run_ids)]
        return thread, entries, [call for some in calls for call in some]

    thread, entries, calls = await house.store.read(scope, script)
    told = list(parts(entries, {call.tool_use_id: call for call in calls}, cost_of_attempt))
    shown = told[:limit]
    has_more = len(told) > limit or len(entries) == limit * EVENTS_AT_ONCE
    last = shown[-1].seq if len(told) > limit else entries[-1].seq if entries else after
    next_cursor = to_page_cursor(last) if has_more else None
    return answer(Audit(thread=thread, data=shown, sums=sums_of(shown), has_more=has_more, next_cursor=next_cursor))
