"""Agents of one's own, from the settings: made, changed, put into a conversation, archived. And the list of keys."""

from playwright.async_api import expect

from support.server import Server

from .conftest import MakePerson
from .people import say


async def test_agents_of_ones_own(person: MakePerson, server: Server) -> None:
    """One is made and changed, is a member of a conversation from its dialog, and is gone from the list when archived."""
    ann = await person("ann-agents", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(title="Plans")
    await page.goto(f"{server.url}/t/{thread_id}")
    settings = page.get_by_role("button", name="Settings")
    await settings.click()
    await page.get_by_role("menuitem", name="Your agents").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("You have no agents yet.")
    await dialog.get_by_role("button", name="New agent").click()
    await dialog.get_by_role("textbox", name="Name").fill("Chef")
    await dialog.get_by_role("textbox", name="Handle").fill("chef")
    await dialog.get_by_role("textbox", name="Instructions").fill("You cook.")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("listitem")).to_contain_text("Chef @chef")
    await dialog.get_by_role("button", name="Edit Chef").click()
    await expect(dialog.get_by_role("textbox", name="Instructions")).to_have_value("You cook.")
    await dialog.get_by_role("textbox", name="Name").fill("Cook")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("listitem")).to_contain_text("Cook @chef")
    made = await ann.api("GET", "/v1/agents/chef")
    assert (made["owner"], made["visibility"], made["instructions"]) == ("ann-agents", "private", "You cook.")
    await page.keyboard.press("Escape")

    await page.get_by_role("button", name="More for this conversation").click()
    await page.get_by_role("menuitem", name="Members").click()
    members = page.get_by_role("dialog", name="Members")
    await members.get_by_role("combobox", name="Agent").select_option(label="Cook (@chef)")
    await members.get_by_role("button", name="Add agent").click()
    await expect(members.get_by_role("combobox", name="When Cook answers")).to_be_visible()
    await page.keyboard.press("Escape")

    await settings.click()
    await page.get_by_role("menuitem", name="Your agents").click()
    await expect(dialog.get_by_text("archived agent")).to_have_count(0)
    await dialog.get_by_role("button", name="Archive Cook").click()
    await expect(dialog).to_contain_text("You have no agents")
    restore = dialog.get_by_role("button", name="Restore Cook")
    await expect(restore).to_be_hidden()
    await dialog.get_by_text("1 archived agent").click()
    await restore.click()
    await expect(dialog.get_by_role("button", name="Archive Cook")).to_be_visible()
    await expect(restore).to_have_count(0)
    assert not (await ann.api("GET", "/v1/agents/chef"))["archived"]


async def test_the_keys_are_in_the_settings(person: MakePerson, server: Server) -> None:
    """For whoever does not know that there is a key for them."""
    page = await (await person("ann-keys", server)).sign_in()
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_role("menuitem", name="Keyboard shortcuts").click()
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()


async def test_who_is_archived_and_called_is_said(person: MakePerson, server: Server) -> None:
    """Nobody waits for an answer that does not come; whoever is not called is not spoken of."""
    ann = await person("ann-calls", server)
    page = await ann.sign_in()
    agent = await ann.api("POST", "/v1/agents", json={"name": "Grumpy", "handle": "grumpy"})
    thread_id = await ann.thread()
    asked = {"agent": agent["id"], "reply_policy": "mention"}
    await ann.api("POST", f"/v1/threads/{thread_id}/members", json=asked)
    await ann.api("PATCH", f"/v1/agents/{agent['id']}", json={"archived": True})
    await page.goto(f"{server.url}/t/{thread_id}")
    await say(page, "@grumpy are you there?")
    await expect(page.get_by_role("status").filter(has_text="Grumpy is archived and answers nobody.")).to_be_visible()
    await say(page, "Nobody is")
    await expect(page.get_by_text("Grumpy is archived")).to_have_count(0)
