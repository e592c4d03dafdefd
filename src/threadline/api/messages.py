"""The routes of messages: send in four forms of delivery, and pages of history."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response

from threadline.access.principals import Principal
from threadline.api.answers import MessagePage
from threadline.api.bodies import SendMessage, check_metadata
from threadline.api.delivery import STORED, deliver, gives_answers
from threadline.api.house import Asking, TheHouse, answer, thread_scope
from threadline.api.requests import body_of, from_page_cursor, idempotency_key, to_page_cursor
from threadline.api.spec import gives, takes
from threadline.api.threads import Cursor, Limit, View, seen
from threadline.content import Block, FileBlock, ImageBlock, ReasoningBlock, TextBlock
from threadline.engine.accept import Send
from threadline.errors import Forbidden, InvalidRequest
from threadline.ids import MessageId, ThreadId
from threadline.limits import QUERY_CHARS_MAX
from threadline.records import RunOptions
from threadline.scopes import EndUser, Scope

router = APIRouter(tags=["messages"])

Order = Literal["desc", "asc"]
Leaf = Annotated[str | None, Query(max_length=QUERY_CHARS_MAX, description="The last message of the branch.")]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key")]


@router.post(
    "/v1/threads/{thread_id}/messages",
    openapi_extra=takes(SendMessage),
    responses={**gives_answers((403, 404, 409, 413, 429)), 201: STORED},
)
async def send_message(
    request: Request, house: TheHouse, principal: Asking, thread_id: str, idempotency_key_: IdempotencyKey = None
) -> Response:
    """Send a message. `stream`, `background`, `respond: false`, or none of these to wait for the answer."""
    body = await body_of(request, SendMessage)
    send = to_send(body, principal, idempotency_key(request))
    scope = for_whom(await thread_scope(house, principal, ThreadId(thread_id)), body)
    accepted = await house.engine.send(scope, ThreadId(thread_id), send)
    return await deliver(request, house, principal, scope, accepted, stream=body.stream, background=body.background)


@router.get("/v1/threads/{thread_id}/messages", responses=gives(MessagePage, errors=(400, 403, 404)))
async def list_messages(
    house: TheHouse,
    principal: Asking,
    thread_id: str,
    limit: Limit = 50,
    order: Annotated[Order, Query()] = "desc",
    leaf: Leaf = None,
    cursor: Cursor = None,
    view: View = None,
) -> Response:
    """List the messages of the active branch, or of the one that ends with `leaf`; newest first unless asked otherwise.

    A cursor stays on the branch that its list began with.
    """
    principal.require("read")
    branch, after = None if leaf is None else MessageId(leaf), None
    if cursor is not None:
        order, branch, after = from_page_cursor(cursor, tuple[Order, MessageId, MessageId])
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    found = await house.engine.branch(scope, ThreadId(thread_id), branch, order == "desc", after, limit + 1)
    page, has_more = found.messages[:limit], len(found.messages) > limit
    next_cursor = to_page_cursor(order, found.leaf, page[-1].id) if has_more else None
    chosen = view or ("audit" if principal.is_key else "user")
    return answer(MessagePage(seen(page, chosen), has_more, next_cursor))


def for_whom(scope: Scope, body: SendMessage) -> Scope:
    """Return the scope of the person for whom somebody sends: a key may speak for whoever takes part.

    Raises InvalidRequest.
    """
    if body.end_user_id is None:
        return scope
    if isinstance(scope, EndUser):
        if body.end_user_id != scope.end_user_id:
            raise InvalidRequest("A token sends for its own end user only.", pointer="/end_user_id")
        return scope
    return EndUser(scope.tenant_id, body.end_user_id)


def to_send(body: SendMessage, principal: Principal, key: str | None) -> Send:
    """Make a send out of a body. Raises InvalidRequest and Forbidden."""
    principal.require("send")
    blocks = body.blocks()
    if body.parent_id is not None and body.edit_of is not None:
        raise InvalidRequest("Choose one of `parent_id` and `edit_of`.", pointer="/edit_of")
    _check_role(body, blocks, principal)
    return Send(
        content=blocks,
        role=body.role,
        model=body.model,
        agent=body.agent,
        respond=body.respond,
        on_busy=body.on_busy,
        parent_id=None if body.parent_id is None else MessageId(body.parent_id),
        edit_of=None if body.edit_of is None else MessageId(body.edit_of),
        options=RunOptions(
            instructions=body.instructions,
            max_output_tokens=body.max_output_tokens,
            temperature=body.temperature,
            on_disconnect=body.on_disconnect,
            tools=body.tools,
            tools_mode=body.tools_mode,
            tool_choice=body.tool_choice,
        ),
        metadata=check_metadata(body.metadata),
        key=key,
    )


def _check_role(body: SendMessage, blocks: list[Block], principal: Principal) -> None:
    if body.role != "user":
        if not principal.is_key:
            raise Forbidden("Only a server key may move in messages of another role.")
        if body.respond:
            raise InvalidRequest("Only history (`respond: false`) may have another role.", pointer="/role")
    if not principal.is_key and (body.tools is not None or body.tools_mode is not None):
        raise Forbidden("Tools are chosen by a server key, or by the agent that answers.")
    if body.stream and body.background:
        raise InvalidRequest("Choose one of `stream` and `background`.", pointer="/background")
    if body.role != "assistant":
        check_asked(blocks)
    for place, block in enumerate(blocks):
        if isinstance(block, ReasoningBlock) and block.signature is not None and block.provider is None:
            raise InvalidRequest("A signature needs its `provider`.", pointer=f"/content/{place}/provider")


def check_asked(blocks: list[Block]) -> None:
    """Raise InvalidRequest where a question has blocks that only an answer has."""
    for place, block in enumerate(blocks):
        if not isinstance(block, TextBlock | ImageBlock | FileBlock):
            raise InvalidRequest("Only an assistant's message may have this block.", pointer=f"/content/{place}/type")
