"""Stopping an answer: from anywhere, at any moment, keeping what was said."""

import asyncio
import uuid

import pytest

from support.client import ENDINGS, Client, counted, said, text_of
from support.upstream import Upstream, chat
from support.waiting import until

from .test_on_busy import speaking


async def test_a_running_answer_is_stopped_and_its_words_are_kept(client: Client) -> None:
    """The message is completed as `cancelled` with every word that anybody saw, then the run is."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "x", model="demo/count-9999@200") as stream:
        for _ in range(5):
            await stream.read_until("message.delta")
        run_id = stream.headers["x-threadline-run-id"]
        (await client.post(f"/v1/runs/{run_id}/cancel", {})).ok(200)
        frames = await stream.read_to_end()
    assert [frame.event for frame in frames[-2:]] == ["message.completed", "run.cancelled"]
    message, run = frames[-2].data["message"], frames[-1].data["run"]
    assert (message["status"], message["finish_reason"]) == ("cancelled", None)
    assert text_of(message) == said(frames)
    assert counted(9999).startswith(text_of(message))
    assert (run["status"], run["error"], len(run["attempts"])) == ("cancelled", None, 1)
    assert run["attempts"][0]["ended_at"] is not None
    assert (await client.ask(thread_id, "next"))["run"]["status"] == "completed"


async def test_a_stalled_provider_does_not_keep_a_run_alive(client: Client) -> None:
    """Cancel reaches a read that waits for a provider that says nothing more."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "x", model="demo/stall-3@max") as stream:
        while said(stream.frames) != counted(3):
            await stream.next()
        run_id = stream.headers["x-threadline-run-id"]
        assert (await client.post(f"/v1/runs/{run_id}/cancel", {"wait": True})).ok(200)["status"] == "cancelled"
        frames = await stream.read_to_end()
    assert text_of(frames[-2].data["message"]) == counted(3)


@pytest.mark.parametrize("words", [(), ("Hello ", "there")])
async def test_a_cancel_closes_the_connection_to_the_vendor(
    client: Client, upstream: Upstream, words: tuple[str, ...]
) -> None:
    """A vendor that has gone silent, before its first word or in the middle, is hung up on: it stops costing money."""
    model = f"hang-{uuid.uuid4()}"
    upstream.play(model, chat(*words, ending="hang"))
    thread_id = await client.thread()
    run_id = (await client.begin(thread_id, "x", model=f"openai/{model}"))["run"]["id"]

    async def has_said_all() -> bool:
        history = await client.history(thread_id)
        return bool(upstream.asked(model)) and len(history) == 2 and text_of(history[1]) == "".join(words)

    await until(has_said_all, "the words before the silence")
    assert (await client.post(f"/v1/runs/{run_id}/cancel", {"wait": True})).ok(200)["status"] == "cancelled"
    assert text_of((await client.history(thread_id))[-1]) == "".join(words)

    async def is_hung_up() -> bool:
        return upstream.hung_up(model) == 1

    await until(is_hung_up, "hanging up")


async def test_a_cancel_before_the_first_word_leaves_an_empty_message(client: Client) -> None:
    """Nothing was said, and that is what the history says; the next answer is not disturbed by it."""
    thread_id = await client.thread()
    run_id = (await client.begin(thread_id, '{"steps": [{"stall": true}]}', model="demo/script"))["run"]["id"]
    assert (await client.post(f"/v1/runs/{run_id}/cancel", {"wait": True})).ok(200)["status"] == "cancelled"
    history = await client.history(thread_id)
    assert all(message["content"] == [] and message["status"] == "cancelled" for message in history[1:])
    assert (await client.ask(thread_id, "next"))["run"]["status"] == "completed"


async def test_a_run_that_waits_is_cancelled_without_ever_being_a_message(client: Client) -> None:
    """It ends at once, its question never enters the history, and those behind it keep their places."""
    thread_id = await client.thread()
    first = await speaking(client, thread_id)
    async with client.send_stream(thread_id, "never mind") as stream:
        await stream.next()
        third = await client.begin(thread_id, "third")
        run_id = stream.headers["x-threadline-run-id"]
        cancelled = (await client.post(f"/v1/runs/{run_id}/cancel")).ok(200)
        assert (cancelled["status"], cancelled["attempt"]) == ("cancelled", 0)
        frames = await stream.read_to_end()
    assert [frame.event for frame in frames] == ["run.queued", "run.cancelled"]
    await client.post(f"/v1/runs/{first}/cancel")
    assert (await client.settled(third["run"]["id"]))["status"] == "completed"
    words = [text_of(message) for message in await client.history(thread_id)]
    assert "never mind" not in words
    assert words[2:] == ["third", "third"]


@pytest.mark.parametrize("model", ["demo/echo@max", "demo/fail-provider_error@max"])
async def test_to_cancel_what_has_ended_does_nothing(client: Client, model: str) -> None:
    """The run stays as it ended, the log gets no new event, however often one asks."""
    thread_id = await client.thread()
    run = (await client.ask(thread_id, "x", model=model))["run"]
    log = await client.log(thread_id)
    for body in ({}, {"wait": True}, {"wait": False}):
        assert (await client.post(f"/v1/runs/{run['id']}/cancel", body)).ok(200) == run
    assert await client.log(thread_id) == log


async def test_a_cancel_works_from_another_connection_and_another_key(client: Client, admin: Client) -> None:
    """Another tab, with another key of the tenant, stops the answer that somebody else is reading."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "x", model="demo/stall-2@max") as stream:
        await stream.read_until("message.delta")
        await admin.post(f"/v1/runs/{stream.headers['x-threadline-run-id']}/cancel")
        assert (await stream.read_to_end())[-1].event == "run.cancelled"


async def test_with_wait_the_answer_comes_when_all_is_settled(client: Client) -> None:
    """What a waited cancel answers is terminal, for a run that talks, again and again."""
    thread_id = await client.thread()
    for _ in range(5):
        run_id = (await client.begin(thread_id, "x", model="demo/count-99999@500"))["run"]["id"]
        run = (await client.post(f"/v1/runs/{run_id}/cancel", {"wait": True})).ok(200)
        assert run["status"] == "cancelled"
        assert run["ended_at"] is not None
        assert (await client.get(f"/v1/threads/{thread_id}")).ok(200)["active_run_id"] is None


async def test_twenty_who_cancel_at_once_end_a_run_once(client: Client) -> None:
    """However many ask, with and without waiting, there is one terminal event."""
    thread_id = await client.thread()
    run_id = (await client.begin(thread_id, "x", model="demo/count-99999@500"))["run"]["id"]
    bodies = [{"wait": number % 2 == 0} for number in range(20)]
    answers = await asyncio.gather(*(client.post(f"/v1/runs/{run_id}/cancel", body) for body in bodies))
    assert {answer.status for answer in answers} == {200}
    await client.settled(run_id)
    ends = [frame.event for frame in await client.log(thread_id) if frame.event in ENDINGS]
    assert ends == ["run.cancelled"]


async def test_a_cancel_that_races_with_the_end_is_one_of_the_two(client: Client) -> None:
    """Cancelled at the very moment of its last word, a run is completed or cancelled, never both or neither."""
    thread_id = await client.thread()
    for number in range(15):
        run_id = (await client.begin(thread_id, "x", model=f"demo/count-{number + 1}@max"))["run"]["id"]
        await asyncio.sleep(0.003 * number)
        run = (await client.post(f"/v1/runs/{run_id}/cancel", {"wait": True})).ok(200)
        assert run["status"] in ("completed", "cancelled")
    log = await client.log(thread_id)
    ends = [frame.data["run"]["id"] for frame in log if frame.event in ENDINGS]
    assert len(ends) == len(set(ends)) == 15
    begun = [frame.data["message"]["id"] for frame in log if frame.event == "message.started"]
    done = [frame.data["message"]["id"] for frame in log if frame.event == "message.completed"]
    assert begun == done


@pytest.mark.parametrize("words", [1, 2, 5, 9])
async def test_a_tool_request_that_was_cut_off_has_an_outcome(client: Client, upstream: Upstream, words: int) -> None:
    """Cancelled while a tool's input is still coming: requests and outcomes are paired, and the next vendor is happy."""
    script = '{"steps": [{"say": "wait"}, {"call": "look", "input": {"at": "%s"}, "pace": 40}]}' % ("x" * 100_000)
    thread_id = await client.thread()
    async with client.send_stream(thread_id, script, model="demo/script@max") as stream:
        while sum(frame.event == "message.delta" for frame in stream.frames) < words:
            await stream.read_until("message.delta")
        await client.post(f"/v1/runs/{stream.headers['x-threadline-run-id']}/cancel")
        frames = await stream.read_to_end()
    assert frames[-1].event == "run.cancelled"
    asked = [frame.data["tool_use_id"] for frame in frames if frame.event == "tool.requested"]
    told = [frame.data["tool_use_id"] for frame in frames if frame.event == "tool.completed"]
    blocks = frames[-2].data["message"]["content"]
    assert asked == told
    assert [block["id"] for block in blocks if block["type"] == "tool_use"] == asked
    assert [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"] == told
    model = f"after-{uuid.uuid4()}"
    upstream.play(model, chat("fine"))
    assert text_of((await client.ask(thread_id, "go on", model=f"openai/{model}"))["reply"]) == "fine"
    messages = upstream.asked(model)[0].body["messages"]
    called = [call["id"] for message in messages for call in message.get("tool_calls") or ()]
    answered = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert called == answered
