"""Installations in every state that a thread can be in, left by a server that was killed."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from support.backends import Backend
from support.server import Server, copy_installation
from support.waiting import PATIENCE_SECONDS
from threadline import Threadline


@pytest.fixture(scope="session")
def stored(sqlite_backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with threads in every state, whose server was killed. To be copied."""
    installation = sqlite_backend.installation
    server = Server(copy_installation(installation.folder, tmp_path_factory.mktemp("stored") / "data")).start()
    with Threadline(server.url, installation.key) as client:
        done = client.threads.create(title="done", model="demo/count-20@max")
        client.threads.send_and_wait(done.id, "one")
        client.threads.send_and_wait(done.id, "two", model="demo/fail-provider_error")
        client.threads.append(done.id, "three")
        asks = '{"steps": [{"call": "nothing"}, {"say": "so be it"}]}'
        client.threads.send_and_wait(done.id, asks, model="demo/script@max")
        client.threads.update(done.id, pinned=True)
        open_ = client.threads.create(title="open", model="demo/stall-5@max")
        client.threads.send_in_background(open_.id, "waits", model="demo/echo")
        with client.threads.send(open_.id, "now") as stream:
            for _ in stream.text_stream():
                if stream.text.endswith("w4"):
                    break
            client.threads.send_in_background(open_.id, "queued")
            wait_for_packs(server.data, 1)
            server.kill9()
    return server.data


@pytest.fixture
def data(stored: Path, tmp_path: Path) -> Path:
    """A copy of that folder, of the test's own."""
    return copy_installation(stored, tmp_path / "data")


def wait_for_packs(data: Path, count: int) -> None:
    """Wait until so many attempts are packed, which happens a little after their ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    with closing(sqlite3.connect(data / "threadline.db")) as connection:
        while connection.execute("SELECT count(*) FROM packs").fetchone()[0] < count:
            assert time.monotonic() < deadline, "nothing was packed"
            time.sleep(0.05)


def tamper(data: Path, *statements: str) -> None:
    """Do to the database what nobody should."""
    with closing(sqlite3.connect(data / "threadline.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)
