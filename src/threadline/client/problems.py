"""An HTTP answer that is an error becomes an exception of `errors`.

Reads `application/problem+json` as the contract has it, and still makes sense of what stands between us and the server:
a proxy's HTML page has a status and nothing else.
"""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from math import isfinite
from typing import Any

import msgspec

from threadline.client.errors import ERRORS_BY_CODE, ERRORS_BY_STATUS, APIError, Problem

TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed, unless the problem document says otherwise."""

_OWN_MEMBERS = frozenset({"type", "title", "status", "detail", "code", "retryable"})


def error_of(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> APIError:
    """Return the exception for an answer whose status is not the one that was hoped for."""
    document = _document(body)
    code = document.get("code")
    problem = Problem(
        status=status,
        code=code if isinstance(code, str) else f"http_{status}",
        title=_text(document, "title") or _phrase(status),
        detail=_text(document, "detail"),
        retryable=_retryable(document, status),
        retry_after_seconds=retry_after_seconds(headers.get("retry-after"), now),
        extra={name: value for name, value in document.items() if name not in _OWN_MEMBERS},
    )
    kind = ERRORS_BY_CODE.get(problem.code) or ERRORS_BY_STATUS.get(status, APIError)
    return kind(problem)


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Return what a `Retry-After` header asks for: seconds or an HTTP date. None when absent or unreadable."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _seconds_until(value, now)
    return max(0.0, seconds) if isfinite(seconds) else None


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(date)
        return max(0.0, (then - now).total_seconds())
    except (ValueError, TypeError):  # TypeError: a date without a zone cannot be compared.
        return None


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) else None


def _retryable(document: Mapping[str, Any], status: int) -> bool:
    value = document.get("retryable")
    return value if isinstance(value, bool) else status in TRANSIENT_STATUSES


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP status {status}"
