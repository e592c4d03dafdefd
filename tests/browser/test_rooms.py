"""Two people in one conversation: the same words, who is there, who is typing, and the end for who is removed."""

import httpx
import pytest
from playwright.async_api import Page, expect

from support.server import Server

from .conftest import MakePerson
from .people import Person, answers, passing, say
from .test_queue import waiting


async def share(ann: Person, ben: Person, **thread: str) -> tuple[Page, Page, str]:
    """Return the pages of two people in one room, and its id. Ann is its owner."""
    anns, bens = await ann.sign_in(), await ben.sign_in()
    thread_id = await ann.thread(title="Our plans", **thread)
    await ann.api("POST", f"/v1/threads/{thread_id}/members", json={"end_user_id": ben.name})
    for page in (anns, bens):
        await page.goto(f"{ann.server.url}/t/{thread_id}")
        await expect(page.get_by_role("textbox", name="Write a message")).to_be_visible()
    return anns, bens, thread_id


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
    async with passing(anns, "[role=status]", "ben-room is typing…"):
        await bens.get_by_role("textbox", name="Write a message").press_sequentially("I")
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


async def test_whoever_asks_decides_about_what_waits(person: MakePerson, server: Server) -> None:
    """All see all that waits, and whose it is; each rewrites, moves and withdraws what is theirs."""
    ann, ben = await person("ann-waits", server), await person("ben-waits", server)
    anns, bens = await ann.sign_in(), await ben.sign_in()
    # Of a few words: an answer that grew would take what was said before it out of the page.
    thread_id = await ann.thread(model="demo/stall-5")
    await anns.goto(f"{server.url}/t/{thread_id}")
    await say(anns, "Count")
    await expect(answers(anns)).to_contain_text("w2")
    await say(anns, "Asked before anybody came")
    # It stands there on its way already; only the server's has buttons. In a room it would be said at once.
    await expect(waiting(anns).get_by_role("button", name="Rewrite")).to_be_visible()
    await ann.api("POST", f"/v1/threads/{thread_id}/members", json={"end_user_id": ben.name})
    await bens.goto(f"{server.url}/t/{thread_id}")
    await say(bens, "Asked by Ben")

    await expect(waiting(bens)).to_contain_text(["ann-waitsAsked before", "Asked by Ben"])
    await expect(waiting(anns)).to_contain_text(["Asked before", "ben-waitsAsked by Ben"])
    # What was said in a room stands there at once: its answer waits, and can be withdrawn.
    for page in (anns, bens):
        await expect(page.locator("#app article.message.user")).to_contain_text(["Count", "Asked by Ben"])
    deeds = {page: [waiting(page).nth(line).get_by_role("button") for line in (0, 1)] for page in (anns, bens)}
    await expect(deeds[bens][0]).to_have_count(0)
    await expect(deeds[anns][1]).to_have_count(0)
    await expect(deeds[anns][0]).to_have_count(4)
    await expect(deeds[bens][1]).to_have_count(3)
    run = (await ben.api("GET", f"/v1/threads/{thread_id}/queue"))["data"][0]
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        await ben.api("PATCH", f"/v1/runs/{run['id']}", json={"content": "In somebody else's name"})

    await waiting(anns).first.get_by_role("button", name="Rewrite").click()
    await anns.get_by_role("textbox", name="Rewrite").fill("Asked better")
    await anns.keyboard.press("Enter")
    await expect(waiting(bens)).to_contain_text(["ann-waitsAsked better", "Asked by Ben"])
    await waiting(bens).last.get_by_role("button", name="Withdraw").click()
    await expect(waiting(anns)).to_have_text(["Asked better"])
    await waiting(anns).get_by_role("button", name="Withdraw").click()
    for page in (anns, bens):
        await expect(waiting(page)).to_have_count(0)
        await expect(page.get_by_role("button", name="Stop")).to_be_visible()


async def test_who_is_there_and_who_types_comes_and_goes(person: MakePerson, server: Server) -> None:
    """One sees the other begin and stop to write, without sending; and go, when the page is closed."""
    ann, ben = await person("ann-there", server), await person("ben-there", server)
    anns, bens, _ = await share(ann, ben)
    await expect(anns.get_by_role("img", name="ben-there, online")).to_be_visible()
    await expect(bens.get_by_role("img", name="ann-there, online")).to_be_visible()
    field = bens.get_by_role("textbox", name="Write a message")
    typing = anns.get_by_role("status").filter(has_text="ben-there is typing")
    async with passing(anns, "[role=status]", "ben-there is typing"):
        await field.press_sequentially("I")
    await field.press("Backspace")
    await expect(typing).to_have_count(0)
    # Nobody is told of themselves.
    await expect(bens.get_by_text("is typing")).to_have_count(0)
    await bens.close()
    await expect(anns.get_by_role("img", name="ben-there", exact=True)).to_be_visible()
    await expect(anns.get_by_role("img", name="ann-there, online")).to_be_visible()


async def test_whoever_is_removed_hears_no_more(person: MakePerson, server: Server) -> None:
    """In the middle of an answer: clear words in its place, nothing of what is said from then on, and a way on."""
    ann, ben = await person("ann-removes", server), await person("ben-removed", server)
    anns, bens, thread_id = await share(ann, ben, model="demo/count-5000@15")
    await say(anns, "Count")
    await expect(answers(bens)).to_contain_text("w2")
    await bens.get_by_role("textbox", name="Write a message").fill("Half a sentence")
    await ann.api("DELETE", f"/v1/threads/{thread_id}/members/{ben.name}")
    await expect(bens.get_by_role("alert")).to_contain_text("gone, or is not yours to see")
    await expect(bens.get_by_role("main")).to_contain_text("you do not take part in it any more")
    await expect(bens.get_by_role("textbox", name="Write a message")).to_have_count(0)
    await expect(answers(bens)).to_have_count(0)
    await say(anns, "Among ourselves")
    await expect(anns.locator("#app article.message.user").last).to_contain_text("Among ourselves")
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        await ben.api("GET", f"/v1/threads/{thread_id}")
    # Nothing of it is left on the device, and the address is one of nothing.
    await bens.reload()
    await expect(bens.get_by_role("alert").or_(bens.get_by_role("heading", level=1)).first).to_be_visible()
    for words in ("Among ourselves", "w2"):
        await expect(bens.get_by_text(words)).to_have_count(0)
    await bens.goto(server.url)
    await expect(bens.get_by_role("textbox", name="Write a message")).to_be_visible()
    await expect(bens.get_by_role("link", name="Our plans")).to_have_count(0)


async def test_what_was_being_written_goes_along(person: MakePerson, server: Server) -> None:
    """The conversation is deleted under somebody's hands: what he had begun to write is his, and begins another one."""
    ann, ben = await person("ann-deletes", server), await person("ben-writes", server)
    _, bens, thread_id = await share(ann, ben)
    await bens.get_by_role("textbox", name="Write a message").fill("Half a sentence")
    await ann.api("DELETE", f"/v1/threads/{thread_id}")
    main = bens.get_by_role("main")
    await expect(main).to_contain_text("Half a sentence")
    await main.get_by_role("button", name="Take it into a new conversation").click()
    await expect(bens.get_by_role("textbox", name="Write a message")).to_have_value("Half a sentence")
    assert bens.url == f"{server.url}/"
