"""The route of a person's whole sidebar."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.types import Receive, Send
from starlette.types import Scope as RequestScope

from threadline.access.principals import Principal
from threadline.api.house import AskingForStream, House, TheHouse
from threadline.api.readers import asker_of
from threadline.api.sidebar.stream import Named, SidebarStream
from threadline.api.sockets.session import start_in
from threadline.api.spec import gives, streams
from threadline.api.sse import HEADERS, STREAM_KEY
from threadline.dialects import native
from threadline.errors import BadCursor, InvalidRequest
from threadline.ids import ThreadId
from threadline.limits import END_USER_ID_CHARS_MAX, NAMED_THREADS_CHARS_MAX, PAGE_SIZE_MAX, SOCKET_THREADS_MAX
from threadline.scopes import EndUser
from threadline.store.contract import ThreadQuery

router = APIRouter(tags=["events"])


@router.get(
    "/v1/stream",
    responses={
        **gives(None, errors=(400, 403, 404)),
        200: streams("The threads of the list as they change, and the events of the named ones."),
    },
)
async def get_stream(
    request: Request,
    house: TheHouse,
    principal: AskingForStream,
    threads: Annotated[
        str | None,
        Query(max_length=NAMED_THREADS_CHARS_MAX, description="`THREAD`, `THREAD:SEQ` or `THREAD:now`, by commas."),
    ] = None,
    end_user_id: Annotated[str | None, Query(min_length=1, max_length=END_USER_ID_CHARS_MAX)] = None,
    archived: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)] = 50,
) -> Response:
    """Follow a whole sidebar: the first `limit` threads, `listed`, then each thread as it changes; never ends."""
    principal.require("read")
    named = await _named(house, principal, threads, request.headers.get("last-event-id"))
    query = ThreadQuery(end_user_id=end_user_id, archived=archived, limit=limit)
    person = principal.scope.end_user_id if isinstance(principal.scope, EndUser) else end_user_id
    stream = SidebarStream(house, principal.scope, query, person, named, asker_of(principal))
    return _Begun(stream)


class _Begun(Response):
    """The head of the response; the stream follows outside of the framework."""

    def __init__(self, stream: SidebarStream) -> None:
        super().__init__(None, 200, HEADERS)
        del self.headers["content-length"]
        self._stream = stream

    async def __call__(self, scope: RequestScope, receive: Receive, send: Send) -> None:
        """Begin the response, and leave the rest of it to whoever called the application."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": native.RETRY, "more_body": True})
        scope[STREAM_KEY] = self._stream


async def _named(house: House, principal: Principal, threads: str | None, last: str | None) -> list[Named]:
    """Return the threads that are asked for word for word, each from its cursor. `last` is of the newest event seen."""
    asked: dict[str, str | None] = {}
    for word in filter(None, (threads or "").split(",")):
        thread_id, colon, cursor = word.partition(":")
        asked[thread_id] = cursor if colon else None
    if last:
        thread_id, colon, cursor = last.partition(":")
        if not colon:
            raise BadCursor(f"{last[:40]!r} is no cursor of this stream.")
        if thread_id in asked:
            asked[thread_id] = cursor
    if len(asked) > SOCKET_THREADS_MAX:
        raise InvalidRequest(f"A stream follows at most {SOCKET_THREADS_MAX} threads.", pointer="/query/threads")
    found: list[Named] = []
    for name, after in asked.items():
        scope, start = await start_in(house, principal, ThreadId(name), after)
        found.append(Named(scope, ThreadId(name), start))
    return found
