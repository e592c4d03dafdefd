"""The fixtures of the tests with several workers on one port."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from support.client import Client
from support.installation import make_key
from support.server import Server

StartWorkers = Callable[..., Server]


@pytest.fixture
def make_workers(database: str, tmp_path: Path) -> Iterator[StartWorkers]:
    """Make a server of several workers on the test's own database, not started yet. Stopped at the end."""
    made: list[Server] = []

    def make(count: int = 2, prefix: tuple[str, ...] = (), **settings: str) -> Server:
        where = {"THREADLINE_DATABASE": database, "THREADLINE_WORKERS": str(count)}
        made.append(Server(tmp_path / f"data{len(made)}", {**where, **settings}, prefix))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def key(database: str) -> str:
    """An API key in the test's database."""
    return make_key(Path(), database=database)


@pytest.fixture
async def workers(make_workers: StartWorkers, key: str) -> AsyncIterator[tuple[Server, Client]]:
    """Three workers that serve, and a client of theirs; at the end they must not have had faults."""
    server = make_workers(3).start()
    async with Client(server.url, key) as client:
        yield server, client
    assert server.faults() == []
