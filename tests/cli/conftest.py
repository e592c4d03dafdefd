"""The fixtures of the commands' tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.fixtures import Installation
from support.server import Server, run_command
from threadline import Threadline

from .states import data, stored  # noqa: F401 - as above
from .terminal import Terminal

Run = Callable[..., "CompletedText"]


class CompletedText:
    """How a command ended."""

    def __init__(self, process: object) -> None:
        self.status: int = process.returncode
        self.out: str = process.stdout
        self.err: str = process.stderr


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command to its end, in an empty folder that is also its home."""

    def run(*arguments: object, settings: dict[str, str] | None = None, **options: object) -> CompletedText:
        return CompletedText(run_command(*map(str, arguments), home=tmp_path, settings=settings, **options))

    return run


@pytest.fixture
def talking(server: Server, installation: Installation) -> dict[str, str]:
    """The variables with which `chat` finds the shared server."""
    return {"THREADLINE_URL": server.url, "THREADLINE_API_KEY": installation.key}


@pytest.fixture
def sdk(server: Server, installation: Installation) -> Iterator[Threadline]:
    """The SDK's client of the shared server."""
    with Threadline(server.url, installation.key) as client:
        yield client


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Open a terminal and run a command in it; closed at the end."""
    opened: list[Terminal] = []

    def terminal(*arguments: str, settings: dict[str, str]) -> Terminal:
        opened.append(Terminal(arguments, tmp_path, settings))
        return opened[-1]

    yield terminal
    for each in opened:
        each.close()
