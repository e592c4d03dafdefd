"""The built app as the server gives it out: what `make web` has made, cached for ever under hashed names."""

import gzip
import json
import re
from typing import Any

import httpx
import pytest

from threadline.api.web.build import ENTRY, FOREVER, Build, find_build

from .conftest import Installation
from .test_pages import talked

SCRIPT_GZIP_BYTES_MAX = 250_000


@pytest.fixture
def build() -> Build:
    """The build that lies in the package: `make test` makes it."""
    found = find_build()
    assert found is not None, "there is no build of the web app: `make web`"
    return found


def test_the_page_brings_the_app(installation: Installation, build: Build) -> None:
    """Scripts and styles are files of the build; the state of the thread lies beside its words."""
    browser = installation.signed_in()
    page = browser.get(f"/t/{talked(browser)}").text
    assert f'<script type="module" src="{build.script}"></script>' in page
    assert all(f'<link rel="stylesheet" href="{path}">' in page for path in build.styles)
    assert '<template id="first-state">' in page


def test_hashed_files_are_kept_for_ever(installation: Installation, build: Build) -> None:
    """What has its hash in its name is never asked for again; the page that names it always is."""
    for path in (build.script, *build.styles):
        assert re.search(r"-[\w-]{8}\.(js|css)$", path), path
        response = httpx.get(installation.url + path)
        assert response.status_code == 200
        assert response.headers["cache-control"] == FOREVER
        assert response.headers["content-type"].startswith(("text/javascript", "application/javascript", "text/css"))
    assert httpx.get(installation.url + "/app/icon.svg").headers["cache-control"] == "no-cache"


def test_the_first_load_is_small(build: Build) -> None:
    """A phone on a train gets the whole script of the first load in a moment."""
    entries = json.loads((build.folder / ".vite" / "manifest.json").read_text())
    scripts = _loaded_with(ENTRY, entries)
    assert sum(len(gzip.compress((build.folder / name).read_bytes())) for name in scripts) < SCRIPT_GZIP_BYTES_MAX


def _loaded_with(name: str, entries: dict[str, Any]) -> set[str]:
    """Return the file of an entry, and of all that it imports before it runs."""
    entry = entries[name]
    return {entry["file"]}.union(*(_loaded_with(other, entries) for other in entry.get("imports", ())))
