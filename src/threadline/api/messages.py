"""The routes of messages: send in four forms of delivery, and pages of history."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response

from threadline.access.principals import Principal
from threadline.api.answers import MessagePage, Sent, SentInBackground
from threadline.api.bodies import SendMessage, check_metadata
from threadline.api.house import Asking, House, TheHouse, answer, thread_scope
from threadline.api.requests import body_of, from_page_cursor, idempotency_key, to_page_cursor
from threadline.api.spec import gives, streams, takes
from threadline.api.sse import EventStream, RunFrames
from threadline.api.threads import Cursor, Limit, View, seen
from threadline.content import Block, FileBlock, ImageBlock, ReasoningBlock, TextBlock
from threadline.engine.accept import Accepted, Send
from threadline.engine.engine import with_input
from threadline.errors import Forbidden, InvalidRequest
from threadline.ids import MessageId, ThreadId
from threadline.limits import QUERY_CHARS_MAX
from threadline.records import RunOptions
from threadline.scopes import Scope
from threadline.store.contract import Reader, RunRow

router = APIRouter(tags=["messages"])

Order = Literal["desc", "asc"]
Leaf = Annotated[str | None, Query(max_length=QUERY_CHARS_MAX, description="The last message of the branch.")]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key")]


def _sent(words: str) -> dict[str, Any]:
    return {
        "description": words,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Sent"}}},
    }


@router.post(
    "/v1/threads/{thread_id}/messages",
    openapi_extra=takes(SendMessage),
    responses={
        **gives(None, errors=(403, 404, 409, 413, 429)),
        200: {
            **streams("The run's events, or the answer when it is whole."),
            "content": {
                "text/event-stream": {},
                "application/json": {"schema": {"$ref": "#/components/schemas/Sent"}},
            },
        },
        201: _sent("Stored; nobody answers."),
        202: _sent("Accepted; the answer is being made."),
    },
)
async def send_message(
    request: Request, house: TheHouse, principal: Asking, thread_id: str, idempotency_key_: IdempotencyKey = None
) -> Response:
    """Send a message. `stream`, `background`, `respond: false`, or none of these to wait for the answer."""
    body = await body_of(request, SendMessage)
    send = to_send(body, principal, idempotency_key(request))
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    accepted = await house.engine.send(scope, ThreadId(thread_id), send)
    headers = {"Idempotency-Replayed": "true"} if accepted.is_replay else {}
    if accepted.run is None:
        return answer(Sent(accepted.message, None), 201, headers)
    headers["x-threadline-run-id"] = accepted.run.run.id
    headers["Location"] = f"/v1/threads/{thread_id}/events?after={accepted.first_seq - 1}"
    if body.stream:
        return run_stream(house, principal, scope, accepted.run, accepted.first_seq - 1, headers)
    if body.background:
        row = await _with_input(house, scope, accepted.run)
        return answer(SentInBackground(accepted.message, row.run), 202, headers)
    with house.readers.waiting(request):
        return await _waited(house, scope, accepted, headers)


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


def run_stream(
    house: House, principal: Principal, scope: Scope, row: RunRow, after: int, headers: dict[str, str]
) -> EventStream:
    """Return the stream of one run's events after `after`."""
    follow = partial(house.engine.tail.follow, scope, row.run.thread_id, after)
    frames = RunFrames(row.run.id)
    return EventStream(follow, frames, house.readers, principal.expires_at_ms, headers)


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


async def _waited(house: House, scope: Scope, accepted: Accepted, headers: dict[str, str]) -> Response:
    assert accepted.run is not None, "asked for by the caller"
    ended = await house.engine.wait_for_end(scope, accepted.run, or_waiting=True)
    reply = await house.engine.reply(scope, ended.run)
    message = ended.run.input or accepted.message
    return answer(Sent(message, ended.run, reply), 200, headers)


async def _with_input(house: House, scope: Scope, row: RunRow) -> RunRow:
    async def script(reader: Reader) -> RunRow:
        return await with_input(reader, scope, row)

    return await house.store.read(scope, script)
