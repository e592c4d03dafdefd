"""What comes in: the body within its bounds, and the headers and cursors that have a form of their own."""

import asyncio
import base64
import re
from typing import Any, TypeVar

import msgspec
from fastapi import Request
from starlette.requests import ClientDisconnect

from threadline.api.bodies import check_text
from threadline.errors import BadCursor, InvalidRequest, NotFound, TooLarge
from threadline.limits import CURSOR_SEQ_MAX, IDEMPOTENCY_KEY_CHARS_MAX, QUERY_CHARS_MAX, REQUEST_BODY_BYTES_MAX

T = TypeVar("T")

BODY_SECONDS_MAX = 30.0
"""For a whole body to arrive. Eight megabytes at a slow phone's 2 Mbit/s."""

_PLACE = re.compile(r" - at `(?:key in )?\$?([^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


async def body_of(request: Request, kind: type[T], default: bytes | None = None) -> T:
    """Read and decode a body. `default` stands for an empty one, where that is allowed.

    Raises:
        TooLarge: more than a request may have.
        InvalidRequest: no JSON, or not of the form `kind`; its `pointer` says where.
    """
    raw = await raw_body(request) or default
    if raw is None:
        raise InvalidRequest("The request needs a JSON body.", pointer="")
    return decoded(raw, kind)


def decoded(raw: bytes, kind: type[T]) -> T:
    """Decode what somebody sent. Raises InvalidRequest: no JSON, or not of this form; its `pointer` says where."""
    try:
        value = msgspec.json.decode(raw, type=kind)
        # Bodies are small and this is not the hot path: one more look for what no store can keep.
        check_text(msgspec.json.decode(raw))
    except msgspec.ValidationError as error:
        message, pointer = _explained(str(error))
        raise InvalidRequest(message, pointer=pointer) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}.", pointer="") from error
    except RecursionError as error:
        raise InvalidRequest("The body is nested too deep.", pointer="") from error
    return value


def idempotency_key(request: Request) -> str | None:
    """Return the Idempotency-Key, quoted (RFC 8941) or bare. Raises InvalidRequest."""
    given = request.headers.get("idempotency-key")
    return None if given is None else checked_key(given)


def checked_key(given: str) -> str:
    """Return an idempotency key without its quotes. Raises InvalidRequest."""
    key = given.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = re.sub(r"\\([\\\"])", r"\1", key[1:-1])
    if not 0 < len(key) <= IDEMPOTENCY_KEY_CHARS_MAX or not key.isascii() or not key.isprintable():
        raise InvalidRequest(
            f"An Idempotency-Key is 1 to {IDEMPOTENCY_KEY_CHARS_MAX} printable ASCII characters.",
            pointer="/headers/idempotency-key",
        )
    return key


def cursor_of(request: Request, after: str | None) -> int | None:
    """Return the seq to go on after: `Last-Event-ID` wins over `after`; neither means 0; "now" is None.

    Raises BadCursor where it is none that was ever handed out.
    """
    return to_cursor(request.headers.get("last-event-id") or after)


def to_cursor(given: str | None) -> int | None:
    """Return the seq that a cursor stands for: none means 0; "now" is None.

    Raises BadCursor where it is none that was ever handed out.
    """
    if given is None:
        return 0
    if given == "now":
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 16) or int(given) > CURSOR_SEQ_MAX:
        raise BadCursor(f"{given[:40]!r} is no cursor of an event stream.")
    return int(given)


def to_page_cursor(*parts: Any) -> str:
    """Make the opaque cursor of a page."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def from_page_cursor(cursor: str, kind: type[T]) -> T:
    """Take the cursor of a page apart. Raises BadCursor where this list has never handed it out."""
    if len(cursor) > QUERY_CHARS_MAX:
        raise BadCursor
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        value = msgspec.json.decode(raw, type=kind)
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadCursor from error
    # No store can look these up, and none has ever handed them out.
    if b"\\u0000" in raw or any(_is_beyond(part) for part in msgspec.json.decode(raw)):
        raise BadCursor
    return value


async def check_address(request: Request) -> None:
    """Look at the path and the query for what no store can even look up. Before every route.

    Raises:
        NotFound: nothing has an id with NUL in it.
        InvalidRequest: nor has a parameter; what is wrong with a cursor is said where it is taken apart.
    """
    if any("\x00" in str(value) for value in request.path_params.values()):
        raise NotFound
    check_text({name: value for name, value in request.query_params.items() if name not in ("cursor", "after")})


async def raw_body(request: Request, bytes_max: int = REQUEST_BODY_BYTES_MAX) -> bytes:
    """Read a body within its bounds. Raises TooLarge and InvalidRequest."""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            async for chunk in request.stream():
                size += len(chunk)
                if size > bytes_max:
                    raise TooLarge(f"This request has at most {bytes_max} bytes.")
                chunks.append(chunk)
    except TimeoutError as error:
        raise InvalidRequest("The body did not arrive in time.", pointer="") from error
    except ClientDisconnect as error:
        # Nobody is there to hear it; it is not a fault of ours, so it is none in the log either.
        raise InvalidRequest("The connection was closed before the body had arrived.", pointer="") from error
    return b"".join(chunks)


def _is_beyond(part: Any) -> bool:
    return isinstance(part, int) and not 0 <= part <= CURSOR_SEQ_MAX


def _explained(message: str) -> tuple[str, str]:
    """Turn msgspec's "… - at `$.content[0].text`" into a sentence and a JSON pointer."""
    found = _PLACE.search(message)
    if found is None:
        named = re.search(r"field `([^`]+)`", message)
        return message + ".", f"/{named.group(1)}" if named else ""
    steps = [name or place for name, place in _STEP.findall(found.group(1))]
    return message[: found.start()] + ".", "".join(f"/{step}" for step in steps)
