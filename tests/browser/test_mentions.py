"""Calling somebody by @handle, and choosing who answers: from the keyboard, as a screen reader hears it."""

import asyncio
import re
import uuid

from playwright.async_api import Locator, Page, expect

from support.server import Server

from .conftest import MakePerson
from .people import PATIENCE_MS, Person, answers, say


def box(page: Page) -> Locator:
    """Return the field that one writes in."""
    return page.get_by_role("textbox", name="Write a message")


def options(page: Page) -> Locator:
    """Return those who can be called."""
    return page.get_by_role("listbox", name="Mention").get_by_role("option")


async def agent(person: Person, name: str, says: str) -> str:
    """Make an agent that says this, whatever it is asked; returns its handle."""
    handle = f"{name.lower()}-{uuid.uuid4().hex[:8]}"
    body = {"handle": handle, "name": name, "description": f"Says {says}.", "model": "demo/role@max"}
    script = f'{{"steps": [{{"say": "{says}"}}]}}'
    await person.api("POST", "/v1/agents", json={**body, "instructions": script, "visibility": "private"})
    return handle


async def test_a_call_is_completed_from_the_keyboard(person: MakePerson, server: Server) -> None:
    """Arrows move, Enter and Tab take, Escape leaves the list and nothing else; then Enter sends again."""
    ann = await person("ann-mentions", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello")
    path = f"/v1/threads/{thread_id}/members"
    for name in ("bob-one", "bob-two"):
        await ann.api("POST", path, json={"end_user_id": name, "name": name.title()})
    critic = await agent(ann, "Critic", "tut tut")
    await ann.api("POST", path, json={"agent": critic, "reply_policy": "mention", "handle": "critic"})
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_have_count(1)
    await box(page).press_sequentially("hello @bo")
    await expect(options(page)).to_have_text([re.compile("@bob-one"), re.compile("@bob-two")])
    await expect(page.get_by_role("status").filter(has_text="2 can be mentioned")).to_be_attached()
    active = await box(page).get_attribute("aria-activedescendant")
    await expect(options(page).and_(page.locator(f'[id="{active}"]'))).to_contain_text("@bob-one")
    await box(page).press("ArrowDown")
    await expect(options(page).nth(1)).to_have_attribute("aria-selected", "true")
    await box(page).press("Enter")
    await expect(box(page)).to_have_value("hello @bob-two ")
    await expect(options(page)).to_have_count(0)
    # The caret is set with the next frame.
    await page.evaluate("() => new Promise((then) => requestAnimationFrame(then))")
    await box(page).press_sequentially("and ann@bo")
    await expect(options(page)).to_have_count(0)
    await box(page).fill("@cr")
    await expect(options(page)).to_have_count(1)
    await box(page).press("Escape")
    await expect(options(page)).to_have_count(0)
    await expect(box(page)).to_have_value("@cr")
    await box(page).press_sequentially("i, or rather @cri")
    await box(page).press("Tab")
    await expect(box(page)).to_have_value("@cri, or rather @critic ")
    await page.evaluate("() => new Promise((then) => requestAnimationFrame(then))")
    await expect(box(page)).to_be_focused()
    await box(page).press_sequentially("what do you think?")
    await box(page).press("Enter")
    await expect(answers(page).last).to_contain_text("tut tut")


async def test_others_see_that_somebody_writes(person: MakePerson, server: Server) -> None:
    """Every key is a sign of it, passed on over a socket."""
    ann = await person("ann-typing", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello")
    await ann.api("POST", f"/v1/threads/{thread_id}/members", json={"end_user_id": "bob-typing"})
    said = asyncio.Event()

    def hear(payload: str | bytes) -> None:
        if '"is_typing":true' in str(payload):
            said.set()

    page.on("websocket", lambda socket: socket.on("framesent", hear))
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_have_count(1)
    await box(page).press_sequentially("I am")
    await asyncio.wait_for(said.wait(), PATIENCE_MS / 1000)


async def test_who_answers_is_chosen_and_kept(person: MakePerson, server: Server) -> None:
    """On the first page for the next conversation, from a card or with Enter from a list; in a conversation for that one."""
    ann = await person("ann-chooses", server)
    page = await ann.sign_in()
    await agent(ann, "Parrot", "squawk")
    await page.reload()
    picker = page.get_by_role("combobox", name="Who answers").or_(page.get_by_role("button", name="Who answers"))
    await expect(picker).to_contain_text("Count 3")
    await picker.click()
    find = page.get_by_role("combobox", name="Find a model or an agent")
    await expect(find).to_be_focused()
    await find.fill("echo")
    await expect(page.get_by_role("option")).to_have_text([re.compile("echo", re.IGNORECASE)])
    await page.keyboard.press("Enter")
    await expect(picker).to_contain_text("Echo")
    await page.reload()
    await expect(picker).to_contain_text("Echo")
    card = page.get_by_role("button", name="Parrot Says squawk.")
    await card.click()
    await expect(card).to_have_attribute("aria-pressed", "true")
    await expect(picker).to_contain_text("Parrot")
    await say(page, "Hello")
    await expect(answers(page)).to_contain_text("squawk")
    await expect(picker).to_contain_text("Parrot")
    await picker.click()
    await page.get_by_role("option", name="echo").click()
    await expect(picker).to_contain_text("Echo")
    await say(page, "Hello, echo")
    await expect(answers(page).last).to_contain_text("Hello, echo")
    await expect(page).to_have_url(re.compile("/t/thr_"))
    thread = await ann.api("GET", f"/v1/threads/{page.url.rsplit('/', 1)[1]}")
    assert (thread["model"], thread["agent_id"]) == ("demo/echo", None)
