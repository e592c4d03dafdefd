"""`make cluster`: everything on this machine, and nothing of it left behind."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from support.client import Client, said, text_of
from support.processes import children_of, is_alive
from support.server import environment
from support.upstream import Upstream, chat
from support.waiting import until

ROOT = Path(__file__).parents[2]
START_SECONDS = 600.0
OWN_PORTS = {name: value for name, value in os.environ.items() if name.startswith("PYTEST_XDIST_WORKER")}
"""Each test process has ports of its own, and so have the programs that it starts."""


class Tool:
    """The process of `make cluster`."""

    def __init__(self, folder: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._path = folder.parent / f"{folder.name}.out"
        with self._path.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.cluster", "--port", "0", "--folder", str(folder), *arguments],
                cwd=ROOT,
                env=environment(folder, {"PYTHONPATH": str(ROOT / "tests"), **OWN_PORTS, **(settings or {})}),
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

    def owner(self, run_id: str) -> int | None:
        """Return the number of the node that has begun to answer a run, None where nobody has."""
        for number in range(1, len(self.nodes()) + 1):
            lines = (self._folder / f"node-{number}.log").read_text().splitlines()
            if any("run_started" in line and run_id in line for line in lines):
                return number
        return None

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
        return self.process.wait(300)


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


async def test_the_cluster_does_what_it_says(folder: Path, vendors: Mapping[str, str], upstream: Upstream) -> None:
    """Sent to one node, read at another, the first killed: the answer is completed; Ctrl-C leaves nobody; the data stays."""
    tool = await asyncio.to_thread(lambda: Tool(folder.resolve(), settings=vendors).wait_until_ready())
    nodes, model = tool.nodes(), f"m-{uuid.uuid4()}"
    upstream.play(model, chat("half ", ending="hang"), chat("half ", "whole"))
    try:
        async with Client(nodes[0][0], tool.key()) as sender:
            thread_id = await sender.thread()
            run_id = (await sender.begin(thread_id, "x", model=f"openai/{model}"))["run"]["id"]
        # Nearly always the one that was asked; but any of them may find it first.
        owner = await until(lambda: _owner(tool, run_id), "somebody who answers") or 0
        other, _ = nodes[owner % len(nodes)]
        async with Client(other, tool.key()) as reader, reader.events(thread_id) as follow:
            await follow.read_until("message.delta")
            os.kill(nodes[owner - 1][1], signal.SIGKILL)
            await follow.read_until("message.superseded")
            await follow.read_until("run.completed")
            assert said(follow.frames) == "half whole"
        await until(lambda: _says(tool, f"[node {owner}] started again"), "the node's return")
        async with Client(tool.balancer(), tool.key()) as client:
            assert text_of((await client.history(thread_id))[1]) == "half whole"
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


async def _owner(tool: Tool, run_id: str) -> int | None:
    return tool.owner(run_id)


async def _says(tool: Tool, words: str) -> bool:
    return words in tool.said()
