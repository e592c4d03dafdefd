"""The routes of tool calls: agree or refuse, post what a client's own call gave, and the audit list."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from threadline.access.principals import Principal
from threadline.api.call_bodies import DecideCall, PostResult, ToolCallPage
from threadline.api.house import Asking, TheHouse, answer, run_scope, thread_scope
from threadline.api.requests import body_of, from_page_cursor, to_page_cursor
from threadline.api.spec import gives, takes
from threadline.api.threads import Cursor, Limit
from threadline.engine.waiting import Approval, ClientResult
from threadline.ids import RunId, ThreadId
from threadline.limits import NAME_CHARS_MAX
from threadline.records import Author, Run
from threadline.scopes import EndUser
from threadline.store.contract import ToolCallQuery
from threadline.tool_calls import CallStatus

router = APIRouter(tags=["tool calls"])

Moment = Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$")]


@router.post(
    "/v1/runs/{run_id}/approvals",
    openapi_extra=takes(DecideCall),
    responses=gives(Run, errors=(403, 404, 409, 413)),
)
async def decide_call(request: Request, house: TheHouse, principal: Asking, run_id: str) -> Response:
    """Agree to a tool call that waits for it, or refuse it. Of two decisions the first one counts."""
    body = await body_of(request, DecideCall)
    principal.require("send")
    scope = await run_scope(house, principal, RunId(run_id))
    approval = Approval(tool_use_id=body.tool_use_id, approve=body.approve, reason=body.reason)
    row = await house.engine.decide(scope, RunId(run_id), approval, _author(principal))
    return answer(row.run)


@router.post(
    "/v1/runs/{run_id}/tool_results",
    openapi_extra=takes(PostResult),
    responses=gives(Run, errors=(403, 404, 409, 413)),
)
async def post_result(request: Request, house: TheHouse, principal: Asking, run_id: str) -> Response:
    """Post the result of a tool call that the client makes itself. The first result counts."""
    body = await body_of(request, PostResult)
    principal.require("send")
    scope = await run_scope(house, principal, RunId(run_id))
    given = ClientResult(tool_use_id=body.tool_use_id, output=body.output, is_error=body.is_error)
    return answer((await house.engine.take_result(scope, RunId(run_id), given)).run)


@router.get("/v1/threads/{thread_id}/tool_calls", responses=gives(ToolCallPage, errors=(400, 403, 404)))
async def list_tool_calls(
    house: TheHouse,
    principal: Asking,
    thread_id: str,
    run_id: Annotated[str | None, Query(max_length=64)] = None,
    name: Annotated[str | None, Query(max_length=NAME_CHARS_MAX)] = None,
    is_error: bool | None = None,
    status: Annotated[CallStatus | None, Query()] = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List a thread's tool calls with their outcomes, in the order of their requests. For keys: it is an audit."""
    principal.require("read")
    principal.require_key()
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    query = ToolCallQuery(
        run_id=None if run_id is None else RunId(run_id),
        name=name,
        is_error=is_error,
        status=status,
        since=since,
        until=until,
        after=0 if cursor is None else from_page_cursor(cursor, tuple[int])[0],
        limit=limit + 1,
    )
    found = await house.engine.tool_calls(scope, ThreadId(thread_id), query)
    page, has_more = found[:limit], len(found) > limit
    return answer(ToolCallPage(page, has_more, to_page_cursor(page[-1].seq) if has_more else None))


def _author(principal: Principal) -> Author:
    if isinstance(principal.scope, EndUser):
        return Author("user", principal.scope.end_user_id)
    return Author("system", principal.key_id)
