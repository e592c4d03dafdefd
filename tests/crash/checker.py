"""Holds what clients saw against what is stored: promises 1 to 6, each a function that returns what breaks it.

Pure, and written from the contract alone. An empty list means that the promise is kept.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from support.client import ENDINGS, counted, text_of
from support.sse import Frame

from .witness import Seen, Send, Stored

Threads = Mapping[str, Stored]


def broken_promises(seen: Seen, threads: Threads) -> list[str]:
    """Return every breach of every promise."""
    found = list(seen.mistakes)
    for check in (seen_is_stored, readers_had_no_hole, clean_ends_are_ends, states_were_folds, sends_happened_once):
        found += check(seen, threads)
    for thread_id, stored in threads.items():
        for look in (numbers_are_dense, runs_end_once, messages_are_closed_once, attempts_replace, answers_are_whole):
            found += (f"{thread_id}: {breach}" for breach in look(stored))
        found += (f"{thread_id}: {breach}" for breach in history_is_the_log(stored))
    return found


# --- promise 1: what anyone has seen is on disk ---


def seen_is_stored(seen: Seen, threads: Threads) -> Iterator[str]:
    """Every frame that anybody saw is stored under its seq, byte for byte."""
    for thread_id, frame in seen.frames:
        log = threads[thread_id].log
        assert frame.id is not None, "frames of the log have ids"
        if frame.id > len(log):
            yield f"{thread_id}: {frame.id} was seen ({frame.event}) and is not stored"
        elif log[frame.id - 1].raw != frame.raw:
            yield f"{thread_id}: {frame.id} was seen as {frame.raw!r} and is stored as {log[frame.id - 1].raw!r}"


# --- promise 2: one number line ---


def numbers_are_dense(stored: Stored) -> Iterator[str]:
    """1, 2, 3 … without hole or repeat."""
    for place, frame in enumerate(stored.log, start=1):
        if frame.id != place or frame.data["seq"] != place:
            yield f"the log has {frame.id} where {place} should be"
            return


# --- promise 3: resume ---


def readers_had_no_hole(seen: Seen, threads: Threads) -> Iterator[str]:
    """Over all breaks and all restarts a reader got each seq once, in order."""
    for reading in seen.readings:
        for before, after in pairwise([0, *reading.seqs]):
            if after != before + 1:
                yield f"{reading.thread_id}: a reader got {after} after {before}"


def clean_ends_are_ends(seen: Seen, threads: Threads) -> Iterator[str]:
    """The stream of a run that ended cleanly had the terminal event as its last frame; no other had one in it."""
    for reading in seen.run_readings:
        is_over = bool(reading.events) and reading.events[-1] in ENDINGS
        if reading.ending == "clean" and not is_over:
            yield f"the stream of {reading.run_id} ended cleanly after {reading.events[-3:]}"


# --- promise 5: a send happens once ---


def sends_happened_once(seen: Seen, threads: Threads) -> Iterator[str]:
    """Acknowledged: exactly once, as what was acknowledged. Not acknowledged: at most once. Nothing else is there."""
    for thread_id, stored in threads.items():
        sends = {send.key: send for send in seen.sends if send.thread_id == thread_id}
        created = _by_key(frame.data["message"] for frame in stored.log if frame.event == "message.created")
        queued = _by_key(frame.data["run"]["input"] for frame in stored.log if frame.event == "run.queued")
        for key in {*created, *queued} - sends.keys():
            yield f"{thread_id}: nobody sent {key}"
        for key, send in sends.items():
            found = _once(send, created.get(key, []), queued.get(key, []), stored)
            yield from (f"{key}: {breach}" for breach in found)
        yield from _in_order(thread_id, stored, list(sends.values()))


def _once(send: Send, created: list[dict[str, Any]], queued: list[dict[str, Any]], stored: Stored) -> Iterator[str]:
    wants_run = send.body.get("respond", True)
    if len(created) > 1 or len(queued) > 1:
        yield f"stored {len(created)} times, queued {len(queued)} times"
    if not wants_run and queued:
        yield "has a run that nobody asked for"
    is_there = bool(created) or any(_was_cancelled_in_the_queue(stored.runs[message["run_id"]]) for message in queued)
    if send.is_acknowledged and (not is_there or (wants_run and not queued)):
        yield f"was acknowledged; there are {len(created)} messages and {len(queued)} runs"
    known = {message["id"] for message in [*created, *queued]}
    if len(known) > 1 or set(send.message_ids) - known:
        yield f"was acknowledged as {send.message_ids}; stored are {known}"
    known_runs = {message["run_id"] for message in [*created, *queued]}
    if set(send.run_ids) - known_runs:
        yield f"was acknowledged with {send.run_ids}; stored are {known_runs}"


def _was_cancelled_in_the_queue(run: Mapping[str, Any]) -> bool:
    # It never had the turn, so its question never became a message of the history.
    return run["status"] == "cancelled" and not run["attempts"]


def _in_order(thread_id: str, stored: Stored, sends: list[Send]) -> Iterator[str]:
    # A person sends the next one only after the one before: what was accepted stands in that order. So does what was
    # not acknowledged, unless it may still have lain before a server when the next one was sent to another.
    places = {
        frame.data["run"]["input"]["request_id"]: place
        for place, frame in enumerate(stored.log)
        if frame.event == "run.queued"
    }
    kept = [
        places[send.key] for send in sends if send.key in places and (send.is_acknowledged or not send.may_come_late)
    ]
    if kept != sorted(kept):
        yield f"{thread_id}: sends stand in another order than they were sent"


def _by_key(messages: Iterator[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for message in messages:
        found.setdefault(message["request_id"], []).append(message)
    return found


# --- promise 6: every run ends, once, in words ---


def runs_end_once(stored: Stored) -> Iterator[str]:
    """One terminal event for each run, the last of its events, and the run's own row says the same."""
    ends = Counter(frame.data["run"]["id"] for frame in stored.log if frame.event in ENDINGS)
    for run_id, run in stored.runs.items():
        if ends[run_id] != 1:
            yield f"{run_id} has {ends[run_id]} terminal events"
            continue
        own = [frame for frame in stored.log if _run_of(frame) == run_id]
        if own[-1].event not in ENDINGS:
            yield f"{run_id} goes on after its end with {own[-1].event}"
        if {**own[-1].data["run"], "input": None} != {**run, "input": None}:
            yield f"{run_id} is {run['status']}, its log says {own[-1].event}"
    for run_id in ends.keys() - stored.runs.keys():
        yield f"{run_id} ends without having been queued"
    if stored.state["runs"] or stored.state["thread"]["active_run_id"]:
        yield "the state still has runs"


def messages_are_closed_once(stored: Stored) -> Iterator[str]:
    """Each `message.started` is closed by one `message.completed`, before its run's end; nothing follows it."""
    begun = [frame.data["message"] for frame in stored.log if frame.event == "message.started"]
    if len({message["run_id"] for message in begun}) != len(begun):
        yield "a run has begun two messages"
    for message in begun:
        own = [frame for frame in stored.log if _message_of(frame) == message["id"]]
        kinds = Counter(frame.event for frame in own)
        if kinds["message.started"] != 1 or kinds["message.completed"] != 1:
            yield f"{message['id']} was started and completed {kinds}"
        elif own[0].event != "message.started" or own[-1].event != "message.completed":
            yield f"{message['id']} goes from {own[0].event} to {own[-1].event}"
        else:
            end = [f for f in stored.log if f.event in ENDINGS and f.data["run"]["id"] == message["run_id"]]
            if end and (end[0].id or 0) < (own[-1].id or 0):
                yield f"{message['id']} was completed after its run had ended"


# --- promise 4: a run outlives its process ---


def attempts_replace(stored: Stored) -> Iterator[str]:
    """Attempt n + 1 empties the same message and says so; attempts are counted without a hole."""
    for run_id, run in stored.runs.items():
        starts = [f for f in stored.log if f.event == "run.started" and f.data["run"]["id"] == run_id]
        numbers = [frame.data["run"]["attempt"] for frame in starts]
        if numbers != list(range(1, len(numbers) + 1)) or run["attempt"] != len(numbers):
            yield f"{run_id} has begun the attempts {numbers} and says {run['attempt']}"
        if [attempt["attempt"] for attempt in run["attempts"]] != numbers:
            yield f"{run_id} lists other attempts than it has begun"
        if any(attempt["ended_at"] is None for attempt in run["attempts"]):
            yield f"{run_id} has an attempt that never ended"
        replaced = [f for f in stored.log if f.event == "message.superseded" and _is_of(f, run)]
        if [frame.data["by_attempt"] for frame in replaced] != numbers[1:]:
            yield f"{run_id} was superseded by {[frame.data['by_attempt'] for frame in replaced]}, begun {numbers}"
        for empty, start in zip(replaced, starts[1:], strict=False):
            if start.id != (empty.id or 0) + 1:
                yield f"{run_id} was emptied at {empty.id} and begun again at {start.id}"


def answers_are_whole(stored: Stored) -> Iterator[str]:
    """A completed answer is every word of it, once; what an earlier attempt had said is a beginning of it."""
    for run_id, run in stored.runs.items():
        if run["model"].startswith("demo/count-"):
            expected = counted(int(run["model"].removeprefix("demo/count-").split("@")[0]))
            yield from (f"{run_id}: {breach}" for breach in _words(stored, run, expected))


def _words(stored: Stored, run: Mapping[str, Any], expected: str) -> Iterator[str]:
    lives: list[str] = [""]
    for frame in stored.log:
        if _is_of(frame, run) and frame.event == "message.superseded":
            lives.append("")
        elif _is_of(frame, run) and frame.event == "message.delta":
            lives[-1] += frame.data["text"]
    for words in lives:
        if not expected.startswith(words):
            yield f"an attempt said {words!r}"
    final = next((m for m in stored.history if m["id"] == run["output_message_id"]), None)
    if final is None:
        if run["attempt"]:
            yield "its answer is not in the history"
        return
    if text_of(final) != lives[-1]:
        yield f"it is stored as {text_of(final)!r} and was said as {lives[-1]!r}"
    if run["status"] == "completed" and (text_of(final), final["status"]) != (expected, "complete"):
        yield f"it is completed with {text_of(final)!r}"


# --- and the ways to look at a thread agree ---


def history_is_the_log(stored: Stored) -> Iterator[str]:
    """History is what the log folds to: the same messages in the same order, one chain of parents."""
    folded = fold(stored.log, len(stored.log))
    if folded != stored.history:
        yield "history is not the fold of the log"
    parents = [message["parent_id"] for message in stored.history]
    if parents != [None, *(message["id"] for message in stored.history[:-1])][: len(parents)]:
        yield "parents are no chain"
    if stored.state["thread"]["message_count"] != len(stored.history):
        yield f"{len(stored.history)} messages, counted {stored.state['thread']['message_count']}"
    if stored.state["seq"] != len(stored.log):
        yield f"the state is at {stored.state['seq']}, the log at {len(stored.log)}"


def states_were_folds(seen: Seen, threads: Threads) -> Iterator[str]:
    """Each state that anybody loaded was the fold of the log as it is stored, up to its seq."""
    for thread_id, state in seen.states:
        log = threads[thread_id].log
        if state["seq"] > len(log):
            yield f"{thread_id}: a state at {state['seq']} was seen, the log ends at {len(log)}"
            continue
        folded = fold(log, state["seq"])[-50:]
        if state["messages"] != folded:
            yield f"{thread_id}: the state at {state['seq']} was not the fold of the log"
        going = open_runs(log, state["seq"])
        if [run["id"] for run in state["runs"]] != going:
            yield f"{thread_id}: the state at {state['seq']} had the runs {state['runs']}, the log has {going}"


def fold(log: list[Frame], upto: int) -> list[dict[str, Any]]:
    """Make messages out of a log of text answers, as a client of the contract would."""
    messages: dict[str, dict[str, Any]] = {}
    words: dict[str, str] = {}
    for frame in log[:upto]:
        match frame.event:
            case "message.created" | "message.started" | "message.completed":
                message = frame.data["message"]
                messages[message["id"]] = message
                words[message["id"]] = ""
            case "message.delta":
                words[frame.data["message_id"]] += frame.data["text"]
            case "message.superseded":
                words[frame.data["message_id"]] = ""
    return [
        {**message, "content": [{"type": "text", "text": words[message_id]}]} if words[message_id] else message
        for message_id, message in messages.items()
    ]


def open_runs(log: list[Frame], upto: int) -> list[str]:
    """Return the runs that were queued and had not ended, in the order of their sends."""
    going: dict[str, None] = {}
    for frame in log[:upto]:
        if frame.event == "run.queued":
            going[frame.data["run"]["id"]] = None
        elif frame.event in ENDINGS:
            going.pop(frame.data["run"]["id"])
    return list(going)


def _run_of(frame: Frame) -> str | None:
    run_id = frame.data["run"]["id"] if "run" in frame.data else frame.data.get("message", {}).get("run_id")
    return run_id if isinstance(run_id, str) else None


def _message_of(frame: Frame) -> str | None:
    message_id = frame.data["message"]["id"] if "message" in frame.data else frame.data.get("message_id")
    return message_id if isinstance(message_id, str) else None


def _is_of(frame: Frame, run: Mapping[str, Any]) -> bool:
    return run["output_message_id"] is not None and _message_of(frame) == run["output_message_id"]
