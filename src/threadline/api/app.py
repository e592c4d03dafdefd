"""The HTTP application: routes, errors, CORS, counting."""

from collections.abc import Sequence

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from threadline import __version__
from threadline.api import (
    admin,
    agents,
    audit,
    branches,
    calls,
    events,
    files,
    health,
    keys,
    live,
    members,
    messages,
    problem,
    queue,
    runs,
    spec,
    teams,
    threads,
    tools,
)
from threadline.api.house import House
from threadline.api.requests import check_address
from threadline.api.sidebar import route as sidebar
from threadline.api.sockets.door import SocketDoor
from threadline.api.sse import finish_stream
from threadline.api.web import pages, reference, shares, signin
from threadline.api.web.build import NewestBuild
from threadline.observe import Metrics

_ROOMS = (
    threads,
    messages,
    branches,
    runs,
    calls,
    queue,
    events,
    agents,
    teams,
    members,
    keys,
    tools,
    sidebar,
    files,
    health,
    signin,
    admin,
    live,
    audit,
    pages,
    reference,
    shares,
)


def create_app(house: House, allowed_origins: Sequence[str] = ()) -> ASGIApp:
    """Build the application over a wired house."""
    app = FastAPI(
        title="Threadline",
        version=__version__,
        redirect_slashes=False,
        dependencies=[Depends(check_address)],
        # FastAPI's own pages load scripts of others into the origin of our sessions (`api/web/reference` has ours).
        docs_url=None,
        redoc_url=None,
    )
    app.state.house = house
    app.state.build = NewestBuild()
    for room in _ROOMS:
        app.include_router(room.router)
    problem.install(app)
    spec.install(app)
    if allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(allowed_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["authorization", "x-api-key", "content-type", "idempotency-key", "last-event-id"],
            # Without the last one a client on another origin would not know when to come back.
            expose_headers=["Location", "x-threadline-run-id", "Idempotency-Replayed", "Retry-After"],
        )
    return SocketDoor(_Counting(app, house.metrics), house)


class _Counting:
    """Counts requests by route and status; never by address, which may hold a token."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "unknown")
                self._metrics.requests[(route, message["status"])] += 1
            await send(message)

        await self._app(scope, receive, counted)
        await finish_stream(scope)
