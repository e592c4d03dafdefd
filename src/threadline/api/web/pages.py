"""The pages of the app: one shell for all of them, which comes with what it is to show at first.

The words of a thread stand in the page as HTML, readable before any script runs, and its state as JSON in a
`template`, which no browser executes. The app takes both over, and goes on from the state's seq.
"""

import asyncio
from html import escape
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from threadline.access.principals import Principal
from threadline.api.answers import ModelPage, SignedIn, State
from threadline.api.house import House, TheHouse, principal_of, thread_scope
from threadline.api.threads import state_of
from threadline.api.web.build import Build, NewestBuild
from threadline.api.web.html import THEME_COOKIE, document, nothing_here
from threadline.api.web.messages import messages_html
from threadline.api.web.policy import page
from threadline.api.web.signin import session_of, to_sign_in
from threadline.errors import NotFound, Unauthorized
from threadline.ids import ThreadId
from threadline.limits import PAGE_SIZE_MAX

FIRST_PAINT_MESSAGES = 50
"""Messages that a thread's page comes with; older ones are loaded when somebody goes there."""

router = APIRouter(include_in_schema=False)


class FirstState(msgspec.Struct, frozen=True):
    """What the app finds in its page: who is signed in, the thread of the address, and what the models are called."""

    session: SignedIn | None
    """None in the shell, which a service worker keeps for whoever is offline."""
    state: State | None
    models: ModelPage | None


@router.get("/")
async def first_page(request: Request, house: TheHouse) -> Response:
    """Show the app; whoever is not signed in is asked to."""
    return await _shell(request, house, None)


@router.get("/t/{thread_id}")
async def thread_page(
    request: Request,
    house: TheHouse,
    thread_id: str,
    limit: Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)] = FIRST_PAINT_MESSAGES,
) -> Response:
    """Show a thread, with its words in the page."""
    return await _shell(request, house, ThreadId(thread_id), limit)


@router.get("/operator")
@router.get("/operator/{rest:path}")
async def operator_page(request: Request, house: TheHouse, rest: str = "") -> Response:
    """Show the operator's pages, which ask for everything themselves."""
    return await _shell(request, house, None)


@router.get("/shell")
async def shell(request: Request) -> Response:
    """Show the app without anybody's words: what a browser keeps for when there is no network."""
    build = _some_build_of(request)
    return page(document("Threadline", _frame(FirstState(None, None, None), ""), _head(build)), cache="no-cache")


@router.get("/sw.js")
async def service_worker(request: Request) -> Response:
    """Return the service worker, from where it may serve all pages."""
    return _some_build_of(request).service_worker()


@router.get("/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """Return a hashed file of the app."""
    return _some_build_of(request).file("assets", name, accepts=request.headers.get("accept-encoding", ""))


@router.get("/app/{name}")
async def file_of_app(request: Request, name: str) -> Response:
    """Return a file of the app that keeps its name: icons, the web app manifest."""
    return _some_build_of(request).file("app", name)


async def _shell(request: Request, house: House, thread_id: ThreadId | None, limit: int = 0) -> Response:
    try:
        principal = await principal_of(house, request, None)
    except Unauthorized:
        return to_sign_in(request)
    try:
        state = None if thread_id is None else await _state(house, principal, thread_id, limit)
    except NotFound as error:
        return page(nothing_here(error.detail), 404)
    build = _build_of(request)
    title, words = "Threadline", ""
    if state is not None:
        heading = state.thread.title or "Conversation"
        title = f"{heading} · Threadline"
        messages = await asyncio.to_thread(messages_html, state.messages, house.models)
        # The outer one scrolls, and begins at the end.
        words = f"<main>\n<h1>{escape(heading)}</h1>\n<div><div>\n{messages}\n</div></div>\n</main>"
    if build is None:
        return page(document(title, words + _NO_BUILD))
    models = ModelPage(list(house.models), house.default_model)
    frame = _frame(FirstState(session_of(principal), state, models), words)
    return page(document(title, frame, _head(build), request.cookies.get(THEME_COOKIE)))


def _frame(first: FirstState, words: str) -> str:
    carried = msgspec.json.encode(first).decode()
    return (
        f'<div id="app"></div>\n<div id="first-paint">{words}</div>\n'
        # Escaped as text: a template's content is parsed, and what a model wrote may not end it.
        f'<template id="first-state">{escape(carried)}</template>'
    )


async def _state(house: House, principal: Principal, thread_id: ThreadId, limit: int) -> State:
    principal.require("read")
    scope = await thread_scope(house, principal, thread_id)
    # As the app asks for it: with the tools, whose calls people allow or deny.
    return await state_of(house, scope, thread_id, limit, "audit")


def _head(build: Build) -> str:
    styles = "".join(f'<link rel="stylesheet" href="{escape(path)}">\n' for path in build.styles)
    return f'{_INSTALLABLE}{styles}<script type="module" src="{escape(build.script)}"></script>\n'


def _build_of(request: Request) -> Build | None:
    newest: NewestBuild = request.app.state.build
    return newest.get()


def _some_build_of(request: Request) -> Build:
    build = _build_of(request)
    if build is None:
        raise NotFound("There is nothing at this address.")
    return build


_INSTALLABLE = """<link rel="manifest" href="/app/threadline.webmanifest">
<link rel="apple-touch-icon" href="/app/icon-180.png">
<meta name="theme-color" media="(prefers-color-scheme: light)" content="#f4f4f6">
<meta name="theme-color" media="(prefers-color-scheme: dark)" content="#232328">
"""

_NO_BUILD = """<main>
<h1>Threadline is running</h1>
<p>This installation came without the web app: <code>make web</code> in a checkout builds it, and takes its Node from
PyPI where there is none. Then load this page again.</p>
<p>The API is described at <a href="/docs">/docs</a>.</p>
</main>"""
