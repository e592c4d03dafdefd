"""The list of conversations: looking for one, changing one, and what is unread; with many of them, and in two tabs."""

import asyncio
import re

import httpx
from playwright.async_api import Locator, Page, expect

from support.server import Server

from .conftest import MakePerson
from .people import ASKING, PATIENCE_MS, Person, answers, cut, passing

OF_NOW = re.compile("^(Today|Yesterday)$")
"""The group of what was done a moment ago: midnight may have been in between."""


def conversations(page: Page) -> Locator:
    """Return the list."""
    return page.get_by_role("navigation", name="Conversations")


def line(page: Page, title: str) -> Locator:
    """Return the line of a conversation; its name has what is said of it behind the title."""
    return conversations(page).get_by_role("link", name=title)


async def do(page: Page, title: str, deed: str) -> None:
    """Choose something from the menu of a line."""
    # What moves stands still in a tab that nobody sees.
    await page.bring_to_front()
    await line(page, title).hover()
    await conversations(page).get_by_role("button", name=f"More for {title}").click()
    await page.get_by_role("menuitem", name=deed).click()


async def make_many(person: Person, count: int) -> None:
    """Make so many conversations: `No. 1` is the oldest, the newest ones are `No. {count}` and the one before."""
    jar = {cookie["name"]: cookie["value"] for cookie in await person.context.cookies()}
    headers = {"origin": person.server.url}
    numbers = range(1, count + 1)
    async with httpx.AsyncClient(base_url=person.server.url, cookies=jar, headers=headers, **ASKING) as client:
        # Those of one group come in whatever order.
        groups = [numbers[:1], *(numbers[start : start + 50] for start in range(1, count - 2, 50))]
        groups[-1] = range(groups[-1].start, count - 1)
        for group in [*groups, numbers[-2:-1], numbers[-1:]]:
            made = [client.post("/v1/threads", json={"title": f"No. {number}"}) for number in group]
            assert {response.status_code for response in await asyncio.gather(*made)} == {201}


async def test_what_is_done_in_one_tab_is_seen_in_the_other(person: MakePerson, server: Server) -> None:
    """Rename, pin, archive and delete from the menu of a line; the other tab follows by itself."""
    ann = await person("ann-two-tabs", server)
    page = await ann.sign_in()
    for title in ("Plans", "Recipes", "Letters"):
        await ann.thread(title=title)
    other = await ann.open("/")
    await expect(line(other, "Plans")).to_be_visible()

    await do(page, "Plans", "Rename")
    field = page.get_by_role("textbox", name="Title")
    await expect(field).to_be_focused()
    await field.fill("Great plans")
    await field.press("Enter")
    await expect(line(page, "Great plans")).to_be_focused()
    await expect(line(other, "Great plans")).to_be_visible()

    await do(page, "Great plans", "Pin")
    await expect(conversations(other).get_by_role("heading")).to_have_text(["Pinned", OF_NOW])
    await expect(conversations(other).get_by_role("link").first).to_contain_text("Great plans")

    await do(page, "Recipes", "Archive")
    await expect(line(other, "Recipes")).to_have_count(0)
    await other.bring_to_front()
    await other.get_by_role("button", name="Archived conversations").click()
    await expect(line(other, "Recipes")).to_be_visible()
    await do(other, "Recipes", "Unarchive")
    await expect(conversations(other)).to_contain_text("Nothing is archived.")
    await other.get_by_role("button", name="Back to all conversations").click()
    await expect(line(page, "Recipes")).to_be_visible()

    await do(page, "Letters", "Delete")
    dialog = page.get_by_role("alertdialog", name="Delete this conversation?")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    await expect(line(other, "Letters")).to_be_visible()
    await do(page, "Letters", "Delete")
    await page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(line(page, "Letters")).to_have_count(0)
    await expect(line(other, "Letters")).to_have_count(0)
    # Whoever goes by keys is still in the list.
    await expect(line(page, "Great plans")).to_be_focused()
    # So is somebody whose line goes without his doing.
    await other.bring_to_front()
    await line(other, "Great plans").focus()
    listed = await ann.api("GET", "/v1/threads?q=Great")
    await ann.api("DELETE", f"/v1/threads/{listed['data'][0]['id']}")
    await expect(line(other, "Great plans")).to_have_count(0)
    await expect(line(other, "Recipes")).to_be_focused()


async def test_a_change_that_is_refused_is_taken_back_and_said(person: MakePerson, server: Server) -> None:
    """The list shows what was wanted only until the server has refused."""
    ann = await person("ann-refused", server)
    page = await ann.sign_in()
    await ann.thread(title="Stubborn")
    refusal = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "Not today.", "code": "forbidden"}
    await page.route("**/v1/threads/thr_*", lambda route: route.fulfill(status=403, json=refusal))
    async with passing(page, "[role=status]", "Not today."):
        await do(page, "Stubborn", "Archive")
    await expect(line(page, "Stubborn")).to_be_visible()


async def test_what_is_unread_is_counted_until_somebody_looks(person: MakePerson, server: Server) -> None:
    """An answer in a conversation that nobody looks at is unread in every tab; looking at it reads it in all."""
    ann = await person("ann-unread", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(title="News")
    other = await ann.open("/")
    await expect(line(page, "News")).to_be_visible()
    await ann.api("POST", f"/v1/threads/{thread_id}/messages", json={"content": "Anything?"})
    await expect(line(page, "News")).to_contain_text("1 unread")
    await expect(line(other, "News")).to_contain_text("1 unread")
    await line(page, "News").click()
    await expect(answers(page)).to_have_count(1)
    await expect(line(other, "News")).not_to_contain_text("unread")
    assert (await ann.api("GET", f"/v1/threads/{thread_id}"))["unread_count"] == 0


async def test_a_line_that_is_measured_anew_keeps_the_focus(person: MakePerson, server: Server) -> None:
    """The list hides a line that has moved until it knows its height there; the browser takes the focus from it then."""
    ann = await person("ann-measured", server)
    page = await ann.sign_in()
    await ann.thread(title="Held")
    await line(page, "Held").focus()
    await page.evaluate(
        """async () => {
            const item = document.activeElement.closest("li");
            item.style.visibility = "hidden";
            await new Promise((lost) => item.addEventListener("focusout", () => setTimeout(lost), { once: true }));
            item.style.visibility = "";
        }"""
    )
    await expect(line(page, "Held")).to_be_focused()


async def where(page: Page) -> str:
    """Say where the keys are in the list, and what of it there is."""
    focused = await page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    return f"{focused} has the focus; the list ends with {(await conversations(page).inner_text())[-100:]!r}."


async def test_one_conversation_of_two_thousand(person: MakePerson, server: Server) -> None:
    """Only what is in sight is in the page; the end is reached by scrolling, by keys and by searching."""
    ann = await person("ann-many", server)
    page = await ann.sign_in()
    await make_many(ann, 2000)
    await page.reload()
    await expect(line(page, "No. 2000")).to_be_visible()
    assert await conversations(page).get_by_role("link").count() < 80

    search = conversations(page).get_by_role("searchbox", name="Search")
    await page.keyboard.press("Control+k")
    await expect(search).to_be_focused()
    # Far behind what was loaded: the server finds it.
    await search.fill("No. 7")
    await search.press_sequentially("77")
    await expect(line(page, "No. 777")).to_be_visible()
    await search.fill("no such thing")
    await expect(conversations(page)).to_contain_text("Nothing found for “no such thing”.")
    await search.press("Escape")
    await expect(line(page, "No. 2000")).to_be_visible()

    await line(page, "No. 2000").focus()
    await page.keyboard.press("ArrowDown")
    await expect(line(page, "No. 1999")).to_be_focused()
    # A network that fails just then ends nothing, although nobody scrolls any more.
    mend = await cut(page, "**/v1/threads?*")
    async with page.expect_event("requestfailed"):
        await page.keyboard.press("End")
    await expect(conversations(page).get_by_role("link").last).to_be_focused()
    await page.wait_for_timeout(500)
    async with page.expect_response("**/v1/threads?*"):
        mend()
    # To the end of what is loaded, again and again: more comes until there is no more.
    first = conversations(page).get_by_role("link", name="No. 1", exact=True)
    try:
        async with asyncio.timeout(3 * PATIENCE_MS / 1000):
            while await first.count() == 0:
                await page.keyboard.press("End")
                await page.evaluate("new Promise(requestAnimationFrame)")
    except TimeoutError:
        raise AssertionError(await where(page)) from None
    await page.keyboard.press("End")
    await expect(first).to_be_focused()
    assert await conversations(page).get_by_role("link").count() < 80
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("No. 1")
