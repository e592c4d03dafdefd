"""Sending a message, through both clients, to servers that do not make it easy."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from support.waiting import PATIENCE_SECONDS
from threadline.client import (
    ConnectionLost,
    IdempotencyMismatch,
    InvalidRequest,
    RateLimited,
    RunFailed,
    ShuttingDown,
    ThreadBusy,
    UnexpectedAnswer,
    events,
)

from . import wire_samples as wire
from .scripted_server import Answer, Exchange, ScriptedServer, hang_up, problem, reply, say_nothing, stream
from .speakers import Speaker

Connect = Callable[..., Speaker]

FRAMES = wire.answered("Hel", "lo ", "you")
SEQS = list(range(2, 11))
SEND = "POST /v1/threads/thr_1/messages"
RESUME = "GET /v1/runs/run_1/events"


def send(client: Any, **options: Any) -> Any:
    return client.threads.send("thr_1", "hello", **options)


def resumed(*frames: bytes, then: str = "end") -> Answer:
    return stream(*frames, then=then)


def sent(*frames: bytes, then: str = "end") -> Answer:
    return stream(*frames, then=then, headers=wire.RUN_HEADERS)


def seqs(happened: list[events.Event]) -> list[int | None]:
    return [event.seq for event in happened]


async def test_a_send_streams_its_run_to_the_terminal_event(server: ScriptedServer, speaker: Speaker) -> None:
    """The plain case: one request with a key, a body and our credentials; typed events to the end."""
    server.answer(sent(wire.caught_up(1), *FRAMES))
    happened = await speaker.collect(lambda client: send(client, model="demo/echo", temperature=0.5))
    assert seqs(happened) == SEQS
    assert isinstance(happened[-1], events.RunCompleted)
    (seen,) = server.seen
    assert seen.line == SEND
    assert seen.json == {"content": "hello", "stream": True, "model": "demo/echo", "temperature": 0.5}
    assert len(seen.headers["idempotency-key"]) == 32
    assert seen.headers["authorization"] == "Bearer key_test"
    assert seen.headers["accept"] == "text/event-stream"


async def test_reading_stops_at_the_terminal_event(server: ScriptedServer, speaker: Speaker) -> None:
    """A server that does not end the body after the terminal event keeps nobody waiting."""
    server.answer(sent(*FRAMES, then="stall"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert seqs(await speaker.collect(send)) == SEQS


@pytest.mark.parametrize("break_with", ["end", "cut", "reset"])
@pytest.mark.parametrize("broken_after", [1, 5, 8])
async def test_a_stream_that_breaks_goes_on_after_the_last_event(
    server: ScriptedServer, speaker: Speaker, break_with: str, broken_after: int
) -> None:
    """A cut, a reset and a clean end before the terminal event all mean: reconnect, from the cursor."""
    pauses: list[int] = []
    server.answer(sent(*FRAMES[:broken_after], then=break_with), resumed(*FRAMES[broken_after:]))
    happened = await speaker.collect(lambda client: send(client, on_reconnect=lambda number, *_: pauses.append(number)))
    assert seqs(happened) == SEQS
    assert pauses == [1]
    assert server.lines == [SEND, RESUME]
    assert server.seen[1].headers["last-event-id"] == str(SEQS[broken_after - 1])


async def test_a_stream_that_was_cut_before_its_first_event_begins_at_the_runs_start(
    server: ScriptedServer, speaker: Speaker
) -> None:
    """With the run's name and no event there is no cursor to send."""
    server.answer(sent(then="cut"), resumed(*FRAMES))
    assert seqs(await speaker.collect(send)) == SEQS
    assert "last-event-id" not in server.seen[1].headers


async def test_a_frame_cut_in_the_middle_comes_again_whole(server: ScriptedServer, speaker: Speaker) -> None:
    """Half a frame is not an event; the resumed stream brings it, and it is given once."""
    half = FRAMES[5][: len(FRAMES[5]) // 2]
    server.answer(sent(*FRAMES[:5], half, then="cut"), resumed(*FRAMES[5:]))
    assert seqs(await speaker.collect(send)) == SEQS


async def test_what_is_replayed_is_not_given_twice(server: ScriptedServer, speaker: Speaker) -> None:
    """A server that ignores the cursor and replays the run from its start costs time, and no duplicates."""
    server.answer(sent(*FRAMES[:6], then="cut"), resumed(*FRAMES[:4], then="cut"), resumed(*FRAMES))
    assert seqs(await speaker.collect(send)) == SEQS


async def test_a_silent_stream_is_dead_after_a_while(server: ScriptedServer, connect: Connect) -> None:
    """Without heartbeats a connection that is still open counts as lost; with them it does not."""
    speaker = connect(stream_idle_seconds_max=10)

    async def slow_but_alive(exchange: Exchange) -> None:
        await exchange.begin()
        # In all for longer than a silence may last, each for so little that a busy machine does not make it one.
        for _ in range(42):
            await asyncio.sleep(0.25)
            await exchange.piece(b": heartbeat\n\n")
        for each in FRAMES[3:]:
            await exchange.piece(each)

    server.answer(sent(*FRAMES[:3], then="stall"), slow_but_alive)
    assert seqs(await speaker.collect(send)) == SEQS
    assert server.lines == [SEND, RESUME]


@pytest.mark.parametrize(
    "trouble",
    [
        hang_up,
        problem(503, "shutting_down", retryable=True),
        problem(503, "unavailable", {"retry-after": "0"}, retryable=True),
        problem(429, "rate_limited", {"retry-after": "0.01"}, retryable=True),
        reply(502),
        reply(500),
    ],
    ids=["hang up", "shutting down", "unavailable", "rate limited", "bad gateway", "server error"],
)
async def test_a_send_is_repeated_with_its_key_until_it_is_answered(
    server: ScriptedServer, speaker: Speaker, trouble: Answer
) -> None:
    """Whatever goes wrong before the answer, the same request goes out again: same key, same body."""
    server.answer(trouble, trouble, sent(*FRAMES))
    assert seqs(await speaker.collect(send)) == SEQS
    assert server.lines == [SEND] * 3
    assert len({(seen.headers["idempotency-key"], seen.body) for seen in server.seen}) == 1


async def test_trouble_while_resuming_is_survived(server: ScriptedServer, speaker: Speaker) -> None:
    """A server that drains, refuses and cuts while we come back loses us no event."""
    server.answer(
        sent(*FRAMES[:2], then="reset"),
        problem(503, "shutting_down", retryable=True),
        hang_up,
        resumed(*FRAMES[2:3], then="cut"),
        reply(502),
        resumed(*FRAMES[3:]),
    )
    assert seqs(await speaker.collect(send)) == SEQS


async def test_no_answer_at_all_is_a_break(server: ScriptedServer, connect: Connect) -> None:
    """A server that takes the send and says nothing is asked again, with the same key."""
    server.answer(say_nothing, sent(*FRAMES))
    began = time.monotonic()
    assert seqs(await connect(stream_idle_seconds_max=8).collect(send)) == SEQS
    assert time.monotonic() - began >= 8
    assert server.seen[0].headers["idempotency-key"] == server.seen[1].headers["idempotency-key"]


async def test_a_server_that_is_down_is_waited_for(server: ScriptedServer, speaker: Speaker) -> None:
    """Connection refused, then the server starts: the send goes through. The callback hears of every pause."""
    server.vanish()
    pauses: list[tuple[int, float, type[Exception]]] = []
    loop, paused_thrice = asyncio.get_running_loop(), asyncio.Event()

    def note(attempt: int, delay_seconds: float, error: Exception) -> None:
        pauses.append((attempt, delay_seconds, type(error)))
        if attempt == 3:
            loop.call_soon_threadsafe(paused_thrice.set)

    server.answer(sent(*FRAMES))
    sending = asyncio.create_task(speaker.collect(lambda client: send(client, on_reconnect=note)))
    await paused_thrice.wait()
    await server.start()
    assert seqs(await sending) == SEQS
    assert [attempt for attempt, _, _ in pauses] == list(range(1, len(pauses) + 1))
    assert all(0 <= delay <= 0.05 and kind is ConnectionLost for _, delay, kind in pauses)


async def test_a_server_that_restarts_in_the_middle_is_found_again(server: ScriptedServer, speaker: Speaker) -> None:
    """Kill -9 in the middle of an answer, and a restart on the same port: the words go on where they stopped."""

    async def die_and_come_back(exchange: Exchange) -> None:
        await exchange.begin(headers=wire.RUN_HEADERS)
        for each in FRAMES[:5]:
            await exchange.piece(each)
        await asyncio.sleep(0.02)
        exchange.server.vanish()
        await asyncio.sleep(0.1)
        await exchange.server.start()

    server.answer(die_and_come_back, resumed(*FRAMES[5:]))
    assert seqs(await speaker.collect(send)) == SEQS
    assert server.seen[1].headers["last-event-id"] == "6"


async def test_a_server_that_stays_away_is_given_up(server: ScriptedServer, connect: Connect) -> None:
    """After the budget without progress the stream says so, and how to go on later."""
    server.answer(sent(*FRAMES[:3], then="cut"))
    speaker = connect(reconnect_seconds_max=0.2)

    def vanish(stream: Any, event: events.Event) -> None:
        if event.seq == SEQS[2]:
            server_loop.call_soon_threadsafe(server.vanish)

    server_loop = asyncio.get_running_loop()
    with pytest.raises(ConnectionLost, match="gave up after") as caught:
        await speaker.collect(lambda client: send(client, idempotency_key="k7"), vanish)
    lost = caught.value
    assert (lost.run_id, lost.last_seq, lost.idempotency_key) == ("run_1", SEQS[2], "k7")
    assert isinstance(lost.__cause__, ConnectionLost)


async def test_a_server_that_takes_and_drops_for_ever_is_given_up(server: ScriptedServer, connect: Connect) -> None:
    """Connections that bring nothing new are no progress, however well each of them begins and ends."""
    server.otherwise = sent(*FRAMES[:3])
    with pytest.raises(ConnectionLost, match="ended before its last event") as caught:
        await connect(reconnect_seconds_max=3).collect(send)
    assert caught.value.last_seq == SEQS[2]
    assert 2 < len(server.seen) < 1000


async def test_a_wish_for_more_patience_than_there_is_is_passed_on(server: ScriptedServer, connect: Connect) -> None:
    """A Retry-After beyond the budget is raised as the rate limit that it is, at once."""
    server.answer(problem(429, "rate_limited", {"retry-after": "3600"}, retryable=True))
    with pytest.raises(RateLimited) as caught:
        await connect().collect(send)
    assert caught.value.retry_after_seconds == 3600


async def test_retry_after_is_honoured(server: ScriptedServer, speaker: Speaker) -> None:
    """The next try does not come before the server wanted it to."""
    pauses: list[float] = []
    server.answer(problem(503, "unavailable", {"retry-after": "0.2"}, retryable=True), sent(*FRAMES))
    await speaker.collect(lambda client: send(client, on_reconnect=lambda _, delay, error: pauses.append(delay)))
    assert len(pauses) == 1
    assert pauses[0] >= 0.2


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (problem(422, "idempotency_mismatch"), IdempotencyMismatch),
        (problem(422, "invalid_request", pointer="/content"), InvalidRequest),
        (problem(409, "thread_busy", run_id="run_9", events_url="/v1/runs/run_9/events"), ThreadBusy),
        (problem(503, "shutting_down", retryable=False), ShuttingDown),
    ],
)
async def test_a_refusal_is_raised_and_not_repeated(
    server: ScriptedServer, speaker: Speaker, refusal: Answer, kind: type[Exception]
) -> None:
    """What the server will never accept is raised from the send itself, after one try."""
    server.answer(refusal)
    with pytest.raises(kind):
        await speaker.call(send)


async def test_a_page_of_somebody_else_is_no_stream(server: ScriptedServer, speaker: Speaker) -> None:
    """A 200 with HTML, as a login wall sends it, is not taken for an empty answer."""
    server.answer(reply(200, "x", {"content-type": "text/html"}))
    with pytest.raises(UnexpectedAnswer, match="text/html"):
        await speaker.call(send)


async def test_a_failed_run_is_an_event(server: ScriptedServer, speaker: Speaker) -> None:
    """Inside a stream a failure is the last event; it becomes an exception where that is asked for."""
    error = {"code": "provider_overloaded", "message": "Busy.", "retryable": True}
    server.answer(sent(*wire.answered("Half", status="failed", error=error)))
    result = await speaker.call(lambda client: client.threads.send_and_wait("thr_1", "hello"))
    assert result.run.status == "failed"
    assert result.reply.text == "Half"
    with pytest.raises(RunFailed, match="provider_overloaded"):
        result.raise_for_run()


async def test_send_and_wait_survives_a_cut(server: ScriptedServer, speaker: Speaker) -> None:
    """Waiting for the whole answer is as durable as streaming it."""
    server.answer(sent(*FRAMES[:5], then="cut"), resumed(*FRAMES[5:]))
    result = await speaker.call(lambda client: client.threads.send_and_wait("thr_1", "hello", metadata={"a": 1}))
    assert result.raise_for_run().text == "Hello you"
    assert result.message.id == "msg_1"
    assert result.reply.id == "msg_2"
    assert server.seen[0].json["metadata"] == {"a": 1}


async def test_a_run_that_ended_while_we_were_away_is_asked_for(server: ScriptedServer, speaker: Speaker) -> None:
    """204 means that nothing is left: the run itself tells the end, so that every stream has one."""
    server.answer(
        sent(*FRAMES[:-1], then="cut"),
        reply(204),
        reply(200, wire.run("running")),
        reply(204),
        reply(200, wire.run("completed")),
    )
    happened = await speaker.collect(send)
    assert seqs(happened) == [*SEQS[:-1], SEQS[-2]]
    assert isinstance(happened[-1], events.RunCompleted)
    assert server.lines[1:] == [RESUME, "GET /v1/runs/run_1"] * 2


async def test_the_text_stream_yields_what_a_person_reads(server: ScriptedServer, speaker: Speaker) -> None:
    """Only visible text, over a cut, and a restart of the answer is told before its first new word."""
    told: list[str] = []
    frames = [
        wire.frame(2, "message.started", message=wire.answer_message("")),
        wire.delta(3, "thinking", kind="reasoning"),
        wire.delta(4, "Half "),
        wire.frame(5, "message.superseded", message_id="msg_2", by_attempt=2),
        wire.delta(6, "Whole "),
        wire.delta(7, "answer"),
        wire.frame(8, "message.completed", message=wire.answer_message("Whole answer")),
        wire.frame(9, "run.completed", run=wire.run("completed")),
    ]
    server.answer(sent(*frames[:4], then="cut"), resumed(*frames[4:]))
    pieces = await speaker.collect(
        lambda client: send(client).text_stream(lambda message_id: told.append(message_id)),
        lambda _, piece: told.append(piece),
    )
    assert pieces == ["Half ", "Whole ", "answer"]
    assert told == ["Half ", "msg_2", "Whole ", "answer"]


async def test_a_stream_knows_itself(server: ScriptedServer, speaker: Speaker) -> None:
    """The run's id, the key, the cursor, the text so far: each at the moment when it is known."""
    server.answer(sent(*FRAMES))
    seen: list[tuple[int | None, str]] = []
    stream = await speaker.call(send)
    assert stream.run_id == "run_1"
    assert stream.idempotency_key == server.seen[0].headers["idempotency-key"]
    assert (stream.last_seq, stream.text, stream.reply, stream.run) == (None, "", None, None)
    await speaker.collect(lambda client: stream, lambda looped, _: seen.append((looped.last_seq, looped.text)))
    assert [seq for seq, _ in seen] == SEQS
    assert [text for _, text in seen[4:7]] == ["Hel", "Hello ", "Hello you"]
    reply_message = await speaker.call(lambda client: stream.final_message())
    assert reply_message.text == stream.reply.text == "Hello you"
    assert stream.run.status == "completed"
    assert len(server.seen) == 1


async def test_leaving_a_loop_and_looping_again_goes_on(server: ScriptedServer, speaker: Speaker) -> None:
    """A loop that was left drops its connection; the next one resumes after the event that was given last."""
    server.answer(sent(b"".join(FRAMES[:6]), then="stall"), resumed(*FRAMES[3:]))
    stream = await speaker.call(send)
    first = await speaker.collect(
        lambda client: stream, lambda _, event: "break" if event.seq == SEQS[3] else None
    )  # fmt: skip
    assert seqs(first) == SEQS[:4]
    assert stream.last_seq == SEQS[3]
    assert (await speaker.call(lambda client: stream.final_message())).text == "Hello you"
    assert server.seen[1].headers["last-event-id"] == str(SEQS[3])


async def test_closing_ends_the_loop(server: ScriptedServer, speaker: Speaker) -> None:
    """A stream that is closed from within its loop gives nothing more, and raises nothing."""
    server.answer(sent(b"".join(FRAMES[:6]), then="stall"))

    def close(stream: Any, event: events.Event) -> Any:
        return stream.close() if event.seq == SEQS[2] else None

    async with asyncio.timeout(PATIENCE_SECONDS):
        assert seqs(await speaker.collect(send, close)) == SEQS[:3]


async def test_cancel_stops_the_run_and_the_stream_goes_on_to_its_end(server: ScriptedServer, speaker: Speaker) -> None:
    """Stopping is a request of its own; what it does is seen in the stream."""
    cancelled = asyncio.Event()

    async def until_cancelled(exchange: Exchange) -> None:
        await exchange.begin(headers=wire.RUN_HEADERS)
        await exchange.piece(b"".join(FRAMES[:5]))
        await cancelled.wait()
        await exchange.piece(wire.frame(7, "message.completed", message=wire.answer_message("Hel", status="cancelled")))
        await exchange.piece(wire.frame(8, "run.cancelled", run=wire.run("cancelled")))
        await exchange.wait_until_gone()

    async def cancel(exchange: Exchange) -> None:
        await exchange.reply(200, json.dumps(wire.run("cancelled")).encode())
        cancelled.set()

    server.answer(until_cancelled, cancel)
    happened = await speaker.collect(
        send, lambda stream, event: stream.cancel(wait=True) if event.type == "message.delta" else None
    )
    assert isinstance(happened[-1], events.RunCancelled)
    assert server.lines == [SEND, "POST /v1/runs/run_1/cancel"]
    assert server.seen[1].json == {"wait": True}


async def test_a_run_is_followed_by_its_id(server: ScriptedServer, speaker: Speaker) -> None:
    """A second tab attaches to a run, from its start or from a cursor, with the same durability."""
    server.answer(
        resumed(*FRAMES[:4], then="cut"),
        resumed(*FRAMES[4:]),
        resumed(*FRAMES[7:]),
        problem(404, "not_found"),
    )
    assert seqs(await speaker.collect(lambda client: client.runs.events("run_1"))) == SEQS
    assert seqs(await speaker.collect(lambda client: client.runs.events("run_1", 8))) == SEQS[7:]
    assert [seen.headers.get("last-event-id") for seen in server.seen] == [None, "5", "8"]
    with pytest.raises(Exception, match="not_found"):
        await speaker.call(lambda client: client.runs.events("run_1"))


async def test_a_queued_send_streams_through_its_waiting_time(server: ScriptedServer, speaker: Speaker) -> None:
    """A send to a busy thread is a run that is queued; its message is known from the run, and is what its turn made it."""
    waiting = wire.message(seq=None, content=[{"type": "text", "text": "later"}])
    queued = wire.frame(2, "run.queued", run=wire.run("queued", input=waiting))
    _, *rest = wire.answered("ok", first_seq=9)
    begun = wire.frame(9, "message.created", message={**waiting, "seq": 9})
    server.answer(sent(queued, then="cut"), resumed(begun, *rest))
    result = await speaker.call(lambda client: client.threads.send_and_wait("thr_1", "later"))
    assert (result.message.text, result.text) == ("later", "ok")


async def test_background_sends_and_stored_messages(server: ScriptedServer, speaker: Speaker) -> None:
    """Other forms of delivery: accepted and answered later, or stored and never answered; each with its key."""
    server.answer(
        hang_up,
        reply(202, {"message": wire.message(), "run": wire.run("queued")}),
        hang_up,
        reply(201, {"message": wire.message(role="assistant", run_id=None), "run": None}),
    )
    accepted = await speaker.call(lambda client: client.threads.send_in_background("thr_1", "hello"))
    assert (accepted.message.id, accepted.run.status) == ("msg_1", "queued")
    message = await speaker.call(lambda client: client.threads.append("thr_1", "old", role="assistant"))
    assert message.role == "assistant"
    assert [seen.json for seen in server.seen[1::2]] == [
        {"content": "hello", "background": True},
        {"content": "old", "respond": False, "role": "assistant"},
    ]
    keys = [seen.headers["idempotency-key"] for seen in server.seen]
    assert keys[0] == keys[1] != keys[2] == keys[3]


async def test_a_send_that_nobody_answers(server: ScriptedServer, speaker: Speaker) -> None:
    """In a room, where nobody was called: no run, no events, and no waiting for either."""
    stored = {"message": wire.message(run_id=None), "run": None, "runs": []}
    server.answer(reply(201, stored), reply(201, stored), reply(201, stored))
    result = await speaker.call(lambda client: client.threads.send_and_wait("thr_1", "hello"))
    assert (result.run, result.reply, result.text, result.message.id) == (None, None, "", "msg_1")
    assert result.raise_for_run() is result
    assert await speaker.collect(send) == []
    accepted = await speaker.call(lambda client: client.threads.send_in_background("thr_1", "hello"))
    assert (accepted.run, accepted.runs, accepted.message.id) == (None, (), "msg_1")
    assert [seen.line for seen in server.seen] == [SEND] * 3


async def test_a_send_that_several_answer(server: ScriptedServer, speaker: Speaker) -> None:
    """All of their runs, the first of which is the run of the send."""
    runs = [wire.run("queued"), wire.run("queued", id="run_2")]
    server.answer(reply(202, {"message": wire.message(), "run": runs[0], "runs": runs}))
    accepted = await speaker.call(lambda client: client.threads.send_in_background("thr_1", "hello"))
    assert [run.id for run in accepted.runs] == ["run_1", "run_2"]
    assert accepted.run == accepted.runs[0]


async def test_waiting_for_a_message_that_is_handed_to_an_answer(server: ScriptedServer, speaker: Speaker) -> None:
    """The reply is that of the answer; the run is the message's own."""
    handed = wire.answered(status="completed", answered_by="run_2")[-1]
    server.answer(sent(handed), resumed(*FRAMES))
    result = await speaker.call(lambda client: client.threads.send_and_wait("thr_1", "this", on_busy="steer"))
    assert (result.run.id, result.answered_by, result.text) == ("run_1", "run_2", "Hello you")
    assert [seen.line for seen in server.seen] == [SEND, "GET /v1/runs/run_2/events"]
