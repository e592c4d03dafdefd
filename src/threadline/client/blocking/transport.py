"""Sends the calls of one client, and tries again where that is right."""

import time
from contextlib import closing
from typing import TypeVar

import httpx

from threadline.client.calls import Call
from threadline.client.errors import ThreadlineError
from threadline.client.retry import Attempts
from threadline.client.settings import Settings
from threadline.client.wire import LIMITS, body_of, build_request, foreign_errors_wrapped, is_stream, refusal_of

AnswerT = TypeVar("AnswerT")


class Transport:
    """Holds the connections. An `httpx.Client` that was passed in stays its owner's to close."""

    def __init__(self, settings: Settings, http: httpx.Client | None) -> None:
        self.settings = settings
        self._owns_http = http is None
        self._http = httpx.Client(limits=LIMITS) if http is None else http

    def call(self, call: Call[AnswerT]) -> AnswerT:
        """Send a call and read its answer. Raises a `ThreadlineError` when no try brought a good one."""
        attempts = Attempts(call.repeat, self.settings.backoff, self.settings.max_retries)
        while True:
            try:
                return call.read(self._send(call))
            except ThreadlineError as error:
                if call.method == "DELETE" and attempts.show_deleted(error):
                    return call.read(b"")
                time.sleep(attempts.pause_after(error))

    def open(self, call: Call[None]) -> httpx.Response:
        """Send a call once and return its answer unread. Raises a `ThreadlineError` unless it is a stream."""
        with foreign_errors_wrapped():
            response = self._http.send(build_request(self._http, self.settings, call, stream=True), stream=True)
            if is_stream(response):
                return response
            with closing(response):
                response.read()
        raise refusal_of(response)

    def close(self) -> None:
        """Close the connections that this transport made."""
        if self._owns_http:
            self._http.close()

    def _send(self, call: Call[AnswerT]) -> bytes:
        with foreign_errors_wrapped():
            response = self._http.send(build_request(self._http, self.settings, call))
        return body_of(response)
