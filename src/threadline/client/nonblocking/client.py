"""The client that a program holds."""

import os
from typing import Self, Unpack

import httpx

from threadline.client import calls
from threadline.client.calls import Call
from threadline.client.errors import ThreadlineError
from threadline.client.models import Health
from threadline.client.nonblocking.resources import (
    AsyncFiles,
    AsyncKeys,
    AsyncModels,
    AsyncRuns,
    AsyncThreads,
    AsyncTokens,
    AsyncTools,
)
from threadline.client.nonblocking.rooms import AsyncAgents, AsyncMembers
from threadline.client.nonblocking.teams import AsyncTeams
from threadline.client.nonblocking.transport import AsyncTransport
from threadline.client.settings import ClientOptions, settings_from


class AsyncThreadline:
    """A Threadline server, as seen by asyncio code.

        async with AsyncThreadline() as client:
            thread = await client.threads.create(end_user_id="ada")
            async for event in client.threads.send(thread.id, "hello"):
                ...

    `base_url` is by default `THREADLINE_URL`, else this machine; `api_key` is `THREADLINE_API_KEY`. `options` are
    those of `ClientOptions`. An `http_client` that is passed in stays yours to close.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        http_client: httpx.AsyncClient | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        settings = settings_from(base_url, api_key, os.environ, **options)
        self._transport = AsyncTransport(settings, http_client)
        self.threads = AsyncThreads(self._transport)
        self.runs = AsyncRuns(self._transport)
        self.tokens = AsyncTokens(self._transport)
        self.files = AsyncFiles(self._transport)
        self.keys = AsyncKeys(self._transport)
        self.tools = AsyncTools(self._transport)
        self.agents = AsyncAgents(self._transport)
        self.members = AsyncMembers(self._transport)
        self.teams = AsyncTeams(self._transport)
        self.models = AsyncModels(self._transport)

    def __repr__(self) -> str:
        return f"AsyncThreadline({self._transport.settings.base_url!r})"

    async def health(self) -> Health:
        """Ask how the server is, without retries. That it cannot be reached is an answer here, not an error."""
        alive = await self._succeeds(calls.health("healthz"))
        return Health(alive=alive, ready=await self._succeeds(calls.health("readyz")))

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def _succeeds(self, call: Call[None]) -> bool:
        try:
            await self._transport.call(call)
        except ThreadlineError:
            return False
        return True
