"""Tool calls as cards: what was asked, who has to allow it, and what came of it."""

from playwright.async_api import Locator, Page, expect

from support.server import Server

from .asking import ask_with_tools, by_key
from .conftest import MakePerson
from .people import Person, answers, say
from .scripts import script

LOCATE = {
    "name": "locate",
    "kind": "client",
    "description": "Where somebody is.",
    "input_schema": {"type": "object", "properties": {"who": {"type": "string"}}},
}
WIPES = script({"say": "May I?"}, {"call": "wipe", "input": {"what": "<b>it</b>"}}, {"say": "So."})


async def asked(ann: Person, words: str, tool: str) -> tuple[Page, Locator]:
    """Open a thread in which the model calls this tool; returns the page and the card."""
    page = await ann.sign_in()
    thread_id = await ann.thread()
    await page.goto(f"{ann.server.url}/t/{thread_id}")
    await ask_with_tools(ann, thread_id, words, tool)
    return page, page.get_by_role("region", name=f"Call of {tool}")


async def test_a_call_is_folded_and_says_what_came_of_it(person: MakePerson, toolserver: Server) -> None:
    """Name and outcome at once; arguments and result behind a click."""
    ann = await person("ann-add", toolserver)
    page, card = await asked(ann, script({"call": "add", "input": {"a": 1, "b": 2}}, {"say": "So."}), "add")
    await expect(card).to_contain_text("has answered")
    await expect(card.get_by_text("Arguments")).to_be_hidden()
    await card.get_by_text("add", exact=True).click()
    await expect(card.locator("pre").first).to_have_text('{\n  "a": 1,\n  "b": 2\n}')
    await expect(card.locator("pre").last).to_have_text("3")
    await expect(page.locator("#app article.assistant")).to_contain_text("So.")


async def test_somebody_approves_and_the_answer_goes_on(person: MakePerson, toolserver: Server) -> None:
    """The card is open while it asks, shows what would be done, and goes on where it stood."""
    ann = await person("ann-approves", toolserver)
    page, card = await asked(ann, WIPES, "wipe")
    await expect(card).to_contain_text("waits for your decision")
    await expect(card.locator("pre")).to_contain_text("<b>it</b>")
    await card.get_by_role("button", name="Approve").click()
    await expect(card).to_contain_text("has answered")
    await expect(card.get_by_role("button")).to_have_count(0)
    await expect(page.locator("#app article.assistant")).to_contain_text("So.")


async def test_another_tab_sees_that_it_was_denied(person: MakePerson, toolserver: Server) -> None:
    """The reason reaches the model; the other tab's buttons go away by themselves."""
    ann = await person("ann-denies", toolserver)
    page, card = await asked(ann, WIPES, "wipe")
    other = await ann.context.new_page()
    await other.goto(page.url)
    there = other.get_by_role("region", name="Call of wipe")
    await expect(there.get_by_role("button", name="Approve")).to_be_visible()
    await card.get_by_role("textbox", name="Reason").fill("Not today")
    await card.get_by_role("button", name="Deny").click()
    for one in (card, there):
        await expect(one).to_contain_text("has failed")
        await expect(one.get_by_role("button")).to_have_count(0)
    await there.get_by_text("wipe", exact=True).click()
    await expect(there.locator("pre").last).to_contain_text("Not today")


async def test_a_stopped_answer_leaves_no_question(person: MakePerson, toolserver: Server) -> None:
    """Nobody is asked about what will not happen."""
    ann = await person("ann-stops", toolserver)
    page, card = await asked(ann, WIPES, "wipe")
    await expect(card.get_by_role("button", name="Approve")).to_be_visible()
    await page.get_by_role("button", name="Stop").click()
    await expect(card.get_by_role("button")).to_have_count(0)
    await say(page, script({"say": "On we go."}))
    await expect(page.locator("#app article.assistant").last).to_contain_text("On we go.")


async def test_an_answer_waits_for_a_program_and_goes_on(person: MakePerson, toolserver: Server) -> None:
    """The page says what it waits for, also after a reload; each result goes to its card, and the last one ends it."""
    ann = await person("ann-waits", toolserver)
    await by_key(ann, "POST", "/v1/tools", LOCATE, role="admin")
    calls = ({"call": "locate", "input": {"who": "ann"}}, {"call": "locate", "input": {"who": "ben"}})
    page, cards = await asked(ann, script(*calls, {"say": "Found them."}), "locate")
    for moment in ("as it happens", "from the server's page"):
        await expect(cards, moment).to_contain_text(["waits for its program"] * 2)
        await expect(page.get_by_role("main")).to_contain_text("The answer waits for the result of locate.")
        await page.reload()
    thread_id = page.url.rpartition("/")[2]
    run = (await ann.api("GET", f"/v1/threads/{thread_id}/state"))["runs"][0]
    first, second = run["waiting_for"]["results"]
    where = f"/v1/runs/{run['id']}/tool_results"
    await by_key(ann, "POST", where, {"tool_use_id": first["tool_use_id"], "output": {"city": "Z\u00fcrich"}})
    await expect(cards).to_contain_text(["has answered", "waits for its program"])
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    failed = {"tool_use_id": second["tool_use_id"], "output": "no signal", "is_error": True}
    await by_key(ann, "POST", where, failed)
    await expect(cards).to_contain_text(["has answered", "has failed"])
    await expect(answers(page)).to_contain_text("Found them.")
    await expect(page.get_by_text("The answer waits")).to_have_count(0)
    await cards.first.get_by_text("locate", exact=True).click()
    await expect(cards.first.locator("pre").last).to_have_text('{\n  "city": "Z\u00fcrich"\n}')
