"""Messages: who and when, what is folded, what came with them, how they ended, and what a screen reader hears."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Page, expect

from support.server import Server
from support.upstream import Gate, Upstream, chat

from .conftest import MakePerson
from .people import answers, passing, say
from .scripts import script

# One pixel.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def test_a_message_says_who_and_when_and_can_be_copied(person: MakePerson, server: Server) -> None:
    """Reasoning is folded; the words are copied as they were written; one's own question says "You"."""
    ann = await person("ann-message", server, permissions=["clipboard-read", "clipboard-write"])
    page = await ann.sign_in()
    thread_id = await ann.thread(script({"think": "Hm."}, {"say": "**Well**"}), model="demo/script@max")
    await page.goto(f"{server.url}/t/{thread_id}")
    question = page.get_by_role("article", name="Message from You")
    answer = page.get_by_role("article", name="Message from Script")
    await expect(question.locator("time")).to_be_visible()
    await expect(page.locator(".messages > ol > li")).to_have_count(2)
    await expect(answer.get_by_text("Hm.")).to_be_hidden()
    await answer.get_by_text("Reasoning").click()
    await expect(answer.get_by_text("Hm.")).to_be_visible()
    await answer.hover()
    async with passing(page, 'button[aria-label="Copied"]'):
        await answer.get_by_role("button", name="Copy as Markdown").click()
    assert await page.evaluate("navigator.clipboard.readText()") == "**Well**"


async def test_what_failed_says_why_and_is_tried_again(person: MakePerson, server: Server) -> None:
    """The words of the failure, and a button; the next answer stands beside it. A stopped one says so."""
    ann = await person("ann-failed", server)
    page = await ann.sign_in()
    fails = script({"fail": "provider_refused", "message": "No such thing.", "times": 1}, {"say": "Now."})
    await page.goto(f"{server.url}/t/{await ann.thread(fails, model='demo/script@max')}")
    await expect(answers(page)).to_contain_text("No such thing.")
    await page.get_by_role("button", name="Try again").click()
    await expect(answers(page).get_by_role("navigation", name="Branches")).to_contain_text("2 of 2")
    await say(page, script({"say": "For ever"}, {"stall": True}))
    await expect(answers(page).last).to_contain_text("For ever")
    await page.get_by_role("button", name="Stop").click()
    await expect(answers(page).last).to_contain_text("Stopped.")
    await expect(answers(page).last).to_contain_text("For ever")


async def test_pictures_and_files_come_by_short_lived_links(person: MakePerson, server: Server) -> None:
    """From this server and no other, with their names and sizes."""
    ann = await person("ann-files", server)
    page = await ann.sign_in()
    picture = await ann.api("POST", "/v1/files?name=dot.png", content=PICTURE, headers={"content-type": "image/png"})
    text = await ann.api("POST", "/v1/files?name=a.txt", content=b"x" * 1500, headers={"content-type": "text/plain"})
    thread_id = await ann.thread()
    blocks = [{"type": "image", "source": {"type": "file", "file_id": picture["id"]}}]
    blocks += [{"type": "file", "source": {"type": "file", "file_id": text["id"]}, "name": "notes <b>.txt"}]
    await ann.api("POST", f"/v1/threads/{thread_id}/messages", json={"content": blocks, "respond": False})
    await page.goto(f"{server.url}/t/{thread_id}")
    shown = page.get_by_role("img", name="dot.png")
    await expect(shown).to_be_visible()
    await expect(shown).to_have_js_property("naturalWidth", 1)
    link = page.get_by_role("link", name="notes <b>.txt")
    await expect(link).to_contain_text("1.5 kB")
    address = await link.evaluate("(it) => it.href")
    assert address.startswith(f"{server.url}/v1/files/")


async def test_a_screen_reader_hears_of_beginnings_and_ends(
    person: MakePerson, own_server: Server, upstream: Upstream
) -> None:
    """Two short sentences for an answer of any length."""
    ann = await person("ann-hears", own_server)
    page = await ann.sign_in()
    gate = Gate()
    upstream.play("talks", chat(*(f"w{number} " for number in range(20)), gate, "and done"))
    await page.goto(f"{own_server.url}/t/{await ann.thread(model='openai/talks')}")
    heard = await _listen(page)
    await say(page, "Count")
    await expect(page.get_by_role("status").filter(has_text="The answer begins.")).to_be_attached()
    gate.set()
    await expect(answers(page)).to_contain_text("and done")
    await expect(page.get_by_role("status").filter(has_text="The answer is there.")).to_be_attached()
    assert await heard() == ["The answer begins.", "The answer is there."]


async def _listen(page: Page) -> Callable[[], Awaitable[Any]]:
    await expect(page.locator(".sr-only[aria-live=polite]")).to_be_attached()
    await page.evaluate("""() => {
        window.heard = [];
        const status = document.querySelector('.sr-only[aria-live=polite]');
        new MutationObserver(() => window.heard.push(status.textContent)).observe(
            status, { childList: true, characterData: true, subtree: true });
    }""")
    return lambda: page.evaluate("window.heard")
