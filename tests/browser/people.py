"""Somebody in front of a browser: signed in, with a cookie jar and a storage of his own."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, Route, expect

from support.asking import TRUSTS_NOBODY
from support.installation import make_sign_in_code
from support.server import Server

PATIENCE_MS = 90_000
"""How long a page may take for what it has to show: two cores may have six browsers and their servers to serve."""

ASKING: dict[str, Any] = {"timeout": PATIENCE_MS / 1000, "verify": TRUSTS_NOBODY}
"""How requests beside a page are made."""

expect.set_options(timeout=PATIENCE_MS)

# What Chromium says by itself about a request that was answered with an error, or not at all: tests cause these.
_OF_THE_NETWORK = re.compile(
    r"Failed to load resource|net::ERR_|WebSocket connection to|registration blocked by Playwright"
)


PASSING = """([selector, words]) => {
  window.__hasPassed = false;
  const look = () => {
    const found = [...document.querySelectorAll(selector)].some((it) => it.textContent.includes(words));
    if (found) window.__hasPassed = true;
    return found;
  };
  const observer = new MutationObserver(() => look() && observer.disconnect());
  if (!look()) observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
}"""


class Person:
    """One end user of the default tenant, in one browser context; any number of tabs."""

    def __init__(self, name: str, server: Server, context: BrowserContext, has_worker: bool = True) -> None:
        """`has_worker` says that a service worker comes with the first page."""
        self.name = name
        self.server = server
        self.context = context
        self._has_worker = has_worker
        self.faults: list[str] = []
        context.on("weberror", lambda error: self.faults.append(str(error.error)))
        context.on("console", self._hear)
        context.set_default_timeout(PATIENCE_MS)

    async def sign_in(self, role: str = "operator") -> Page:
        """Open the link that works once; returns the tab."""
        page = await self.context.new_page()
        code = make_sign_in_code(self.server.data, self.name, role)
        await page.goto(f"{self.server.url}/sign-in?code={code}")
        if self._has_worker:
            # Where it takes over a page that has routes already, Chromium sends what the page asks for past them.
            await page.wait_for_function("() => navigator.serviceWorker.controller?.state === 'activated'")
        return page

    async def open(self, path: str) -> Page:
        """Open one more tab."""
        page = await self.context.new_page()
        await page.goto(self.server.url + path)
        return page

    async def api(self, method: str, path: str, **more: Any) -> Any:
        """Ask as this person does, beside the page; returns the JSON of the answer. Raises httpx.HTTPStatusError."""
        jar = {cookie["name"]: cookie["value"] for cookie in await self.context.cookies()}
        headers = {"origin": self.server.url, **more.pop("headers", {})}
        async with httpx.AsyncClient(base_url=self.server.url, cookies=jar, **ASKING) as client:
            response = await client.request(method, path, headers=headers, **more)
        response.raise_for_status()
        return response.json() if response.content else None

    async def thread(self, *texts: str, **fields: Any) -> str:
        """Make a thread with these questions and their answers; returns its id."""
        made = await self.api("POST", "/v1/threads", json={"title": "Greetings", **fields})
        for text in texts:
            await self.api("POST", f"/v1/threads/{made['id']}/messages", json={"content": text})
        return str(made["id"])

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _OF_THE_NETWORK.search(message.text):
            self.faults.append(f"{message.type}: {message.text}")


async def say(page: Page, text: str) -> None:
    """Write a message, and send it with Enter."""
    box = page.get_by_role("textbox", name="Write a message")
    await box.fill(text)
    await box.press("Enter")


def answers(page: Page) -> Locator:
    """Return the answers that the page shows, also the one that is being written."""
    return page.locator("#app article.message.assistant")


@asynccontextmanager
async def passing(page: Page, selector: str, words: str = "") -> AsyncIterator[None]:
    """Wait until something was shown since the block began, be it for a moment that an expectation would miss."""
    await page.evaluate(PASSING, [selector, words])
    yield
    await eventually(lambda: page.evaluate("window.__hasPassed"), True)


async def cut(page: Page, url: str, answer: Callable[[Route], Awaitable[None]] | None = None) -> Callable[[], None]:
    """Let no such request through, or answer it so, until the returned function is called.

    The route stays until the end. `page.unroute` lets go by itself what is on its way, and whoever then answers it fails.
    """
    is_cut = True

    async def handle(route: Route) -> None:
        if not is_cut:
            await route.continue_()
        elif answer is not None:
            await answer(route)
        else:
            await route.abort()

    def mend() -> None:
        nonlocal is_cut
        is_cut = False

    await page.route(url, handle)
    return mend


async def eventually(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Ask until the answer is the one that is wanted. For what no locator sees, such as the storage of a device."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while (found := await ask()) != wanted:
        assert time.monotonic() < deadline, f"{found!r}, not {wanted!r}"
        await asyncio.sleep(0.05)
