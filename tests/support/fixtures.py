"""The fixtures of tests that speak to a real server. A conftest imports those that its tests use."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from .client import Client
from .installation import make_key
from .server import Server, copy_installation
from .upstream import Upstream

StartServer = Callable[..., Server]

ORIGIN = "https://app.example"
"""The one origin that the shared server lets browsers call from."""

CONFIG = """
[providers.listed]
type = "openai"
base_url = "{url}/v1"
models = ["one", "two"]

[providers.nowhere]
type = "openai"
base_url = "http://127.0.0.1:9/v1"
"""


@dataclass(frozen=True)
class Installation:
    """A data folder that no server uses, and the keys in it. `foreign` is another tenant's."""

    folder: Path
    key: str
    admin: str
    operator: str
    foreign: str
    foreign_admin: str


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A data folder to copy."""
    folder = tmp_path_factory.mktemp("installation") / "data"
    return Installation(
        folder,
        make_key(folder),
        make_key(folder, role="admin"),
        make_key(folder, tenant="operators", role="operator"),
        make_key(folder, tenant="foreign"),
        make_key(folder, tenant="foreign", role="admin"),
    )


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


@pytest.fixture(scope="session")
def server(
    installation: Installation, vendors: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The server that all tests share which neither stop it nor need other settings."""
    data = copy_installation(installation.folder, tmp_path_factory.mktemp("server") / "data")
    server = Server(data, {**vendors, "THREADLINE_ALLOWED_ORIGINS": ORIGIN}).start()
    yield server
    server.stop()
    assert server.faults() == []


@pytest.fixture
def make_server(installation: Installation, tmp_path: Path) -> Iterator[StartServer]:
    """Make a server of the test's own, not started yet. Stopped at the end; its log must have no faults."""
    made: list[Server] = []

    def make(**settings: str) -> Server:
        data = copy_installation(installation.folder, tmp_path / f"data{len(made)}")
        made.append(Server(data, settings))
        return made[-1]

    yield make
    for server in made:
        server.stop()
    for server in made:
        if server.starts:
            assert server.faults() == []


@pytest.fixture
async def client(server: Server, installation: Installation) -> AsyncIterator[Client]:
    """The shared server's client with a server key."""
    async with Client(server.url, installation.key) as client:
        yield client


@pytest.fixture
async def admin(server: Server, installation: Installation) -> AsyncIterator[Client]:
    """The same tenant's client with an admin key."""
    async with Client(server.url, installation.admin) as client:
        yield client


@pytest.fixture
async def operator(server: Server, installation: Installation) -> AsyncIterator[Client]:
    """A client with an operator key, of a tenant of its own."""
    async with Client(server.url, installation.operator) as client:
        yield client


@pytest.fixture
async def foreign(server: Server, installation: Installation) -> AsyncIterator[Client]:
    """Another tenant's client."""
    async with Client(server.url, installation.foreign) as client:
        yield client


@pytest.fixture
async def nobody(server: Server) -> AsyncIterator[Client]:
    """A client without a key."""
    async with Client(server.url, None) as client:
        yield client
