"""The MCP server of examples/, as a program that a test starts, kills and starts again."""

import subprocess
import sys
from pathlib import Path

import httpx

from support.asking import TRUSTS_NOBODY
from support.processes import free_port, kill_family, watchdog
from support.waiting import until

SCRIPT = Path(__file__).parents[2] / "examples" / "mcp_server.py"


class Warehouse:
    """The server on a port of loopback."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/mcp"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(  # noqa: ASYNC220 - it takes a millisecond
            [sys.executable, str(SCRIPT), "--port", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        watchdog().guard(self._process.pid)
        await until(self._answers, "the MCP server's first answer")

    def kill(self) -> None:
        """Pull the plug."""
        if self._process is not None:
            kill_family(self._process.pid)
            self._process.wait()
            watchdog().release(self._process.pid)
            self._process = None

    async def _answers(self) -> bool:
        async with httpx.AsyncClient(verify=TRUSTS_NOBODY) as client:
            try:
                return (await client.get(self.url)).status_code > 0
            except httpx.TransportError:
                return False
