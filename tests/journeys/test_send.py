"""A send in its four forms: streamed, waited for, in the background, and without an answer."""

import re
from typing import Any

import pytest

from support.client import ENDINGS, Client, counted, said, text_of
from support.installation import make_key
from support.server import Server

ANSWERED = ["run.queued", "message.created", "run.started", "message.started", "message.completed", "run.completed"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def kinds(frames: list[Any]) -> list[str]:
    """Return the events, deltas left out."""
    return [frame.event for frame in frames if frame.event != "message.delta"]


async def test_a_stream_has_the_frames_of_its_run_from_the_first_to_the_last(client: Client) -> None:
    """The frames come in the contract's order, each one an event of the log, and the body ends after the terminal one."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "hello", model="demo/count-30@max") as stream:
        frames = await stream.read_to_end()
    assert kinds(frames) == ANSWERED
    assert frames[-1].event == "run.completed"
    assert [frame.event for frame in frames].index("message.delta") == 4
    assert [frame.id for frame in frames] == list(range(2, 2 + len(frames)))
    for frame in frames:
        assert frame.data["type"] == frame.event
        assert frame.data["seq"] == frame.id
        assert frame.data["thread_id"] == thread_id
    assert stream.retries == [1000]
    assert said(frames) == counted(30)


async def test_a_stream_says_where_it_is_and_may_not_be_buffered(client: Client) -> None:
    """Location, run id, and the headers that keep proxies from holding words back."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "hello") as stream:
        frames = await stream.read_to_end()
    headers = stream.headers
    assert headers["location"] == f"/v1/threads/{thread_id}/events?after={frames[0].id - 1}"
    assert headers["x-threadline-run-id"] == frames[0].data["run"]["id"]
    assert headers["cache-control"] == "no-cache"
    assert headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in headers
    assert "idempotency-replayed" not in headers


async def test_the_location_of_a_stream_leads_to_the_same_bytes(client: Client) -> None:
    """What the send streamed is what the thread's log says from that place on, byte for byte."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "hello", model="demo/count-50@500") as stream:
        frames = await stream.read_to_end()
    async with client.open("GET", stream.headers["location"]) as follow:
        await follow.read_until("caught_up")
    assert [frame.raw for frame in follow.frames[:-1]] == [frame.raw for frame in frames]


async def test_the_events_carry_what_the_contract_says(client: Client) -> None:
    """The question waits with its run without seq and parent; the answer begins empty and is told whole at the end."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "hello", metadata={"a": [1]}, model="demo/echo@max") as stream:
        frames = {frame.event: frame.data for frame in await stream.read_to_end()}
    queued, created = frames["run.queued"]["run"], frames["message.created"]["message"]
    assert (queued["status"], queued["attempt"], queued["attempts"]) == ("queued", 0, [])
    assert (queued["input"]["seq"], queued["input"]["parent_id"]) == (None, None)
    assert queued["input_message_id"] == queued["input"]["id"] == created["id"]
    assert created["content"] == [{"type": "text", "text": "hello"}]
    assert (created["role"], created["status"], created["metadata"]) == ("user", "complete", {"a": [1]})
    assert created["seq"] == frames["message.created"]["seq"]
    started = frames["run.started"]["run"]
    assert (started["status"], started["attempt"]) == ("running", 1)
    begun = frames["message.started"]["message"]
    assert (begun["role"], begun["content"], begun["status"]) == ("assistant", [], "streaming")
    assert (begun["parent_id"], begun["run_id"]) == (created["id"], queued["id"])
    assert frames["message.delta"]["message_id"] == begun["id"]
    assert (frames["message.delta"]["block"], frames["message.delta"]["kind"]) == (0, "text")
    done, ended = frames["message.completed"]["message"], frames["run.completed"]["run"]
    assert (done["id"], done["seq"], done["status"], text_of(done)) == (begun["id"], begun["seq"], "complete", "hello")
    assert done["finish_reason"] == "stop"
    assert done["usage"]["output_tokens"] == 1
    assert (ended["status"], ended["error"], ended["output_message_id"]) == ("completed", None, begun["id"])
    assert ended["usage"] == done["usage"]
    assert [attempt["attempt"] for attempt in ended["attempts"]] == [1]
    for moment in (created["created_at"], done["completed_at"], ended["started_at"], ended["ended_at"]):
        assert TIME.fullmatch(moment)


async def test_a_send_can_be_waited_for(client: Client) -> None:
    """Without a form of delivery the answer comes when the run has ended, with question, run and reply."""
    thread_id = await client.thread()
    answer = await client.send(thread_id, "how are you")
    sent = answer.ok(200)
    assert sent.keys() == {"message", "run", "reply", "runs", "replies"}
    assert (sent["runs"], sent["replies"]) == ([sent["run"]], [sent["reply"]])
    assert text_of(sent["message"]) == text_of(sent["reply"]) == "how are you"
    assert sent["reply"]["parent_id"] == sent["message"]["id"]
    assert sent["run"]["status"] == "completed"
    assert sent["run"]["output_message_id"] == sent["reply"]["id"]
    assert answer.headers["x-threadline-run-id"] == sent["run"]["id"]


async def test_a_send_in_the_background_is_answered_with_nobody_there(client: Client) -> None:
    """202 at once with message and run; the answer is made although no one follows it."""
    thread_id = await client.thread()
    answer = await client.send(thread_id, "go", background=True, model="demo/count-20@200")
    sent = answer.ok(202)
    assert sent.keys() == {"message", "run", "runs"}
    assert sent["runs"] == [sent["run"]]
    assert sent["run"]["status"] in ("queued", "running")
    assert sent["run"]["input"]["id"] == sent["message"]["id"]
    assert answer.headers["x-threadline-run-id"] == sent["run"]["id"]
    run = await client.settled(sent["run"]["id"])
    assert run["status"] == "completed"
    assert text_of((await client.history(thread_id))[-1]) == counted(20)


async def test_a_send_may_want_no_answer(client: Client) -> None:
    """`respond: false` stores the message and nothing else happens."""
    thread_id = await client.thread()
    answer = await client.send(thread_id, "for the record", respond=False)
    sent = answer.ok(201)
    assert (sent["run"], sent["runs"]) == (None, [])
    assert sent["message"]["run_id"] is None
    assert "x-threadline-run-id" not in answer.headers
    assert [frame.event for frame in await client.log(thread_id)] == ["thread.created", "message.created"]
    assert (await client.history(thread_id)) == [sent["message"]]


async def test_a_server_key_moves_history_in(client: Client) -> None:
    """Messages of any role can be stored without an answer, and the next answer sees them as its history."""
    thread_id = await client.thread()
    await client.send(thread_id, "be kind", respond=False, role="system")
    await client.send(thread_id, "question", respond=False)
    tool = [
        {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}},
        {"type": "tool_result", "tool_use_id": "t1", "content": "seen", "is_error": False},
        {"type": "text", "text": "answer"},
    ]
    moved = (await client.send(thread_id, tool, respond=False, role="assistant")).ok(201)["message"]
    assert moved["content"] == tool
    assert moved["author"] == {"type": "agent", "id": None}
    await client.ask(thread_id, "and now")
    history = await client.history(thread_id)
    assert [message["role"] for message in history] == ["system", "user", "assistant", "user", "assistant"]
    assert (await client.get(f"/v1/threads/{thread_id}")).ok(200)["message_count"] == 4


async def test_each_message_has_the_one_before_as_its_parent(client: Client) -> None:
    """`parent_id` is always set and makes one chain; `seq` is that of the event that created the message."""
    thread_id = await client.thread()
    for word in ("one", "two", "three"):
        await client.ask(thread_id, word)
    history = await client.history(thread_id)
    assert [message["parent_id"] for message in history] == [None, *(message["id"] for message in history[:-1])]
    log = await client.log(thread_id)
    for message in history:
        frame = log[message["seq"] - 1]
        assert frame.event in ("message.created", "message.started")
        assert frame.data["message"]["id"] == message["id"]


async def test_the_parent_is_a_message_of_the_thread(client: Client) -> None:
    """`parent_id` as the newest message is what happens anyway; one of another thread is like one that is not there."""
    thread_id, other_id = await client.thread(), await client.thread()
    first = await client.ask(thread_id, "one")
    second = await client.ask(thread_id, "two", parent_id=first["reply"]["id"])
    assert second["message"]["parent_id"] == first["reply"]["id"]
    elsewhere = await client.ask(other_id, "x")
    problems = [
        (await client.send(thread_id, "three", parent_id=wrong)).problem(422, "invalid_request")
        for wrong in (elsewhere["reply"]["id"], "msg_none")
    ]
    assert problems[0] == problems[1]
    assert problems[0]["pointer"] == "/parent_id"
    assert len(await client.history(thread_id)) == 4


async def test_content_blocks_are_kept_as_they_were_sent(client: Client) -> None:
    """Images and files come back exactly, in order."""
    thread_id = await client.thread()
    content = [
        {"type": "text", "text": "look"},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}},
        {"type": "file", "source": {"type": "url", "url": "https://example.org/a.pdf"}, "name": "a.pdf"},
        {"type": "text", "text": "\U0001f600 é 中文 \r\n\t end"},
    ]
    sent = await client.ask(thread_id, content)
    assert sent["message"]["content"] == content
    assert (await client.history(thread_id))[0]["content"] == content


async def test_words_of_every_alphabet_survive_the_stream(client: Client) -> None:
    """Line ends, emoji, separators and quotes in an answer come out as they went in, in deltas and in the end."""
    words = 'line\none\r\ntwo\u2028three " \\ \u0007 \U0001f469\u200d\U0001f680 data: x\n\nid: 7\n\nevent: y'
    thread_id = await client.thread()
    async with client.send_stream(thread_id, words) as stream:
        frames = await stream.read_to_end()
    assert said(frames) == words
    assert text_of(frames[-2].data["message"]) == words


async def test_reasoning_and_a_tool_without_an_owner_are_told_in_the_log(client: Client) -> None:
    """Reasoning has its own kind; a tool that nobody has is requested and completed as an error, well paired."""
    script = '{"steps": [{"think": "hm"}, {"say": "let me see"}, {"call": "look", "input": {"at": 1}}]}'
    thread_id = await client.thread()
    async with client.send_stream(thread_id, script, model="demo/script@max") as stream:
        frames = await stream.read_to_end()
    assert {frame.data["kind"] for frame in frames if frame.event == "message.delta"} == {
        "reasoning",
        "text",
        "tool_input",
    }
    asked = next(frame.data for frame in frames if frame.event == "tool.requested")
    told = next(frame.data for frame in frames if frame.event == "tool.completed")
    assert (asked["name"], asked["input"]) == ("look", {"at": 1})
    assert (told["tool_use_id"], told["is_error"]) == (asked["tool_use_id"], True)
    kinds = [block["type"] for block in frames[-2].data["message"]["content"]]
    assert kinds == ["reasoning", "text", "tool_use", "tool_result"]
    # And the thread is not stuck: the next answer comes.
    assert (await client.ask(thread_id, "go on"))["run"]["status"] == "completed"


async def test_one_form_of_delivery_at_a_time(client: Client) -> None:
    """A send that wants to be streamed and left alone is refused, and nothing is stored."""
    thread_id = await client.thread()
    (await client.send(thread_id, "x", stream=True, background=True)).problem(422, "invalid_request")
    assert await client.history(thread_id) == []


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
async def test_either_header_says_who_is_asking(server: Server, header: Any) -> None:
    """A key created beside the running server works at once, in both headers."""
    key = make_key(server.data, database=server.database)
    async with Client(server.url, key, header) as client:
        thread_id = await client.thread()
        assert (await client.ask(thread_id, "x"))["run"]["status"] == "completed"


async def test_without_a_valid_key_nothing_is_answered(nobody: Client, client: Client) -> None:
    """No key, half a key and a wrong secret are all 401, with a word on how to ask."""
    thread_id = await client.thread()
    assert client.key is not None
    wrong = [{}, {"authorization": "Bearer"}, {"authorization": f"Basic {client.key}"}, {"x-api-key": client.key[:-1]}]
    wrong += [{"authorization": f"Bearer {client.key}x"}, {"x-api-key": "tl_"}, {"authorization": "Bearer a.b.c"}]
    for headers in wrong:
        answer = await nobody.get(f"/v1/threads/{thread_id}", headers=headers)
        answer.problem(401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    # A key in the address would end up in somebody's log.
    (await nobody.get(f"/v1/threads/{thread_id}?token={client.key}")).problem(401, "unauthorized")


async def test_a_stream_that_its_reader_leaves_goes_on(client: Client) -> None:
    """Closing the connection in mid-answer changes nothing: the answer is whole afterwards."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "x", model="demo/count-60@100") as stream:
        await stream.read_until("message.delta")
        run_id = stream.headers["x-threadline-run-id"]
    run = await client.settled(run_id)
    assert (run["status"], run["attempt"]) == ("completed", 1)
    assert text_of((await client.history(thread_id))[-1]) == counted(60)


async def test_a_run_ends_with_one_terminal_event(client: Client) -> None:
    """Of all that was sent to a thread, each run has exactly one end in the log."""
    thread_id = await client.thread()
    for model in ("demo/count-5@max", "demo/fail-provider_error@max", "demo/cut-3@max"):
        await client.ask(thread_id, "x", model=model)
    ends = [frame.data["run"]["id"] for frame in await client.log(thread_id) if frame.event in ENDINGS]
    assert len(ends) == len(set(ends)) == 3
