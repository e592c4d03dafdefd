"""The client that a program holds."""

import os
from typing import Self, Unpack

import httpx

from threadline.client import calls
from threadline.client.blocking.resources import Files, Keys, Models, Runs, Threads, Tokens, Tools
from threadline.client.blocking.rooms import Agents, Members
from threadline.client.blocking.teams import Teams
from threadline.client.blocking.transport import Transport
from threadline.client.calls import Call
from threadline.client.errors import ThreadlineError
from threadline.client.models import Health
from threadline.client.settings import ClientOptions, settings_from


class Threadline:
    """A Threadline server, as seen by ordinary code.

        with Threadline() as client:
            thread = client.threads.create(end_user_id="ada")
            for event in client.threads.send(thread.id, "hello"):
                ...

    `base_url` is by default `THREADLINE_URL`, else this machine; `api_key` is `THREADLINE_API_KEY`. `options` are
    those of `ClientOptions`. An `http_client` that is passed in stays yours to close.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        http_client: httpx.Client | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        settings = settings_from(base_url, api_key, os.environ, **options)
        self._transport = Transport(settings, http_client)
        self.threads = Threads(self._transport)
        self.runs = Runs(self._transport)
        self.tokens = Tokens(self._transport)
        self.files = Files(self._transport)
        self.keys = Keys(self._transport)
        self.tools = Tools(self._transport)
        self.agents = Agents(self._transport)
        self.members = Members(self._transport)
        self.teams = Teams(self._transport)
        self.models = Models(self._transport)

    def __repr__(self) -> str:
        return f"Threadline({self._transport.settings.base_url!r})"

    def health(self) -> Health:
        """Ask how the server is, without retries. That it cannot be reached is an answer here, not an error."""
        return Health(alive=self._succeeds(calls.health("healthz")), ready=self._succeeds(calls.health("readyz")))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _succeeds(self, call: Call[None]) -> bool:
        try:
            self._transport.call(call)
        except ThreadlineError:
            return False
        return True
