"""The app as `make web` has built it: its entry, its styles, and the files that a browser fetches."""

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
HASHED = "assets"
"""The folder of what has its content's hash in its name: a browser never needs to ask for it again."""

FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


class Build(Struct, frozen=True):
    """A build of the app."""

    folder: Path
    script: str
    styles: tuple[str, ...]

    def file(self, *names: str) -> Response:
        """Return a file of the build. Raises NotFound."""
        # Names of one plain kind: there is no way up, and nothing hidden.
        if not all(_NAME.fullmatch(name) for name in names):
            raise NotFound
        path = self.folder.joinpath(*names)
        if not path.is_file():
            raise NotFound("There is nothing at this address.")
        cache = FOREVER if names[0] == HASHED else _ASK_AGAIN
        return guarded(FileResponse(path, headers={"Cache-Control": cache}))


def find_build() -> Build | None:
    """Return the build that lies in the package; None where nobody has made one."""
    folder = Path(str(resources.files("threadline"))) / "web"
    manifest = folder / ".vite" / "manifest.json"
    if not manifest.is_file():
        return None
    entries: dict[str, dict[str, Any]] = msgspec.json.decode(manifest.read_bytes())
    entry = entries[ENTRY]
    return Build(folder, f"/{entry['file']}", tuple(f"/{name}" for name in entry.get("css", ())))
