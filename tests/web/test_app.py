"""The built app as the server gives it out: what `make web` has made, cached for ever under hashed names."""

import gzip
import html
import json
import os
import re
import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support import asking
from threadline.api.web.build import ENTRY, FOREVER, Build, NewestBuild, find_build
from threadline.errors import NotFound

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
        response = asking.get(installation.url + path)
        assert response.status_code == 200
        assert response.headers["cache-control"] == FOREVER
        assert response.headers["content-type"].startswith(("text/javascript", "application/javascript", "text/css"))
    assert asking.get(installation.url + "/app/icon.svg").headers["cache-control"] == "no-cache"


def test_the_first_load_is_small(build: Build) -> None:
    """A phone on a train gets the script that every page begins with in a moment. What a page loads is in `browser`."""
    entries = msgspec.json.decode((build.folder / ".vite" / "manifest.json").read_bytes())
    scripts = _loaded_with(ENTRY, entries)
    assert sum((build.folder / f"{name}.gz").stat().st_size for name in scripts) < SCRIPT_GZIP_BYTES_MAX


def test_files_are_packed_once(installation: Installation, build: Build) -> None:
    """Whoever takes Brotli gets it, who takes gzip gets that, anybody else the file: all of them the same words."""
    plain = asking.get(installation.url + build.script, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for said, encoding in (("gzip, deflate, br", "br"), ("gzip, deflate", "gzip")):
        with asking.stream("GET", installation.url + build.script, headers={"accept-encoding": said}) as packed:
            raw = b"".join(packed.iter_raw())
        assert packed.headers["content-encoding"] == encoding
        assert packed.headers["vary"] == "Accept-Encoding"
        assert packed.headers["content-type"] == plain.headers["content-type"]
        ending = {"br": ".br", "gzip": ".gz"}[encoding]
        assert raw == (build.folder / (build.script[1:] + ending)).read_bytes()
        assert len(raw) * 3 < len(plain.content)
    assert gzip.decompress((build.folder / f"{build.script[1:]}.gz").read_bytes()) == plain.content


def test_a_build_that_is_replaced_is_found_without_a_restart(build: Build, tmp_path: Path) -> None:
    """While the newer one is being written, the former one stands; where there was none, it comes."""
    newest = NewestBuild(tmp_path)
    assert newest.get() is None
    manifest = tmp_path / ".vite" / "manifest.json"
    manifest.parent.mkdir()
    text = (build.folder / ".vite" / "manifest.json").read_text()

    def write(content: str, moment_ns: int) -> Build | None:
        manifest.write_text(content)
        os.utime(manifest, ns=(moment_ns, moment_ns))
        return newest.get()

    first = write(text, 1_000)
    assert first is not None
    assert first.script == build.script
    assert write(text[:100], 2_000) == first
    # The files that it names are gone by then.
    with pytest.raises(NotFound):
        first.service_worker()
    manifest.unlink()
    assert newest.get() == first
    second = write(text.replace(build.script[1:], "assets/main-AAAAAAAA.js"), 3_000)
    assert second is not None
    assert second.script == "/assets/main-AAAAAAAA.js"


def test_the_shell_has_nobodys_words(installation: Installation) -> None:
    """What a browser keeps for when there is no network is the same for everybody, signed in or not."""
    browser = installation.signed_in()
    talked(browser, "a secret")
    mine, anybodys = browser.get("/shell"), asking.get(installation.url + "/shell")
    assert mine.text == anybodys.text
    assert '{"session":null,"state":null,"models":null}' in html.unescape(mine.text)
    assert "set-cookie" not in mine.headers


def test_the_service_worker_knows_its_build(installation: Installation, build: Build) -> None:
    """A browser looks whether it has changed: with every build it has, and is never kept in between."""
    worker = asking.get(installation.url + "/sw.js")
    assert worker.text.startswith(f'self.BUILD = "{build.script}";')
    rest = json.loads(worker.text.splitlines()[1].removeprefix("self.REST = ").removesuffix(";"))
    names = {re.sub(r"^/assets/|-.{8}\.\w+$", "", name) for name in rest}
    assert {"share", "members", "menu-popup", "drawer", "confirm"} <= names
    assert not {"page", "python", "worker"} & names
    assert asking.get(installation.url + rest[0]).status_code == 200
    assert worker.headers["cache-control"] == "no-cache"
    assert worker.headers["content-type"].startswith("text/javascript")


def test_the_app_can_be_installed(installation: Installation) -> None:
    """The page names a manifest, whose icons are there in the sizes that it says."""
    browser = installation.signed_in()
    assert '<link rel="manifest" href="/app/threadline.webmanifest">' in browser.get("/").text
    manifest = browser.get("/app/threadline.webmanifest")
    assert manifest.headers["content-type"] == "application/manifest+json"
    for icon in manifest.json()["icons"]:
        response = browser.get(icon["src"])
        assert response.headers["content-type"] == icon["type"]
        if icon["type"] == "image/png":
            width, height = struct.unpack(">II", response.content[16:24])
            assert icon["sizes"] == f"{width}x{height}"


def _loaded_with(name: str, entries: dict[str, Any]) -> set[str]:
    """Return the file of an entry, and of all that it imports before it runs."""
    entry = entries[name]
    return {entry["file"]}.union(*(_loaded_with(other, entries) for other in entry.get("imports", ())))
