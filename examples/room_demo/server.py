"""The server of the demo: `threadline serve` on a folder of its own, started, killed without warning, started again."""

import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

START_SECONDS = 180
ASK_SECONDS = 60
"""On a busy machine everything takes its time."""
THREADLINE = (sys.executable, "-m", "threadline")

CONFIG = """\
allowed_hosts = ["127.0.0.1"]
drain_seconds = 1
reap_seconds = 0.2

[mcp.warehouse]
url = "{mcp_url}"
"""
"""The operator of this machine allows its own addresses; a server for tenants would not."""


class Server:
    """One installation: its folder, its port, its key, and the process that serves it at the moment."""

    def __init__(self, folder: Path, mcp_url: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._config = folder / "threadline.toml"
        self._config.write_text(CONFIG.format(mcp_url=mcp_url))
        self.key = self.run("keys", "create", "--role", "admin").strip()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, *command: str) -> str:
        """Run a command of Threadline on this installation; return what it prints."""
        full = (*THREADLINE, *command, "--data", str(self.folder))
        return subprocess.run(full, env=_environment(), check=True, capture_output=True, text=True).stdout

    def start(self) -> None:
        """Serve, and return when it answers."""
        command = (*THREADLINE, "serve", "--port", str(self.port), "--data", str(self.folder))
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                (*command, "--config", str(self._config)), env=_environment(), stdout=log, stderr=log
            )
        give_up = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if time.monotonic() > give_up or self._process.poll() is not None:
                raise RuntimeError("The server did not start:\n" + (self.folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """Pull the plug: `kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=ASK_SECONDS).status_code == 200
        except httpx.TransportError:
            return False


def free_port() -> int:
    """Return a port of loopback that nobody uses."""
    # Below those that outgoing connections are given: it is still free when it is used, a start of a server later.
    for port in random.SystemRandom().sample(range(10_000, 12_000), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("There is no free port.")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("THREADLINE_")}
