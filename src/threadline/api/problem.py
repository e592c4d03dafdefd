"""Errors on the wire: `application/problem+json` (RFC 9457) with our stable `code` and whether to retry."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from msgspec import Struct
from starlette.exceptions import HTTPException

from threadline.api.web.html import nothing_here
from threadline.api.web.policy import page
from threadline.errors import (
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    RateLimited,
    ShuttingDown,
    ThreadlineError,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from threadline.observe import log

RETRY_AFTER_SECONDS = 2
"""Where an error that is worth a retry does not say when."""


class Problem(Struct, frozen=True, kw_only=True):
    """Every error of the API. `pointer` (RFC 6901), `run_id` and `events_url` are there where they apply."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    pointer: str | None = None
    run_id: str | None = None
    events_url: str | None = None


def respond(error: ThreadlineError) -> Response:
    """Return the answer for an error."""
    body = msgspec.json.encode(problem_of(error))
    return Response(body, error.status, _headers(error), media_type="application/problem+json")


def problem_of(error: ThreadlineError) -> dict[str, Any]:
    """Return an error as clients see it, on whatever wire."""
    return {
        "type": f"https://threadline.dev/errors/{error.code}",
        "title": error.title(),
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "retryable": error.retryable,
        **{name: value for name, value in error.extra.items() if name not in ("retry_after", "allow")},
    }


def install(app: FastAPI) -> None:
    """Make every error of the app one of ours."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, ThreadlineError), "registered for these"
        if error.status >= 500 and not error.retryable:
            log.exception("request_failed", route=request.scope.get("path"), error=repr(error))
        return respond(error)

    async def parameters(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError), "registered for these"
        return respond(_of_parameters(error.errors()))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException), "registered for these"
        if error.status_code == 404 and _is_page(request):
            return page(nothing_here("There is nothing at this address."), 404)
        return respond(_of_http(error))

    async def unforeseen(request: Request, error: Exception) -> Response:
        log.error("request_failed", route=request.scope.get("path"), exc_info=error)
        return respond(ThreadlineError("The server has a fault; it is in its log."))

    app.add_exception_handler(ThreadlineError, ours)
    app.add_exception_handler(RequestValidationError, parameters)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unforeseen)


def _is_page(request: Request) -> bool:
    """Whether somebody has opened an address, rather than a program that reads an API."""
    return not request.url.path.startswith("/v1/") and "text/html" in request.headers.get("accept", "")


def _headers(error: ThreadlineError) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="threadline"'
    if isinstance(error, Unavailable | ShuttingDown | RateLimited) or "retry_after" in error.extra:
        headers["Retry-After"] = str(error.extra.get("retry_after", RETRY_AFTER_SECONDS))
    if "allow" in error.extra:
        headers["Allow"] = error.extra["allow"]
    return headers


def _of_parameters(errors: Sequence[Any]) -> ThreadlineError:
    first = errors[0]
    pointer = "/" + "/".join(str(part) for part in first["loc"])
    return InvalidRequest(f"{first['msg']} ({'.'.join(str(part) for part in first['loc'])}).", pointer=pointer)


def _of_http(error: HTTPException) -> ThreadlineError:
    match error.status_code:
        case 404:
            return NotFound("There is nothing at this address.")
        case 405:
            return MethodNotAllowed(allow=(error.headers or {}).get("Allow", ""))
        case 413:
            return TooLarge()
        case _:
            return InvalidRequest(str(error.detail))
