"""Without a network: what is written happens once, in whatever tab; what is refused comes back; and one line says so."""

from typing import Any

from playwright.async_api import Locator, Page, expect

from support.server import Server
from support.upstream import Gate, Upstream, chat

from .conftest import MakePerson
from .people import Person, answers, cut, say


def box(page: Page) -> Locator:
    """Return the field that one writes in."""
    return page.get_by_role("textbox", name="Write a message")


def notice(page: Page, words: str) -> Locator:
    """Return the line that says it."""
    return page.get_by_role("status").filter(has_text=words)


async def asked(person: Person, thread_id: str) -> list[str]:
    """Return the questions of the thread, in its order."""
    page: dict[str, Any] = await person.api("GET", f"/v1/threads/{thread_id}/messages?order=asc")
    return [one["content"][0]["text"] for one in page["data"] if one["role"] == "user"]


async def test_written_offline_and_reloaded_it_happens_once(person: MakePerson, server: Server) -> None:
    """It is shown at once, and that there is no network; the page is loaded again before it could be sent."""
    ann = await person("ann-offline", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_have_count(1)
    await ann.context.set_offline(True)
    await say(page, "From a tunnel")
    await expect(page.locator("#app article.message.user")).to_contain_text(["Hello", "From a tunnel"])
    await expect(notice(page, "You are offline")).to_be_visible()
    # The page again, as after a crash of the tab: what is on this device is all that it has.
    mend = await cut(page, "**/v1/**")
    await ann.context.set_offline(False)
    await page.reload()
    await expect(page.locator("#app article.message.user")).to_contain_text(["Hello", "From a tunnel"])
    assert await asked(ann, thread_id) == ["Hello"]
    mend()
    await expect(answers(page)).to_have_count(2)
    await expect(notice(page, "offline")).to_have_count(0)
    await page.reload()
    await expect(answers(page)).to_have_count(2)
    assert await asked(ann, thread_id) == ["Hello", "From a tunnel"]


async def test_two_tabs_send_it_once(person: MakePerson, server: Server) -> None:
    """Both have it in their list, also the one that did not write it, and the writer is closed."""
    ann = await person("ann-tabs", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello")
    await page.goto(f"{server.url}/t/{thread_id}")
    other = await ann.open(f"/t/{thread_id}")
    await expect(answers(other)).to_have_count(1)
    await expect(answers(page)).to_have_count(1)
    await ann.context.set_offline(True)
    await say(other, "One of two")
    await say(other, "Two of two")
    await expect(page.locator("#app article.message.user")).to_contain_text(["Hello", "One of two", "Two of two"])
    await other.close()
    await ann.context.set_offline(False)
    await expect(answers(page)).to_have_count(3)
    assert await asked(ann, thread_id) == ["Hello", "One of two", "Two of two"]


async def test_what_waits_for_the_network_can_be_taken_back(person: MakePerson, server: Server) -> None:
    """Its words are in the field again, and it is never sent."""
    ann = await person("ann-withdraw", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_have_count(1)
    await ann.context.set_offline(True)
    await say(page, "Better not")
    waits = page.get_by_role("list", name="Waiting for the network").get_by_role("listitem")
    await expect(waits).to_contain_text("Better not")
    await waits.get_by_role("button", name="Take back").click()
    await expect(waits).to_have_count(0)
    await expect(page.locator("#app article.message.user")).to_have_count(1)
    await expect(box(page)).to_have_value("Better not")
    await ann.context.set_offline(False)
    await box(page).fill("Rather this")
    await box(page).press("Enter")
    await expect(answers(page)).to_have_count(2)
    assert await asked(ann, thread_id) == ["Hello", "Rather this"]


async def test_what_is_refused_is_rolled_back_and_says_why(person: MakePerson, server: Server) -> None:
    """It leaves the conversation, and can be sent again, written on, or dropped."""
    ann = await person("ann-refused", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_have_count(1)
    problem = {
        "type": "about:blank",
        "title": "No",
        "status": 402,
        "detail": "The budget is spent.",
        "code": "spend_limit",
    }
    mend = await cut(page, "**/messages", lambda route: route.fulfill(status=402, json=problem))
    for text in ("one", "two", "three"):
        await say(page, text)
    refused = page.get_by_role("list", name="Not sent").get_by_role("listitem")
    await expect(refused).to_have_count(3)
    await expect(refused.first).to_contain_text("The budget is spent.")
    await expect(page.locator("#app article.message.user")).to_have_count(1)
    mend()
    await refused.filter(has_text="two").get_by_role("button", name="Discard").click()
    await refused.filter(has_text="one").get_by_role("button", name="Back to the field").click()
    await expect(box(page)).to_have_value("one")
    await refused.filter(has_text="three").get_by_role("button", name="Send again").click()
    await expect(answers(page)).to_have_count(2)
    await expect(refused).to_have_count(0)
    assert await asked(ann, thread_id) == ["Hello", "three"]


async def test_a_first_question_written_offline_begins_one_conversation(person: MakePerson, server: Server) -> None:
    """It waits on the first page, through a reload, and leads to its answer."""
    ann = await person("ann-first-offline", server)
    page = await ann.sign_in()
    await expect(box(page)).to_be_focused()
    await ann.context.set_offline(True)
    await say(page, "A first question")
    waits = page.get_by_role("list", name="Waiting for the network").get_by_role("listitem")
    await expect(waits).to_contain_text("A first question")
    mend = await cut(page, "**/v1/threads")
    await ann.context.set_offline(False)
    await page.reload()
    await expect(waits).to_contain_text("A first question")
    mend()
    await expect(answers(page)).to_contain_text("w2")
    (thread,) = (await ann.api("GET", "/v1/threads"))["data"]
    await expect(page).to_have_url(f"{server.url}/t/{thread['id']}")
    assert await asked(ann, thread["id"]) == ["A first question"]


async def test_a_server_that_dies_is_said_and_the_answer_is_written_anew(
    person: MakePerson, own_server: Server, upstream: Upstream
) -> None:
    """While it is away one hears of it; then that the answer begins again; then nothing is left to say."""
    ann = await person("ann-kill", own_server)
    page = await ann.sign_in()
    gate = Gate()
    upstream.play("killed", chat("half an ", ending="hang"), chat("half an ", gate, "answer"))
    thread_id = await ann.thread(model="openai/killed")
    await page.goto(f"{own_server.url}/t/{thread_id}")
    await say(page, "Count")
    await expect(answers(page)).to_contain_text("half an")
    own_server.kill9()
    await expect(notice(page, "Reconnecting")).to_be_visible()
    own_server.start()
    try_now = page.get_by_role("button", name="Try now")
    await expect(notice(page, "written anew")).to_be_visible()
    await expect(try_now).to_have_count(0)
    gate.set()
    await expect(answers(page)).to_contain_text("half an answer")
    await expect(notice(page, "anew")).to_have_count(0)


async def test_who_is_signed_out_is_told_and_loses_nothing(person: MakePerson, server: Server) -> None:
    """The session ended elsewhere: what is sent waits, and a link leads to the sign-in and back."""
    ann = await person("ann-out", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_have_count(1)
    await ann.api("DELETE", "/v1/session")
    await say(page, "Am I still here?")
    link = notice(page, "You are signed out").get_by_role("link", name="Sign in")
    await expect(link).to_have_attribute("href", f"/sign-in?next=%2Ft%2F{thread_id}")
    await (await ann.sign_in()).close()
    await page.get_by_role("button", name="Try now").click()
    await expect(answers(page)).to_have_count(2)
    assert await asked(ann, thread_id) == ["Hello", "Am I still here?"]
