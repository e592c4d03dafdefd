"""The built app is replaced under a running server: new pages have the newer one, and open pages say so and lose nothing."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

import threadline
from support.server import Server

from .conftest import MakePerson
from .people import answers, eventually
from .running import running
from .test_without_network import REST_IS_KEPT, shell_is_kept

PACKED = (".br", ".gz")


class Upgraded:
    """A server that runs from a copy of the package, whose app can be replaced by a newer build."""

    def __init__(self, folder: Path) -> None:
        package = folder / "installed" / "threadline"
        # Other processes write their byte code there at this moment, under names that do not last.
        shutil.copytree(Path(threadline.__file__).parent, package, ignore=shutil.ignore_patterns("*.pyc.*"))
        self.web = package / "web"
        settings = {"PYTHONPATH": str(package.parent), "THREADLINE_DEFAULT_MODEL": "demo/count-3@max"}
        self.server = Server(folder / "data", settings)

    def upgrade(self) -> None:
        """Give every hashed file another name, in all that name it: the former ones are gone, as after an upgrade."""
        assets = self.web / "assets"
        for path in assets.iterdir():
            if path.suffix in PACKED:
                path.unlink()
        names = {path.name: re.sub(r"-(.{8})(?=\.\w+$)", "-newer000", path.name) for path in assets.iterdir()}
        # Languages and parts may have one name each and differ in their hashes alone.
        names = {name: f"n{number}-{newer}" for number, (name, newer) in enumerate(names.items())}
        former = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))
        for name, newer in names.items():
            (assets / name).rename(assets / newer)
        for path in (*assets.glob("*.js"), *assets.glob("*.css"), self.web / ".vite" / "manifest.json"):
            path.write_text(former.sub(lambda found: names[found.group()], path.read_text()))


@pytest.fixture
def upgraded(tmp_path: Path) -> Iterator[Upgraded]:
    """A server of a test's own, which is upgraded in it."""
    made = Upgraded(tmp_path)
    with running(made.server):
        yield made


async def open_thread(page: Page, url: str, thread_id: str) -> Locator:
    """Open a thread whose answer is there; returns the place to write."""
    await page.goto(f"{url}/t/{thread_id}")
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    return page.get_by_role("textbox", name="Write a message")


async def share(page: Page) -> None:
    """Ask for a part that is loaded later."""
    await page.get_by_role("button", name="More for this conversation").click()
    await page.get_by_role("menuitem", name="Share").click()


async def test_what_belongs_to_an_older_build_says_so(person: MakePerson, upgraded: Upgraded) -> None:
    """The server is not started again. The page stays until somebody loads it anew; what was being written is kept."""
    ann = await person("ann-older", upgraded.server, service_workers="block")
    page = await ann.sign_in()
    field = await open_thread(page, upgraded.server.url, await ann.thread("How are you?"))
    await page.get_by_role("button", name="More for this conversation").click()
    await expect(page.get_by_role("menu")).to_be_visible()
    await page.keyboard.press("Escape")
    await field.fill("A thought that is not done")
    upgraded.upgrade()
    await share(page)
    line = page.get_by_role("alert").filter(has_text="belongs to an older version")
    await expect(line).to_be_visible()
    await expect(field).to_have_value("A thought that is not done")
    await line.get_by_role("button", name="Reload").click()
    await expect(line).to_have_count(0)
    await expect(page.locator("script[src*=newer000]")).to_have_count(1)
    await expect(field).to_have_value("A thought that is not done")
    await share(page)
    await expect(page.get_by_role("dialog", name="Share")).to_be_visible()


async def test_an_open_tab_goes_on_with_the_build_that_it_has(person: MakePerson, upgraded: Upgraded) -> None:
    """A second tab brings the newer one; the first one says so, has all of its parts, and can be told to wait."""
    ann = await person("ann-open", upgraded.server)
    page = await ann.sign_in()
    thread_id = await ann.thread("How are you?")
    await open_thread(page, upgraded.server.url, thread_id)
    await shell_is_kept(page)
    await eventually(lambda: page.evaluate(REST_IS_KEPT), True)
    upgraded.upgrade()
    await open_thread(await ann.context.new_page(), upgraded.server.url, thread_id)
    note = page.get_by_role("status").filter(has_text="There is a newer version")
    await expect(note).to_be_visible()
    await note.get_by_role("button", name="Not now").click()
    await expect(page.get_by_text("There is a newer version")).to_have_count(0)
    await share(page)
    await expect(page.get_by_role("dialog", name="Share")).to_be_visible()


async def test_a_server_that_comes_back_with_a_newer_build(person: MakePerson, upgraded: Upgraded) -> None:
    """Whoever was connected hears of it without doing anything."""
    ann = await person("ann-back", upgraded.server, service_workers="block")
    page = await ann.sign_in()
    await open_thread(page, upgraded.server.url, await ann.thread("How are you?"))
    await expect(page.get_by_text("There is a newer version")).to_have_count(0)
    upgraded.server.kill9()
    upgraded.upgrade()
    upgraded.server.start()
    await page.get_by_role("button", name="Reload").click()
    await expect(page.locator("script[src*=newer000]")).to_have_count(1)
    await expect(page.get_by_text("There is a newer version")).to_have_count(0)
