"""The route of a thread's events: replay from any cursor, then live."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from threadline.api.house import AskingForStream, TheHouse, thread_scope
from threadline.api.requests import cursor_of
from threadline.api.spec import gives, streams
from threadline.api.sse import EventStream, ThreadFrames
from threadline.ids import ThreadId
from threadline.limits import QUERY_CHARS_MAX

router = APIRouter(tags=["events"])

After = Annotated[
    str | None, Query(max_length=QUERY_CHARS_MAX, description="A seq, or `now`. `Last-Event-ID` wins over it.")
]


@router.get(
    "/v1/threads/{thread_id}/events",
    responses={
        **gives(None, errors=(400, 403, 404)),
        200: streams("Events as `text/event-stream`: what is after the cursor, `caught_up`, then live."),
    },
)
async def get_events(
    request: Request, house: TheHouse, principal: AskingForStream, thread_id: str, after: After = None
) -> Response:
    """Follow a thread. Neither cursor means from the start; a cursor beyond the end is `bad_cursor`."""
    principal.require("read")
    cursor = cursor_of(request, after)
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    start = await house.engine.tail.start_of(scope, ThreadId(thread_id), cursor)
    await house.engine.see_to_thread(scope, ThreadId(thread_id))
    follow = partial(house.engine.tail.follow, scope, ThreadId(thread_id), start)
    frames = ThreadFrames(start)
    return EventStream(follow, frames, house.readers, principal)
