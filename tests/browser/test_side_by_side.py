"""One question to several models: a column for each of them, from the moment of asking on."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from support.server import Server

from .conftest import MakePerson
from .people import Person, answers, cut, eventually, passing
from .running import running
from .scripts import script

CONFIG = """
[providers.stage]
type = "scripted"
models = ["script@max", "echo@max", "count-5@max"]
names = { "script@max" = "Endless", "echo@max" = "Parrot", "count-5@max" = "Counter" }
"""
QUESTION = script({"say": "Slowly."}, {"stall": True})
"""Who reads it as a script never comes to an end."""
WAITS = "Waits for its turn."


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a model that keeps its turn, and others that wait for theirs."""
    folder = Path(tmp_path_factory.mktemp("stage"))
    (folder / "config.toml").write_text(CONFIG)
    with running(Server(folder / "data", {"THREADLINE_CONFIG": str(folder / "config.toml")})) as made:
        yield made


async def begun(ann: Person) -> Page:
    """Open a conversation with one question, which the counter has answered."""
    page = await ann.sign_in()
    await page.goto(f"{ann.server.url}/t/{await ann.thread(QUESTION, model='stage/count-5@max')}")
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    return page


async def ask(page: Page, *names: str) -> Locator:
    """Ask these models as well; returns the columns."""
    await answers(page).hover()
    await answers(page).get_by_role("button", name="Answer again").click()
    await page.get_by_role("menuitem", name="Ask several models").click()
    dialog = page.get_by_role("dialog", name="Ask several models")
    for name in names:
        await dialog.get_by_role("checkbox", name=name).check()
    await dialog.get_by_role("button", name=re.compile("^Ask")).click()
    return page.get_by_role("list", name="Answers side by side").locator("> li")


async def test_who_waits_for_its_turn_has_a_column(person: MakePerson, stage: Server) -> None:
    """One that is withdrawn has none any more; the others answer in theirs, and one goes on with one of them."""
    page = await begun(await person("ann-waits", stage))
    columns = await ask(page, "Endless", "Parrot", "Counter")
    await expect(columns.locator("h4")).to_have_text(["Counter", "Endless", "Parrot", "Counter"])
    await expect(columns.nth(1)).to_contain_text("Slowly.")
    await expect(columns.nth(2)).to_contain_text(WAITS)
    await columns.nth(3).get_by_role("button", name="Withdraw").click()
    await expect(columns).to_have_count(3)
    await page.get_by_role("button", name="Stop", exact=True).click()
    await expect(columns.nth(2)).to_contain_text('{"say":')
    await expect(columns.nth(2)).not_to_contain_text(WAITS)
    await expect(columns.locator("h4")).to_have_text(["Counter", "Endless", "Parrot"])
    await columns.nth(2).get_by_role("button", name="Go on with this answer").click()
    await expect(columns).to_have_count(0)
    await expect(answers(page)).to_contain_text('{"say":')


async def test_columns_are_made_from_the_log(person: MakePerson, stage: Server) -> None:
    """On another device while the models answer, and after they have; until somebody goes on with one of them."""
    ann = await person("ann-again", stage)
    page = await begun(ann)
    columns = await ask(page, "Endless", "Parrot")
    await expect(columns.nth(1)).to_contain_text("Slowly.")
    elsewhere = await (await person("ann-again", stage)).sign_in()
    await elsewhere.goto(page.url)
    others = elsewhere.get_by_role("list", name="Answers side by side").locator("> li")
    await expect(others.locator("h4")).to_have_text(["Counter", "Endless", "Parrot"])
    await expect(others.nth(2)).to_contain_text(WAITS)
    await page.get_by_role("button", name="Stop", exact=True).click()
    for device, those in ((page, columns), (elsewhere, others)):
        await expect(those.nth(2)).to_contain_text('{"say":')
        await device.reload()
        await expect(those.locator("h4")).to_have_text(["Counter", "Endless", "Parrot"])
        await expect(those.nth(2)).to_contain_text('{"say":')
    await columns.nth(0).get_by_role("button", name="Go on with this answer").click()
    for device, those in ((page, columns), (elsewhere, others)):
        await expect(answers(device)).to_contain_text("w0 w1 w2")
        await expect(those).to_have_count(0)


async def test_each_answer_is_set_in_its_own_direction(person: MakePerson, stage: Server) -> None:
    """An answer from right to left turns neither the other one nor the order in which they stand."""
    ann = await person("ann-both-ways", stage)
    page = await ann.sign_in()
    await page.goto(f"{stage.url}/t/{await ann.thread('مرحبا', model='stage/echo@max')}")
    await expect(answers(page)).to_contain_text("مرحبا")
    columns = await ask(page, "Counter")
    await expect(columns.nth(1)).to_contain_text("w0 w1 w2")
    await expect(page.get_by_role("list", name="Answers side by side")).to_have_css("direction", "ltr")
    for column, direction in ((0, "rtl"), (1, "ltr")):
        await expect(columns.nth(column).locator(".words")).to_have_css("direction", direction)


async def test_who_has_gone_on_is_not_asked_again(person: MakePerson, stage: Server) -> None:
    """Also where it was the newest answer, of which the log says nothing; and what was opened by hand stays open."""
    page = await begun(await person("ann-gone-on", stage))
    columns = await ask(page, "Parrot", "Counter")
    await expect(columns.nth(2)).to_contain_text("w0 w1 w2")
    await columns.nth(2).get_by_role("button", name="Go on with this answer").click()
    await expect(columns).to_have_count(0)
    standing = answers(page).get_by_role("navigation", name="Branches")
    await page.reload()
    await expect(standing).to_contain_text("3 of 3")
    await standing.get_by_role("button", name="Previous branch").click()
    await expect(standing).to_contain_text("2 of 3")
    await standing.get_by_role("button", name="Next branch").click()
    await expect(standing).to_contain_text("3 of 3")
    await expect(columns).to_have_count(0)
    await answers(page).get_by_role("button", name="Answers side by side").click()
    await expect(columns).to_have_count(3)
    await page.reload()
    await expect(columns.locator("h4")).to_have_text(["Counter", "Parrot", "Counter"])


async def test_what_still_waits_does_not_come_after_one_has_gone_on(person: MakePerson, stage: Server) -> None:
    """It is withdrawn; what has begun to answer stays beside the one that was gone on with."""
    ann = await person("ann-chose", stage)
    page = await begun(ann)
    columns = await ask(page, "Endless", "Parrot", "Counter")
    await expect(columns.nth(1)).to_contain_text("Slowly.")
    await expect(columns.get_by_role("button", name="Withdraw")).to_have_count(2)
    await columns.nth(0).get_by_role("button", name="Go on with this answer").click()
    await expect(columns).to_have_count(0)
    queue = page.url.replace(f"{stage.url}/t/", "/v1/threads/") + "/queue"

    async def waits() -> list[Any]:
        return list((await ann.api("GET", queue))["data"])

    await eventually(waits, [])
    await page.get_by_role("button", name="Stop", exact=True).click()
    await expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    await expect(answers(page).get_by_role("navigation", name="Branches")).to_contain_text("1 of 2")


async def test_going_on_without_a_network_changes_nothing(person: MakePerson, stage: Server) -> None:
    """It is said, and the answers stand side by side as before; then it works."""
    page = await begun(await person("ann-cut-off", stage))
    columns = await ask(page, "Parrot")
    await expect(columns.nth(1)).to_contain_text('{"say":')
    await expect(columns.get_by_text(WAITS)).to_have_count(0)
    mend = await cut(page, "**/v1/threads/thr_*")
    async with passing(page, "[role=status]", "The server cannot be reached"):
        await columns.nth(0).get_by_role("button", name="Go on with this answer").click()
    await expect(columns).to_have_count(2)
    mend()
    await columns.nth(0).get_by_role("button", name="Go on with this answer").click()
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    await expect(columns).to_have_count(0)


async def test_who_has_gone_on_asks_no_more(person: MakePerson, stage: Server) -> None:
    """A slow network brings an answer before the next model is asked: it is not asked, and takes nobody's place."""
    page = await begun(await person("ann-slow", stage))
    may_go = asyncio.Event()
    asked: list[str] = []

    async def hold(route: Route) -> None:
        asked.append(route.request.post_data or "")
        response = await route.fetch()
        await may_go.wait()
        await route.fulfill(response=response)

    await page.route("**/regenerate", hold)
    columns = await ask(page, "Parrot", "Endless")
    await expect(columns.nth(1)).to_contain_text('{"say":')
    await columns.nth(1).get_by_role("button", name="Go on with this answer").click()
    await expect(columns).to_have_count(0)
    async with page.expect_response("**/regenerate"):
        may_go.set()
    await page.evaluate("new Promise((resolve) => setTimeout(resolve, 200))")
    assert len(asked) == 1
    await expect(answers(page).get_by_role("navigation", name="Branches")).to_contain_text("2 of 2")


async def test_columns_are_there_before_the_server_has_answered(person: MakePerson, stage: Server) -> None:
    """Each exactly once, also when it has; what the server refuses goes away again, and it is said why."""
    page = await begun(await person("ann-at-once", stage))
    may_go = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_go.wait()
        if "echo" in (route.request.post_data or ""):
            await route.fulfill(status=429, json={"code": "rate_limited", "title": "Slow", "detail": "Not so fast."})
        else:
            await route.continue_()

    await page.route("**/regenerate", hold)
    columns = await ask(page, "Endless", "Parrot")
    await expect(columns.locator("h4")).to_have_text(["Counter", "Endless", "Parrot"])
    await expect(columns.get_by_text(WAITS)).to_have_count(2)
    async with passing(page, "[role=status]", "Not so fast."):
        may_go.set()
    await expect(columns.locator("h4")).to_have_text(["Counter", "Endless"])
    await expect(columns.nth(1)).to_contain_text("Slowly.")
    await page.get_by_role("button", name="Stop", exact=True).click()
