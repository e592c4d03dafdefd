"""The way in for sockets: `/v1/threads/{id}/socket`. Refused with the same status and problem as a request would be.

It stands in front of the framework's routes: a socket lives for hours, and a dozen frames of framework would lie under
each of them. Documented in docs/reference/api.md, since OpenAPI has no words for sockets.
"""

import asyncio
import re
from contextlib import suppress
from functools import partial

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.utils import ClientDisconnected

from threadline.access.principals import Principal
from threadline.api.house import House, credential_of, principal_of
from threadline.api.problem import respond
from threadline.api.readers import Open, asker_of
from threadline.api.sockets.connection import SocketConnection
from threadline.api.sockets.session import Session, start_in
from threadline.errors import InvalidRequest, NotFound, ShuttingDown, ThreadlineError
from threadline.ids import ThreadId
from threadline.limits import END_USER_ID_CHARS_MAX, QUERY_CHARS_MAX
from threadline.observe import log
from threadline.scopes import EndUser

ROUTE = "/v1/threads/{thread_id}/socket"

_PATH = re.compile(r"/v1/threads/([^/\x00]+)/socket")


class SocketDoor:
    """Answers sockets itself and hands everything else on."""

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app = app
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a socket in, or refuse it."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        # Uvicorn's: the client asks to be let in.
        await receive()
        # A cut is an ordinary end for a socket, and nobody above waits for the cancellation.
        with suppress(asyncio.CancelledError):
            try:
                await self._open(HTTPConnection(scope), receive, send)
            except ThreadlineError as error:
                self._house.metrics.requests[(ROUTE, error.status)] += 1
                await respond(error)(scope, receive, send)
            except ClientDisconnected:
                pass  # Gone before it was let in.
            except Exception:
                log.exception("socket_failed", route=ROUTE)
                raise

    async def _open(self, asked: HTTPConnection, receive: Receive, send: Send) -> None:
        found = _PATH.fullmatch(asked.url.path)
        if found is None:
            raise NotFound("There is nothing at this address.")
        credential = credential_of(asked) or asked.query_params.get("token")
        ask_again = partial(principal_of, self._house, asked, credential)
        principal = await ask_again()
        principal.require("read")
        if self._house.engine.is_draining:
            raise ShuttingDown(retry_after=5)
        after = asked.query_params.get("after")
        if after is not None and len(after) > QUERY_CHARS_MAX:
            raise InvalidRequest(pointer="/query/after")
        home = ThreadId(found.group(1))
        in_scope, start = await start_in(self._house, principal, home, after)
        person = _person(asked, principal)
        connection: SocketConnection = asked.scope["threadline.connection"]
        task = asyncio.current_task()
        assert task is not None, "uvicorn runs each socket in a task"
        await send({"type": "websocket.accept"})
        self._house.metrics.requests[(ROUTE, 101)] += 1
        stream = Open(task, connection, asker_of(principal))
        self._house.readers.add(stream)
        try:
            session = Session(self._house, connection, principal, ask_again, person)
            await session.run(receive, in_scope, home, start)
        finally:
            self._house.readers.remove(stream)


def _person(asked: HTTPConnection, principal: Principal) -> str | None:
    """Return who is seen on this socket. Raises InvalidRequest."""
    named = asked.query_params.get("end_user_id")
    if isinstance(principal.scope, EndUser):
        if named not in (None, principal.scope.end_user_id):
            raise InvalidRequest("A token is its own end user.", pointer="/query/end_user_id")
        return principal.scope.end_user_id
    if (named is not None and not 0 < len(named) <= END_USER_ID_CHARS_MAX) or "\x00" in (named or ""):
        raise InvalidRequest(pointer="/query/end_user_id")
    return named
