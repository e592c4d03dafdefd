"""People are invited: those one knows are suggested, who is there cannot be, and who comes is there at once."""

import asyncio
import re

from playwright.async_api import Locator, Page, Route, expect

from support.server import Server

from .conftest import MakePerson


async def members_of(page: Page) -> Locator:
    """Open the dialog of who takes part."""
    await page.get_by_role("button", name="More for this conversation").click()
    await page.get_by_role("menuitem", name="Members").click()
    return page.get_by_role("dialog", name="Members")


async def test_people_one_knows_are_suggested(person: MakePerson, server: Server) -> None:
    """From other conversations and from teams; what was typed chooses among them, and who is there is none of them."""
    ann = await person("ann-invites", server)
    page = await ann.sign_in()
    other = await ann.thread(title="Another one")
    await ann.api("POST", f"/v1/threads/{other}/members", json={"end_user_id": "ben@example.com"})
    as_key = {"X-Threadline-Role": "server"}
    team = await ann.api("POST", "/v1/teams", json={"name": "Kitchen"}, headers=as_key)
    for who in ("ann-invites", "cid-cook"):
        await ann.api("PUT", f"/v1/teams/{team['id']}/members/{who}", json={"role": "member"}, headers=as_key)
    await page.goto(f"{server.url}/t/{await ann.thread(title='Our plans')}")
    dialog = await members_of(page)
    known = dialog.get_by_role("list", name="People you know").get_by_role("button")
    await expect(known).to_have_text(["ben@example.com", "cid-cook"])
    field = dialog.get_by_role("textbox", name="User id")
    await field.fill("BEN")
    await expect(known).to_have_text(["ben@example.com"])
    await known.click()
    await expect(field).to_have_value("ben@example.com")
    await expect(field).to_be_focused()
    await field.press("Enter")
    await expect(dialog.get_by_role("combobox", name="Role of ben@example.com")).to_have_value("member")
    await expect(field).to_have_value("")
    await expect(known).to_have_text(["cid-cook"])


async def test_who_cannot_be_invited_is_said_in_its_place(person: MakePerson, server: Server) -> None:
    """Nobody, oneself, who takes part already, and an id that cannot be one; the field keeps what was typed."""
    ann = await person("ann-refused", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(title="Our plans")
    await ann.api("POST", f"/v1/threads/{thread_id}/members", json={"end_user_id": "ben-there"})
    await page.goto(f"{server.url}/t/{thread_id}")
    dialog = await members_of(page)
    field = dialog.get_by_role("textbox", name="User id")
    await expect(field).to_have_accessible_description(re.compile("sign in here"))
    for typed, problem in (
        ("", "Write who is to take part."),
        ("ann-refused", "You take part already."),
        (" ben-there ", "ben-there takes part already."),
        ("x" * 1000, "This is no user id."),
    ):
        await field.fill(typed)
        await dialog.get_by_role("button", name="Add person").click()
        await expect(dialog.get_by_role("alert")).to_have_text(problem)
        await expect(field).to_have_value(typed)
    await field.fill("c")
    await expect(dialog.get_by_role("alert")).to_have_count(0)


async def test_who_is_invited_is_there_at_once(person: MakePerson, server: Server) -> None:
    """Also where the log is not heard just now; once it is, still exactly once."""
    ann = await person("ann-at-once", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(title="Our plans")
    is_back = asyncio.Event()

    async def hold(route: Route) -> None:
        await is_back.wait()
        await route.continue_()

    await page.route("**/v1/stream*", hold)
    await page.goto(f"{server.url}/t/{thread_id}")
    dialog = await members_of(page)
    await dialog.get_by_role("textbox", name="User id").fill("ben-quick")
    await dialog.get_by_role("button", name="Add person").click()
    lines = dialog.get_by_role("listitem").filter(has_text="ben-quick")
    await expect(lines).to_have_count(1)
    is_back.set()
    await expect(dialog.get_by_role("listitem").filter(has_text="(you)")).to_have_count(1)
    await expect(lines).to_have_count(1)
