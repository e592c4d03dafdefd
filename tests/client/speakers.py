"""One way to speak to both clients, so that one test proves a thing of both.

`call` makes one call, `collect` loops over what an expression gives. A blocking client runs in a thread: the server
that it talks to runs in the test's event loop.
"""

import asyncio
import inspect
import ssl
from collections.abc import Callable
from typing import Any, Protocol

import httpx

from threadline.client import AsyncThreadline, Backoff, Threadline

# httpx reads all certificates of the system into each client, which takes longer than most of these tests.
_TLS = ssl.create_default_context()

QUICK = Backoff(seconds_first=0.01, seconds_max=0.05)

Ask = Callable[[Any], Any]
OnItem = Callable[[Any, Any], Any]


class Speaker(Protocol):
    """A client, whichever."""

    client: Any

    async def call(self, ask: Ask) -> Any:
        """Return what a call returns."""
        ...

    async def collect(self, ask: Ask, on_item: OnItem | None = None) -> list[Any]:
        """Loop over what `ask` gives and return the items.

        `on_item(loop, item)` sees each; with "break" it leaves the loop.
        """
        ...

    async def close(self) -> None:
        """Close the client."""
        ...


class BlockingSpeaker:
    """Speaks through `Threadline`."""

    def __init__(self, url: str, **options: Any) -> None:
        self._http = httpx.Client(verify=_TLS)
        self.client = Threadline(url, "key_test", http_client=self._http, **{"backoff": QUICK, **options})

    async def call(self, ask: Ask) -> Any:
        return await asyncio.to_thread(ask, self.client)

    async def collect(self, ask: Ask, on_item: OnItem | None = None) -> list[Any]:
        def loop() -> list[Any]:
            items = []
            looped = ask(self.client)
            for item in looped:
                items.append(item)
                if on_item is not None and on_item(looped, item) == "break":
                    break
            return items

        return await asyncio.to_thread(loop)

    async def close(self) -> None:
        self.client.close()
        self._http.close()


class NonblockingSpeaker:
    """Speaks through `AsyncThreadline`."""

    def __init__(self, url: str, **options: Any) -> None:
        self._http = httpx.AsyncClient(verify=_TLS)
        self.client = AsyncThreadline(url, "key_test", http_client=self._http, **{"backoff": QUICK, **options})

    async def call(self, ask: Ask) -> Any:
        return await _settled(ask(self.client))

    async def collect(self, ask: Ask, on_item: OnItem | None = None) -> list[Any]:
        items = []
        looped = ask(self.client)
        async for item in looped:
            items.append(item)
            if on_item is not None and await _settled(on_item(looped, item)) == "break":
                break
        return items

    async def close(self) -> None:
        await self.client.close()
        await self._http.aclose()


async def _settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
