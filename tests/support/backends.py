"""The databases and buses that servers are put on: the same tests hold on every combination.

Tests run on SQLite unless their conftest has a `backend` of its own that asks `backend_of` for each of `BACKENDS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path

import pytest

from .installation import make_key
from .postgres import PostgresServer
from .redis import RedisServer
from .server import Server, copy_installation

BACKENDS = ("sqlite+memory", "postgres+postgres", "postgres+redis")


@dataclass(frozen=True)
class Installation:
    """Where an installation is that no server uses, and the keys in it. `foreign` is another tenant's.

    `folder` is its data folder; the database is in there, or in PostgreSQL at `database`.
    """

    folder: Path
    database: str
    key: str
    admin: str
    operator: str
    foreign: str
    foreign_admin: str


class Backend(ABC):
    """A database and a bus. Servers get copies of one installation, so that no test sees another one's rows."""

    has_whole_starts = False
    """Whether the server that most tests share is started as a shell would start it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shared: list[Server] = []

    @property
    @abstractmethod
    def shared_nodes(self) -> int:
        """How many nodes the server has that most tests share."""

    @abstractmethod
    def copy(self, folder: Path) -> dict[str, str]:
        """Copy the installation, files to `folder`. Returns the settings of a server that is to use the copy."""

    @cached_property
    def installation(self) -> Installation:
        """The installation that is copied."""
        folder, database = self.folder / "data", self.template()
        return Installation(
            folder,
            database,
            make_key(folder, database=database),
            make_key(folder, role="admin", database=database),
            make_key(folder, tenant="operators", role="operator", database=database),
            make_key(folder, tenant="foreign", database=database),
            make_key(folder, tenant="foreign", role="admin", database=database),
        )

    def template(self) -> str:
        """Make an empty database, and return its address where it is not in the folder."""
        return ""

    def shared(self, settings: Mapping[str, str]) -> Sequence[Server]:
        """Return the nodes that all tests share which neither stop them nor need other settings."""
        if not self._shared:
            copied = self.copy(self.folder / "shared")
            for number in range(self.shared_nodes):
                data = self.folder / "shared" if number == 0 else self.folder / f"shared{number}"
                data.mkdir(exist_ok=True)
                # Nobody kills these, and nobody takes their runs over, however long a busy machine lets them stand.
                patient = {"THREADLINE_LEASE_SECONDS": "120"}
                whole = {"is_whole": True} if self.has_whole_starts else {}
                self._shared.append(Server(data, {**copied, **patient, **settings}, **whole).start())
        return self._shared

    def close(self) -> None:
        """Stop the shared nodes; their logs must have no faults."""
        for server in self._shared:
            server.stop()
        for server in self._shared:
            assert server.faults() == []


class SqliteBackend(Backend):
    """One SQLite file, one process."""

    has_whole_starts = True
    shared_nodes = 1

    def copy(self, folder: Path) -> dict[str, str]:
        """Copy the file."""
        copy_installation(self.installation.folder, folder)
        return {}


class PostgresBackend(Backend):
    """A database on a PostgreSQL, which is the bus as well."""

    shared_nodes = 1

    def __init__(self, folder: Path, postgres: PostgresServer) -> None:
        super().__init__(folder)
        self.postgres = postgres

    def template(self) -> str:
        """Make an empty database."""
        return self.postgres.url(self.postgres.create_database())

    def copy(self, folder: Path) -> dict[str, str]:
        """Copy the database."""
        folder.mkdir(parents=True)
        template = self.installation.database.rpartition("/")[2]
        # Whoever is killed is found dead by the end of his lease only; tests do not wait for the usual one.
        return {
            "THREADLINE_DATABASE": self.postgres.url(self.postgres.create_database(template)),
            "THREADLINE_LEASE_SECONDS": "5",
            "THREADLINE_REAP_SECONDS": "0.3",
            # Nodes of one installation share what they keep of files.
            "THREADLINE_FILES": str(folder / "files"),
        }


class RedisBackend(PostgresBackend):
    """A database on a PostgreSQL with a Redis beside it. What most tests share are two nodes that take turns."""

    shared_nodes = 2

    def __init__(self, folder: Path, postgres: PostgresServer, redis: RedisServer) -> None:
        super().__init__(folder, postgres)
        self.redis = redis
        self._numbers = count(1)

    def copy(self, folder: Path) -> dict[str, str]:
        """Copy the database, and take a prefix for the bus."""
        bus = {"THREADLINE_BUS": self.redis.url(), "THREADLINE_BUS_PREFIX": f"copy_{next(self._numbers)}"}
        return {**super().copy(folder), **bus}


@pytest.fixture(scope="session")
def sqlite_backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """One SQLite file, one process."""
    yield from _closing(SqliteBackend(tmp_path_factory.mktemp("sqlite")))


@pytest.fixture(scope="session")
def postgres_backend(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """PostgreSQL."""
    yield from _closing(PostgresBackend(tmp_path_factory.mktemp("postgres"), postgres))


@pytest.fixture(scope="session")
def redis_backend(
    postgres: PostgresServer, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """PostgreSQL with Redis."""
    yield from _closing(RedisBackend(tmp_path_factory.mktemp("redis"), postgres, redis))


@pytest.fixture
def backend(sqlite_backend: Backend) -> Backend:
    """What servers are put on where a test says nothing else."""
    return sqlite_backend


def backend_of(request: pytest.FixtureRequest) -> Backend:
    """Return the backend that a parametrised fixture asks for by its name."""
    names = dict(zip(BACKENDS, ("sqlite_backend", "postgres_backend", "redis_backend"), strict=True))
    found: Backend = request.getfixturevalue(names[request.param])
    return found


def _closing(backend: Backend) -> Iterator[Backend]:
    yield backend
    backend.close()
