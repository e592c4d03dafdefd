"""Two people in one conversation: the same words, who is there, who is typing, and the end for who is removed."""

from playwright.async_api import expect

from support.server import Server

from .conftest import MakePerson
from .people import answers, say


async def test_two_people_in_one_room(person: MakePerson, server: Server) -> None:
    """Ann invites Ben from the dialog; he reads, is seen and typed to, is made a viewer, and removed while he looks."""
    ann, ben = await person("ann-room", server), await person("ben-room", server)
    anns, bens = await ann.sign_in(), await ben.sign_in()
    thread_id = await ann.thread("Hello", title="Our plans")
    await anns.goto(f"{server.url}/t/{thread_id}")
    await anns.get_by_role("button", name="More for this conversation").click()
    await anns.get_by_role("menuitem", name="Members").click()
    dialog = anns.get_by_role("dialog", name="Members")
    await dialog.get_by_role("textbox", name="User id").fill("ben-room")
    await dialog.get_by_role("button", name="Add person").click()
    await expect(dialog.get_by_role("combobox", name="Role of ben-room")).to_have_value("member")
    await anns.keyboard.press("Escape")

    await bens.get_by_role("link", name="Our plans").click()
    await expect(answers(bens)).to_contain_text("w0 w1 w2")
    await expect(anns.get_by_role("img", name="ben-room, online")).to_be_visible()
    await bens.get_by_role("textbox", name="Write a message").press_sequentially("I")
    await expect(anns.get_by_text("ben-room is typing…")).to_be_visible()
    await say(bens, "I am in")
    await expect(anns.locator("#app article.message.user").last).to_contain_text("I am in")

    await anns.get_by_role("button", name="Members").click()
    await dialog.get_by_role("combobox", name="Role of ben-room").select_option("viewer")
    await bens.get_by_role("button", name="More for this conversation").click()
    await expect(bens.get_by_role("menuitem", name="Share")).to_be_visible()
    await expect(bens.get_by_role("menuitem", name="Rename")).to_have_count(0)
    await expect(bens.get_by_role("menuitem", name="Delete")).to_have_count(0)
    await bens.keyboard.press("Escape")

    await dialog.get_by_role("button", name="Remove ben-room").click()
    await expect(bens.get_by_role("alert")).to_contain_text("gone, or is not yours to see")
    await expect(bens.get_by_role("link", name="Our plans")).to_have_count(0)
