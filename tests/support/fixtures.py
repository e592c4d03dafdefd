"""The fixtures of tests that speak to a real server. A conftest imports those that its tests use."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from .backends import Backend, Installation
from .client import Client
from .server import Server
from .upstream import Upstream

StartServer = Callable[..., Server]

ORIGIN = "https://app.example"
"""The one origin that the shared server lets browsers call from."""

CONFIG = """
[providers.listed]
type = "openai"
base_url = "{url}/v1"
models = ["one", "two"]
names.two = "Our Second"

[providers.nowhere]
type = "openai"
base_url = "http://127.0.0.1:9/v1"
"""


@pytest.fixture
def installation(backend: Backend) -> Installation:
    """An installation to copy, and its keys."""
    return backend.installation


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """A vendor of models, listening."""
    upstream = Upstream().start()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="session")
def vendors(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The settings that make our vendor the server's: `openai/…`, `anthropic/…`, and `listed/one` and `listed/two`."""
    config = tmp_path_factory.mktemp("config") / "threadline.toml"
    config.write_text(CONFIG.format(url=upstream.url))
    return {
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": f"{upstream.url}/v1",
        "ANTHROPIC_API_KEY": "sk-ant-test",
        "ANTHROPIC_BASE_URL": upstream.url,
        "THREADLINE_CONFIG": str(config),
        "THREADLINE_DEFAULT_MODEL": "demo/echo@max",
    }


@pytest.fixture
def nodes(backend: Backend, vendors: Mapping[str, str]) -> Sequence[Server]:
    """The nodes that all tests share which neither stop them nor need other settings."""
    return backend.shared({**vendors, "THREADLINE_ALLOWED_ORIGINS": ORIGIN})


@pytest.fixture
def server(nodes: Sequence[Server]) -> Server:
    """One of these nodes: always the same one."""
    return nodes[0]


@pytest.fixture
def make_server(backend: Backend, tmp_path: Path) -> Iterator[StartServer]:
    """Make a server of the test's own, not started yet. Stopped at the end; its log must have no faults."""
    made: list[Server] = []

    def make(**settings: str) -> Server:
        data = tmp_path / f"data{len(made)}"
        made.append(Server(data, {**backend.copy(data), **settings}))
        return made[-1]

    yield make
    for server in made:
        server.stop()
    for server in made:
        if server.starts:
            assert server.faults() == []


@pytest.fixture
async def client(nodes: Sequence[Server], installation: Installation) -> AsyncIterator[Client]:
    """A client of the shared nodes, in turn, with a server key."""
    async with Client(urls(nodes), installation.key) as client:
        yield client


@pytest.fixture
async def admin(nodes: Sequence[Server], installation: Installation) -> AsyncIterator[Client]:
    """The same tenant's client with an admin key."""
    async with Client(urls(nodes), installation.admin) as client:
        yield client


@pytest.fixture
async def operator(nodes: Sequence[Server], installation: Installation) -> AsyncIterator[Client]:
    """A client with an operator key, of a tenant of its own."""
    async with Client(urls(nodes), installation.operator) as client:
        yield client


@pytest.fixture
async def foreign(nodes: Sequence[Server], installation: Installation) -> AsyncIterator[Client]:
    """Another tenant's client."""
    async with Client(urls(nodes), installation.foreign) as client:
        yield client


@pytest.fixture
async def nobody(nodes: Sequence[Server]) -> AsyncIterator[Client]:
    """A client without a key."""
    async with Client(urls(nodes), None) as client:
        yield client


def urls(nodes: Sequence[Server]) -> list[str]:
    """Return where the nodes listen."""
    return [node.url for node in nodes]
