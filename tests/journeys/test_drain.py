"""SIGTERM: what runs may finish, what cannot is cut and goes on after the restart, and nothing new begins."""

import asyncio
import signal
import time

from support.client import LOST, Client, counted, said, text_of
from support.fixtures import Installation, StartServer
from support.waiting import until


async def test_a_drain_finishes_what_it_can_and_cuts_what_it_cannot(
    make_server: StartServer, installation: Installation
) -> None:
    """The whole story of a deployment, seen by those who read and those who send.

    Within the grace period: new sends are 503 `shutting_down` with a time, reads are answered, `/readyz` says no, a
    short answer ends as always. After it: the streams of the long answer are cut, never ended; the process ends with 0.
    After the restart the long answer goes on in the same message with attempt 2, and what waited behind the short one
    is answered.
    """
    server = make_server(THREADLINE_DRAIN_SECONDS="1", THREADLINE_ATTEMPTS_MAX="1").start()
    async with Client(server.url, installation.key) as client:
        short_id, long_id = await client.thread(), await client.thread()
        async with (
            client.send_stream(short_id, "x", model="demo/count-80@120") as short,
            client.send_stream(long_id, "x", model="demo/count-120@50") as long,
            client.events(long_id) as watch,
        ):
            await asyncio.gather(short.read_until("message.delta"), long.read_until("message.delta"))
            behind = await client.begin(short_id, "behind", model="demo/echo@max")
            waited = asyncio.create_task(client.send(long_id, "waits", model="demo/echo@max"))
            await until(lambda: _waits(client, long_id), "the second send")
            server.sigterm()
            began = time.monotonic()
            await until(lambda: _refuses(client, long_id), "the refusal of new sends")
            refused = await client.send(short_id, "new", background=True)
            assert refused.problem(503, "shutting_down")["retryable"]
            assert int(refused.headers["retry-after"]) > 0
            (await client.get("/readyz")).problem(503, "unavailable")
            assert (await client.get("/healthz")).status == 200
            assert len(await client.history(short_id)) >= 2
            short_frames, long_frames, watched, _ = await asyncio.gather(
                short.read_to_end(), long.read_to_cut(), watch.read_to_cut(), _fails(waited)
            )
        assert await asyncio.to_thread(server.wait_for_exit) == 0
        assert 0.9 < time.monotonic() - began < 10
    assert short_frames[-1].event == "run.completed"
    assert said(short_frames) == counted(80)
    assert long_frames[-1].event == "message.delta"
    await asyncio.to_thread(server.start)
    async with Client(server.url, installation.key) as client:
        run = await client.settled(long.headers["x-threadline-run-id"])
        # Attempts that a drain has ended do not count: one is allowed, and this is the second.
        assert (run["status"], run["attempt"]) == ("completed", 2)
        assert [attempt["error"] and attempt["error"]["code"] for attempt in run["attempts"]] == ["drained", None]
        log = await client.log(long_id)
        seen = [frame for frame in watched if frame.id is not None]
        assert [frame.raw for frame in log[: len(seen)]] == [frame.raw for frame in seen]
        superseded = [frame.data for frame in log if frame.event == "message.superseded"]
        assert [(event["message_id"], event["by_attempt"]) for event in superseded] == [(run["output_message_id"], 2)]
        history = await client.history(long_id)
        assert [text_of(message) for message in history[1:2]] == [counted(120)]
        assert (await client.settled(behind["run"]["id"]))["status"] == "completed"
        # The send that was waited for was stored before the drain: it is answered too.
        await until(lambda: _has(client, long_id, 4), "the answer to what waited")
        assert (await client.send(short_id, "new", model="demo/echo@max")).ok(200)["run"]["status"] == "completed"


async def _waits(client: Client, thread_id: str) -> bool:
    return len((await client.state(thread_id))["runs"]) == 2


async def _has(client: Client, thread_id: str, number: int) -> bool:
    history = await client.history(thread_id)
    return len(history) == number and history[-1]["status"] == "complete"


async def _refuses(client: Client, thread_id: str) -> bool:
    # A send that asks for something impossible stores nothing, whoever answers it.
    return (await client.send(thread_id, "x", on_busy="reject")).status == 503


async def _fails(waited: "asyncio.Task[object]") -> None:
    """A send that was waited for may be told 503 or be cut; an answer that looks like success would be a lie."""
    try:
        answer = await waited
    except LOST:
        return
    assert getattr(answer, "status", 0) >= 500, answer


async def test_an_attempt_that_was_drained_again_and_again_still_goes_on(
    make_server: StartServer, installation: Installation
) -> None:
    """Two deployments in a row, one attempt allowed: the third attempt completes the same message."""
    server = make_server(THREADLINE_DRAIN_SECONDS="0", THREADLINE_ATTEMPTS_MAX="1").start()
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        run_id = (await client.begin(thread_id, "x", model="demo/count-40@20"))["run"]["id"]
        for attempt in (1, 2):
            async with client.open("GET", f"/v1/runs/{run_id}/events") as stream:
                while stream.events().count("run.started") < attempt or stream.events()[-1] != "message.delta":
                    await stream.read_until("message.delta", "run.started")
                server.sigterm()
                await stream.read_to_cut()
            assert await asyncio.to_thread(server.wait_for_exit) == 0
            await asyncio.to_thread(server.start)
        run = await client.settled(run_id)
        assert (run["status"], run["attempt"]) == ("completed", 3)
        (_, answer) = await client.history(thread_id)
        assert text_of(answer) == counted(40)


async def test_an_idle_server_stops_at_once_and_a_busy_one_when_told_twice(
    make_server: StartServer, installation: Installation
) -> None:
    """Nothing to wait for means no waiting; a second signal means now, and the answer goes on with the next start."""
    server = make_server(THREADLINE_DRAIN_SECONDS="60").start()
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        async with client.events(thread_id) as follow:
            await follow.read_until("caught_up")
            began = time.monotonic()
            server.sigterm()
            await follow.read_to_cut()
            assert await asyncio.to_thread(server.wait_for_exit, 5.0) == 0
            assert time.monotonic() - began < 5
        await asyncio.to_thread(server.start)
        async with client.send_stream(thread_id, "x", model="demo/count-30@15") as stream:
            await stream.read_until("message.delta")
            assert server.process is not None
            server.process.send_signal(signal.SIGINT)
            await until(lambda: _refuses(client, thread_id), "the drain")
            began = time.monotonic()
            server.process.send_signal(signal.SIGINT)
            await stream.read_to_cut()
            await asyncio.to_thread(server.wait_for_exit)
            assert time.monotonic() - began < 10
        await asyncio.to_thread(server.start)
        run = await client.settled(stream.headers["x-threadline-run-id"])
        assert (run["status"], run["attempt"]) == ("completed", 2)
