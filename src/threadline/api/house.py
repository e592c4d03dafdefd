"""What every route is handed: the engine, access, the open readers, the clock. Made by `wiring.py`, once a process."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request, Response
from msgspec import Struct
from starlette.requests import HTTPConnection

from threadline.access.principals import Access, Principal
from threadline.api.answers import Model
from threadline.api.credentials import Credentials
from threadline.api.presence.presence import Presence
from threadline.api.readers import Readers
from threadline.api.sidebar.touches import Touches
from threadline.api.web.attempts import Attempts
from threadline.api.web.origin import ROLE_HEADER, require_own_page, session_cookie
from threadline.bus.contract import Bus
from threadline.clock import Clock
from threadline.engine.engine import Engine
from threadline.engine.figures import Figures
from threadline.engine.files import Files
from threadline.engine.rename import Renamer
from threadline.ids import IdMaker, MessageId, RunId, ThreadId
from threadline.journal.append import Journal
from threadline.observe import Metrics
from threadline.scopes import Scope
from threadline.store.contract import Store
from threadline.tools.contract import Catalog

_encode = msgspec.json.Encoder().encode


class House(Struct, frozen=True):
    """The rooms that the API calls."""

    engine: Engine
    access: Access
    readers: Readers
    presence: Presence
    catalog: Catalog
    touches: Touches
    files: Files
    journal: Journal
    store: Store
    bus: Bus
    credentials: Credentials
    figures: Figures
    attempts: Attempts
    renamer: Renamer
    models: tuple[Model, ...]
    ids: IdMaker
    clock: Clock
    metrics: Metrics
    default_model: str
    scrape: Callable[[], Awaitable[bytes]]
    "Everything that this process can say of itself and of those beside it, for Prometheus."


async def house_of(request: Request) -> House:
    """Return what the process was wired to. A coroutine, because FastAPI sends plain functions to a thread."""
    return wired(request)


def wired(request: Request) -> House:
    """Return what the process was wired to, to code of this room that has the request."""
    house = request.app.state.house
    assert isinstance(house, House), "wired before the first request"
    return house


async def asking(request: Request) -> Principal:
    """Say who is asking, by either header or by a browser's session. Raises Unauthorized and Forbidden."""
    return await principal_of(wired(request), request, credential_of(request))


async def asking_for_stream(request: Request) -> Principal:
    """Say who is asking; a stream also takes `?token=`, for a browser's EventSource, which sends no headers."""
    credential = credential_of(request) or request.query_params.get("token")
    return await principal_of(wired(request), request, credential)


async def principal_of(house: House, asked: HTTPConnection, credential: str | None) -> Principal:
    """Say who is asking: whoever the credential says, else the session of the cookie.

    Raises:
        Unauthorized: neither is there, or valid.
        Forbidden: another site's page has sent the cookie; or the session may not ask as what it wants to be.
    """
    cookie = session_cookie(asked)
    if credential is not None or cookie is None:
        return await house.access.authenticate(credential)
    require_own_page(asked)
    principal = await house.access.authenticate_session(cookie)
    role = asked.headers.get(ROLE_HEADER)
    return principal if role is None else principal.acting_as(role)


TheHouse = Annotated[House, Depends(house_of)]
Asking = Annotated[Principal, Depends(asking)]
AskingForStream = Annotated[Principal, Depends(asking_for_stream)]


async def thread_scope(house: House, principal: Principal, thread_id: ThreadId) -> Scope:
    """Return the scope in which to look for a thread."""
    return await house.access.scope_of_thread(principal, thread_id)


async def message_scope(house: House, principal: Principal, message_id: MessageId) -> Scope:
    """Return the scope in which to look for a message."""
    return await house.access.scope_of_message(principal, message_id)


async def run_scope(house: House, principal: Principal, run_id: RunId) -> Scope:
    """Return the scope in which to look for a run."""
    return await house.access.scope_of_run(principal, run_id)


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer, encoded once and typed by the records themselves."""
    return Response(_encode(value), status, headers, media_type="application/json")


def credential_of(request: HTTPConnection) -> str | None:
    """Return the key or token of a request's headers."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()
    return request.headers.get("x-api-key")
