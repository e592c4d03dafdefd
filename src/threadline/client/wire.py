"""The border to httpx: a `Call` becomes a request, a response becomes a body or an error. No I/O happens here."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

from threadline.client.calls import Call
from threadline.client.errors import APIError, ConnectionLost, ThreadlineError, Timeout, UnexpectedAnswer
from threadline.client.problems import error_of
from threadline.client.settings import CONNECTIONS_MAX, Settings

LIMITS = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=20)


def build_request(
    http: httpx.Client | httpx.AsyncClient, settings: Settings, call: Call[object], *, stream: bool = False
) -> httpx.Request:
    """Make the HTTP request of a call. A stream may be silent for longer than an answer may take."""
    read_seconds = settings.stream_idle_seconds_max if stream else settings.timeout
    return http.build_request(
        call.method,
        settings.base_url + call.path,
        params=dict(call.query) or None,
        content=call.body,
        headers=_headers(settings, call, stream=stream),
        timeout=httpx.Timeout(settings.timeout, read=read_seconds),
    )


def is_stream(response: httpx.Response) -> bool:
    """Whether an answer is what was asked for: a stream, 204 where nothing is left of one, 201 where nobody answers."""
    if response.status_code == httpx.codes.OK:
        return str(response.headers.get("content-type")).startswith("text/event-stream")
    return response.status_code in (httpx.codes.NO_CONTENT, httpx.codes.CREATED)


def refusal_of(response: httpx.Response) -> ThreadlineError:
    """Return the error that an answer is where a stream was asked for. Its body must have been read."""
    if not response.is_success:
        return error_from(response)
    kind = response.headers.get("content-type", "no content-type")
    return UnexpectedAnswer(f"asked for an event stream, got {kind} (HTTP {response.status_code})")


def body_of(response: httpx.Response) -> bytes:
    """Return the body of a good answer. Raises the `APIError` that any other one is."""
    if not response.is_success:
        raise error_from(response)
    return response.content


def error_from(response: httpx.Response) -> APIError:
    """Return the error that an answer is. Its body must have been read."""
    return error_of(response.status_code, response.headers, response.content, datetime.now(UTC))


@contextmanager
def foreign_errors_wrapped() -> Iterator[None]:
    """Turn what httpx raises inside into `ConnectionLost` or `Timeout`."""
    try:
        yield
    except httpx.HTTPError as error:
        raise wrapped(error) from error


def wrapped(error: httpx.HTTPError) -> ThreadlineError:
    """Return our error for one of httpx."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            return ConnectionLost(f"could not connect to {_server_of(error)} ({said})", never_sent=True)
        case httpx.TimeoutException():
            return Timeout(f"the server did not answer in time ({said})")
        case httpx.NetworkError() | httpx.RemoteProtocolError() | httpx.ProxyError() | httpx.DecodingError():
            return ConnectionLost(f"the connection broke ({said})")
        case _:  # Our own request is at fault (redirects without end, say): it will not get better.
            return ConnectionLost(f"the request could not be made ({said})", retryable=False)


def _server_of(error: httpx.RequestError) -> str:
    try:
        return str(error.request.url.join("/")).rstrip("/")
    except RuntimeError:  # httpx knows of no request; it says so by raising.
        return "the server"


def _headers(settings: Settings, call: Call[object], *, stream: bool) -> dict[str, str]:
    headers = {"user-agent": "threadline-python", "accept": "text/event-stream" if stream else "application/json"}
    if stream:
        headers["accept-encoding"] = "identity"  # A compressor between us and the server would hold words back.
    if call.body is not None:
        headers["content-type"] = "application/json"
    if settings.api_key is not None:
        headers["authorization"] = f"Bearer {settings.api_key}"
    return headers | dict(call.headers)
