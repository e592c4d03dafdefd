"""The state of a thread: the fold of its log up to `seq`, from which its events go on without a gap."""

from typing import Any

from support.client import Client, counted, said, text_of


async def test_an_idle_thread_is_its_messages_and_nothing_else(client: Client) -> None:
    """State has the same messages as history, no runs, and the seq of the last event."""
    thread_id = await client.thread()
    await client.ask(thread_id, "hello")
    state = await client.state(thread_id)
    assert state.keys() == {"thread", "messages", "runs", "has_more", "next_cursor", "seq"}
    assert state["messages"] == await client.history(thread_id)
    assert (state["runs"], state["has_more"], state["next_cursor"]) == ([], False, None)
    assert state["seq"] == state["thread"]["seq"] == len(await client.log(thread_id))


async def test_state_in_mid_answer_and_the_events_after_it_are_the_whole_answer(client: Client) -> None:
    """Taken again and again while words arrive: text so far plus the deltas after `seq` is every word, once."""
    thread_id = await client.thread()
    states: list[dict[str, Any]] = []
    async with client.send_stream(thread_id, "x", model="demo/count-99999@150") as stream:
        # At different moments, also where all of what is read has lain there for long.
        while len(states) < 8 or len({state["seq"] for state in states}) < 4:
            for _ in range(3):
                await stream.read_until("message.delta")
            states.append(await client.state(thread_id))
        await client.post(f"/v1/runs/{stream.headers['x-threadline-run-id']}/cancel")
        whole = text_of((await stream.read_to_end())[-2].data["message"])
    assert counted(99_999).startswith(whole)
    log = await client.log(thread_id)
    assert [frame.id for frame in log] == list(range(1, len(log) + 1))
    for state in states:
        (run,) = state["runs"]
        assert (run["status"], state["thread"]["active_run_id"]) == ("running", run["id"])
        answer = state["messages"][-1]
        assert (answer["status"], answer["run_id"]) == ("streaming", run["id"])
        assert text_of(answer) + said(log[state["seq"] :]) == whole
        assert await client.log(thread_id, after=state["seq"]) == log[state["seq"] :]


async def test_live_events_go_on_where_the_state_was_taken(client: Client) -> None:
    """A client that loads the state and then follows, both while words arrive, holds the whole answer at the end."""
    thread_id = await client.thread()
    sent = await client.begin(thread_id, "x", model="demo/count-99999@200")
    text = ""
    while not text:
        state = await client.state(thread_id)
        text = text_of(state["messages"][-1]) if len(state["messages"]) == 2 else ""
    async with client.events(thread_id, after=state["seq"]) as follow:
        for _ in range(5):
            await follow.read_until("message.delta")
        await client.post(f"/v1/runs/{sent['run']['id']}/cancel")
        await follow.read_until("run.cancelled")
    numbers = [frame.id for frame in follow.frames if frame.id is not None]
    assert numbers == list(range(state["seq"] + 1, numbers[-1] + 1))
    whole = text_of((await client.history(thread_id))[-1])
    assert text + said(follow.frames) == whole
    assert counted(99_999).startswith(whole)
    assert follow.frames[-1].data["run"]["id"] == sent["run"]["id"]


async def test_state_shows_those_who_wait_with_their_questions(client: Client) -> None:
    """The active run first, then the queue in its order, each waiting run with its question; none is a message yet."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "first", model="demo/stall-2@max") as stream:
        await stream.read_until("message.delta")
        behind = [(await client.begin(thread_id, word))["run"]["id"] for word in ("second", "third")]
        state = await client.state(thread_id)
        assert [run["id"] for run in state["runs"]] == [stream.headers["x-threadline-run-id"], *behind]
        assert [run["status"] for run in state["runs"]] == ["running", "queued", "queued"]
        assert [text_of(run["input"]) for run in state["runs"][1:]] == ["second", "third"]
        assert len(state["messages"]) == 2
        await client.delete(f"/v1/threads/{thread_id}")


async def test_state_is_limited_and_its_cursor_leads_back(client: Client) -> None:
    """The latest messages oldest first, and a cursor for the older ones that neither skips nor repeats."""
    thread_id = await client.thread()
    for place in range(7):
        await client.send(thread_id, f"m{place}", respond=False)
    state = (await client.get(f"/v1/threads/{thread_id}/state?limit=3")).ok(200)
    assert [text_of(message) for message in state["messages"]] == ["m4", "m5", "m6"]
    assert state["has_more"]
    older = (await client.get(f"/v1/threads/{thread_id}/messages?cursor={state['next_cursor']}")).ok(200)
    assert [text_of(message) for message in older["data"]] == ["m3", "m2", "m1", "m0"]
    for limit in ("0", "201", "x"):
        (await client.get(f"/v1/threads/{thread_id}/state?limit={limit}")).problem(422, "invalid_request")


async def test_a_small_limit_still_shows_the_answer_in_progress(client: Client) -> None:
    """With one message asked for, it is the one that is being said, with its text so far."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "x", model="demo/stall-3@max") as stream:
        seen = ""
        while seen != counted(3):
            seen += (await stream.read_until("message.delta")).data["text"]
        state = (await client.get(f"/v1/threads/{thread_id}/state?limit=1")).ok(200)
        (answer,) = state["messages"]
        assert (answer["status"], text_of(answer)) == ("streaming", counted(3))
        await client.delete(f"/v1/threads/{thread_id}")
