"""A conversation of 6,000 messages: it opens at its end, older ones come when one goes there, and nothing jumps."""

import asyncio
from collections.abc import Iterator

import aiohttp
from playwright.async_api import Page, Route, expect

from support.installation import make_key
from support.server import Server

from .conftest import MakePerson
from .people import PATIENCE_MS, answers, say

MESSAGES = 6_000
AT_ONCE = 32
TEXTS = (
    "Question number {}, of some length.",
    "Answer number {}.\n\n- It has a list\n- of two\n\n" + "And words. " * 30,
)


async def fill(server: Server, thread_id: str, count: int) -> None:
    """Move so many messages into a thread, people's and assistant's in turn."""
    headers = {"authorization": f"Bearer {make_key(server.data)}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as client:

        async def store(numbers: Iterator[int]) -> None:
            for number in numbers:
                body = {"content": TEXTS[number % 2].format(number), "role": ("user", "assistant")[number % 2]}
                url = f"/v1/threads/{thread_id}/messages"
                async with client.post(url, json={**body, "respond": False}) as sent:
                    sent.raise_for_status()

        # The first ones and the last one stand where they belong; the others stand as they come.
        await store(iter(range(3)))
        most = iter(range(3, count - 1))
        await asyncio.gather(*(store(most) for _ in range(AT_ONCE)))
        await store(iter([count - 1]))


FROM_END = """async () => {
    await new Promise((then) => requestAnimationFrame(() => setTimeout(then)));
    const it = document.querySelector('.messages');
    return it.scrollHeight - it.scrollTop - it.clientHeight;
}"""
AT_END = f"async () => (await ({FROM_END})()) <= 2"
HEIGHT = "() => document.querySelector('.messages').scrollHeight"
TOP_OF = "(id) => document.querySelector(`[data-message='${id}']`)?.getBoundingClientRect().top ?? null"
FIRST_SEEN = """() => {
    const top = document.querySelector('.messages').getBoundingClientRect().top;
    const all = [...document.querySelectorAll('#app article')];
    all.sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top);
    return (all.find((it) => it.getBoundingClientRect().top >= top) ?? all.at(-1)).dataset.message;
}"""
# Scrolls up by 300 pixels a frame; answers with how many frames had nothing in the middle of the screen.
SCROLL_UP = """async (frames) => {
    const it = document.querySelector('.messages');
    const box = it.getBoundingClientRect();
    const frame = () => new Promise((then) => requestAnimationFrame(() => setTimeout(then)));
    let empty = 0;
    for (let number = 0; number < frames; number++) {
        it.scrollTop -= 300;
        await frame();
        const middle = box.y + box.height / 2;
        const isThere = (one) => {
            const { top, bottom } = one.getBoundingClientRect();
            return top <= middle && middle <= bottom && getComputedStyle(one).visibility === 'visible';
        };
        if (![...document.querySelectorAll('#app article')].some(isThere)) empty++;
    }
    return empty;
}"""
# Until nothing moves any more: the same place and height in several frames, one behind the other.
STANDS_STILL = """async () => {
    const it = document.querySelector('.messages');
    const look = () => `${it.scrollTop} ${it.querySelector('article')?.getBoundingClientRect().top}`;
    let before = look();
    for (let same = 0; same < 12; ) {
        await new Promise((then) => requestAnimationFrame(() => setTimeout(then)));
        const now = look();
        same = now === before ? same + 1 : 0;
        before = now;
    }
}"""
WATCH_SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries()) {
            const moved = sources.filter(({ node }) => node === null || node.parentElement?.closest('.messages'));
            if (moved.length > 0) window.shifts.push([value, ...moved.map((it) => it.node?.outerHTML?.slice(0, 80) ?? 'gone')]);
        }
    }).observe({ type: 'layout-shift' });
}"""


async def test_it_opens_at_its_end_and_older_ones_come_without_a_jump(person: MakePerson, server: Server) -> None:
    """A message keeps its place on the screen while others come in front of it; few of them are in the page."""
    ann = await person("ann-long", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(title="Long")
    await fill(server, thread_id, MESSAGES)
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page).last).to_contain_text("Answer number 5999.")
    await expect(answers(page).last).to_be_in_viewport()
    await page.wait_for_function(AT_END)
    assert await page.locator("#app article").count() < 40
    for _ in range(3):
        await _older_ones_come(page)
    assert await page.evaluate(SCROLL_UP, 60) == 0
    assert await page.locator("#app article").count() < 40
    await page.get_by_role("button", name="Jump to latest").click()
    await expect(answers(page).last).to_contain_text("Answer number 5999.")
    await expect(page.get_by_role("button", name="Jump to latest")).to_be_hidden()
    await page.wait_for_function(AT_END)


async def _older_ones_come(page: Page) -> None:
    """Hold back the older messages until the place of what is seen is known, and look at it again behind them."""
    go_on = asyncio.Event()
    asked = asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await go_on.wait()
        await route.continue_()

    await page.route("**/messages?**", hold)
    height = await page.evaluate(HEIGHT)
    await page.evaluate("() => { document.querySelector('.messages').scrollTop = 700; }")
    await asyncio.wait_for(asked.wait(), PATIENCE_MS / 1000)
    await page.evaluate(STANDS_STILL)
    seen = await page.evaluate(FIRST_SEEN)
    before = await page.evaluate(TOP_OF, seen)
    go_on.set()
    await page.wait_for_function(f"() => document.querySelector('.messages').scrollHeight > {height} + 1000")
    await page.evaluate(STANDS_STILL)
    assert abs(await page.evaluate(TOP_OF, seen) - before) <= 2


async def test_it_follows_what_is_written_unless_one_has_gone_up(person: MakePerson, server: Server) -> None:
    """At the end it goes along; above it stays where it is, and nothing that stands there moves."""
    ann = await person("ann-follow", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(title="Follow", model="demo/count-20000@100")
    await fill(server, thread_id, 40)
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page).last).to_contain_text("Answer number 39.")
    await page.evaluate(WATCH_SHIFTS)
    await say(page, "Count")
    await expect(answers(page).last).to_contain_text("w300 ")
    await page.wait_for_function(AT_END)
    await page.locator(".messages").hover()
    await page.mouse.wheel(0, -250)
    await expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    await page.evaluate(STANDS_STILL)
    seen = await page.evaluate(FIRST_SEEN)
    before = await page.evaluate(TOP_OF, seen)
    height = await page.evaluate(HEIGHT)
    await page.wait_for_function(f"() => document.querySelector('.messages').scrollHeight > {height} + 200")
    assert abs(await page.evaluate(TOP_OF, seen) - before) <= 1
    await page.get_by_role("button", name="Jump to latest").click()
    await expect(page.get_by_role("button", name="Jump to latest")).to_be_hidden()
    await page.wait_for_function(AT_END)
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    assert await page.evaluate("window.shifts") == []


async def test_a_thread_is_found_where_it_was_left(person: MakePerson, server: Server) -> None:
    """Another one in between, and back: the same message stands at the same place."""
    ann = await person("ann-left", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(title="Left")
    await fill(server, thread_id, 60)
    await ann.thread("Hello", title="Other")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page).last).to_contain_text("Answer number 59.")
    await page.locator(".messages").hover()
    await page.mouse.wheel(0, -1500)
    await expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    await page.evaluate(STANDS_STILL)
    seen = await page.evaluate(FIRST_SEEN)
    before = await page.evaluate(TOP_OF, seen)
    await page.get_by_role("link", name="Other").click()
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    await page.get_by_role("link", name="Left").click()
    await page.wait_for_function(f"() => Math.abs(({TOP_OF})('{seen}') - {before}) <= 2")
    await expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
