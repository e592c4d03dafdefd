"""A phone: the list of conversations is a drawer, by touch and by keys, and nothing is wider than the screen."""

from playwright.async_api import Page, expect

from support.server import Server

from .conftest import MakePerson

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
NARROW = {"viewport": {"width": 320, "height": 640}}


async def overflows(page: Page) -> bool:
    """Say whether one could scroll sideways."""
    return bool(await page.evaluate("document.documentElement.scrollWidth > innerWidth"))


async def test_the_drawer_by_touch(person: MakePerson, server: Server) -> None:
    """Open it, choose a conversation, and it is closed again."""
    ann = await person("ann-phone", server, **PHONE)
    page = await ann.sign_in()
    await ann.thread("Hello", title="Plans")
    drawer = page.get_by_role("dialog", name="Conversations")
    await expect(drawer).to_have_count(0)
    await page.get_by_role("button", name="Conversations").tap()
    await drawer.get_by_role("link", name="Plans").tap()
    await expect(drawer).to_have_count(0)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Plans")
    await expect(page.get_by_role("button", name="Conversations")).to_be_visible()
    assert not await overflows(page)


async def test_the_drawer_by_keys(person: MakePerson, server: Server) -> None:
    """The focus goes into it, stays in it, and comes back to the button with Escape; on the narrowest screen."""
    ann = await person("ann-narrow", server, **NARROW)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello", title="A title that is much too long for any phone, however one holds it")
    await page.goto(f"{server.url}/t/{thread_id}")
    button = page.get_by_role("button", name="Conversations")
    # The place to write takes the focus at first, and would take it from the button.
    await expect(page.get_by_role("textbox", name="Write a message")).to_be_focused()
    await button.focus()
    await page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog", name="Conversations")
    await expect(drawer.locator(":focus")).to_have_count(1)
    for _ in range(12):
        await page.keyboard.press("Tab")
        await expect(drawer.locator(":focus")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(drawer).to_have_count(0)
    await expect(button).to_be_focused()
    assert not await overflows(page)
