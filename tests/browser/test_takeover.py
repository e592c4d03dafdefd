"""When the app takes over the page that the server has written, what one reads stays where it is."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from support.server import Server

from .conftest import MakePerson
from .furnished import ANSWER, THOUGHT, ask
from .people import Person, answers

WIDE = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SHIFT_PX_MAX = 1.0

# Where the last words stand in each frame as it is painted: the server's while they are there, and the app's from then on.
# An observer of intersections is told of the place behind all that is measured and moved within the frame.
RECORD = """
  window.__places = [];
  const note = ([{ target, boundingClientRect: box }], observer) => {
    observer.disconnect();
    if (!target.isConnected) return;
    const edges = [box.left, box.top, box.right, box.bottom].map((px) => Math.round(px * 10) / 10);
    window.__places.push(getComputedStyle(target).visibility === "visible" ? edges : [0, 0, 0, 0]);
  };
  const look = () => {
    const words = document.querySelector("#first-paint") ?? document.querySelector("#app");
    const last = [...(words?.querySelectorAll("article .content") ?? [])].at(-1);
    if (last) new IntersectionObserver(note).observe(last);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
"""
DISTINCT = "[...new Map(window.__places.map((place) => [String(place), place])).values()]"
SETTLED = """() => {
  const since = window.__places.slice(window.__frames ?? 0);
  return since.length >= 20 && since.slice(-20).every((place) => String(place) === String(since.at(-1)));
}"""


async def open_held(person: Person, thread_id: str) -> tuple[Page, asyncio.Event]:
    """Open a thread's page; the app comes when the event is set. Returns both, with the server's words to be seen."""
    page = await person.context.new_page()
    await page.add_init_script(RECORD)
    may_come = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_come.wait()
        await route.continue_()

    await page.route("**/assets/*.js", hold)
    await page.goto(f"{person.server.url}/t/{thread_id}", wait_until="commit")
    await expect(page.locator("#first-paint article").last).to_be_in_viewport()
    await page.wait_for_function(SETTLED)
    return page, may_come


async def shifts(person: Person, thread_id: str) -> list[list[float]]:
    """Return all places of the last words, from the first frame until the app stands."""
    page, may_come = await open_held(person, thread_id)
    may_come.set()
    await expect(answers(page).last).to_be_in_viewport()
    await expect(page.locator("#first-paint")).to_have_count(0)
    await expect(page.get_by_role("textbox", name="Write a message")).to_be_visible()
    await page.evaluate("window.__frames = window.__places.length")
    await page.wait_for_function(SETTLED)
    places: list[list[float]] = await page.evaluate(DISTINCT)
    await page.close()
    return places


def furthest(places: list[list[float]]) -> float:
    """Return how far any edge has moved, in pixels."""
    return max(abs(edge - first) for place in places for edge, first in zip(place, places[0], strict=True))


@pytest.mark.parametrize("look", [WIDE, PHONE], ids=["wide", "phone"])
async def test_the_last_words_stay_where_they_are(person: MakePerson, server: Server, look: dict[str, Any]) -> None:
    """A short conversation, one that is longer than the screen, and one with all that Markdown has."""
    ann = await person("ann-takeover", server, service_workers="block", **look)
    await ann.sign_in()
    short = await ann.thread("Hello")
    long = await ann.thread(*(f"Question {number}" for number in range(12)))
    rich = await ann.thread("First")
    await ask(ann, rich, "Why?", {"think": THOUGHT}, {"say": ANSWER.partition("The cost")[0]})
    found = {name: await shifts(ann, thread) for name, thread in (("short", short), ("long", long), ("rich", rich))}
    assert {name: places for name, places in found.items() if furthest(places) > SHIFT_PX_MAX} == {}
