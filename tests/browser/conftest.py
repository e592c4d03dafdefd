"""A Chromium for each test process, a server for each module, and people for each test.

Playwright and its browser belong to one event loop: all tests here share one for the session.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from support.server import Server
from support.toys import Toys

from .chromium import launch
from .people import Person
from .running import running

HERE = Path(__file__).parent

MakePerson = Callable[..., Awaitable[Person]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder in the loop of their browser."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium; each person has a context in it."""
    async with async_playwright() as playwright:
        chromium = await launch(playwright)
        yield chromium
        await chromium.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a module, which work in threads and with people of their own."""
    with running(
        Server(Path(tmp_path_factory.mktemp("browser")) / "data", {"THREADLINE_DEFAULT_MODEL": "demo/count-3@max"})
    ) as made:
        yield made


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Toys:
    """The tools of `toolserver`, and what they did."""
    return Toys(Path(tmp_path_factory.mktemp("tools")))


@pytest.fixture(scope="module")
def toolserver(toys: Toys) -> Iterator[Server]:
    """A server that has tools."""
    with running(Server(toys.folder / "data", toys.settings)) as made:
        yield made


@pytest.fixture
def own_server(tmp_path: Path, vendors: Mapping[str, str]) -> Iterator[Server]:
    """A server for one test, which kills it, or whose vendor of models does as the test says."""
    with running(Server(tmp_path / "data", {**vendors, "THREADLINE_DEFAULT_MODEL": "demo/count-3@max"})) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def person(browser: Browser) -> AsyncIterator[MakePerson]:
    """Call it to get somebody with a context of his own. At the end no page of theirs may have complained."""
    people: list[Person] = []
    async with AsyncExitStack() as stack:

        async def make(name: str, server: Server, **options: Any) -> Person:
            context = await browser.new_context(**options)
            stack.push_async_callback(context.close)
            has_worker = options.get("java_script_enabled", True) and options.get("service_workers") != "block"
            people.append(Person(name, server, context, has_worker))
            return people[-1]

        yield make
        assert [fault for one in people for fault in one.faults] == []
