"""The fixtures of tests that use a real PostgreSQL or Redis. A conftest imports those that its tests use.

One server of each kind for a process of tests, started when the first test asks; each test gets a database, or a
prefix, of its own. Tests that stop, kill or pause a server make their own.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TypeVar

import pytest

from threadline.store.postgres import connections
from threadline.store.postgres import store as store_module
from threadline.store.postgres.store import PostgresStore

from .postgres import PostgresServer
from .processes import ServerProcess
from .redis import RedisServer
from .waiting import PATIENCE_SECONDS

MakePostgres = Callable[..., PostgresServer]
MakeRedis = Callable[..., RedisServer]

_Server = TypeVar("_Server", bound=ServerProcess)
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL that all tests share which do not harm it. It does not sync."""
    yield from _serving(PostgresServer(is_quick=True))


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The address of an empty database of the test's own."""
    name = postgres.create_database()
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> str:
    """The name of a database that has its schema: a copy of it is made in half the time of a migration."""
    name = postgres.create_database()

    async def migrate() -> None:
        store = PostgresStore(postgres.url(name))
        await store.open()
        await store.close()

    # In a thread: the first test that asks may have an event loop running.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate()).result()
    return name


@pytest.fixture
def patient_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stores of this process wait for a database for as long as the machine may stand still.

    Where a person would long have been told to come again, a test wants to know what comes of it.
    """
    for name in ("COMMAND_SECONDS", "ACQUIRE_SECONDS", "CONNECT_SECONDS"):
        monkeypatch.setattr(connections, name, PATIENCE_SECONDS)
    for name in ("FATE_SECONDS", "TRIES_SECONDS"):
        monkeypatch.setattr(store_module, name, PATIENCE_SECONDS)
    for name in ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"):
        monkeypatch.setitem(connections.SESSION, name, str(round(PATIENCE_SECONDS * 1000)))


@pytest.fixture
def make_postgres() -> Iterator[MakePostgres]:
    """Make a PostgreSQL of the test's own, not started yet. It syncs; stopped and removed at the end."""
    made: list[PostgresServer] = []

    def make(**settings: str) -> PostgresServer:
        made.append(PostgresServer(settings))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """The Redis that all tests share which do not harm it."""
    yield from _serving(RedisServer())


@pytest.fixture
def prefix() -> str:
    """Return what begins the names of this test in the shared Redis."""
    return f"test_{os.getpid()}_{next(_numbers)}"


@pytest.fixture
def make_redis() -> Iterator[MakeRedis]:
    """Make a Redis of the test's own, not started yet. Stopped and removed at the end."""
    made: list[RedisServer] = []

    def make(password: str | None = None) -> RedisServer:
        made.append(RedisServer(password))
        return made[-1]

    yield make
    for server in made:
        server.close()


def _serving(server: _Server) -> Iterator[_Server]:
    server.start()
    yield server
    server.close()
