"""A tenant's own server, with its webhooks: it does as it is told, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


class Shop:
    """A server on loopback."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[web.StreamResponse] = []
        self.hangs = asyncio.Event()
        self.url = ""

    def will(self, status: int = 200, text: str = "", content_type: str = "text/plain", **headers: str) -> None:
        """Prepare the next answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append(web.Response(status=status, text=text, content_type=content_type, headers=named))

    @property
    def host(self) -> str:
        """The entry of `allowed_hosts` that opens the door to it."""
        return self.url.removeprefix("http://").partition("/")[0]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as prepared; hang up where nothing is."""
        self.requests.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        if request.path == "/hang":
            await self.hangs.wait()
        if not self.answers:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return self.answers.pop(0)


@asynccontextmanager
async def open_shop() -> AsyncIterator[Shop]:
    """Run a shop for the length of a block."""
    shop = Shop()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", shop.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    shop.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield shop
    finally:
        shop.hangs.set()
        await runner.cleanup()
