"""The routes of branches: answer again, and which branches a thread has."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from threadline.access.principals import Principal
from threadline.api.branch_bodies import BranchPage, ForkThread, RegenerateMessage
from threadline.api.delivery import deliver, gives_answers
from threadline.api.house import Asking, House, TheHouse, answer, message_scope, thread_scope
from threadline.api.requests import body_of, from_page_cursor, idempotency_key, to_page_cursor
from threadline.api.spec import gives, takes
from threadline.api.threads import Cursor, Limit
from threadline.engine.fork import Fork
from threadline.engine.regenerate import Regenerate
from threadline.errors import InvalidRequest
from threadline.ids import MessageId, ThreadId
from threadline.records import RunOptions, Thread
from threadline.scopes import Scope

router = APIRouter(tags=["branches"])

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key")]


@router.post(
    "/v1/messages/{message_id}/regenerate",
    openapi_extra=takes(RegenerateMessage, required=False),
    responses=gives_answers((403, 404, 409, 413, 429)),
)
async def regenerate_message(
    request: Request, house: TheHouse, principal: Asking, message_id: str, idempotency_key_: IdempotencyKey = None
) -> Response:
    """Answer a question again, or give an answer again. The earlier answers stay; this one becomes their sibling."""
    body = await body_of(request, RegenerateMessage, default=b"{}")
    principal.require("send")
    if body.stream and body.background:
        raise InvalidRequest("Choose one of `stream` and `background`.", pointer="/background")
    scope, thread_id = await _place_of(house, principal, MessageId(message_id), body.thread_id)
    options = RunOptions(
        instructions=body.instructions, max_output_tokens=body.max_output_tokens, temperature=body.temperature
    )
    wanted = Regenerate(
        message_id=MessageId(message_id),
        model=body.model,
        agent=body.agent,
        on_busy=body.on_busy,
        options=options,
        key=idempotency_key(request),
    )
    accepted = await house.engine.regenerate(scope, thread_id, wanted)
    return await deliver(request, house, principal, scope, accepted, stream=body.stream, background=body.background)


@router.get("/v1/threads/{thread_id}/branches", responses=gives(BranchPage, errors=(400, 403, 404)))
async def list_branches(
    house: TheHouse, principal: Asking, thread_id: str, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """List the ends of a thread's branches, newest first. `leaf=` of the history reads one of them."""
    principal.require("read")
    before = None if cursor is None else from_page_cursor(cursor, tuple[int])[0]
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    found = await house.engine.heads(scope, ThreadId(thread_id), before, limit + 1)
    page, has_more = list(found[:limit]), len(found) > limit
    return answer(BranchPage(page, has_more, to_page_cursor(page[-1].seq) if has_more else None))


@router.post(
    "/v1/threads/{thread_id}/fork",
    status_code=201,
    openapi_extra=takes(ForkThread),
    responses=gives(Thread, 201, (403, 404, 409, 413), "A new thread."),
)
async def fork_thread(request: Request, house: TheHouse, principal: Asking, thread_id: str) -> Response:
    """Make a thread that begins with a branch of this one, for whoever may read it."""
    body = await body_of(request, ForkThread)
    principal.require("read")
    principal.require("send")
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    wanted = Fork(message_id=MessageId(body.message_id), title=body.title)
    return answer(await house.engine.fork(scope, ThreadId(thread_id), wanted), 201)


async def _place_of(
    house: House, principal: Principal, message_id: MessageId, thread_id: str | None
) -> tuple[Scope, ThreadId]:
    """Return the thread in which a message is answered: the one that is named, else its own. Raises NotFound."""
    if thread_id is not None:
        return await thread_scope(house, principal, ThreadId(thread_id)), ThreadId(thread_id)
    scope = await message_scope(house, principal, message_id)
    return scope, (await house.engine.message(scope, message_id)).thread_id
