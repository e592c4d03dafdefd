"""Screens and people of all kinds: narrow and very wide, without motion, and words that run from right to left."""

import pytest
from playwright.async_api import expect

from support.server import Server

from .conftest import MakePerson
from .people import answers, say

MOVES = """() => [...document.querySelectorAll('*')].flatMap((it) => {
  const { animationName, animationDuration, transitionDuration } = getComputedStyle(it);
  const all = [...(animationName === 'none' ? [] : animationDuration.split(',')), ...transitionDuration.split(',')];
  return all.some((time) => parseFloat(time) > 0.01) ? [it.outerHTML.slice(0, 80)] : [];
})"""
OVERFLOWS = "document.documentElement.scrollWidth > innerWidth"


@pytest.mark.parametrize("width", [320, 2560])
async def test_nothing_is_wider_than_the_screen(person: MakePerson, server: Server, width: int) -> None:
    """The first page, and a conversation with long words, a long line of code and a dialog over it."""
    ann = await person(f"ann-{width}", server, viewport={"width": width, "height": 700})
    page = await ann.sign_in()
    assert not await page.evaluate(OVERFLOWS)
    thread_id = await ann.thread("x" * 400, title="y" * 100)
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    assert not await page.evaluate(OVERFLOWS)
    await page.get_by_role("button", name="More for this conversation").click()
    await page.get_by_role("menuitem", name="Members").click()
    await expect(page.get_by_role("dialog", name="Members")).to_be_visible()
    assert not await page.evaluate(OVERFLOWS)


async def test_who_wants_no_motion_gets_none(person: MakePerson, server: Server) -> None:
    """Neither while an answer is written nor behind it, nor in a menu."""
    ann = await person("ann-still", server, reduced_motion="reduce")
    page = await ann.sign_in()
    thread_id = await ann.thread(model="demo/stall-9")
    await page.goto(f"{server.url}/t/{thread_id}")
    await say(page, "Count")
    await expect(answers(page)).to_contain_text("w5 ")
    assert await page.evaluate(MOVES) == []
    await page.get_by_role("button", name="Settings").click()
    await expect(page.get_by_role("menu")).to_be_visible()
    assert await page.evaluate(MOVES) == []


async def test_words_from_right_to_left_stand_at_the_right(person: MakePerson, server: Server) -> None:
    """Whatever the page's own direction is."""
    ann = await person("ann-rtl", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", title="Words")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    words = page.locator("#app article.message.user").get_by_text("\u05e9\u05dc\u05d5\u05dd")
    await expect(words).to_be_visible()
    assert await words.evaluate("(it) => getComputedStyle(it).direction") == "rtl"
    assert await words.evaluate("(it) => getComputedStyle(it).textAlign") in ("start", "right")
    assert await answers(page).locator("p").first.evaluate("(it) => getComputedStyle(it).direction") == "ltr"
