"""Every vendor's error becomes one of our codes, in words that are safe to show."""

import json
import ssl
import time
from typing import Any

import aiohttp
import pytest

from threadline.providers.failures import MESSAGE_CHARS_MAX, Failures, retry_after_seconds

NOW_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def answered(status: int, body: Any = b"", **headers: str) -> Any:
    """Return the failure of an answer."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Failures("acme").response(status, {k.replace("_", "-"): v for k, v in headers.items()}, raw, NOW_MS)


def openai(message: str, kind: str | None = None, code: str | None = None) -> dict[str, Any]:
    """Return OpenAI's form of an error."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


AN = {"type": "error"}  # Anthropic's errors begin so.
TOO_LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."
TABLE = [
    # OpenAI
    (401, openai("Incorrect API key provided: sk-proj-****1234.", "invalid_request_error", "invalid_api_key"), "auth"),
    (403, openai("Country, region, or territory not supported"), "auth"),
    (429, openai("Rate limit reached for gpt-5.2", "requests", "rate_limit_exceeded"), "rate_limited"),
    (429, openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), "rate_limited"),
    (400, openai(TOO_LONG, "invalid_request_error", "context_length_exceeded"), "too_long"),
    (400, openai("Invalid prompt: it was flagged", "invalid_request_error", "invalid_prompt"), "refused"),
    (400, openai("Unsupported value: 'temperature'", "invalid_request_error", "unsupported_value"), "refused"),
    (404, openai("The model `x` does not exist", "invalid_request_error", "model_not_found"), "refused"),
    (500, openai("The server had an error", "server_error"), "error"),
    (503, openai("The engine is currently overloaded", "server_error"), "overloaded"),
    # Anthropic
    (529, {**AN, "error": {"type": "overloaded_error", "message": "Overloaded"}}, "overloaded"),
    (500, {**AN, "error": {"type": "api_error", "message": "Internal server error"}}, "error"),
    (
        400,
        {**AN, "error": {"type": "invalid_request_error", "message": "prompt is too long: 2 > 1"}},
        "too_long",
    ),
    (400, {**AN, "error": {"message": "input length and `max_tokens` exceed context limit"}}, "too_long"),
    (400, {**AN, "error": {"message": "Your credit balance is too low to access the API"}}, "rate_limited"),
    (413, {**AN, "error": {"type": "request_too_large", "message": "Request exceeds 32 MB"}}, "too_long"),
    (403, {**AN, "error": {"type": "permission_error", "message": "Not allowed"}}, "auth"),
    # llama.cpp, vLLM, Ollama, TGI
    (400, {"error": {"code": 400, "message": "the request exceeds", "type": "exceed_context_size_error"}}, "too_long"),
    (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, "overloaded"),
    (400, {"object": "error", "message": TOO_LONG, "type": "BadRequestError", "code": 400}, "too_long"),
    (404, {"error": "model 'llama9' not found, try pulling it first"}, "refused"),
    (500, {"error": {"message": "Overloaded", "type": "overloaded"}}, "overloaded"),
    # Gemini, Mistral, DeepSeek, xAI, Groq, OpenRouter, Azure
    (400, [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}], "auth"),
    (
        400,
        [{"error": {"code": 400, "message": "The input token count exceeds the maximum number of tokens"}}],
        "too_long",
    ),
    (429, [{"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}], "rate_limited"),
    (503, [{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}], "overloaded"),
    (
        422,
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs"}]},
        "refused",
    ),
    (401, {"message": "Unauthorized", "request_id": "1"}, "auth"),
    (402, openai("Insufficient Balance", "unknown_error"), "rate_limited"),
    (
        400,
        {"code": "Client error", "error": "This model's maximum prompt length is 9"},
        "too_long",
    ),
    (
        413,
        openai("Request too large: tokens per minute (TPM)", "tokens", "rate_limit_exceeded"),
        "too_long",
    ),
    (498, openai("Flex tier capacity exceeded"), "overloaded"),
    (402, {"error": {"code": 402, "message": "Insufficient credits"}}, "rate_limited"),
    (403, {"error": {"code": 403, "message": "Your input was flagged", "metadata": {"reasons": ["x"]}}}, "refused"),
    (400, openai("The response was filtered", None, "content_filter"), "refused"),
    # what stands in between
    (502, b"<html><title>502 Bad Gateway</title></html>", "error"),
    (504, b"<html>gateway time-out</html>", "timeout"),
    (524, b"", "timeout"),
    (408, b"", "timeout"),
    (407, b"", "auth"),
    (307, b"", "refused"),
    (418, b"no json", "refused"),
    (409, b"", "error"),
]
CODES = {
    "auth": "provider_auth",
    "rate_limited": "provider_rate_limited",
    "overloaded": "provider_overloaded",
    "refused": "provider_refused",
    "too_long": "context_too_long",
    "timeout": "provider_timeout",
    "error": "provider_error",
}


@pytest.mark.parametrize(("status", "body", "kind"), TABLE)
def test_answers(status: int, body: Any, kind: str) -> None:
    """Each vendor's answer has the code that tells what to do about it."""
    failure = answered(status, body)
    assert failure.code == CODES[kind]
    assert str(status) in failure.detail


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({**AN, "error": {"type": "overloaded_error", "message": "Overloaded"}}, "overloaded"),
        ({**AN, "error": {"type": "rate_limit_error", "message": "Slow down"}}, "rate_limited"),
        ({"error": {"code": 502, "message": "Provider returned error"}}, "error"),
        ({"error": {"code": 429, "message": "Provider returned error"}}, "rate_limited"),
        ({"error": {"code": "429", "message": "Provider returned error"}}, "rate_limited"),
        ({"error": {"message": "boom", "type": "server_error", "code": None}}, "error"),
        ({"error": "just words"}, "error"),
        ({"object": "error", "message": TOO_LONG, "code": 400}, "too_long"),
        (None, "error"),
    ],
)
def test_errors_in_the_stream(error: Any, kind: str) -> None:
    """In a stream there is no status; the error's name or number says as much."""
    assert Failures("acme").in_stream(error).code == CODES[kind]


def test_an_empty_account_is_not_retryable() -> None:
    """It has the code of a rate limit, and waiting does not help."""
    assert answered(429, openai("x", "insufficient_quota", "insufficient_quota")).retryable is False
    assert answered(429, openai("slow down", "requests")).retryable is True


@pytest.mark.parametrize(
    "words",
    [
        "Please add a payment method to your account to increase your rate limit: example.com/account/billing",
        "You exceeded your current quota, please check your plan and billing details. Please retry in 17s.",
    ],
)
def test_a_rate_limit_that_speaks_of_billing_is_a_rate_limit(words: str) -> None:
    """OpenAI and Gemini mention plans and billing where a minute's rest would do."""
    assert answered(429, openai(words, None, "rate_limit_exceeded")).retryable is True


def test_a_page_of_almost_keys_takes_no_time() -> None:
    """A body made to keep the search for keys busy does not stop the loop."""
    began = time.process_time()
    answered(400, b"sk-" * 20_000)
    assert time.process_time() - began < 0.5


def test_the_vendors_words_are_kept() -> None:
    """An operator reads what the vendor said, not only a number."""
    assert (
        answered(404, openai("The model `x` does not exist")).detail
        == "acme answered 404: The model `x` does not exist"
    )
    upstream = {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": "no such tool"}}}
    assert "no such tool" in answered(400, upstream).detail
    assert "body.stream_options" in answered(422, {"detail": [{"loc": ["body", "stream_options"], "msg": "no"}]}).detail


def test_our_own_request_is_not_quoted() -> None:
    """Validation errors carry what they refused. A person's words do not belong into an error message."""
    body = {"detail": [{"loc": ["body", "messages"], "msg": "Field required", "input": "my secret diary"}]}
    assert "diary" not in answered(422, body).detail
    assert "diary" not in answered(422, {"detail": [{"loc": ["body"], "input": "my secret diary"}]}).detail


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-AbC123dEf456GhI789",
        "sk-ant-api03-xyz_0123456789-AA",
        "sk-ab*********************wxyz",
        "gsk_1234567890abcdef",
        "org-AbCdEf1234567890",
        "AIzaSyD-1234567890abcdefg",
        "Bearer abcdef0123456789",
    ],
)
def test_keys_and_accounts_are_left_out(secret: str) -> None:
    """Vendors repeat the key that they refuse. It does not reach the log or a person."""
    detail = answered(401, openai(f"Incorrect API key provided: {secret}. Find yours at example.com.")).detail
    assert secret.removeprefix("Bearer ") not in detail
    assert "[key]" in detail
    assert "Find yours" in detail


def test_our_own_key_is_left_out_whatever_it_looks_like() -> None:
    """A key of a house's own server follows no pattern."""
    failures = Failures("acme", "correct-horse")
    failure = failures.response(401, {}, b'{"error": "unknown key correct-horse"}', NOW_MS)
    assert "correct-horse" not in failure.detail
    assert "correct-horse" not in failures.garbage("x correct-horse").detail


def test_messages_are_short_and_storable() -> None:
    """A page of an error becomes one sentence without what a database refuses."""
    failure = answered(400, openai("long\n\n" * 200 + "\x00"))
    assert len(failure.detail) <= MESSAGE_CHARS_MAX
    assert "\n" not in failure.detail
    assert "\x00" not in answered(400, b"a\x00b").detail
    assert answered(500, b"\xff\xfe broken").detail.encode()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:20 GMT"}, 20.0),
        ({"retry-after": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds and HTTP dates are read; what makes no sense is no promise."""
    assert retry_after_seconds(headers, NOW_MS) == seconds


def test_retry_after_travels_with_the_failure() -> None:
    """The policy finds it there."""
    assert answered(429, b"", retry_after="7").extra["retry_after_seconds"] == 7.0


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "in time"),
        (ssl.SSLError("bad"), "TLS"),
        (aiohttp.ServerDisconnectedError(), "before its answer was whole"),
        (aiohttp.ClientPayloadError("x"), "before its answer was whole"),
        (ConnectionResetError(104, "Connection reset by peer"), "lost the connection"),
    ],
)
def test_broken_connections(error: Exception, words: str) -> None:
    """A connection that fails is told in words, without the host, which may be an internal one."""
    failure = Failures("acme").connection(error)
    assert (failure.code, failure.retryable) == ("provider_error", True)
    assert words in failure.detail
