"""Every main page in light and dark, wide and on a phone: no serious fault by axe, and nothing wider than the screen.

Of each a screenshot is taken; `make screenshots` keeps them in docs/screenshots.
"""

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from support.server import Server

from .axe import faults_of
from .conftest import MakePerson
from .furnished import furnish
from .people import answers

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
LOOKS = [("light", WIDE), ("dark", WIDE), ("light", PHONE), ("dark", PHONE)]
NAMES = ["light", "dark", "light-phone", "dark-phone"]
IS_TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
KEPT = ("conversation", "home", "operator-live", "operator-usage")
"""What the docs show."""
OPERATOR = ("", "usage", "threads", "tools", "agents", "keys")


@pytest.fixture(params=list(zip(NAMES, LOOKS, strict=True)), ids=NAMES)
def look(request: pytest.FixtureRequest) -> tuple[str, tuple[str, dict[str, int]]]:
    """A theme with a size."""
    found: tuple[str, tuple[str, dict[str, int]]] = request.param
    return found


async def test_every_page_looks_right(
    person: MakePerson, server: Server, tmp_path: Path, look: tuple[str, tuple[str, dict[str, int]]]
) -> None:
    """Sign-in, home, a conversation, its shared page, what is not there, and the operator's pages."""
    name, (theme, size) = look
    docs = os.environ.get("THREADLINE_SCREENSHOTS")
    faults: list[str] = []

    async def judge(page: Page, what: str) -> None:
        folder = Path(docs) if docs and what in KEPT else tmp_path
        shot = await page.screenshot(path=folder / f"{what}-{name}.png", animations="disabled", caret="hide")
        assert len(shot) > 5_000, "an empty page"
        if await page.evaluate(IS_TOO_WIDE):
            faults.append(f"{what}: wider than the screen")
        faults.extend(f"{what}: {fault}" for fault in await faults_of(page))

    nobody = await person("nobody", server, viewport=size, color_scheme=theme)
    ann = await person(f"ann-{name}", server, viewport=size, color_scheme=theme)
    page = await ann.sign_in()
    thread_id = await furnish(ann)
    shared = (await ann.api("POST", f"/v1/threads/{thread_id}/share"))["url"]
    await judge(await nobody.open("/sign-in"), "sign-in")
    public = await nobody.open("/healthz")
    await public.goto(shared)
    await judge(public, "share")
    await page.goto(f"{server.url}/t/thr_00000000000000000000000000")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await judge(page, "missing")
    await page.goto(server.url)
    await expect(page.get_by_role("textbox", name="Write a message")).to_be_visible()
    await judge(page, "home")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_have_count(2)
    # Colours and formulas come a moment after the words.
    await expect(page.locator(".katex").first).to_be_visible()
    await expect(page.locator("pre code span[class]").first).to_be_visible()
    await judge(page, "conversation")
    for section in OPERATOR:
        await page.goto(f"{server.url}/operator/{section}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.locator(".animate-pulse, [aria-busy=true]")).to_have_count(0)
        await judge(page, f"operator-{section or 'live'}")
    assert faults == []
