"""The first thing that anybody does: open the link, ask, and read the answer."""

import re

from playwright.async_api import expect

from support.server import Server

from .conftest import MakePerson
from .people import answers, say


async def test_a_first_question_begins_a_conversation(person: MakePerson, server: Server) -> None:
    """From the link to an answer, without a reload in between."""
    ann = await person("ann-first", server)
    page = await ann.sign_in()
    await say(page, "Hello")
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    await expect(page).to_have_url(re.compile("/t/thr_"))


async def test_a_reload_shows_the_same_words_at_once(person: MakePerson, server: Server) -> None:
    """The server's words first, the app's then: each answer stands there once."""
    ann = await person("ann-reload", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello", "And again")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_have_count(2)
    await expect(page.locator("article.message.assistant")).to_have_count(2)
