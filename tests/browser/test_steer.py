"""A message that is handed to the answer in progress, which hears it when its tool has answered."""

from playwright.async_api import expect

from support.server import Server
from support.toys import Toys

from .asking import ask_with_tools
from .conftest import MakePerson
from .people import answers
from .scripts import script

LOOKS = script({"say": "I look."}, {"call": "look", "input": {"at": "it"}}, {"say": "It was there."})


async def test_a_steer_reaches_the_answer_at_its_next_tool(person: MakePerson, toolserver: Server, toys: Toys) -> None:
    """It waits while the tool is at work; then it stands between what was said before it and the rest of the answer."""
    ann = await person("ann-steers", toolserver)
    page = await ann.sign_in()
    thread_id = await ann.thread()
    await page.goto(f"{toolserver.url}/t/{thread_id}")
    run_id = await ask_with_tools(ann, thread_id, LOOKS, "look")
    card = page.get_by_role("region", name="Call of look")
    await expect(card).to_contain_text("is at work")

    await page.get_by_role("textbox", name="Write a message").fill(script({"say": "Then I stop."}))
    await page.get_by_role("button", name="How to send").click()
    await page.get_by_role("menuitem", name="Hand it to the answer").click()
    waiting = page.get_by_role("region", name="Waiting messages").get_by_role("listitem")
    await expect(waiting).to_contain_text(["Then I stop."])
    # It stands there on its way already; only the server's has buttons. Too late, it would be a question of its own.
    await expect(waiting.get_by_role("button", name="Withdraw")).to_be_visible()
    await expect(page.get_by_role("textbox", name="Write a message")).to_have_value("")
    await expect(answers(page)).to_have_count(1)
    await expect(card).to_contain_text("is at work")

    toys.go()
    await expect(waiting).to_have_count(0)
    await expect(answers(page)).to_have_count(2)
    await expect(answers(page).first).to_contain_text("I look.")
    await expect(card).to_contain_text("has answered")
    await expect(answers(page).last).to_contain_text("Then I stop.")
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    await expect(page.get_by_text("It was there.")).to_have_count(1)  # In the question: the model never came to it.
    said = (await ann.api("GET", f"/v1/threads/{thread_id}/messages?order=asc"))["data"]
    assert [message["role"] for message in said] == ["user", "assistant", "user", "assistant"]
    assert [message["run_id"] for message in said[1:]] == [run_id] * 3
