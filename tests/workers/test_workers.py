"""`threadline serve --workers N`: one port, N nodes, and a supervisor that leaves nobody behind."""

import asyncio
import json
import os
import re
import signal
import tempfile
import uuid
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from support.client import Client, counted, said
from support.installation import make_key
from support.processes import children_of, is_alive, send
from support.server import Server, run_command
from support.sockets import open_socket
from support.upstream import Upstream, chat
from support.waiting import until

from .conftest import StartWorkers

SAMPLE = re.compile(r'^(\w+)\{worker="(\d+)"(?:,(.*))?\} (\S+)$', re.MULTILINE)


async def by_worker(client: Client, name: str) -> Counter[int]:
    """Return a metric of each worker that answers, summed over its other labels."""
    return _summed((await client.get("/metrics")).body.decode(), name)


async def told_by_all(client: Client, count: int) -> str | None:
    """Return the metrics where all workers have answered in time; a busy machine may leave one out."""
    text = (await client.get("/metrics")).body.decode()
    return text if f"threadline_workers_answering {count}.0\n" in text else None


def _summed(text: str, name: str) -> Counter[int]:
    counts: Counter[int] = Counter()
    for found, worker, _, value in SAMPLE.findall(text):
        if found == name:
            counts[int(worker)] += int(float(value))
    return counts


def pids(server: Server) -> dict[int, list[int]]:
    """Return the processes that each worker has been, in order."""
    found: dict[int, list[int]] = {}
    for line in server.log().splitlines():
        if '"worker_ready"' in line:
            entry = json.loads(line)
            found.setdefault(entry["worker"], []).append(entry["pid"])
    return found


async def owner(client: Client, run_id: str) -> int:
    """Wait until the run is being answered, and return the number of the worker that does it."""
    async with client.open("GET", f"/v1/runs/{run_id}/events") as stream:
        await stream.read_until("message.delta")

    async def look() -> int | None:
        found = [number for number, runs in (await by_worker(client, "threadline_runs_running")).items() if runs]
        # Others count it too for as long as they try to have it.
        return found[0] if len(found) == 1 else None

    return await until(look, "a running run") or 0


async def nobody_of(processes: list[int]) -> None:
    """Wait until none of these processes is there any more."""

    async def gone() -> bool:
        return not any(map(is_alive, processes))

    await until(gone, "the end of all workers")


async def test_streams_are_spread_evenly_and_metrics_are_everybodys(workers: tuple[Server, Client]) -> None:
    """Twelve streams are four for each of three workers, and one scrape, wherever it arrives, says so."""
    server, client = workers
    assert server.log().count("Threadline is ready at ") == 1
    assert f"{server.url}/ with 3 workers" in server.log()
    thread_id = await client.thread()
    async with AsyncExitStack() as streams:
        for _ in range(12):
            stream = await streams.enter_async_context(client.events(thread_id))
            await stream.read_until("caught_up")
        for _ in range(4):
            # A connection of its own each time.
            async with Client(server.url, client.key) as other:
                text = await until(lambda other=other: told_by_all(other, 3), "the word of all three")
                assert text is not None
                assert _summed(text, "threadline_readers") == {1: 4, 2: 4, 3: 4}
        assert "threadline_workers 3.0\n" in text


async def test_what_one_worker_says_is_read_at_another(workers: tuple[Server, Client]) -> None:
    """Followers on all workers get the same frames of an answer that one of them makes."""
    _, client = workers
    thread_id = await client.thread()
    async with AsyncExitStack() as streams:
        followers = [await streams.enter_async_context(client.events(thread_id, 0)) for _ in range(6)]
        for follower in followers:
            await follower.read_until("caught_up")
        sent = await streams.enter_async_context(client.send_stream(thread_id, "x", model="demo/count-40@200"))
        assert said(await sent.read_to_end()) == counted(40)
        text = await until(lambda: told_by_all(client, 3), "the word of all three")
        assert text is not None
        assert len(+_summed(text, "threadline_readers")) == 3
        for follower in followers:
            await follower.read_until("run.completed")
            assert said(follower.frames) == counted(40)


async def test_a_killed_worker_comes_back_and_its_run_goes_on(
    make_workers: StartWorkers, key: str, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """`kill -9`: the supervisor says who is dead, so the run goes on long before the dead one's lease would lapse."""
    server = make_workers(3, **vendors, THREADLINE_LEASE_SECONDS="600").start()
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat("half ", ending="hang"), chat("half ", "whole"))
    async with Client(server.url, key) as client:
        thread_id = await client.thread()
        run_id = (await client.begin(thread_id, "x", model=f"openai/{model}"))["run"]["id"]
        number = await owner(client, run_id)
        os.kill(pids(server)[number][0], signal.SIGKILL)
    async with Client(server.url, key) as client:
        run = await client.settled(run_id)
        assert (run["status"], run["attempt"]) == ("completed", 2)
        assert said(await client.log(thread_id)) == "half whole"

        async def all_answer() -> bool:
            # The supervisor hears that it is ready a moment after it answers.
            is_back = len(pids(server)[number]) == 2
            return is_back and len(await by_worker(client, "threadline_readers")) == 3

        await until(all_answer, "the worker's return")
    assert len(pids(server)[number]) == 2
    died = [json.loads(line) for line in server.log().splitlines() if '"worker_died"' in line]
    assert [(entry["worker"], entry["status"]) for entry in died] == [(number, -signal.SIGKILL)]


async def test_a_worker_that_is_missing_is_missed_in_the_metrics(make_workers: StartWorkers, key: str) -> None:
    """Nobody takes the rest for the whole: one of two is stopped, and the scrape says that one has answered."""
    server = make_workers(2).start()
    stopped = pids(server)[2][0]
    async with Client(server.url, key) as client:
        await client.get("/healthz")  # The first connection is the first worker's.
        os.kill(stopped, signal.SIGSTOP)
        try:
            text = (await client.get("/metrics")).body.decode()
        finally:
            os.kill(stopped, signal.SIGCONT)
    assert "threadline_workers 2.0\n" in text
    assert "threadline_workers_answering 1.0\n" in text
    assert 'worker="2"' not in text


@pytest.mark.parametrize("way", ["a terminal", "a service manager"])
async def test_a_signal_to_all_processes_drains_all_once(make_workers: StartWorkers, key: str, way: str) -> None:
    """Ctrl-C goes to the foreground group, systemd signals everybody: answers still get their time, as of one signal."""
    server = make_workers(3, ("setsid",), THREADLINE_DRAIN_SECONDS="30").start()
    processes = children_of(server.pid)
    assert len(processes) == 3
    async with AsyncExitStack() as streams:
        client = await streams.enter_async_context(Client(server.url, key))
        sends = []
        for _ in range(6):
            thread_id = await client.thread()
            sends.append(
                await streams.enter_async_context(client.send_stream(thread_id, "x", model="demo/count-80@60"))
            )
        for sent in sends:
            await sent.read_until("message.delta")
        if way == "a terminal":
            os.killpg(server.pid, signal.SIGINT)
        else:
            for process in (server.pid, *processes):
                os.kill(process, signal.SIGTERM)
        for frames in await asyncio.gather(*(sent.read_to_end() for sent in sends)):
            assert said(frames) == counted(80)
        while way != "a terminal" and any(map(is_alive, processes)):
            # Also in its last moments one more of them does no harm.
            for process in filter(is_alive, processes):
                send(process, signal.SIGTERM)
            await asyncio.sleep(0.01)
        assert await asyncio.to_thread(server.wait_for_exit) == 0, server.log()
    assert not any(map(is_alive, processes))
    assert server.log().count('"draining"') == 3
    assert server.faults() == []


async def test_a_second_signal_ends_all_at_once(
    make_workers: StartWorkers, key: str, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """An hour of drain is not waited for, and what was cut goes on after the next start."""
    server = make_workers(2, **vendors, THREADLINE_DRAIN_SECONDS="3600", THREADLINE_LEASE_SECONDS="10").start()
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat("half ", ending="hang"), chat("half ", "whole"))
    processes = children_of(server.pid)
    async with Client(server.url, key) as client:
        thread_id = await client.thread()
        async with client.send_stream(thread_id, "x", model=f"openai/{model}") as stream:
            await stream.read_until("message.delta")
            server.sigterm()

            async def drains() -> bool:
                return server.log().count('"draining"') == 2

            await until(drains, "the drain")
            server.sigterm()
            await stream.read_to_cut()
        await asyncio.to_thread(server.wait_for_exit)
    assert not any(map(is_alive, processes))
    await asyncio.to_thread(server.start)
    async with Client(server.url, key) as client:
        run = await client.settled(stream.headers["x-threadline-run-id"])
        assert (run["status"], run["attempt"]) == ("completed", 2)


async def test_no_worker_survives_its_supervisor(make_workers: StartWorkers) -> None:
    """A supervisor that is killed takes its workers with it, by their own doing, and its folder."""
    with tempfile.TemporaryDirectory(dir="/tmp") as temporary:
        server = make_workers(3, TMPDIR=temporary).start()
        processes = children_of(server.pid)
        assert len(processes) == 3
        assert len(os.listdir(temporary)) == 1
        server.kill9()
        await nobody_of(processes)
        assert os.listdir(temporary) == []


async def test_a_deep_folder_for_temporary_files_does_no_harm(
    make_workers: StartWorkers, tmp_path: Path, key: str
) -> None:
    """The name of a Unix socket is short; where TMPDIR is long, the workers still find each other."""
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    server = make_workers(2, TMPDIR=str(deep)).start()
    async with Client(server.url, key) as client:
        assert await until(lambda: told_by_all(client, 2), "the word of both")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"THREADLINE_WORKERS": "2"}, "Several workers need a database and a bus that reach them all: --database"),
        (
            {"THREADLINE_WORKERS": "2", "THREADLINE_BUS": "redis://127.0.0.1:9/0"},
            "Several workers need PostgreSQL: --database postgresql://",
        ),
    ],
)
def test_several_workers_on_sqlite_are_refused(settings: dict[str, str], words: str, tmp_path: Path) -> None:
    """One sentence and status 1: a SQLite file has one writer."""
    done = run_command("serve", "--port", "0", home=tmp_path, settings=settings)
    assert done.returncode == 1
    assert done.stderr.startswith(f"threadline: {words}")
    assert done.stderr.count("\n") == 1


def test_a_worker_that_cannot_start_is_told_once(database: str, tmp_path: Path) -> None:
    """Its reason stands there one time however many workers there would be, and nothing is left."""
    settings = {"THREADLINE_WORKERS": "4", "THREADLINE_DATABASE": f"{database}_missing"}
    done = run_command("serve", "--port", "0", home=tmp_path, settings=settings)
    assert done.returncode == 1
    assert done.stderr.count("does not exist") == 1
    assert done.stderr.startswith("threadline: The database cannot be used: ")
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_refused(make_workers: StartWorkers, database: str, tmp_path: Path) -> None:
    """Two servers never share a port without a word, workers or not."""
    taken = make_workers(2).start()
    for workers in ("1", "2"):
        settings = {"THREADLINE_WORKERS": workers, "THREADLINE_DATABASE": database}
        done = run_command("serve", "--port", str(taken.port), home=tmp_path, settings=settings)
        assert done.returncode == 1
        assert re.search(f"cannot listen on 127.0.0.1:{taken.port}: .*address already in use.", done.stderr.lower())


async def test_sockets_are_counted_like_streams_and_share_their_people(workers: tuple[Server, Client]) -> None:
    """A connection that becomes a socket is one until it closes, wherever it lies; people see each other across."""
    _, client = workers
    thread_id = await client.thread()
    async with AsyncExitStack() as stack:
        sockets = []
        for number in range(6):
            sockets.append(await stack.enter_async_context(open_socket(client, thread_id, f"?end_user_id=p{number}")))
        for socket in sockets:
            await socket.wait_for_type("caught_up")
            for number in range(6):
                await socket.wait_for(lambda said, name=f'"p{number}"': name in json.dumps(said))
        text = await until(lambda: told_by_all(client, 3), "the word of all three")
        assert text is not None
        assert _summed(text, "threadline_readers") == {1: 2, 2: 2, 3: 2}
    # Each has told of its end, so the next six are spread evenly again.
    async with AsyncExitStack() as streams:
        for _ in range(6):
            stream = await streams.enter_async_context(client.events(thread_id))
            await stream.read_until("caught_up")

        async def spread() -> bool:
            return await by_worker(client, "threadline_readers") == {1: 2, 2: 2, 3: 2}

        await until(spread, "an even spread")


async def test_any_worker_tells_of_all(workers: tuple[Server, Client], database: str) -> None:
    """`GET /v1/admin/live` sums what each of them does and has done, whichever is asked."""
    server, client = workers
    operator = make_key(Path(), role="operator", database=database)
    async with Client(server.url, operator) as asking:

        async def live() -> dict[str, Any]:
            # A connection of its own each time, and so one worker after the other.
            async with Client(server.url, operator) as other:
                found: dict[str, Any] = (await other.get("/v1/admin/live?history=60")).json
                return found

        nodes = [node["node_id"] for node in (await live())["nodes"]]
        assert len(nodes) == 3
        running = []
        for _ in range(6):
            async with Client(server.url, client.key) as other:
                sent = await other.send(await other.thread(), "x", model="demo/count-9999@5", background=True)
                running.append(sent.ok(202)["run"]["id"])

        async def are_seen() -> bool:
            found = await live()
            by_node = [node["running"] for node in found["nodes"]]
            return (found["running"], sum(by_node), found["started"]) == (6, 6, 6) and max(by_node) < 6

        await until(are_seen, "six runs on more than one node")
        for run_id in running:
            await client.post(f"/v1/runs/{run_id}/cancel")

        async def are_over() -> bool:
            found = await live()
            return found["running"] == 0 and found["ended"].get("cancelled") == 6 and not found["failures"]

        await until(are_over, "six ends")
        history = (await asking.get("/v1/admin/live?history=60")).json["history"]
        assert sum(minute["ended"].get("cancelled", 0) for minute in history) == 6
