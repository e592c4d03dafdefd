"""What fails once is tried again without anybody's doing, and nothing that is over stays: no reload is needed."""

import asyncio
from collections.abc import Callable

from playwright.async_api import Page, Request, Route, expect

from support.server import Server

from .conftest import MakePerson
from .people import answers, cut, eventually
from .test_inviting import members_of
from .test_long_thread import fill
from .test_sidebar import conversations, line, make_many

QUIET_MS = 500
"""What a page does about a failure at once is over by then; a slow one only shows less."""


def of(address: str) -> Callable[[Request], bool]:
    """Say whether a request is of this address."""
    return lambda request: address in request.url


async def scroll_to_top(page: Page) -> None:
    """Go to the beginning of what is loaded of a conversation."""
    await page.evaluate("() => { document.querySelector('.messages').scrollTop = 0; }")


async def test_a_search_that_failed_finds_once_there_is_a_network(person: MakePerson, server: Server) -> None:
    """Nobody has to write the words again."""
    ann = await person("ann-searches", server)
    page = await ann.sign_in()
    # No page hears of it: it is far behind what is loaded.
    await page.goto("about:blank")
    await ann.thread(title="Needle")
    await make_many(ann, 60)
    await page.goto(server.url)
    await expect(line(page, "No. 60")).to_be_visible()
    mend = await cut(page, "**/v1/threads?*")
    await conversations(page).get_by_role("searchbox", name="Search").fill("Needle")
    await expect(conversations(page)).to_contain_text("Nothing found for “Needle”.")
    mend()
    await expect(line(page, "Needle")).to_be_visible()


async def test_what_stands_behind_many_archived_ones_is_found(person: MakePerson, server: Server) -> None:
    """The first page of the list may have nothing to show: it is read on."""
    ann = await person("ann-archives", server)
    page = await ann.sign_in()
    await ann.thread(title="Still here")
    await make_many(ann, 55)
    listed = await ann.api("GET", "/v1/threads?limit=55")
    for thread in listed["data"]:
        await ann.api("PATCH", f"/v1/threads/{thread['id']}", json={"archived": True})
    await page.evaluate(
        "indexedDB.databases().then((all) => all.forEach(({ name }) => indexedDB.deleteDatabase(name)))"
    )
    await page.reload()
    await expect(line(page, "Still here")).to_be_visible()


async def test_a_list_that_went_while_one_pointed_at_it_is_not_held(person: MakePerson, server: Server) -> None:
    """It stands still under a pointer; where it was gone meanwhile, nobody points at it any more."""
    ann = await person("ann-points", server)
    page = await ann.sign_in()
    await ann.thread(title="Early")
    await line(page, "Early").hover()
    search = conversations(page).get_by_role("searchbox", name="Search")
    await search.focus()
    await page.keyboard.insert_text("no such thing")
    await expect(conversations(page)).to_contain_text("Nothing found for “no such thing”.")
    await page.mouse.move(900, 20)
    await search.press("Escape")
    await expect(line(page, "Early")).to_be_visible()
    await ann.thread(title="Fresh")
    await expect(line(page, "Fresh")).to_be_visible()


async def test_who_is_invited_and_removed_is_not_there(person: MakePerson, server: Server) -> None:
    """Also where the log has told of the invitation before its answer has."""
    ann = await person("ann-removes", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(title="Our plans")
    await page.goto(f"{server.url}/t/{thread_id}")
    dialog = await members_of(page)
    ben = dialog.get_by_role("listitem").filter(has_text="ben-brief")

    async def late(route: Route) -> None:
        response = await route.fetch()
        await expect(ben).to_have_count(1)
        await route.fulfill(response=response)

    await page.route("**/members", late)
    await dialog.get_by_role("textbox", name="User id").fill("ben-brief")
    async with page.expect_request_finished(lambda request: request.method == "POST" and "/members" in request.url):
        await dialog.get_by_role("button", name="Add person").click()
    await expect(dialog.get_by_role("textbox", name="User id")).to_have_value("")
    members = await ann.api("GET", f"/v1/threads/{thread_id}/members")
    [member] = [one["id"] for one in members["data"] if one["end_user_id"] == "ben-brief"]
    await ann.api("DELETE", f"/v1/threads/{thread_id}/members/{member}")
    await expect(ben).to_have_count(0)


async def test_older_messages_come_once_there_is_a_network(person: MakePerson, server: Server) -> None:
    """Whoever is at the top cannot scroll further to ask for them."""
    ann = await person("ann-goes-up", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(title="Long")
    await fill(server, thread_id, 120)
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page).last).to_contain_text("Answer number 119.")
    mend = await cut(page, "**/messages?**")
    async with page.expect_event("requestfailed", of("messages?")):
        await scroll_to_top(page)
    await scroll_to_top(page)
    await page.wait_for_timeout(QUIET_MS)
    async with page.expect_response("**/messages?**"):
        mend()


async def test_a_branch_of_which_little_is_known_is_read_on(person: MakePerson, server: Server) -> None:
    """A question far up is put otherwise elsewhere: there is too little to be scrolled, and what is before it comes."""
    ann = await person("ann-elsewhere", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(title="Branches")
    await fill(server, thread_id, 120)
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page).last).to_contain_text("Answer number 119.")
    first = await ann.api("GET", f"/v1/threads/{thread_id}/messages?order=asc&limit=3")
    body = {"content": "Otherwise", "edit_of": first["data"][2]["id"]}
    await ann.api("POST", f"/v1/threads/{thread_id}/messages", json=body)
    said = page.locator("#app article.message.user .content")
    await expect(said).to_have_text([first["data"][0]["content"][0]["text"], "Otherwise"])


async def test_what_was_looked_at_is_read_once_there_is_a_network(person: MakePerson, server: Server) -> None:
    """Somebody reads and does not move: it is said again until it is heard."""
    ann = await person("ann-reads", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Anything?", title="News")
    mend = await cut(page, "**/read")
    async with page.expect_event("requestfailed", of("/read")):
        await page.goto(f"{server.url}/t/{thread_id}")
    await page.wait_for_timeout(QUIET_MS)
    mend()

    async def unread() -> object:
        return (await ann.api("GET", f"/v1/threads/{thread_id}"))["unread_count"]

    await eventually(unread, 0)


async def test_agents_that_could_not_be_asked_for_come(person: MakePerson, server: Server) -> None:
    """The place where one begins shows them as soon as they are known."""
    ann = await person("ann-agents", server)
    page = await ann.sign_in()
    await ann.api("POST", "/v1/agents", json={"handle": "helper", "name": "The helper"})
    mend = await cut(page, "**/v1/agents?*")
    async with page.expect_event("requestfailed", of("/v1/agents?")):
        await page.reload()
    await page.wait_for_timeout(QUIET_MS)
    mend()
    await expect(page.get_by_role("region", name="Agents").get_by_role("button")).to_have_count(1)


async def test_a_page_that_is_swallowed_is_the_shell(person: MakePerson, own_server: Server) -> None:
    """The server takes what it is asked and never answers: the app is there all the same, and goes on with it."""
    ann = await person("ann-swallowed", own_server)
    page = await ann.sign_in()
    await page.evaluate("navigator.serviceWorker.ready.then(() => caches.match('/shell'))")
    other = await ann.open("/")
    own_server.pause()
    try:
        # What has a name and no hash is asked for anew each time: where no answer comes, the kept one is taken.
        icon = "fetch('/app/icon.svg', { cache: 'no-store' }).then(({ ok }) => ok)"
        _, has_icon = await asyncio.gather(page.reload(), other.evaluate(icon))
        assert has_icon
        await expect(page.get_by_role("textbox", name="Write a message")).to_be_visible()
    finally:
        own_server.resume()
    title = asyncio.create_task(ann.thread(title="Here again"))
    await expect(line(page, "Here again")).to_be_visible()
    await title
