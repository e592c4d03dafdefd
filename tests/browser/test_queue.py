"""What waits while an answer is being written: seen, rewritten, moved, withdrawn, or sent in another way."""

from typing import Any

from playwright.async_api import Locator, Page, expect

from support.server import Server

from .conftest import MakePerson
from .people import Person, answers, cut, eventually, say

ENDLESS = "demo/stall-5"


def waiting(page: Page) -> Locator:
    """Return the lines of what waits for its turn."""
    return page.get_by_role("region", name="Waiting messages").get_by_role("listitem")


def questions(page: Page) -> Locator:
    """Return what people have said, and no longer wait for."""
    return page.locator("#app article.message.user")


async def busy(person: Person, server: Server, page: Page) -> str:
    """Open a thread that is being answered for long; returns its id."""
    thread_id = await person.thread(model=ENDLESS)
    await page.goto(f"{server.url}/t/{thread_id}")
    await say(page, "Count")
    await expect(answers(page)).to_contain_text("w2")
    return thread_id


async def asked(person: Person, thread_id: str) -> list[str]:
    """Return the questions of the thread, in its order."""
    page: dict[str, Any] = await person.api("GET", f"/v1/threads/{thread_id}/messages?order=asc")
    return [one["content"][0]["text"] for one in page["data"] if one["role"] == "user"]


async def test_what_waits_is_rewritten_moved_and_withdrawn(person: MakePerson, server: Server) -> None:
    """All from the place above the field, while the answer goes on; the log has what was left, in that order."""
    ann = await person("ann-queue", server)
    page = await ann.sign_in()
    thread_id = await busy(ann, server, page)
    for text in ("first", "second", "third"):
        await say(page, text)
    await expect(waiting(page)).to_have_text(["first", "second", "third"])
    await waiting(page).filter(has_text="third").get_by_role("button", name="Move up").click()
    await expect(waiting(page)).to_have_text(["first", "third", "second"])
    await expect(waiting(page).nth(0).get_by_role("button", name="Move up")).to_be_disabled()
    await expect(waiting(page).nth(2).get_by_role("button", name="Move down")).to_be_disabled()
    await waiting(page).filter(has_text="second").get_by_role("button", name="Withdraw").click()
    await expect(waiting(page)).to_have_text(["first", "third"])
    await waiting(page).filter(has_text="first").get_by_role("button", name="Rewrite").click()
    editor = page.get_by_role("textbox", name="Rewrite")
    await expect(editor).to_be_focused()
    await editor.press("Escape")
    await expect(waiting(page)).to_have_text(["first", "third"])
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    await waiting(page).filter(has_text="first").get_by_role("button", name="Rewrite").click()
    await editor.fill("first, put better")
    await editor.press("Enter")
    await expect(waiting(page)).to_have_text(["first, put better", "third"])
    await page.reload()
    await expect(waiting(page)).to_have_text(["first, put better", "third"])
    for left in (["third"], []):
        await page.get_by_role("button", name="Stop").click()
        await expect(waiting(page)).to_have_text(left)
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    assert await asked(ann, thread_id) == ["Count", "first, put better", "third"]


async def test_how_a_message_is_sent_into_an_answer_can_be_chosen(person: MakePerson, server: Server) -> None:
    """Interrupt is answered at once; the answer that was interrupted keeps what it said."""
    ann = await person("ann-interrupt", server)
    page = await ann.sign_in()
    thread_id = await busy(ann, server, page)
    await say(page, "patient")
    await expect(waiting(page)).to_have_text(["patient"])
    how = page.get_by_role("button", name="How to send")
    await expect(how).to_have_count(0)
    await page.get_by_role("textbox", name="Write a message").fill("urgent")
    await how.click()
    await page.get_by_role("menuitem", name="Interrupt").click()
    await expect(questions(page)).to_contain_text(["Count", "urgent"])
    await expect(waiting(page)).to_have_text(["patient"])
    # It stands in the page before the server has it.
    await eventually(lambda: asked(ann, thread_id), ["Count", "urgent"])
    state = await ann.api("GET", f"/v1/threads/{thread_id}/state")
    assert state["messages"][1]["status"] == "cancelled"


async def test_what_has_begun_cannot_be_changed_any_more(person: MakePerson, server: Server) -> None:
    """Somebody else was faster: it is said so, and the list is as it is."""
    ann = await person("ann-begun", server)
    page = await ann.sign_in()
    await busy(ann, server, page)
    await say(page, "late")
    await expect(waiting(page)).to_have_text(["late"])
    started = {"type": "about:blank", "title": "Started", "status": 409, "detail": "", "code": "run_started"}

    await page.route("**/v1/runs/*", lambda route: route.fulfill(status=409, json=started))
    await waiting(page).get_by_role("button", name="Rewrite").click()
    await page.get_by_role("textbox", name="Rewrite").fill("too late")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_have_text("It does not wait any more. What you wrote is in the field.")
    await expect(waiting(page)).to_have_text(["late"])
    await expect(page.get_by_role("textbox", name="Write a message")).to_have_value("too late")


async def test_the_turn_comes_while_somebody_rewrites(person: MakePerson, server: Server) -> None:
    """The message goes as it was; what was being written is in the field, and nothing that was only looked at is."""
    ann = await person("ann-turn", server)
    page = await ann.sign_in()
    thread_id = await busy(ann, server, page)
    for text in ("next", "after it"):
        await say(page, text)
    await expect(waiting(page)).to_have_text(["next", "after it"])
    field = page.get_by_role("textbox", name="Write a message")
    for text, written in (("next", "next, but better"), ("after it", None)):
        await waiting(page).filter(has_text=text).get_by_role("button", name="Rewrite").click()
        editor = page.get_by_role("textbox", name="Rewrite")
        await expect(editor).to_be_focused()
        if written is not None:
            await editor.fill(written)
        await page.get_by_role("button", name="Stop").click()
        await expect(questions(page).filter(has_text=text)).to_be_visible()
        await expect(editor).to_have_count(0)
        await expect(field).to_have_value("next, but better")
    assert await asked(ann, thread_id) == ["Count", "next", "after it"]


async def test_two_tabs_rewrite_the_same_message(person: MakePerson, server: Server) -> None:
    """Whoever comes second is told what stands there now, and still has every word; without a network it stays open."""
    ann = await person("ann-twice", server)
    page = await ann.sign_in()
    await busy(ann, server, page)
    await say(page, "as it was")
    other = await ann.open(page.url.removeprefix(server.url))
    for tab in (page, other):
        await waiting(tab).get_by_role("button", name="Rewrite").click()
    await other.get_by_role("textbox", name="Rewrite").fill("by the other tab")
    await page.get_by_role("textbox", name="Rewrite").fill("by this tab")
    await other.get_by_role("button", name="Save").click()
    await expect(waiting(other)).to_have_text(["by the other tab"])
    await expect(waiting(page)).to_contain_text("It was rewritten meanwhile: “by the other tab”")
    editor = page.get_by_role("textbox", name="Rewrite")
    await expect(editor).to_have_value("by this tab")
    mend = await cut(page, "**/v1/runs/*")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_have_text("There was no answer. Nothing has changed.")
    await expect(editor).to_have_value("by this tab")
    mend()
    await page.get_by_role("button", name="Save").click()
    for tab in (page, other):
        await expect(waiting(tab)).to_have_text(["by this tab"])
