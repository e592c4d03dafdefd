"""A full disk: nothing is accepted that cannot be kept, running answers wait, and nothing is lost."""

import asyncio
import os
import resource
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from support.backends import Backend
from support.client import Client, counted, said, text_of
from support.fixtures import Installation
from support.server import Server, copy_installation
from support.upstream import Ending, Gate, Upstream, chat
from support.waiting import until


@pytest.fixture
def backend(sqlite_backend: Backend) -> Backend:
    """A disk of the server's own; that of PostgreSQL is the store contract's to fill."""
    return sqlite_backend


class Disk(Protocol):
    """A disk that can be full."""

    server: Server

    def fill(self) -> None:
        """Leave no room."""

    def free(self) -> None:
        """Make room again."""


class Limited:
    """The system refuses every write of the server to a file: as a full disk does, and for its log as well."""

    def __init__(self, installation: Installation, folder: Path, settings: Mapping[str, str]) -> None:
        self.server = Server(copy_installation(installation.folder, folder / "data"), settings).start()

    def fill(self) -> None:
        """Leave no room."""
        resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def free(self) -> None:
        """Make room again."""
        resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Tmpfs:
    """A file system of eight megabytes, mounted where nobody but the server sees it."""

    SCRIPT = 'mount -t tmpfs -o size=8m tmpfs "$0" && cp "$1"/* "$0" && shift && exec "$@"'

    def __init__(self, installation: Installation, folder: Path, settings: Mapping[str, str]) -> None:
        data = folder / "data"
        data.mkdir()
        prefix = ["unshare", "--mount", "sh", "-c", self.SCRIPT, str(data), str(installation.folder)]
        self.server = Server(data, settings, prefix=prefix).start()
        self._filler = Path(f"/proc/{self.server.pid}/root{data}/filler")

    def fill(self) -> None:
        """Write until nothing more can be written."""
        with self._filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def free(self) -> None:
        """Remove what was written."""
        self._filler.unlink()


def can_mount() -> bool:
    """Whether this user may mount a file system of their own."""
    if os.geteuid() != 0:
        return False
    command = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(params=[Limited, Tmpfs])
def disk(
    request: pytest.FixtureRequest, installation: Installation, tmp_path: Path, vendors: Mapping[str, str]
) -> Iterator[Disk]:
    """A server on a disk that can be full; once for each way to fill it."""
    if request.param is Tmpfs and not can_mount():
        pytest.skip("takes root and the right to mount; the other way of filling a disk works for everybody")
    disk: Disk = request.param(installation, tmp_path, vendors)
    yield disk
    disk.server.stop()
    assert disk.server.faults() == []


def counting(first: int, gate: Gate, count: int) -> list[str | Gate]:
    """Return the words of an answer that counts: so many at once, the rest when the test says so."""
    words = [f"w{number} " for number in range(count - 1)] + [f"w{count - 1}"]
    return [*words[:first], gate, *words[first:]]


async def test_on_a_full_disk_answers_wait_and_sends_are_refused(
    disk: Disk, installation: Installation, upstream: Upstream
) -> None:
    """From the first failed commit until there is room: 503 with a time for all that writes, reads as always.

    The running answer stops where it is and goes on by itself, in the same attempt, with every word; so does the queue
    behind it. What was refused was not stored, and its key is free.
    """
    model, is_full = f"m-{uuid.uuid4()}", Gate()
    upstream.play(model, chat(*counting(9, is_full, 400), pause=0.001))
    async with Client(disk.server.url, installation.key) as client:
        thread_id = await client.thread()
        async with client.send_stream(thread_id, "x", model=f"openai/{model}") as stream:
            await stream.read_until("message.delta")
            behind = await client.begin(thread_id, "behind", model="demo/echo@max")
            disk.fill()
            is_full.set()
            await until(lambda: _is_full(client), "the full disk")
            for method, path, body in (
                ("POST", f"/v1/threads/{thread_id}/messages", {"content": "x" * 9000, "background": True}),
                ("POST", f"/v1/threads/{thread_id}/messages", {"content": "x" * 9000, "respond": False}),
                ("POST", "/v1/threads", {"title": "x" * 400}),
                ("PATCH", f"/v1/threads/{thread_id}", {"instructions": "x" * 9000}),
            ):
                refused = await client.request(method, path, body, headers={"idempotency-key": "refused"})
                assert refused.problem(503, "unavailable")["retryable"]
                assert int(refused.headers["retry-after"]) > 0
            problem = (await client.get("/readyz")).problem(503, "unavailable")
            assert "store" in problem["detail"]
            assert (await client.get("/healthz")).status == 200
            # Reads go on, and the answer stands still: what is not on disk is not shown.
            before = await client.state(thread_id)
            await asyncio.sleep(1)
            after = await client.state(thread_id)
            assert (after["seq"], after["messages"]) == (before["seq"], before["messages"])
            assert len(before["runs"]) == 2
            assert await client.log(thread_id) == (await client.log(thread_id))[: before["seq"]]
            disk.free()
            frames = await stream.read_to_end()
        assert frames[-1].event == "run.completed"
        assert frames[-1].data["run"]["attempt"] == 1
        assert said(frames) == counted(400)
        assert (await client.settled(behind["run"]["id"]))["status"] == "completed"
        assert (await client.get("/readyz")).status == 200
        history = await client.history(thread_id)
        assert [text_of(message) for message in history] == ["x", counted(400), "behind", "behind"]
        again = await client.send(thread_id, "now", key="refused", model="demo/echo@max")
        assert "idempotency-replayed" not in again.headers
        assert again.ok(200)["run"]["status"] == "completed"
        log = await client.log(thread_id)
        assert [frame.id for frame in log] == list(range(1, len(log) + 1))


ENDINGS_OF_TWO_ATTEMPTS: tuple[Ending, Ending] = ("hang", "clean")


async def _is_full(client: Client) -> bool:
    return (await client.get("/readyz")).status == 503


async def test_on_a_full_disk_no_file_is_taken(disk: Disk, installation: Installation) -> None:
    """Neither a small one nor a large one, and it is not a fault of ours; where there is room it is taken again."""
    async with Client(disk.server.url, installation.key) as client:
        disk.fill()
        for size in (1, 500_000):
            refused = await client.post("/v1/files", data=b"x" * size)
            assert refused.problem(503, "unavailable")["retryable"]
        disk.free()

        async def is_taken() -> bool:
            return (await client.post("/v1/files", data=b"x" * 500_000)).status == 201

        await until(is_taken, "room for a file")


async def test_a_crash_on_a_full_disk_loses_nothing_that_was_seen(
    installation: Installation, tmp_path: Path, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """Killed while the disk is full and started again with room: the log begins with what was seen, and it goes on."""
    model, is_full = f"m-{uuid.uuid4()}", Gate()
    upstream.play(model, *(chat(*counting(9, is_full, 100), ending=end) for end in ENDINGS_OF_TWO_ATTEMPTS))
    disk = Limited(installation, tmp_path, vendors)
    try:
        async with Client(disk.server.url, installation.key) as client:
            thread_id = await client.thread()
            async with client.send_stream(thread_id, "x", model=f"openai/{model}") as stream:
                await stream.read_until("message.delta")
                disk.fill()
                is_full.set()
                await until(lambda: _is_full(client), "the full disk")
                disk.server.kill9()
                seen = await stream.read_to_cut()
            await asyncio.to_thread(disk.server.start)
            run = await client.settled(stream.headers["x-threadline-run-id"])
            assert (run["status"], run["attempt"]) == ("completed", 2)
            log = await client.log(thread_id)
            assert [frame.raw for frame in log[1 : 1 + len(seen)]] == [frame.raw for frame in seen]
            assert text_of((await client.history(thread_id))[1]) == counted(100)
    finally:
        disk.server.stop()
