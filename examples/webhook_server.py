"""A webhook with a till behind it: checks the signature, and books every refund once.

    WEBHOOK_SECRET=whsec_… python examples/webhook_server.py --port 8766 --ledger /tmp/ledger.jsonl

The secret is in the answer to `POST /v1/tools`. A request that comes a second time, which its `webhook-id` tells, is
answered as the first one was: that is what makes a tool idempotent.
"""

import argparse
import asyncio
import json
import os
from pathlib import Path
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError


class Till:
    """Refunds, on disk, each under the id of its request."""

    def __init__(self, secret: str, ledger: Path, seconds: float) -> None:
        self._webhook = Webhook(secret)
        self._ledger = ledger
        self._seconds = seconds
        self._lock = asyncio.Lock()

    async def refund(self, request: web.Request) -> web.Response:
        """Book a refund, or say again what was booked."""
        body = await request.text()
        try:
            call = self._webhook.verify(body, dict(request.headers))["data"]
        except WebhookVerificationError:
            return web.Response(status=401, text="The signature is not ours.")
        amount = call["input"].get("amount")
        if not isinstance(amount, int | float) or not 0 < amount <= 1000:
            return web.Response(status=422, text="An amount is more than 0 and at most 1000.")
        async with self._lock:
            booked = self._booked()
            known = booked.get(request.headers["webhook-id"])
            is_new = known is None
            if known is None:
                known = {"refund": len(booked) + 1, "amount": amount}
                self._book(request.headers["webhook-id"], known)
        if is_new:
            # The money has gone; the answer takes its time, as answers do.
            await asyncio.sleep(self._seconds)
        return web.json_response(known)

    def _booked(self) -> dict[str, Any]:
        if not self._ledger.exists():
            return {}
        return dict(json.loads(line) for line in self._ledger.read_text().splitlines())

    def _book(self, key: str, refund: dict[str, Any]) -> None:
        with self._ledger.open("a") as file:
            file.write(json.dumps([key, refund]) + "\n")


def main() -> None:
    """Serve on loopback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8766)
    parser.add_argument("--ledger", type=Path, default=Path("ledger.jsonl"))
    parser.add_argument("--seconds", type=float, default=0.0, help="how long the answer to a new refund takes")
    given = parser.parse_args()
    till = Till(os.environ["WEBHOOK_SECRET"], given.ledger, given.seconds)
    app = web.Application()
    app.router.add_post("/refund", till.refund)
    web.run_app(app, host="127.0.0.1", port=given.port, print=None)


if __name__ == "__main__":
    main()
