"""`make cluster`: everything on this machine, and nothing of it left behind."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client import Client, counted, said, text_of
from support.processes import children_of, is_alive
from support.server import environment
from support.waiting import until

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0


class Tool:
    """The process of `make cluster`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._path = folder.parent / f"{folder.name}.out"
        with self._path.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.cluster", "--port", "0", "--folder", str(folder), *arguments],
                cwd=ROOT,
                env=environment(folder, {"PYTHONPATH": str(ROOT / "tests")}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def said(self) -> str:
        """Return what it has printed."""
        return self._path.read_text()

    def wait_until_ready(self) -> "Tool":
        """Wait until it says what to try."""
        deadline = time.monotonic() + START_SECONDS
        while "Ctrl-C ends all of it." not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)
        return self

    def nodes(self) -> list[tuple[str, int]]:
        """Return address and process of each node."""
        return [(url, int(pid)) for url, pid in re.findall(r"(http://\S+)   node \d, process (\d+)", self.said())]

    def balancer(self) -> str:
        """Return the load balancer's address."""
        return re.findall(r"(http://\S+)   the load balancer", self.said())[0]

    def key(self) -> str:
        """Return the API key."""
        return re.findall(r"export KEY=(\S+)", self.said())[0]

    def family(self) -> list[int]:
        """Return all processes that it has started, and theirs."""
        children = children_of(self.process.pid)
        return [*children, *(pid for child in children for pid in children_of(child))]

    def ctrl_c(self) -> int:
        """Do what a terminal does; return the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user can reach, unlike pytest's."""
    with tempfile.TemporaryDirectory() as made:
        os.chmod(made, 0o755)
        yield Path(made) / "cluster"


async def gone(processes: list[int]) -> None:
    """Wait until none of these is there any more."""

    async def are() -> bool:
        return not any(map(is_alive, processes))

    await until(are, "the end of all processes")


async def test_the_cluster_does_what_it_says(folder: Path) -> None:
    """Sent to node 1, read at node 2, node 1 killed: the answer is completed; Ctrl-C leaves nobody; the data stays."""
    tool = await asyncio.to_thread(lambda: Tool(folder.resolve()).wait_until_ready())
    (one, first_pid), (two, _), _ = tool.nodes()
    try:
        async with Client(one, tool.key()) as sender, Client(two, tool.key()) as reader:
            thread_id = await sender.thread()
            async with reader.events(thread_id) as follow:
                await follow.read_until("caught_up")
                await sender.begin(thread_id, "x", model="demo/count-250@25")
                await follow.read_until("message.delta")
                os.kill(first_pid, signal.SIGKILL)
                await follow.read_until("message.superseded")
                await follow.read_until("run.completed")
                assert said(follow.frames) == counted(250)
        await until(lambda: _says(tool, "[node 1] started again"), "the node's return")
        async with Client(tool.balancer(), tool.key()) as client:
            assert text_of((await client.history(thread_id))[1]) == counted(250)
    finally:
        family = tool.family()
        status = await asyncio.to_thread(tool.ctrl_c)
    assert status == 0, tool.said()
    assert len(family) >= 6
    assert "All ended." in tool.said()
    await gone(family)
    await _survives_and_forgets(folder, thread_id)


async def _survives_and_forgets(folder: Path, thread_id: str) -> None:
    again = await asyncio.to_thread(lambda: Tool(folder.resolve(), "--nodes", "1").wait_until_ready())
    family, key = again.family(), again.key()
    try:
        async with Client(again.nodes()[0][0], key) as client:
            assert len(await client.history(thread_id)) == 2
    finally:
        # However the tool itself ends.
        again.process.kill()
        again.process.wait()
    await gone(family)
    fresh = await asyncio.to_thread(lambda: Tool(folder.resolve(), "--nodes", "1", "--fresh").wait_until_ready())
    try:
        assert fresh.key() != key
    finally:
        assert await asyncio.to_thread(fresh.ctrl_c) == 0


async def _says(tool: Tool, words: str) -> bool:
    return words in tool.said()
