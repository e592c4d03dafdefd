"""Light or dark: chosen in the settings, and there from the first byte of the next page."""

import httpx
from playwright.async_api import expect

from support.server import Server

from .conftest import MakePerson
from .people import ASKING


async def test_a_chosen_theme_is_in_the_page_of_the_server(person: MakePerson, server: Server) -> None:
    """Without a script: the cookie says it, and the server's HTML has it. Who follows the system gets none."""
    # Without the worker, which gives the kept page where the server takes its time.
    ann = await person("ann-theme", server, color_scheme="light", service_workers="block")
    page = await ann.sign_in()
    root = page.locator("html")
    await expect(root).to_have_attribute("data-theme", "light")
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_role("menuitemcheckbox", name="Dark").click()
    await expect(root).to_have_attribute("data-theme", "dark")
    response = await page.reload()
    assert response is not None
    assert '<html lang="en" data-theme="dark">' in await response.text()
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_role("menuitemcheckbox", name="As the system").click()
    await expect(root).to_have_attribute("data-theme", "light")
    response = await page.reload()
    assert response is not None
    assert '<html lang="en">' in await response.text()


async def test_a_cookie_that_says_anything_else_is_no_attribute(person: MakePerson, server: Server) -> None:
    """What a cookie says is not put into a page."""
    ann = await person("ann-cookie", server)
    await ann.sign_in()
    jar = {cookie["name"]: cookie["value"] for cookie in await ann.context.cookies()}
    async with httpx.AsyncClient(base_url=server.url, **ASKING) as client:
        evil = {**jar, "threadline_theme": "dark%22onload=x"}
        header = "; ".join(f"{name}={value}" for name, value in evil.items())
        text = (await client.get("/", headers={"cookie": header})).text
    assert '<html lang="en">' in text
    assert "onload" not in text


async def test_who_signs_out_with_unsent_messages_is_asked(person: MakePerson, server: Server) -> None:
    """What was not sent yet would be lost."""
    ann = await person("ann-leaves", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello", title="Plans")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(page.locator("#app").get_by_role("heading", level=1)).to_have_text("Plans")
    await page.route("**/v1/threads/*/messages", lambda route: route.abort())
    box = page.get_by_role("textbox", name="Write a message")
    await box.fill("Later")
    await box.press("Enter")
    await expect(page.locator("#app article.message.user").last).to_contain_text("Later")
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    dialog = page.get_by_role("alertdialog")
    await expect(dialog).to_contain_text("1 message was not sent yet and is lost.")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    assert "/t/" in page.url
