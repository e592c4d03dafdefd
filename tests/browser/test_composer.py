"""Writing: keys, drafts, what one sees of them, on a desk and on a phone."""

from playwright.async_api import Locator, Page, expect

from support.server import Server

from .conftest import MakePerson
from .people import answers, eventually, say

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def box(page: Page) -> Locator:
    """Return the field that one writes in."""
    return page.get_by_role("textbox", name="Write a message")


def questions(page: Page) -> Locator:
    """Return what people have said, as the page shows it."""
    return page.locator("#app article.message.user .content")


async def is_higher_than(page: Page, height: float) -> bool:
    """Say whether the field has grown beyond that."""
    now = await box(page).bounding_box()
    return now is not None and now["height"] > height


async def test_a_conversation_without_a_mouse(person: MakePerson, server: Server) -> None:
    """The field has the focus and keeps it; Enter sends and Shift+Enter does not; "?" is a letter where one writes."""
    ann = await person("ann-keys", server)
    page = await ann.sign_in()
    await expect(box(page)).to_be_focused()
    await page.keyboard.type("One?")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("Two")
    await expect(box(page)).to_have_value("One?\nTwo")
    await page.keyboard.press("Enter")
    await expect(questions(page)).to_have_text(["One?\nTwo"])
    await expect(answers(page)).to_contain_text("w2")
    await expect(box(page)).to_be_focused()
    await expect(box(page)).to_have_value("")
    await page.keyboard.type("Three")
    await page.keyboard.press("Enter")
    await expect(questions(page)).to_have_text(["One?\nTwo", "Three"])
    await page.keyboard.press("Enter")
    await expect(answers(page)).to_have_count(2)
    # What is still being answered is not edited.
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    await page.keyboard.press("ArrowUp")
    editor = page.get_by_role("textbox", name="Edit your message")
    await expect(editor).to_be_focused()
    await expect(editor).to_have_value("Three")
    await editor.press("Escape")
    await page.get_by_role("button", name="Keyboard shortcuts").click()
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(dialog).to_contain_text("Break the line")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await page.get_by_role("button", name="New conversation", exact=True).focus()
    await page.keyboard.press("?")
    await expect(dialog).to_be_visible()
    await expect(questions(page)).to_have_count(2)


async def test_an_input_method_keeps_its_enter(person: MakePerson, server: Server) -> None:
    """Enter that ends the putting together of a word sends nothing."""
    ann = await person("ann-ime", server)
    page = await ann.sign_in()
    await box(page).fill("にほん")
    await box(page).evaluate(
        "field => field.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    await expect(box(page)).to_have_value("にほん")
    await page.keyboard.press("Enter")
    await expect(questions(page)).to_have_text(["にほん"])


async def test_a_draft_survives_a_reload_and_another_conversation(person: MakePerson, server: Server) -> None:
    """Each conversation has its own; what was sent is no draft any more, and signing out forgets them."""
    ann = await person("ann-drafts", server)
    page = await ann.sign_in()
    first, second = await ann.thread("Hello", title="First"), await ann.thread("Hello", title="Second")
    await page.goto(f"{server.url}/t/{first}")
    await box(page).fill("half a thou")
    await page.get_by_role("link", name="Second").click()
    await expect(box(page)).to_have_value("")
    await page.get_by_role("link", name="First").click()
    await expect(box(page)).to_have_value("half a thou")
    await page.reload()
    await expect(box(page)).to_have_value("half a thou")
    other = await ann.open(f"/t/{first}")
    await say(other, "half a thought")
    await expect(questions(other)).to_have_text(["Hello", "half a thought"])
    await page.goto(f"{server.url}/t/{second}")
    await box(page).fill("for nobody else")
    await page.reload()
    await expect(box(page)).to_have_value("for nobody else")
    await page.goto(f"{server.url}/t/{first}")
    await expect(questions(page)).to_have_count(2)
    await expect(box(page)).to_have_value("")
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await page.wait_for_url("**/sign-in*")
    kept = await page.evaluate("Object.keys(localStorage).filter((key) => key.includes('draft'))")
    assert kept == []


async def test_an_answer_is_stopped_from_the_keyboard(person: MakePerson, server: Server) -> None:
    """While it answers there are both buttons, to stop and to send; Escape stops."""
    ann = await person("ann-stop", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(model="demo/stall-5")
    await page.goto(f"{server.url}/t/{thread_id}")
    await say(page, "Count")
    await expect(answers(page)).to_contain_text("w3")
    stop = page.get_by_role("button", name="Stop")
    await expect(stop).to_be_visible()
    await expect(page.get_by_role("button", name="Send next")).to_be_disabled()
    await box(page).press("Escape")
    await expect(stop).to_have_count(0)
    state = await ann.api("GET", f"/v1/threads/{thread_id}/state")
    assert (state["messages"][-1]["status"], state["runs"]) == ("cancelled", [])


async def test_on_a_phone_enter_breaks_the_line(person: MakePerson, server: Server) -> None:
    """There a button sends; the field is not focused by itself, and grows with what is written."""
    ann = await person("ann-phone", server, **PHONE)
    page = await ann.sign_in()
    await expect(box(page)).not_to_be_focused()
    before = await box(page).bounding_box()
    await box(page).tap()
    await expect(box(page)).to_be_focused()
    for line in ("one", "two", "three", "four"):
        await page.keyboard.type(line)
        await page.keyboard.press("Enter")
    await expect(box(page)).to_have_value("one\ntwo\nthree\nfour\n")
    assert before is not None
    await eventually(lambda: is_higher_than(page, before["height"] + 40), True)
    await page.get_by_role("button", name="Send").tap()
    await expect(questions(page)).to_have_text(["one\ntwo\nthree\nfour\n"])


async def test_more_than_a_message_may_have_is_said_and_not_sent(person: MakePerson, server: Server) -> None:
    """The server's bound is known before anything is sent, and nothing is cut off."""
    ann = await person("ann-long", server)
    page = await ann.sign_in()
    await box(page).fill("x" * 1_000_003)
    await expect(page.get_by_text("3 characters too many")).to_be_visible()
    await expect(page.get_by_role("button", name="Send")).to_be_disabled()
    await box(page).press("Enter")
    await expect(box(page)).to_have_value("x" * 1_000_003)
