"""A real server, and browsers that sign in to it: clients with cookies that say where they come from."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from support import asking
from support.installation import make_key, make_sign_in_code
from support.server import Server
from support.waiting import PATIENCE_SECONDS

LINK = re.compile(r"Sign in \(once, within the hour\): (http\S+)")


class Installation:
    """A running server with its keys."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.key = make_key(self.data)
        self.admin = make_key(self.data, role="admin")
        self.foreign = make_key(self.data, tenant="other")
        self._browsers: list[httpx.Client] = []
        self.server = Server(self.data, {"THREADLINE_DEFAULT_MODEL": "demo/count-3@max"}).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.server.url

    def link(self, person: str = "operator", role: str = "operator") -> str:
        """Do what `threadline link` does, without the second that a new process takes."""
        return f"{self.url}/sign-in?code={make_sign_in_code(self.data, person, role)}"

    def browser(self, headers: dict[str, str] | None = None, cookies: httpx.Cookies | None = None) -> httpx.Client:
        """Return a browser that is not signed in: it keeps cookies, and says that our page is asking."""
        said = {"origin": self.url} if headers is None else headers
        browser = asking.client(base_url=self.url, headers=said, cookies=cookies)
        self._browsers.append(browser)
        return browser

    def execute(self, statement: str, *values: str) -> None:
        """Change a row behind the server's back: it asks its database each time."""
        with closing(sqlite3.connect(self.data / "threadline.db", timeout=PATIENCE_SECONDS)) as database:
            assert database.execute(statement, values).rowcount == 1
            database.commit()

    def stop(self) -> None:
        """Close all browsers, and end the server."""
        for browser in self._browsers:
            browser.close()
        self.server.stop()

    def signed_in(self, person: str = "operator", role: str = "operator") -> httpx.Client:
        """Return a browser that is signed in by a link."""
        browser = self.browser()
        assert browser.get(self.link(person, role)).status_code == 303
        return browser

    def by_key(self, key: str, person: str = "ann") -> httpx.Client:
        """Return a browser that is signed in by a key."""
        browser = self.browser()
        assert browser.post("/sign-in", data={"key": key, "person": person}).status_code == 303
        return browser

    def api(self, method: str, path: str, key: str | None = None, **more: object) -> httpx.Response:
        """Ask with a key, as a server of the tenant does."""
        headers = {"authorization": f"Bearer {key or self.key}"}
        return asking.request(method, self.url + path, headers=headers, **more)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for the tests of a module: none of them changes what another one relies on."""
    made = Installation(Path(tmp_path_factory.mktemp("web")))
    try:
        yield made
        assert made.server.faults() == []
    finally:
        made.stop()
