"""The routes of threads: create, list, read, change, delete, state."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from msgspec import UNSET, structs

from threadline.access.principals import Principal
from threadline.api.answers import State, ThreadPage
from threadline.api.bodies import CreateThread, UpdateThread, check_metadata
from threadline.api.branch_bodies import MarkRead
from threadline.api.house import Asking, House, TheHouse, answer, thread_scope
from threadline.api.requests import body_of, from_page_cursor, to_page_cursor
from threadline.api.spec import gives, takes
from threadline.content import ContentView, visible
from threadline.engine.reads import Read, SeenThread, Unread
from threadline.engine.threads import NewThread
from threadline.errors import InvalidRequest
from threadline.ids import MessageId, ThreadId
from threadline.limits import END_USER_ID_CHARS_MAX, PAGE_SIZE_MAX, QUERY_CHARS_MAX
from threadline.records import Message, Thread
from threadline.scopes import Scope
from threadline.store.contract import ThreadQuery

router = APIRouter(tags=["threads"])

Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)]
Cursor = Annotated[str | None, Query(max_length=QUERY_CHARS_MAX)]
EndUserIdQuery = Annotated[str | None, Query(max_length=END_USER_ID_CHARS_MAX)]
View = Annotated[ContentView | None, Query(description="`audit` shows tool traffic; the default for keys.")]


@router.post(
    "/v1/threads",
    status_code=201,
    openapi_extra=takes(CreateThread, required=False),
    responses={
        **gives(Thread, 201, (403, 404, 413), "A new thread."),
        200: {
            "description": "The thread that has this `external_id`.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thread"}}},
        },
    },
)
async def create_thread(request: Request, house: TheHouse, principal: Asking) -> Response:
    """Create a thread, or find the one that this end user has under an `external_id`."""
    body = await body_of(request, CreateThread, default=b"{}")
    principal.require("send")
    wanted = NewThread(
        end_user_id=body.end_user_id,
        external_id=body.external_id,
        title=body.title,
        model=body.model,
        instructions=body.instructions,
        agent_id=body.agent_id,
        on_busy=body.on_busy,
        on_disconnect=body.on_disconnect,
        metadata=check_metadata(body.metadata),
    )
    thread, is_new = await house.engine.create_thread(principal.scope, wanted)
    return answer(thread, 201 if is_new else 200)


@router.get("/v1/threads", responses=gives(ThreadPage, errors=(400, 403)))
async def list_threads(
    house: TheHouse,
    principal: Asking,
    end_user_id: EndUserIdQuery = None,
    archived: bool | None = None,
    q: Annotated[str | None, Query(max_length=QUERY_CHARS_MAX)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List threads: pinned first, then latest activity. `q` is looked for in titles."""
    principal.require("read")
    after = None if cursor is None else from_page_cursor(cursor, tuple[bool, str, str])
    query = ThreadQuery(end_user_id=end_user_id, archived=archived, q=q, after=after, limit=limit + 1)
    found = await house.engine.threads(principal.scope, query)
    page, has_more = found[:limit], len(found) > limit
    last = page[-1] if has_more else None
    next_cursor = None if last is None else to_page_cursor(last.pinned, last.last_activity_at, last.id)
    return answer(ThreadPage(page, has_more, next_cursor))


@router.get("/v1/threads/{thread_id}", responses=gives(SeenThread, errors=(403, 404)))
async def get_thread(
    house: TheHouse, principal: Asking, thread_id: str, end_user_id: EndUserIdQuery = None
) -> Response:
    """Return a thread; for a person, with how much of it is unread."""
    principal.require("read")
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    return answer(await house.engine.thread(scope, ThreadId(thread_id), end_user_id))


@router.put(
    "/v1/threads/{thread_id}/read",
    openapi_extra=takes(MarkRead, required=False),
    responses=gives(Unread, errors=(403, 404, 413)),
)
async def mark_read(request: Request, house: TheHouse, principal: Asking, thread_id: str) -> Response:
    """Say how far a person has read: up to a seq, a message, or all there is. Also back."""
    body = await body_of(request, MarkRead, default=b"{}")
    principal.require("read")
    if body.seq is not None and body.message_id is not None:
        raise InvalidRequest("Choose one of `seq` and `message_id`.", pointer="/message_id")
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    message_id = None if body.message_id is None else MessageId(body.message_id)
    read = Read(seq=body.seq, message_id=message_id, end_user_id=body.end_user_id)
    return answer(await house.engine.mark_read(scope, ThreadId(thread_id), read))


@router.patch(
    "/v1/threads/{thread_id}",
    openapi_extra=takes(UpdateThread),
    responses=gives(Thread, errors=(403, 404, 413)),
)
async def update_thread(request: Request, house: TheHouse, principal: Asking, thread_id: str) -> Response:
    """Change a thread's title, pin, archive, model, instructions or metadata."""
    body = await body_of(request, UpdateThread)
    principal.require("send")
    changed: dict[str, Any] = {name: value for name, value in structs.asdict(body).items() if value is not UNSET}
    check_metadata(changed.get("metadata"))
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    return answer(await house.engine.update_thread(scope, ThreadId(thread_id), changed))


@router.delete(
    "/v1/threads/{thread_id}", status_code=204, responses=gives(None, 204, (403, 404), "The thread is gone.")
)
async def delete_thread(house: TheHouse, principal: Asking, thread_id: str) -> Response:
    """Cancel a thread's run, end its readers, and answer 404 for it everywhere from now on."""
    principal.require("send")
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    await house.engine.delete_thread(scope, ThreadId(thread_id))
    return Response(status_code=204)


@router.get("/v1/threads/{thread_id}/state", responses=gives(State, errors=(403, 404)))
async def get_state(
    house: TheHouse, principal: Asking, thread_id: str, limit: Limit = 50, view: View = None
) -> Response:
    """Return the fold of the log: the latest messages, the answer in progress, the active and waiting runs."""
    principal.require("read")
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    return answer(await state_of(house, scope, ThreadId(thread_id), limit, view or default_view(principal)))


def default_view(principal: Principal) -> ContentView:
    """Return how somebody sees content who does not say it."""
    return "audit" if principal.is_key else "user"


async def state_of(house: House, scope: Scope, thread_id: ThreadId, limit: int, view: ContentView) -> State:
    """Return the state of a thread with its latest messages, in this view. Raises NotFound."""
    found = await house.engine.snapshot(scope, thread_id, limit)
    messages = seen(found.messages, view)
    next_cursor = to_page_cursor("desc", found.thread.tip_message_id, messages[0].id) if found.has_more else None
    members = found.members or UNSET
    return State(found.thread, messages, found.runs, found.has_more, next_cursor, found.seq, members)


def seen(messages: Sequence[Message], view: ContentView) -> Sequence[Message]:
    """Return the messages as a reader of this view is meant to see them."""
    if view == "audit":
        return messages
    return [
        structs.replace(message, content=visible(message.content, view, keep_places=message.status == "streaming"))
        for message in messages
    ]
