"""Answers that are not to go on without a reader: they end when nobody reads on any node, and by nobody's wish."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.backends import BACKENDS
from support.client import ENDINGS, Client, text_of
from support.fixtures import Installation, StartServer
from support.server import Server
from support.waiting import until

GRACE = {"THREADLINE_DISCONNECT_GRACE_SECONDS": "1.5"}
ENDLESS = "demo/count-9999@40"
WORDS_OF_TWO_GRACES = 120


@pytest.fixture
async def client(make_server: StartServer, installation: Installation) -> AsyncIterator[Client]:
    """A client of a server of the test's own, which is not patient."""
    server = make_server(**GRACE).start()
    async with Client(server.url, installation.key) as client:
        yield client


async def ended(client: Client, run_id: str) -> dict[str, Any]:
    """Wait for the end of a run without reading it."""

    async def look() -> dict[str, Any] | None:
        run = await client.run(run_id)
        return run if run["ended_at"] else None

    found = await until(look, "the end of the run")
    assert found is not None
    return found


async def test_an_answer_without_a_reader_ends(client: Client) -> None:
    """Its stream is dropped; what it said is kept, and what is written down is that nobody read, not that anybody wished."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "x", model=ENDLESS, on_disconnect="cancel") as stream:
        await stream.read_until("message.delta")
        run_id = stream.headers["x-threadline-run-id"]
    run = await ended(client, run_id)
    assert (run["status"], run["error"]["code"]) == ("cancelled", "no_readers")
    assert run["attempts"][-1]["error"]["code"] == "no_readers"
    answer = (await client.history(thread_id))[1]
    assert (answer["status"], answer["error"]["code"]) == ("cancelled", "no_readers")
    assert text_of(answer)
    assert (await client.ask(thread_id, "next"))["run"]["status"] == "completed"


async def test_an_answer_goes_on_while_anybody_reads_the_thread(client: Client) -> None:
    """The asker leaves; a second reader of the thread is enough, for as long as he stays."""
    thread_id = await client.thread(on_disconnect="cancel")
    async with client.events(thread_id) as other:
        async with client.send_stream(thread_id, "x", model=ENDLESS) as stream:
            await stream.read_until("message.delta")
            run_id = stream.headers["x-threadline-run-id"]
        for _ in range(WORDS_OF_TWO_GRACES):
            await other.read_until("message.delta")
        assert (await client.run(run_id))["status"] == "running"
    assert (await ended(client, run_id))["error"]["code"] == "no_readers"


async def test_who_comes_back_in_time_keeps_the_answer(make_server: StartServer, installation: Installation) -> None:
    """Away and back, again and again: each grace period begins with the last reader's going."""
    server = make_server(THREADLINE_DISCONNECT_GRACE_SECONDS="3").start()
    async with Client(server.url, installation.key) as client:
        # A machine that kept him away for longer has proved nothing: once more then.
        while await _longest_absence(client) > 2.9:
            pass


async def _longest_absence(client: Client) -> float:
    """Be away for longer than the grace period in all; the answer goes on. Returns the longest time away at once."""
    thread_id = await client.thread()
    run_id = (await client.begin(thread_id, "x", model=ENDLESS, on_disconnect="cancel"))["run"]["id"]
    left, longest = time.monotonic(), 0.0
    for _ in range(8):
        async with client.events(thread_id, after=0) as stream:
            await stream.read_until("caught_up")
            longest = max(longest, time.monotonic() - left)
            left = time.monotonic()
        await asyncio.sleep(0.5)
    async with client.events(thread_id) as stream:
        await stream.read_until("caught_up")
        longest = max(longest, time.monotonic() - left)
        status = (await client.run(run_id))["status"]
        assert status == "running" or longest > 2.9
    return longest


async def test_a_request_that_waits_is_a_reader_until_its_client_goes(client: Client) -> None:
    """Whoever waits for the answer gets it; whose connection is gone waits no more."""
    thread_id = await client.thread()
    answered = await client.ask(thread_id, "x", model="demo/count-60@40", on_disconnect="cancel")
    assert answered["run"]["status"] == "completed"
    asking = asyncio.create_task(client.send(thread_id, "x", model=ENDLESS, on_disconnect="cancel"))

    async def active() -> str | None:
        found: str | None = (await client.get(f"/v1/threads/{thread_id}")).ok(200)["active_run_id"]
        return found

    run_id = await until(active, "the run")
    assert run_id is not None
    asking.cancel()
    assert (await ended(client, run_id))["error"]["code"] == "no_readers"


async def test_the_send_has_the_last_word(client: Client) -> None:
    """`continue` of a send outdoes the thread's `cancel`, and an answer without either goes on by itself."""
    thread_id = await client.thread(on_disconnect="cancel")
    steady = await client.begin(thread_id, "x", model="demo/count-60@40", on_disconnect="continue")
    assert (await ended(client, steady["run"]["id"]))["status"] == "completed"
    (await client.request("PATCH", f"/v1/threads/{thread_id}", {"on_disconnect": None})).ok(200)
    plain = await client.begin(thread_id, "x", model="demo/count-60@40")
    assert (await ended(client, plain["run"]["id"]))["status"] == "completed"
    (await client.send(thread_id, "x", on_disconnect="shrug")).problem(422, "invalid_request")


async def test_what_waits_for_its_turn_is_left_alone(client: Client) -> None:
    """It costs nothing. With its turn it begins as if somebody read, and then ends for want of a reader as well."""
    thread_id = await client.thread(on_disconnect="cancel")
    async with client.events(thread_id) as stream:
        first = (await client.begin(thread_id, "x", model=ENDLESS))["run"]["id"]
        await stream.read_until("message.delta")
        second = (await client.begin(thread_id, "y", model=ENDLESS))["run"]["id"]
    assert (await ended(client, first))["error"]["code"] == "no_readers"
    run = await ended(client, second)
    assert (run["attempt"], run["error"]["code"]) == (1, "no_readers")
    assert text_of((await client.history(thread_id))[2]) == "y"


async def _longest_silence(here: Client, there: Client) -> float:
    """Read on the other node for longer than a grace period, then nowhere. Returns the longest time without a word."""
    thread_id = await here.thread()
    async with there.events(thread_id) as stream:
        await stream.read_until("caught_up")
        async with here.send_stream(thread_id, "x", model=ENDLESS, on_disconnect="cancel") as mine:
            await mine.read_until("message.delta")
            run_id = mine.headers["x-threadline-run-id"]
        last, longest = time.monotonic(), 0.0
        for _ in range(2 * WORDS_OF_TWO_GRACES):
            frame = await stream.read_until("message.delta", *ENDINGS)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
            if frame.event != "message.delta":
                break
        assert (await there.run(run_id))["status"] == "running" or longest > 2.5
    assert (await ended(here, run_id))["error"]["code"] == "no_readers"
    return longest


@pytest.mark.parametrize("backend", BACKENDS[1:], indirect=True)
async def test_a_reader_on_another_node_is_a_reader(
    make_server: StartServer, installation: Installation, tmp_path: Path
) -> None:
    """The node that makes the answer has no reader, and the answer goes on, until the other node has none either."""
    # A node that had no time for so long to say that it has readers would be taken for one that has none.
    one = make_server(THREADLINE_DISCONNECT_GRACE_SECONDS="5")
    two = Server(tmp_path / "two", dict(one.settings))
    one.start()
    two.start()
    try:
        async with Client(one.url, installation.key) as here, Client(two.url, installation.key) as there:
            # A reader's node that stood still for so long could not say that it has one: once more then.
            while await _longest_silence(here, there) > 2.5:
                pass
    finally:
        two.stop()
    assert two.faults() == []
