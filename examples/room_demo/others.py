"""The servers around the room: a warehouse behind MCP and a till behind a webhook, each a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from examples.room_demo.server import ASK_SECONDS, START_SECONDS, free_port

EXAMPLES = Path(__file__).parents[1]
TILL_SECONDS = 60.0
"""How long the till takes to answer for the first time: long enough to pull the plug meanwhile, on any machine."""


class Till:
    """The webhook server, which wants to know its secret when it starts."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/refund"
        self._ledger = folder / "ledger.jsonl"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, secret: str) -> None:
        """Open."""
        options = ("--port", str(self.port), "--ledger", str(self._ledger), "--seconds", str(TILL_SECONDS))
        self._process = _script("webhook_server.py", *options, env={"WEBHOOK_SECRET": secret})
        wait_until_it_answers(self.url)

    @property
    def refunds(self) -> int:
        """How many refunds it has booked."""
        return len(self._ledger.read_text().splitlines()) if self._ledger.exists() else 0

    def wait_until_booked(self) -> None:
        """Return when the first refund is booked; its answer is still to come."""
        give_up = time.monotonic() + START_SECONDS
        while not self.refunds:
            if time.monotonic() > give_up:
                raise TimeoutError("The till was told nothing.")
            time.sleep(0.02)

    def stop(self) -> None:
        """Close, in the middle of whatever answer."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def warehouse() -> Iterator[str]:
    """Run the MCP server; the value is its address."""
    port = free_port()
    process = _script("mcp_server.py", "--port", str(port))
    try:
        url = f"http://127.0.0.1:{port}/mcp"
        wait_until_it_answers(url)
        yield url
    finally:
        process.terminate()
        process.wait()


def wait_until_it_answers(url: str) -> None:
    """Wait until somebody is there, whatever is answered."""
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(url, timeout=ASK_SECONDS)
            return
        except httpx.TransportError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)


def _script(name: str, *options: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    command = (sys.executable, str(EXAMPLES / name), *options)
    return subprocess.Popen(
        command, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
