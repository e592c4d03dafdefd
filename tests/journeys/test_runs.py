"""Runs: looked at, and followed from their start or from a cursor."""

import asyncio

from support.client import Client, counted, said


async def test_a_run_is_what_its_last_event_says(client: Client) -> None:
    """GET gives the run of the terminal event, with its question put back in."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "hello") as stream:
        last = (await stream.read_to_end())[-1].data["run"]
    run = await client.run(last["id"])
    assert {**run, "input": None} == {**last, "input": None}
    assert run["object"] == "run"
    assert run["input"]["id"] == run["input_message_id"]
    assert run["input"]["content"] == [{"type": "text", "text": "hello"}]


async def test_a_run_can_be_followed_from_its_start_and_from_any_cursor(client: Client) -> None:
    """Its own events only, from the first or from the cursor, and a clean end after the terminal one."""
    thread_id = await client.thread()
    await client.ask(thread_id, "before")
    async with client.send_stream(thread_id, "x", model="demo/count-12@max") as stream:
        frames = await stream.read_to_end()
    run_id = stream.headers["x-threadline-run-id"]
    await client.ask(thread_id, "after")
    async with client.open("GET", f"/v1/runs/{run_id}/events") as follow:
        assert [frame.raw for frame in await follow.read_to_end()] == [frame.raw for frame in frames]
    middle = frames[5].id
    async with client.open("GET", f"/v1/runs/{run_id}/events?after={middle}") as follow:
        assert await follow.read_to_end() == frames[6:]
    last = {"last-event-id": str(middle)}
    async with client.open("GET", f"/v1/runs/{run_id}/events?after=1", headers=last) as follow:
        assert await follow.read_to_end() == frames[6:]


async def test_a_run_that_has_ended_and_was_read_is_204(client: Client) -> None:
    """At its terminal event, beyond it, and at "now": nothing is left, and it is said without a stream."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "x") as stream:
        end = (await stream.read_to_end())[-1].id
    run_id = stream.headers["x-threadline-run-id"]
    await client.ask(thread_id, "another")
    for cursor in (end, end + 1, "now"):  # type: ignore[operator]
        answer = await client.get(f"/v1/runs/{run_id}/events?after={cursor}")
        assert (answer.status, answer.body) == (204, b"")
    assert (await client.get(f"/v1/runs/{run_id}/events", headers={"last-event-id": str(end)})).status == 204
    for cursor in ("x", "-1", "99999"):
        (await client.get(f"/v1/runs/{run_id}/events?after={cursor}")).problem(400, "bad_cursor")


async def test_a_run_that_is_going_can_be_followed_by_many(client: Client) -> None:
    """Readers that join a running answer at any time get all of it."""
    thread_id = await client.thread()
    run_id = (await client.begin(thread_id, "x", model="demo/count-80@200"))["run"]["id"]

    async def follow(wait: float) -> str:
        await asyncio.sleep(wait)
        async with client.open("GET", f"/v1/runs/{run_id}/events") as stream:
            return said(await stream.read_to_end())

    assert await asyncio.gather(*(follow(0.03 * number) for number in range(10))) == [counted(80)] * 10


async def test_a_run_that_waits_can_be_followed_too(client: Client) -> None:
    """Its stream begins with `run.queued`, is silent while others answer, and goes on with its own turn."""
    thread_id = await client.thread()
    first = await client.begin(thread_id, "x", model="demo/stall-2@max")
    async with client.send_stream(thread_id, "second") as stream:
        assert (await stream.next()).event == "run.queued"  # type: ignore[union-attr]
        await client.post(f"/v1/runs/{first['run']['id']}/cancel")
        frames = await stream.read_to_end()
    assert [frame.event for frame in frames] == [
        "run.queued",
        "message.created",
        "run.started",
        "message.started",
        "message.delta",
        "message.completed",
        "run.completed",
    ]
    assert len({frame.id for frame in frames}) == len(frames)


async def test_an_unknown_run_is_404(client: Client, foreign: Client) -> None:
    """A run that is not there and another tenant's run are the same answer."""
    thread_id = await client.thread()
    run_id = (await client.ask(thread_id, "x"))["run"]["id"]
    bodies = set()
    for one, wanted in ((foreign, run_id), (client, "run_00000000000000000000000000"), (client, "x"), (client, "%00")):
        answer = await one.get(f"/v1/runs/{wanted}")
        answer.problem(404, "not_found")
        bodies.add(answer.body)
        (await one.get(f"/v1/runs/{wanted}/events")).problem(404, "not_found")
        (await one.post(f"/v1/runs/{wanted}/cancel")).problem(404, "not_found")
    assert len(bodies) == 1
