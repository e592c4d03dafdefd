"""Crashes at moments that matter, one by one."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

from support.client import Client, counted, said, text_of
from support.fixtures import Installation, StartServer
from support.rows import rows
from support.server import Server
from support.upstream import Upstream, chat
from support.waiting import until


def in_two_lives(upstream: Upstream, said_first: str, *said_then: str) -> str:
    """Return a model that falls silent after a word; asked again, by whoever comes after a crash, it says all of these."""
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat(said_first, ending="hang"), chat(*said_then))
    return f"openai/{model}"


def kinds(frames: list[Any]) -> list[str]:
    """Return the events, deltas left out."""
    return [frame.event for frame in frames if frame.event != "message.delta"]


async def test_what_was_acknowledged_is_there_after_a_crash(
    make_server: StartServer, installation: Installation, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """Killed in the moment of each acknowledgement: threads, changes, messages, sends, queues, cancels, deletions."""
    server = make_server(**vendors).start()
    async with Client(server.url, installation.key) as client:
        changed, deleted, queue, ended, noted = [await client.thread() for _ in range(5)]
        slow = await client.begin(queue, "q0", model=in_two_lives(upstream, "half ", "half ", "whole"))
        async with client.open("GET", f"/v1/runs/{slow['run']['id']}/events") as stream:
            await stream.read_until("message.delta")
        waiting = [(await client.begin(queue, f"q{number}"))["run"]["id"] for number in (1, 2)]
        doomed = await client.begin(deleted, "x", model="demo/stall-3@max")
        (await client.post(f"/v1/runs/{waiting[0]}/cancel")).ok(200)
        async with client.send_stream(ended, "all", model="demo/count-40@max") as stream:
            before = await stream.read_to_end()
        answers = await asyncio.gather(
            client.post("/v1/threads", {"external_id": "new"}),
            client.patch(f"/v1/threads/{changed}", {"title": "kept"}),
            client.delete(f"/v1/threads/{deleted}"),
            client.send(noted, "note", respond=False),
            client.send(noted, "go", background=True),
        )
        assert [answer.status for answer in answers] == [201, 200, 204, 201, 202]
        server.kill9()
    await asyncio.to_thread(server.start)
    async with Client(server.url, installation.key) as client:
        assert (await client.post("/v1/threads", {"external_id": "new"})).ok(200)["id"] == answers[0].json["id"]
        assert (await client.get(f"/v1/threads/{changed}")).ok(200)["title"] == "kept"
        (await client.get(f"/v1/threads/{deleted}")).problem(404, "not_found")
        (await client.get(f"/v1/runs/{doomed['run']['id']}")).problem(404, "not_found")
        assert (await client.settled(answers[4].json["run"]["id"]))["status"] == "completed"
        assert {text_of(message) for message in await client.history(noted)} == {"note", "go"}
        # The end of an answer is kept whether its deltas were packed before the crash or not.
        assert [frame.raw for frame in (await client.log(ended))[1:]] == [frame.raw for frame in before]
        first, second, third = [await client.settled(run_id) for run_id in (slow["run"]["id"], *waiting)]
        assert [first["status"], second["status"], third["status"]] == ["completed", "cancelled", "completed"]
        assert [text_of(message) for message in await client.history(queue)] == ["q0", "half whole", "q2", "q2"]
        assert second["attempt"] == 0


async def test_a_dead_run_is_found_at_the_start_and_not_when_somebody_asks(
    make_server: StartServer, installation: Installation, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """With nobody reading the answer goes on; where there can be one server only, at once, and not after its lease."""
    server = make_server(**vendors)
    if not server.database:
        server.settings |= {"THREADLINE_LEASE_SECONDS": "600"}
    server.start()
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        async with client.send_stream(
            thread_id, "x", model=in_two_lives(upstream, "half ", "half ", "whole")
        ) as stream:
            await stream.read_until("message.delta")
            server.kill9()
            await stream.read_to_cut()
        await asyncio.to_thread(server.start)

        async def is_whole() -> bool:
            # History is a read that looks for nobody's run.
            return text_of((await client.history(thread_id))[1]) == "half whole"

        await until(is_whole, "the answer")


async def test_a_run_with_a_stored_cancel_is_not_attempted_again(
    make_server: StartServer, installation: Installation
) -> None:
    """Killed between the wish and the end: what was said is completed as cancelled, and the queue goes on."""
    server = make_server(THREADLINE_DEFAULT_MODEL="demo/echo@max").start()
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        async with client.send_stream(thread_id, "x", model="demo/stall-7@max") as stream:
            while said(stream.frames) != counted(7):
                await stream.next()
            behind = await client.begin(thread_id, "behind")
            server.kill9()
            seen = await stream.read_to_cut()
        run_id = stream.headers["x-threadline-run-id"]
        # The moment between the commit of the wish and that of the end is too short to be hit from outside.
        _store_cancel(server, run_id)
        await asyncio.to_thread(server.start)
        run = await client.settled(run_id)
        assert (run["status"], run["attempt"], len(run["attempts"])) == ("cancelled", 1, 1)
        assert (await client.settled(behind["run"]["id"]))["status"] == "completed"
        log = await client.log(thread_id)
        assert [frame.raw for frame in log[1 : 1 + len(seen)]] == [frame.raw for frame in seen]
        assert "message.superseded" not in kinds(log)
        history = await client.history(thread_id)
        assert (history[1]["status"], text_of(history[1])) == ("cancelled", counted(7))
        assert [text_of(message) for message in history[2:]] == ["behind", "behind"]


def _store_cancel(server: Server, run_id: str) -> None:
    wish = "UPDATE runs SET cancel_requested_at = '2026-01-01T00:00:00.000Z'"
    assert len(rows(server, f"{wish} WHERE id = '{run_id}' AND status = 'running' RETURNING id")) == 1


async def test_a_cancel_and_a_crash_at_once_end_in_a_cancelled_run(
    make_server: StartServer, installation: Installation
) -> None:
    """Killed as soon as the cancel is acknowledged: whatever was written by then, the runs are cancelled, once."""
    server = make_server().start()
    async with Client(server.url, installation.key) as client:
        runs = []
        for pace in (50, 200, 1000):
            thread_id = await client.thread()
            async with client.send_stream(thread_id, "x", model=f"demo/count-99999@{pace}") as stream:
                await stream.read_until("message.delta")
                runs.append((thread_id, stream.headers["x-threadline-run-id"]))
        answers = await asyncio.gather(*(client.post(f"/v1/runs/{run_id}/cancel") for _, run_id in runs))
        server.kill9()
        assert [answer.status for answer in answers] == [200] * 3
    await asyncio.to_thread(server.start)
    async with Client(server.url, installation.key) as client:
        for thread_id, run_id in runs:
            run = await client.settled(run_id)
            assert (run["status"], run["attempt"]) == ("cancelled", 1)
            log = await client.log(thread_id)
            assert kinds(log)[-2:] == ["message.completed", "run.cancelled"]
            assert text_of((await client.history(thread_id))[1]) == said(log)


async def test_a_run_that_kills_its_server_is_not_attempted_for_ever(
    make_server: StartServer, installation: Installation
) -> None:
    """After so many crashes the run fails with an error that is worth a retry, keeps its words, and the queue goes on."""
    server = make_server(THREADLINE_ATTEMPTS_MAX="2", THREADLINE_DEFAULT_MODEL="demo/echo@max").start()
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        sent = await client.begin(thread_id, "x", model="demo/count-9999@50")
        behind = await client.begin(thread_id, "behind")
        run_id = sent["run"]["id"]
        for attempt in (1, 2):
            async with client.open("GET", f"/v1/runs/{run_id}/events") as stream:
                while stream.events().count("run.started") < attempt:
                    await stream.read_until("run.started")
                for _ in range(3):
                    await stream.read_until("message.delta")
                server.kill9()
                seen = await stream.read_to_cut()
            await asyncio.to_thread(server.start)
        run = await client.settled(run_id)
        assert (run["status"], run["attempt"]) == ("failed", 2)
        assert (run["error"]["code"], run["error"]["retryable"]) == ("run_interrupted", True)
        assert [attempt["attempt"] for attempt in run["attempts"]] == [1, 2]
        assert all(attempt["ended_at"] for attempt in run["attempts"])
        assert run["attempts"][0]["error"]["retryable"]
        history = await client.history(thread_id)
        assert (history[1]["status"], history[1]["error"]) == ("failed", run["error"])
        async with client.open("GET", f"/v1/runs/{run_id}/events") as stream:
            whole = await stream.read_to_end()
        assert [frame.raw for frame in whole[: len(seen)]] == [frame.raw for frame in seen]
        assert text_of(history[1]) == said(whole) != ""
        assert counted(9999).startswith(text_of(history[1]))
        assert (await client.settled(behind["run"]["id"]))["status"] == "completed"
        again = await client.ask(thread_id, "again", model="demo/echo@max")
        assert again["run"]["status"] == "completed"


async def test_the_second_attempt_writes_into_the_same_message(
    make_server: StartServer, installation: Installation, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """A client that waited through the crash goes on at its cursor: emptied, said again, the same ids, no second start."""
    server = make_server(**vendors).start()
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        model = in_two_lives(upstream, "half ", "half ", "and whole")
        async with client.send_stream(thread_id, "x", model=model) as stream:
            await stream.read_until("message.delta")
            server.kill9()
            seen = await stream.read_to_cut()
        await asyncio.to_thread(server.start)
        run_id = stream.headers["x-threadline-run-id"]
        last = {"last-event-id": str(seen[-1].id)}
        async with client.open("GET", f"/v1/runs/{run_id}/events", headers=last) as resumed:
            rest = await resumed.read_to_end()
        whole = seen + rest
        assert [frame.id for frame in whole] == list(range(2, 2 + len(whole)))
        assert kinds(whole) == [
            "run.queued",
            "message.created",
            "run.started",
            "message.started",
            "message.superseded",
            "run.started",
            "message.completed",
            "run.completed",
        ]
        started = next(frame.data["message"] for frame in whole if frame.event == "message.started")
        emptied = next(frame.data for frame in whole if frame.event == "message.superseded")
        done = whole[-2].data["message"]
        assert (emptied["message_id"], emptied["by_attempt"]) == (started["id"], 2)
        assert (done["id"], done["seq"], text_of(done)) == (started["id"], started["seq"], "half and whole")
        assert said(whole) == "half and whole"
        run = whole[-1].data["run"]
        assert (run["id"], run["attempt"]) == (run_id, 2)
        assert [attempt["error"] and attempt["error"]["code"] for attempt in run["attempts"]] == ["interrupted", None]
        # The replaced words stay in the log, for whoever held them.
        assert [frame.raw for frame in (await client.log(thread_id))[1:]] == [frame.raw for frame in whole]
