"""What went wrong at a vendor, in our words.

Every status, body, stream error and broken connection becomes one of the `Provider…` errors. The message may be shown
to a person and is stored in the log: it is short, storable, and carries no key. What the vendor says is quoted, because
it is what an operator needs.
"""

import os
import re
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
import msgspec

from threadline.content import storable
from threadline.errors import (
    ContextTooLong,
    ProviderAuth,
    ProviderFailure,
    ProviderOverloaded,
    ProviderRateLimited,
    ProviderRefused,
    ProviderTimeout,
)

MESSAGE_CHARS_MAX: Final = 300

Kind = type[ProviderFailure]


class QuotaExhausted(ProviderRateLimited):
    """The quota or credit of this server at the model provider is used up."""

    retryable = False


_BY_STATUS: Final[Mapping[int, Kind]] = {
    401: ProviderAuth,
    402: QuotaExhausted,
    403: ProviderAuth,
    407: ProviderAuth,
    408: ProviderTimeout,
    409: ProviderFailure,
    413: ContextTooLong,
    425: ProviderFailure,
    429: ProviderRateLimited,
    498: ProviderOverloaded,  # Groq: no capacity.
    503: ProviderOverloaded,
    504: ProviderTimeout,
    522: ProviderTimeout,  # Cloudflare: the origin does not answer.
    524: ProviderTimeout,
    529: ProviderOverloaded,  # Anthropic.
}

# What vendors call their errors, in `type`, `code` or `status`. For streams, whose status was 200, and for a 500 that
# says more than its number.
_BY_NAME: Final[Mapping[str, Kind]] = {
    "api_key_invalid": ProviderAuth,
    "authentication_error": ProviderAuth,
    "invalid_api_key": ProviderAuth,
    "permission_error": ProviderAuth,
    "permission_denied": ProviderAuth,
    "unauthenticated": ProviderAuth,
    "rate_limit_error": ProviderRateLimited,
    "rate_limit_exceeded": ProviderRateLimited,
    "resource_exhausted": ProviderRateLimited,
    "too_many_requests": ProviderRateLimited,
    "engine_overloaded": ProviderOverloaded,
    "overloaded": ProviderOverloaded,
    "overloaded_error": ProviderOverloaded,
    "server_overloaded": ProviderOverloaded,
    "service_unavailable": ProviderOverloaded,
    "unavailable": ProviderOverloaded,
    "unavailable_error": ProviderOverloaded,
    "deadline_exceeded": ProviderTimeout,
    "timeout": ProviderTimeout,
    "timeout_error": ProviderTimeout,
    "request_too_large": ContextTooLong,
    "failed_precondition": ProviderRefused,
    "invalid_argument": ProviderRefused,
    "invalid_request_error": ProviderRefused,
    "model_not_found": ProviderRefused,
    "not_found": ProviderRefused,
    "not_found_error": ProviderRefused,
}

_TOO_LONG: Final = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|maximum prompt length|prompt is too long"
    r"|exceeds? the (?:available |model'?s )?(?:maximum )?context|context window|exceed context limit"
    r"|input is too long|exceeds the maximum number of tokens|reduce the length of (?:the|your) (?:messages|prompt)"
)
_AGAINST_POLICY: Final = re.compile(
    r"content_policy|content_filter|content policy|content management policy|usage polic|moderation|flagged"
    r"|responsibleaipolicy|invalid_prompt|prohibited_content"
)
_NO_CREDIT: Final = re.compile(
    r"insufficient_quota|billing_error|billing_hard_limit|credit balance|insufficient[ _]balance|insufficient credits"
)
_BAD_KEY: Final = re.compile(r"(?:invalid|incorrect) api key|api key (?:not valid|is invalid|expired)")
# Anything that looks like a key, or an account: a known prefix and a tail with a digit or a mask in it. Vendors like to
# repeat the key that they refuse.
_SECRET: Final = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|csk|fw|hf|key|api|org|proj|bearer|aiza)[-_ ]?(?=[\w*.-]*[\d*])[\w*.-]{8,}", re.IGNORECASE
)


class Failures:
    """Words the failures of one provider. Knows its key only in order to leave it out."""

    def __init__(self, name: str, secret: str | None = None) -> None:
        self._name = name
        self._secret = secret

    def response(self, status: int, headers: Mapping[str, str], body: bytes, now_ms: int) -> ProviderFailure:
        """Return what an answer that is not 2xx means."""
        error = _parsed(body)
        names, words = _names(error), _words(error)
        kind = _kind(status, names, words)
        if 300 <= status < 400:
            words = "it redirects elsewhere; is its base_url right?"
        said = f" {status}: {words}" if words else f" status {status}."
        extra: dict[str, Any] = {"provider_status": status}
        wait = retry_after_seconds(headers, now_ms)
        if wait is not None:
            extra["retry_after_seconds"] = wait
        return kind(self._safe(f"{self._name} answered{said}"), **extra)

    def in_stream(self, error: Any) -> ProviderFailure:
        """Return what an error object in the middle of a stream means."""
        names, words = _names(error), _words(error)
        status = next((int(name) for name in names if re.fullmatch(r"[345]\d\d", name)), None)
        kind = _kind(status, names, words)
        return kind(self._safe(f"{self._name} failed in mid-answer: {words or 'it gave no reason.'}"))

    def connection(self, error: BaseException) -> ProviderFailure:
        """Return what it means that the connection could not be made, or broke. Names no host: it may be internal."""
        match error:
            case aiohttp.ClientConnectorDNSError():
                words = "could not be reached: its name was not found."
            case aiohttp.ClientSSLError() | ssl.SSLError():
                words = "could not be reached: no secure connection (TLS) could be made."
            case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
                words = "could not be reached: the proxy did not connect."
            case aiohttp.ServerTimeoutError() | TimeoutError():
                words = "could not be reached: no connection in time."
            case aiohttp.ClientConnectorError():
                # The number's own words: asyncio's and aiohttp's name the address.
                words = f"could not be reached: {os.strerror(error.errno) if error.errno else 'connection failed'}."
            case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError():
                words = "closed the connection before its answer was whole."
            case aiohttp.ClientResponseError() | aiohttp.InvalidURL():
                words = f"did not answer in HTTP: {type(error).__name__}."
            case _:
                words = f"lost the connection ({type(error).__name__})."
        return ProviderFailure(self._safe(f"{self._name} {words}"))

    def cut(self) -> ProviderFailure:
        """Return the failure of a stream that ended before the answer did."""
        return ProviderFailure(f"The answer of {self._name} was cut off before its end.")

    def garbage(self, found: str) -> ProviderFailure:
        """Return the failure of a stream that is not of the vendor's form. `found` is a short excerpt."""
        return ProviderFailure(self._safe(f"{self._name} sent something that cannot be read: {found}"))

    def _safe(self, text: str) -> str:
        if self._secret:
            text = text.replace(self._secret, "[key]")
        # Bounded before it is searched: a page of almost-keys would keep the search busy for seconds.
        text = " ".join(text[: 4 * MESSAGE_CHARS_MAX].split())
        text = storable(_SECRET.sub("[key]", text))
        return text if len(text) <= MESSAGE_CHARS_MAX else text[: MESSAGE_CHARS_MAX - 1] + "…"


def retry_after_seconds(headers: Mapping[str, str], now_ms: int) -> float | None:
    """Read `retry-after-ms` or `Retry-After` (seconds or an HTTP date); None when there is none that makes sense."""
    millis = _number(headers.get("retry-after-ms"))
    if millis is not None:
        return millis / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - now_ms / 1000)


def _number(text: str | None) -> float | None:
    if text is None or not re.fullmatch(r"\s*\d{1,12}(\.\d{1,9})?\s*", text):
        return None
    return float(text)


def _kind(status: int | None, names: list[str], words: str) -> Kind:
    said = " ".join([*names, words]).lower()
    if status not in (401, 429) and _TOO_LONG.search(said):
        return ContextTooLong
    # Of a 429 only the code tells: its words speak of quota and billing where a minute's rest would do, too.
    if status != 401 and _NO_CREDIT.search(" ".join(names) if status == 429 else said):
        return QuotaExhausted
    if status != 429 and _AGAINST_POLICY.search(said):
        return ProviderRefused
    if status == 400 and _BAD_KEY.search(said):  # Gemini.
        return ProviderAuth
    kind = _by_status(status)
    if kind is not ProviderFailure:
        return kind
    return next((_BY_NAME[name] for name in names if name in _BY_NAME), ProviderFailure)


def _by_status(status: int | None) -> Kind:
    if status is None:
        return ProviderFailure
    return _BY_STATUS.get(status, ProviderRefused if status < 500 else ProviderFailure)


def _parsed(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = body.decode("utf-8", "replace").strip()
        # A proxy's page has nothing to say that its status does not.
        return "" if text.startswith("<") else text


def _inner(error: Any) -> Any:
    """Take off the wrappings: everybody's `{"error": …}`, Gemini's list of one; of several errors the first."""
    for _ in range(4):
        if isinstance(error, list) and error:
            error = error[0]
        elif isinstance(error, dict) and isinstance(error.get("error"), dict):
            error = error["error"]
    return error


def _names(error: Any) -> list[str]:
    """Return what the vendor calls this error, lower case, most telling first. A numeric code is a status."""
    error = _inner(error)
    if not isinstance(error, dict):
        return []
    found = [error.get(key) for key in ("code", "type", "status")]
    return [str(name).lower() for name in found if isinstance(name, str | int)]


def _words(error: Any) -> str:
    """Return the vendor's sentence. Never its echo of our request, which validation errors carry under `input`."""
    error = _inner(error)
    if isinstance(error, str):
        return error
    if not isinstance(error, dict):
        return ""
    words = next((found for key in ("message", "detail", "msg", "error") if (found := _words(error.get(key)))), "")
    if isinstance(error.get("loc"), list):
        words += f" ({'.'.join(str(part) for part in error['loc'])})"
    metadata = error.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("raw"), str):
        words += f" ({metadata['raw']})"  # OpenRouter: what the vendor behind it said.
    return words
