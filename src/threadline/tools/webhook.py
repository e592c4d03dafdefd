"""Webhooks as tools: a signed POST to a tenant's own server (Standard Webhooks).

The body is `{type: "tool.call", timestamp, data: {…}}`; what the server answers is the output. `webhook-id` is the
call's idempotency key and the same for every try. Only a tool that is declared idempotent is tried again.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import aiohttp
import msgspec

from threadline.clock import Clock, rfc3339
from threadline.errors import InvalidRequest
from threadline.limits import WEBHOOK_RETRY_SECONDS
from threadline.observe import log
from threadline.tool_records import ToolRow
from threadline.tools.contract import Call, Result, SourceKind
from threadline.tools.network import AddressRefused
from threadline.tools.outbound import Answer, Outbound
from threadline.tools.output import failure, result_of
from threadline.tools.registered import RegisteredTool

SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark of a secret, not one
SECRET_BYTES = 32
_WORTH_A_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})


class WebhookTool(RegisteredTool):
    """A tool behind an address."""

    kind: SourceKind = "webhook"

    def __init__(
        self, row: ToolRow, outbound: Outbound, clock: Clock, retry_seconds: Sequence[float] = WEBHOOK_RETRY_SECONDS
    ) -> None:
        super().__init__(row)
        assert row.url is not None, "a webhook has an address"
        assert row.secret is not None, "and a secret"
        self._url, self._secret, self._headers = row.url, row.secret, row.headers
        self._outbound = outbound
        self._clock = clock
        self._pauses = tuple(retry_seconds) if row.idempotent else ()

    async def call(self, call: Call) -> Result:
        """Send the call and return what the server answers. Raises nothing but cancellation."""
        body = msgspec.json.encode({"type": "tool.call", "timestamp": rfc3339(self._clock.now_ms()), "data": call})
        for pause in (*self._pauses, None):
            answer = await self._send(call, body)
            if pause is None or not _is_worth_a_try(answer):
                break
            await asyncio.sleep(pause)
        return answer if isinstance(answer, Result) else _read(answer)

    async def _send(self, call: Call, body: bytes) -> Answer | Result:
        """Send it once. Returns the answer, or what is to be said where there is none."""
        seconds = self._clock.now_ms() // 1000
        headers = {
            **self._headers,
            "content-type": "application/json",
            "webhook-id": call.idempotency_key,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signature(self._secret, call.idempotency_key, seconds, body),
        }
        try:
            return await self._outbound.post(self._outbound.guard.check_url(self._url), body, headers)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, InvalidRequest) as error:
            # The words of a library may have the address in them, and with it what is secret.
            log.info("webhook_unreachable", tool=self.name, run_id=call.run_id, error=type(error).__name__)
            return failure(_told(error))


def signature(secret: str, webhook_id: str, seconds: int, body: bytes) -> str:
    """Return the signature of one request (Standard Webhooks 1.0, symmetric)."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{webhook_id}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def make_secret(random_bytes: bytes) -> str:
    """Return a signing secret in its written form."""
    assert len(random_bytes) == SECRET_BYTES, "24 to 64 bytes, says the standard"
    return SECRET_PREFIX + base64.b64encode(random_bytes).decode()


def _is_worth_a_try(answer: Answer | Result) -> bool:
    return answer.status in _WORTH_A_TRY if isinstance(answer, Answer) else True


def _read(answer: Answer) -> Result:
    text = answer.body.decode(errors="replace")
    if 300 <= answer.status < 400:
        return failure(f"The tool answered with a redirect ({answer.status}), which is not followed.")
    if not 200 <= answer.status < 300:
        return failure(f"The tool answered {answer.status}. {text}".strip())
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not answer.is_cut and (kind == "application/json" or kind.endswith("+json")):
        try:
            output: Any = msgspec.json.decode(answer.body) if answer.body else ""
        except (msgspec.DecodeError, RecursionError):
            return failure("The tool's answer is not the JSON that it says it is.")
        return result_of(output)
    return result_of(text)


def _told(error: Exception) -> str:
    cause = getattr(error, "os_error", None) or error.__cause__ or error
    if isinstance(cause, AddressRefused) or isinstance(error, ValueError | InvalidRequest):
        return str(AddressRefused())
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return "The tool's server cannot be reached."
    return "The connection to the tool's server was lost. Whether the call took effect is not known."
