"""What models are called, and which of them stand in menus."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from support.server import Server

from .conftest import MakePerson
from .people import answers
from .running import running

CONFIG = """
[providers.stage]
type = "scripted"
models = ["echo", "count-5@max"]
names.echo = "Our Parrot"
"""


@pytest.fixture(scope="module")
def naming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose operator has given one of his models a name."""
    folder = Path(tmp_path_factory.mktemp("naming"))
    (folder / "config.toml").write_text(CONFIG)
    with running(Server(folder / "data", {"THREADLINE_CONFIG": str(folder / "config.toml")})) as made:
        yield made


async def test_a_message_is_by_a_model_as_people_call_it(person: MakePerson, naming: Server) -> None:
    """The operator's name, else one made of the vendor's; where one points it is the vendor's. Also without a script."""
    ann = await person("ann-named", naming)
    page = await ann.sign_in()
    for model, name in (("stage/echo", "Our Parrot"), ("demo/count-3@max", "Count 3")):
        thread_id = await ann.thread("Hello", model=model)
        await page.goto(f"{naming.url}/t/{thread_id}")
        whose = answers(page).locator("header > :first-child")
        await expect(whose).to_have_text(name)
        await expect(whose).to_have_attribute("title", model)
    reader = await person("bea-named", naming, java_script_enabled=False)
    plain = await reader.open((await ann.api("POST", f"/v1/threads/{thread_id}/share"))["url"][len(naming.url) :])
    await expect(plain.locator("article.assistant header")).to_have_text("Count 3")


async def test_what_is_for_tests_stands_in_no_menu(person: MakePerson, naming: Server) -> None:
    """Nor in the dialogs; but the model that a thread has, whatever it is, stands in its own list."""
    ann = await person("ann-menu", naming)
    page = await ann.sign_in()
    thread_id = await ann.thread('{"steps": [{"say": "Hello."}]}', model="demo/script@max")
    await page.goto(f"{naming.url}/t/{thread_id}")
    picker = page.get_by_role("combobox", name="Who answers").or_(page.get_by_role("button", name="Who answers"))
    await expect(picker).to_contain_text("Script")
    await picker.click()
    options = page.get_by_role("option")
    offered = ["Threadline", "Reasoning", "Echo", "Count 500", "Script"]
    await expect(options.locator("bdi")).to_have_text(["Default", "Our Parrot", "Count 5", *offered])
    await expect(options.nth(1)).to_have_attribute("title", "stage/echo")
    await page.keyboard.press("Escape")
    await answers(page).hover()
    await answers(page).get_by_role("button", name="Answer again").click()
    items = page.get_by_role("menuitem")
    others = ["Our Parrot", "Count 5", *offered[:-1]]
    await expect(items).to_have_text(["With the same model", "Ask several models…", *others])
    await page.get_by_role("menuitem", name="Ask several models").click()
    await expect(page.get_by_role("dialog").get_by_role("checkbox")).to_have_count(len(others))
