"""Quiet logs, since thousands of runs are started here; and every kind of store, one after the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from support.postgres import PostgresServer
from threadline.clock import SystemClock
from threadline.observe import set_up_logging
from threadline.store.postgres.store import PostgresStore
from threadline.store.sqlite.store import SqliteStore

from .machine import MakeStore


@pytest.fixture(autouse=True)
def quiet_logs():
    """Log errors only."""
    set_up_logging("error")
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _patient(patient_stores: None) -> None:
    """Nothing here is about a database that does not answer."""


@pytest.fixture
def on_sqlite(tmp_path: Path) -> MakeStore:
    """Make one more store on a file of the test's own."""
    return lambda: SqliteStore(tmp_path / "threadline.db", SystemClock())


@pytest.fixture
def on_postgres(postgres: PostgresServer, migrated: str) -> Iterator[MakeStore]:
    """Make one more store on a database of the test's own."""
    name = postgres.create_database(template=migrated)
    yield lambda: PostgresStore(postgres.url(name))
    postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgres"])
def make_store(request: pytest.FixtureRequest) -> MakeStore:
    """Make one more store on the same data, as another process would."""
    made: MakeStore = request.getfixturevalue(f"on_{request.param}")
    return made
