"""Fixtures: a scripted server, and both clients to speak to it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from .scripted_server import ScriptedServer
from .speakers import BlockingSpeaker, NonblockingSpeaker, Speaker


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """A server that listens, and at the end has seen nothing but what its script expected."""
    server = ScriptedServer()
    await server.start()
    yield server
    await server.stop()
    assert server.unexpected == []
    assert not server.script, "the script expected more requests"


@pytest.fixture(params=[BlockingSpeaker, NonblockingSpeaker], ids=["blocking", "nonblocking"])
async def connect(request: pytest.FixtureRequest, server: ScriptedServer) -> AsyncIterator[Callable[..., Speaker]]:
    """Make a client of the server with the options given; once with each client."""
    made: list[Speaker] = []

    def connect(**options: Any) -> Speaker:
        made.append(request.param(server.url, **options))
        return made[-1]

    yield connect
    for speaker in made:
        await speaker.close()


@pytest.fixture
def speaker(connect: Callable[..., Speaker]) -> Speaker:
    """A client of the server; once with each client."""
    return connect()
