"""Without a mouse: from signing in to another branch, by keys alone, and one always sees where one is."""

from playwright.async_api import Locator, Page, expect

from support.installation import make_key
from support.server import Server

from .asking import by_key
from .conftest import MakePerson
from .people import answers

STEPS_MAX = 40


async def go_to(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Press a key until something is focused, and look whether one sees that it is."""
    await expect(wanted).to_be_attached()
    for _ in range(STEPS_MAX):
        if await wanted.evaluate("(it) => it === document.activeElement"):
            break
        await page.keyboard.press(key)
    await expect(wanted).to_be_focused()
    assert await wanted.evaluate("(it) => it.matches(':focus-visible') && getComputedStyle(it).outlineStyle !== 'none'")


async def test_a_conversation_by_keys_alone(person: MakePerson, server: Server) -> None:
    """Sign in, open a thread, write, send, stop, edit, and go to the other branch and back."""
    ann = await person("ann-keys", server)
    thread = {"title": "Plans", "end_user_id": ann.name, "model": "demo/stall-5"}
    await by_key(ann, "POST", "/v1/threads", thread)
    page = await ann.open("/")
    await expect(page.get_by_label("Key")).to_be_focused()
    await page.keyboard.type(make_key(server.data))
    await page.keyboard.press("Tab")
    await page.keyboard.type(ann.name)
    await page.keyboard.press("Enter")

    field = page.get_by_role("textbox", name="Write a message")
    await expect(field).to_be_focused()
    await go_to(page, page.get_by_role("link", name="Plans"), "Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Plans")
    await expect(field).to_be_focused()

    await page.keyboard.type("First words")
    await page.keyboard.press("Enter")
    await expect(answers(page)).to_contain_text("w2")
    await page.keyboard.press("Escape")
    await expect(answers(page)).to_contain_text("Stopped.")

    await expect(field).to_be_focused()
    # What is still being answered is not edited.
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_role("textbox", name="Edit your message")).to_be_focused()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("Other words")
    await page.keyboard.press("Enter")
    question = page.get_by_role("article", name="Message from You")
    await expect(question).to_contain_text("Other words")
    await expect(answers(page)).to_contain_text("w2")
    await expect(field).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(answers(page)).to_contain_text("Stopped.")

    await go_to(page, question.get_by_role("button", name="Previous branch"), "Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(question).to_contain_text("First words")
    await expect(question).to_contain_text("1 of 2")
    await expect(question.get_by_role("button", name="Next branch")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(question).to_contain_text("Other words")
    await expect(question.get_by_role("button", name="Previous branch")).to_be_focused()
