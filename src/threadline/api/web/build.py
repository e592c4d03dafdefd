"""The app as `make web` has built it: its entry, its styles, its service worker, and the files that it loads."""

import json
import mimetypes
import re
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import FileResponse, Response

from threadline.api.web.policy import guarded
from threadline.errors import NotFound

ENTRY = "src/main.tsx"
WORKER = "src/worker/worker.ts"
HASHED = "assets"
"""The folder of what has its content's hash in its name: a browser never needs to ask for it again."""

_FOR_FEW = ("src/operator/", "node_modules/shiki/dist/langs/")
"""Parts that nobody fetches before they are met: the operator's pages, and each language that code is written in."""

FOREVER = "public, max-age=31536000, immutable"
_MANIFEST = Path(".vite", "manifest.json")
_ASK_AGAIN = "no-cache"
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""What the build has packed its files with, the better one first."""

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("text/javascript", ".js")


class Build(Struct, frozen=True):
    """A build of the app."""

    folder: Path
    script: str
    worker: str
    styles: tuple[str, ...]
    rest: tuple[str, ...]
    """What conversations load later, beside the page: kept for when there is no network."""

    def file(self, *names: str, accepts: str = "") -> Response:
        """Return a file of the build, packed where `accepts` (an `Accept-Encoding`) allows. Raises NotFound."""
        # Names of one plain kind: there is no way up, and nothing hidden.
        if not all(_NAME.fullmatch(name) for name in names):
            raise NotFound
        path = self.folder.joinpath(*names)
        if not path.is_file():
            raise NotFound("There is nothing at this address.")
        headers = {"Cache-Control": FOREVER if names[0] == HASHED else _ASK_AGAIN, "Vary": "Accept-Encoding"}
        media_type, _ = mimetypes.guess_type(path.name)
        for encoding, ending in _ENCODINGS.items():
            packed = path.with_name(path.name + ending)
            if encoding in accepts and packed.is_file():
                headers["Content-Encoding"] = encoding
                path = packed
                break
        return guarded(FileResponse(path, headers=headers, media_type=media_type or "application/octet-stream"))

    def service_worker(self) -> Response:
        """Return the service worker, which knows by its first lines which build it keeps: a browser compares bytes.

        Raises:
            NotFound: this build is being replaced. A browser keeps the worker that it has, and asks again.
        """
        try:
            source = (self.folder / self.worker.removeprefix("/")).read_text()
        except FileNotFoundError as gone:
            raise NotFound("There is nothing at this address.") from gone
        script = f"self.BUILD = {json.dumps(self.script)};\nself.REST = {json.dumps(self.rest)};\n{source}"
        return guarded(Response(script, media_type="text/javascript", headers={"Cache-Control": _ASK_AGAIN}))


class NewestBuild:
    """The build that lies in the package now: an upgrade, or `make web`, may replace it under a running server.

    Pages that went on naming the files of the former one would be without any script until the restart.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(str(resources.files("threadline"))) / "web"
        self._seen: tuple[int, int] | None = None
        self._build: Build | None = None

    def get(self) -> Build | None:
        """Return it; None where there has been none. One look at the file system, and no more while nothing changes."""
        try:
            state = (self._folder / _MANIFEST).stat()
            # An installer may keep the times that its archive had.
            seen = (state.st_mtime_ns, state.st_ino)
            if seen != self._seen:
                self._build = find_build(self._folder) or self._build
                self._seen = seen
        except (OSError, msgspec.DecodeError):
            # It is being written: what was there before is as good as anything until it is whole.
            pass
        return self._build


def find_build(folder: Path | None = None) -> Build | None:
    """Return the build that lies in the package; None where nobody has made one for this version of the server."""
    folder = folder or Path(str(resources.files("threadline"))) / "web"
    manifest = folder / _MANIFEST
    if not manifest.is_file():
        return None
    entries: dict[str, dict[str, Any]] = msgspec.json.decode(manifest.read_bytes())
    if not {ENTRY, WORKER} <= entries.keys():
        return None
    entry = entries[ENTRY]
    styles = tuple(f"/{name}" for name in entry.get("css", ()))
    return Build(folder, f"/{entry['file']}", f"/{entries[WORKER]['file']}", styles, _rest(entries))


def _rest(entries: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """Return what a page of conversations may load after its first look, with what that needs."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    names = [name for name in entries[ENTRY].get("dynamicImports", ()) if not name.startswith(_FOR_FEW)]
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        entry = entries[name]
        found |= dict.fromkeys(f"/{file}" for file in (entry["file"], *entry.get("css", ())))
        names += entry.get("imports", ())
    return tuple(sorted(found))
