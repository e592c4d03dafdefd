"""The checker of the crash test: a log as it should be passes, and each way to break a promise is seen."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from support.sse import Frame

from .checker import broken_promises
from .witness import Reading, RunReading, Seen, Send, Stored

THREAD = "thr_1"
WORDS = ["w0", " w1", " w2"]

Events = list[dict[str, Any]]


def question(seq: int | None) -> dict[str, Any]:
    """Return the message of the one send."""
    return _message("msg_1", "user", "complete", seq, None, ["question"], "k")


def answer(status: str, words: list[str]) -> dict[str, Any]:
    """Return the answer to it."""
    return _message("msg_2", "assistant", status, 5, "msg_1", words, None)


def _message(
    name: str, role: str, status: str, seq: int | None, parent: str | None, words: list[str], key: str | None
) -> dict[str, Any]:
    content = [{"type": "text", "text": "".join(words)}] if words else []
    place = {"id": name, "seq": seq, "parent_id": parent, "run_id": "run_1", "request_id": key}
    return {**place, "role": role, "status": status, "content": content}


def run(status: str, attempt: int, ended: bool, **more: Any) -> dict[str, Any]:
    """Return the one run."""
    attempts = [{"attempt": number + 1, "ended_at": "t"} for number in range(attempt)]
    if attempts and not ended:
        attempts[-1]["ended_at"] = None  # type: ignore[assignment]
    ids = {"id": "run_1", "model": "demo/count-3@60", "output_message_id": "msg_2" if attempt else None}
    return {**ids, "status": status, "attempt": attempt, "attempts": attempts, "input": None, **more}


def delta(text: str) -> dict[str, Any]:
    """Return a delta of the answer."""
    return {"type": "message.delta", "message_id": "msg_2", "block": 0, "kind": "text", "text": text}


def good() -> Events:
    """Return a log in which the first attempt died after two words."""
    return [
        {"type": "thread.created"},
        {"type": "run.queued", "run": run("queued", 0, False, input=question(None))},
        {"type": "message.created", "message": question(3)},
        {"type": "run.started", "run": run("running", 1, False)},
        {"type": "message.started", "message": answer("streaming", [])},
        delta("w0"),
        delta(" w1"),
        {"type": "message.superseded", "message_id": "msg_2", "by_attempt": 2},
        {"type": "run.started", "run": run("running", 2, False)},
        *map(delta, WORDS),
        {"type": "message.completed", "message": answer("complete", WORDS)},
        {"type": "run.completed", "run": run("completed", 2, True)},
    ]


def framed(events: Events) -> list[Frame]:
    """Return the events as frames, numbered."""
    frames = []
    for seq, event in enumerate(events, start=1):
        body = json.dumps({**event, "seq": event.get("seq", seq)})
        frames.append(Frame(seq, event["type"], f"id: {seq}\nevent: {event['type']}\ndata: {body}".encode()))
    return frames


def stored(events: Events, **changed: Any) -> Stored:
    """Return a thread with this log, and everything else as it should be."""
    state: dict[str, Any] = {"seq": len(events), "runs": [], "messages": []}
    state["thread"] = {"active_run_id": None, "message_count": 2}
    history = [question(3), answer("complete", WORDS)]
    whole = {"history": history, "state": state, "runs": {"run_1": run("completed", 2, True)}}
    return Stored(**{"log": framed(events), **whole, **changed})


def seen() -> Seen:
    """Return what somebody may have seen of the good log."""
    frames = framed(good())
    send = Send(THREAD, "k", {"content": "question"}, 2, ["run_1", "run_1"], ["msg_1", "msg_1"])
    state = {
        "seq": 7,
        "messages": [question(3), answer("streaming", ["w0", " w1"])],
        "runs": [run("running", 1, False)],
    }
    readings = [RunReading("run_1", ["run.queued"], "cut"), RunReading("run_1", ["run.completed"], "clean")]
    return Seen(
        [send], [(THREAD, frame) for frame in frames], [Reading(THREAD, [1, 2, 3])], readings, [(THREAD, state)]
    )


def test_a_thread_as_it_should_be_passes() -> None:
    """No breach where there is none: a replaced attempt, a retried send and a broken stream are all in order."""
    assert broken_promises(seen(), {THREAD: stored(good())}) == []


def without(place: int) -> Events:
    """Return the good log without one event, numbered anew."""
    events = good()
    del events[place]
    return events


def with_one(place: int, event: dict[str, Any]) -> Events:
    """Return the good log with one event more."""
    events = good()
    events.insert(place, event)
    return events


def changed(place: int, **fields: Any) -> Events:
    """Return the good log with one event changed."""
    events = good()
    events[place] = {**events[place], **fields}
    return events


LOGS: list[tuple[str, Events]] = [
    ("a word is lost", without(10)),
    ("the last word is lost", without(11)),
    ("a word is there twice", with_one(10, delta("w0"))),
    ("a word is another one", changed(10, text=" w9")),
    ("a word was changed on disk", changed(5, text="W0")),
    ("the end is lost", without(13)),
    ("the end is there twice", with_one(14, good()[13])),
    ("the end is there twice, in two ways", with_one(13, {"type": "run.failed", "run": run("failed", 2, True)})),
    ("the message is never completed", without(12)),
    ("the message is completed twice", with_one(13, good()[12])),
    ("the message is begun again", with_one(9, good()[4])),
    ("the half answer is added to", without(7)),
    ("the attempt is not told", without(8)),
    ("the attempt is counted wrong", changed(7, by_attempt=3)),
    ("the message goes on after its end", with_one(13, delta("x"))),
    ("the question is there twice", with_one(3, good()[2])),
    ("the send is queued twice", with_one(2, good()[1])),
    ("the question is lost", without(2)),
    ("a number is given twice", changed(6, seq=6)),
]


@pytest.mark.parametrize("events", [events for _, events in LOGS], ids=[name for name, _ in LOGS])
def test_a_broken_log_is_seen(events: Events) -> None:
    """Each way in which a log can be wrong, also for a client that saw nothing of it but the acknowledgement."""
    blind = seen()
    blind.frames, blind.states = [], []
    assert broken_promises(seen(), {THREAD: stored(events)})
    if events[5] == good()[5]:
        # A word that was changed is told only by who has read it, where what replaced it is whole.
        assert broken_promises(blind, {THREAD: stored(events)})


def _see(change: Callable[[Seen], object]) -> list[str]:
    what = copy.deepcopy(seen())
    change(what)
    return broken_promises(what, {THREAD: stored(good())})


def test_what_was_seen_and_is_not_there_is_seen() -> None:
    """A frame beyond the log, a frame with other bytes, a reader with a hole or a repeat, a false end, a wrong state."""
    extra = Frame(99, "message.delta", b'id: 99\nevent: message.delta\ndata: {"seq": 99}')
    other = Frame(6, "message.delta", framed(good())[5].raw.replace(b"w0", b"w1"))
    assert _see(lambda what: what.frames.append((THREAD, extra)))
    assert _see(lambda what: what.frames.append((THREAD, other)))
    assert _see(lambda what: what.readings.append(Reading(THREAD, [1, 3])))
    assert _see(lambda what: what.readings.append(Reading(THREAD, [1, 1])))
    assert _see(lambda what: what.readings.append(Reading(THREAD, [2])))
    assert _see(lambda what: what.run_readings.append(RunReading("run_1", ["message.delta"], "clean")))
    assert _see(lambda what: what.states.append((THREAD, {"seq": 99, "messages": [], "runs": []})))
    assert _see(lambda what: what.states[0][1].update(messages=[question(3), answer("streaming", ["w0"])]))
    assert _see(lambda what: what.states[0][1].update(runs=[]))
    assert _see(lambda what: what.mistakes.append("said by a client"))


def test_what_was_acknowledged_and_is_not_there_is_seen() -> None:
    """A send that is gone, one that became another run or message, and one that nobody sent."""
    gone = Send(THREAD, "gone", {"content": "x"}, 1, ["run_9"], ["msg_9"])
    assert _see(lambda what: what.sends.append(gone))
    assert _see(lambda what: what.sends[0].run_ids.append("run_2"))
    assert _see(lambda what: what.sends[0].message_ids.append("msg_7"))
    assert _see(lambda what: what.sends.clear())
    assert _see(lambda what: what.sends[0].body.update(respond=False))
    # Whoever gave up without a word from the server may have sent or not.
    assert not _see(lambda what: what.sends.append(Send(THREAD, "maybe", {"content": "x"}, 1)))


def test_rows_that_say_something_else_than_the_log_are_seen() -> None:
    """A run, a message, a count or a state that is not what the log says."""
    right = stored(good())
    for wrong in (
        {"runs": {"run_1": run("failed", 2, True)}},
        {"runs": {"run_1": run("completed", 1, True)}},
        {"runs": {"run_1": run("completed", 2, False)}},
        {"history": [question(3)]},
        {"history": [question(3), answer("complete", ["w0"])]},
        {"history": [question(3), {**answer("complete", WORDS), "parent_id": None}]},
        {"state": {**right.state, "seq": 3}},
        {"state": {**right.state, "runs": [run("running", 2, False)]}},
        {"state": {**right.state, "thread": {"active_run_id": None, "message_count": 3}}},
    ):
        assert broken_promises(seen(), {THREAD: stored(good(), **wrong)}), wrong
