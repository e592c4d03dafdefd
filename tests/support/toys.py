"""Tools for a server of a test's own: each leaves a line in a file when it takes effect, so that effects can be counted.

A tool that is to be caught in the middle waits until the test has made the file `go`.
"""

from pathlib import Path

SOURCE = '''
import asyncio
import os
import time
from pathlib import Path

from threadline.tools import Call, ToolError, tool

HERE = Path(__file__).parent


def effect(name, call):
    with open(HERE / "effects", "a") as file:
        file.write(f"{name} {call.attempt} {call.idempotency_key}\\n")


async def gate():
    while not (HERE / "go").exists():
        await asyncio.sleep(0.01)


@tool(idempotent=True)
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
async def charge(amount: int, call: Call) -> str:
    """Take money, and say so late."""
    effect("charge", call)
    await gate()
    return f"charged {amount}"


@tool(idempotent=True)
async def look(at: str, call: Call) -> str:
    """Look something up, slowly."""
    effect("look", call)
    await gate()
    return f"found {at}"


@tool(approval="always")
def wipe(what: str, call: Call) -> str:
    """Delete something."""
    effect("wipe", call)
    return f"wiped {what}"


@tool(approval="always")
async def burn(what: str, call: Call) -> str:
    """Delete something, and say so late."""
    effect("burn", call)
    await gate()
    return f"burnt {what}"


@tool
def die(signal: int, call: Call) -> str:
    """Takes effect, and its server with it."""
    effect("die", call)
    os.kill(os.getpid(), signal)
    time.sleep(60)


@tool
def fail() -> str:
    """Does not work."""
    raise ToolError("no such luck")


@tool(timeout_seconds=0.2)
async def slow() -> str:
    """Takes too long."""
    await asyncio.sleep(3600)


@tool
async def deaf() -> str:
    """Hangs, and does not let go when it is told to."""
    (HERE / "deaf").touch()
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if (HERE / "go").exists():
                raise


@tool
async def nap() -> str:
    """Says nothing for longer than a provider may."""
    await asyncio.sleep(4)
    return "rested"


@tool
def post(thread_id: str, text: str, call: Call) -> dict[str, str]:
    """Say where it was told to post, and where it is asked from."""
    return {"told": thread_id, "asked": call.thread_id, "of": call.end_user_id or ""}


@tool
def much() -> str:
    """Says a lot."""
    return "x" * 1_000_000
'''


class Toys:
    """The folder of a server with these tools."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "toys.py").write_text(SOURCE)

    @property
    def settings(self) -> dict[str, str]:
        """What a server is started with to have them."""
        return {"THREADLINE_TOOLS": "toys", "THREADLINE_DEFAULT_MODEL": "demo/script@max"}

    def effects(self) -> list[tuple[str, int, str]]:
        """Return (tool, attempt, idempotency key) of everything that took effect, in order."""
        path = self.folder / "effects"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(name, int(attempt), key) for name, attempt, key in map(str.split, lines)]

    def go(self) -> None:
        """Let those that wait go on."""
        (self.folder / "go").touch()
