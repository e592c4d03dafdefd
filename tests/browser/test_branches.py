"""Questions put otherwise, answers given again, and the way between them."""

from playwright.async_api import expect

from support.server import Server

from .conftest import MakePerson
from .people import answers, say


async def test_a_question_is_edited_and_both_branches_stay(person: MakePerson, server: Server) -> None:
    """In its place; the switch goes back to the first one and its answer, also after a reload."""
    ann = await person("ann-edit", server)
    page = await ann.sign_in()
    await page.goto(f"{server.url}/t/{await ann.thread('First words', model='demo/echo@max')}")
    questions = page.get_by_role("article", name="Message from You")
    await questions.hover()
    await questions.get_by_role("button", name="Edit").click()
    field = page.get_by_role("textbox", name="Edit your message")
    await expect(field).to_be_focused()
    await page.keyboard.type(" and more")
    await expect(field).to_have_value("First words and more")
    await field.fill("Other words")
    await field.press("Enter")
    await expect(answers(page)).to_contain_text("Other words")
    await expect(questions).to_have_count(1)
    branches = questions.get_by_role("navigation", name="Branches")
    await expect(branches).to_contain_text("2 of 2")
    await page.reload()
    await expect(branches).to_contain_text("2 of 2")
    await branches.get_by_role("button", name="Previous branch").click()
    await expect(answers(page)).to_contain_text("First words")
    await expect(branches).to_contain_text("1 of 2")
    await branches.get_by_role("button", name="Next branch").click()
    await expect(answers(page)).to_contain_text("Other words")


async def test_an_edit_that_is_given_up_changes_nothing(person: MakePerson, server: Server) -> None:
    """Escape puts the words back."""
    ann = await person("ann-escape", server)
    page = await ann.sign_in()
    await page.goto(f"{server.url}/t/{await ann.thread('First words', model='demo/echo@max')}")
    question = page.get_by_role("article", name="Message from You")
    await question.hover()
    await question.get_by_role("button", name="Edit").click()
    field = page.get_by_role("textbox", name="Edit your message")
    await field.fill("Nothing")
    await field.press("Escape")
    await expect(field).to_be_hidden()
    await expect(question.locator(".plain")).to_have_text("First words")


async def test_another_model_answers_again(person: MakePerson, server: Server) -> None:
    """From the menu; its answer stands beside the first one, and says whose it is."""
    ann = await person("ann-again", server)
    page = await ann.sign_in()
    await page.goto(f"{server.url}/t/{await ann.thread('Hello there', model='demo/count-3@max')}")
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    await answers(page).hover()
    await answers(page).get_by_role("button", name="Answer again").click()
    await page.get_by_role("menuitem", name="Echo").click()
    await expect(answers(page)).to_contain_text("Hello there")
    await expect(answers(page).locator("header")).to_contain_text("Echo")
    await expect(answers(page).get_by_role("navigation", name="Branches")).to_contain_text("2 of 2")


async def test_a_fork_goes_on_by_itself(person: MakePerson, server: Server) -> None:
    """With everything up to the message, and at an address of its own."""
    ann = await person("ann-fork", server)
    page = await ann.sign_in()
    source = f"{server.url}/t/{await ann.thread('One', 'Two', model='demo/echo@max')}"
    await page.goto(source)
    await answers(page).first.hover()
    await answers(page).first.get_by_role("button", name="Continue in a new conversation").click()
    await expect(answers(page)).to_have_count(1)
    await expect(page).not_to_have_url(source)
    await say(page, "Three")
    await expect(answers(page)).to_have_count(2)
    await page.goto(source)
    await expect(answers(page)).to_have_count(2)
    await expect(answers(page).last).to_contain_text("Two")


async def test_several_models_answer_side_by_side(person: MakePerson, server: Server) -> None:
    """One question, chosen models; all answers are read at once, and one goes on with one of them."""
    ann = await person("ann-several", server)
    page = await ann.sign_in()
    await page.goto(f"{server.url}/t/{await ann.thread('Hello there', model='demo/count-3@max')}")
    await answers(page).hover()
    await answers(page).get_by_role("button", name="Answer again").click()
    await page.get_by_role("menuitem", name="Ask several models").click()
    dialog = page.get_by_role("dialog", name="Ask several models")
    await dialog.get_by_role("checkbox", name="Echo").check()
    await dialog.get_by_role("checkbox", name="Reasoning").check()
    await dialog.get_by_role("button", name="Ask 2 models").click()
    columns = page.get_by_role("list", name="Answers side by side").locator("> li")
    await expect(columns).to_have_count(3)
    await expect(columns.nth(0)).to_contain_text("w0 w1 w2")
    await expect(columns.nth(1)).to_contain_text("Hello there")
    # Who goes on asks no more.
    await expect(columns.get_by_text("Waits for its turn.")).to_have_count(0)
    await columns.nth(1).get_by_role("button", name="Go on with this answer").click()
    await expect(columns).to_have_count(0)
    await expect(answers(page)).to_contain_text("Hello there")
    await expect(answers(page).get_by_role("navigation", name="Branches")).to_contain_text("2 of 3")
