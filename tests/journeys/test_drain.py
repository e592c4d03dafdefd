"""SIGTERM: what runs may finish, what cannot is cut and goes on after the restart, and nothing new begins."""

import asyncio
import signal
import time
import uuid
from collections.abc import Mapping

from support.client import LOST, Client, said, text_of
from support.fixtures import Installation, StartServer
from support.upstream import Gate, Upstream, chat
from support.waiting import until


async def test_a_drain_lets_what_can_finish(
    make_server: StartServer, installation: Installation, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """Within the grace period: sends are 503 `shutting_down` with a time, reads are answered, `/readyz` says no.

    A running answer ends as always, and with the last one the process ends, with 0. What waited behind it is answered
    after the restart.
    """
    server = make_server(**vendors, THREADLINE_DRAIN_SECONDS="600").start()
    model, gate = f"m-{uuid.uuid4()}", Gate()
    upstream.play(model, chat("short ", gate, "answer"))
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        async with client.send_stream(thread_id, "x", model=f"openai/{model}") as stream:
            await stream.read_until("message.delta")
            behind = await client.begin(thread_id, "behind", model="demo/echo@max")
            server.sigterm()
            await until(lambda: _refuses(client, thread_id), "the refusal of new sends")
            refused = await client.send(thread_id, "new", background=True)
            assert refused.problem(503, "shutting_down")["retryable"]
            assert int(refused.headers["retry-after"]) > 0
            (await client.get("/readyz")).problem(503, "unavailable")
            assert (await client.get("/healthz")).status == 200
            assert len(await client.history(thread_id)) == 2
            gate.set()
            frames = await stream.read_to_end()
        assert await asyncio.to_thread(server.wait_for_exit) == 0
    assert frames[-1].event == "run.completed"
    assert said(frames) == "short answer"
    await asyncio.to_thread(server.start)
    async with Client(server.url, installation.key) as client:
        assert (await client.settled(behind["run"]["id"]))["status"] == "completed"
        assert (await client.send(thread_id, "new", model="demo/echo@max")).ok(200)["run"]["status"] == "completed"


async def test_a_drain_cuts_what_cannot_finish(
    make_server: StartServer, installation: Installation, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """After the grace period: the streams of a long answer are cut, never ended; the process ends with 0.

    After the restart it goes on in the same message with attempt 2.
    """
    server = make_server(**vendors, THREADLINE_DRAIN_SECONDS="1", THREADLINE_ATTEMPTS_MAX="1").start()
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat("a ", "long ", ending="hang"), chat("a ", "long ", "answer"))
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        async with (
            client.send_stream(thread_id, "x", model=f"openai/{model}") as stream,
            client.events(thread_id) as watch,
        ):
            await stream.read_until("message.delta")
            waited = asyncio.create_task(client.send(thread_id, "waits", model="demo/echo@max"))
            await until(lambda: _waits(client, thread_id), "the second send")
            began = time.monotonic()
            server.sigterm()
            frames, watched, _ = await asyncio.gather(stream.read_to_cut(), watch.read_to_cut(), _fails(waited))
        assert await asyncio.to_thread(server.wait_for_exit) == 0
        assert time.monotonic() - began > 0.9, "the grace period is waited for"
    assert frames[-1].event == "message.delta"
    await asyncio.to_thread(server.start)
    async with Client(server.url, installation.key) as client:
        run = await client.settled(stream.headers["x-threadline-run-id"])
        # Attempts that a drain has ended do not count: one is allowed, and this is the second.
        assert (run["status"], run["attempt"]) == ("completed", 2)
        assert [attempt["error"] and attempt["error"]["code"] for attempt in run["attempts"]] == ["drained", None]
        log = await client.log(thread_id)
        seen = [frame for frame in watched if frame.id is not None]
        assert [frame.raw for frame in log[: len(seen)]] == [frame.raw for frame in seen]
        superseded = [frame.data for frame in log if frame.event == "message.superseded"]
        assert [(event["message_id"], event["by_attempt"]) for event in superseded] == [(run["output_message_id"], 2)]
        assert text_of((await client.history(thread_id))[1]) == "a long answer"
        # The send that was waited for was stored before the drain: it is answered too.
        await until(lambda: _has(client, thread_id, 4), "the answer to what waited")


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
    make_server: StartServer, installation: Installation, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """Two deployments in a row, one attempt allowed: the third attempt completes the same message."""
    server = make_server(**vendors, THREADLINE_DRAIN_SECONDS="0", THREADLINE_ATTEMPTS_MAX="1").start()
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, *(chat("again ", ending="hang") for _ in range(2)), chat("again ", "and done"))
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        run_id = (await client.begin(thread_id, "x", model=f"openai/{model}"))["run"]["id"]
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
        assert text_of(answer) == "again and done"


async def test_an_idle_server_stops_at_once_and_a_busy_one_when_told_twice(
    make_server: StartServer, installation: Installation, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """Nothing to wait for means no waiting; a second signal means now, and the answer goes on with the next start."""
    server = make_server(**vendors, THREADLINE_DRAIN_SECONDS="600").start()
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat("half ", ending="hang"), chat("half ", "whole"))
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        async with client.events(thread_id) as follow:
            await follow.read_until("caught_up")
            server.sigterm()
            await follow.read_to_cut()
            assert await asyncio.to_thread(server.wait_for_exit) == 0
        await asyncio.to_thread(server.start)
        async with client.send_stream(thread_id, "x", model=f"openai/{model}") as stream:
            await stream.read_until("message.delta")
            assert server.process is not None
            server.process.send_signal(signal.SIGINT)
            await until(lambda: _refuses(client, thread_id), "the drain")
            server.process.send_signal(signal.SIGINT)
            await stream.read_to_cut()
            await asyncio.to_thread(server.wait_for_exit)
        await asyncio.to_thread(server.start)
        run = await client.settled(stream.headers["x-threadline-run-id"])
        assert (run["status"], run["attempt"]) == ("completed", 2)
