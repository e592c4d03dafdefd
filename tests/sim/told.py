"""Holds what clients were told against what is stored. Each function yields what breaks a promise of ARCHITECTURE.md."""

from collections.abc import Iterator, Mapping

from msgspec import structs

from threadline.content import TextBlock
from threadline.engine.state import Snapshot
from threadline.events import TERMINAL_TYPES, Entry, MessageCreated, RunQueued, ThreadDeleted, encode_event
from threadline.ids import RunId, ThreadId
from threadline.records import Run

from .checkers import Stored, fold_is
from .people import Cancel, Reading, Sent
from .weather import Climate

HEARD_SECONDS = 1.5
"""A look behind a lost nudge, and the end of the run."""

HEARD_BY_RESCUE_SECONDS = 25.0
"""A node that sleeps for twelve seconds, its lease, and the next claim, each a little late."""


def sends_happened_once(sent: list[Sent], threads: dict[ThreadId, Stored]) -> Iterator[str]:
    """Promise 5: acknowledged exactly once and always as the same; the others at most once."""
    for send in sent:
        log = threads[send.thread_id].log
        key = send.plan.key
        queued = list(dict.fromkeys(_queued_with(log, key)))
        created = [
            event.message.id
            for entry in log
            if isinstance(event := entry.event, MessageCreated) and event.message.request_id == key
        ]
        if len(queued) > 1 or len(created) > 1:
            yield f"{key} was sent once and is stored {len(created)} times, with {len(queued)} runs"
        if send.is_refused and not isinstance(log[-1].event, ThreadDeleted):
            yield f"{key} was told that its thread is not there"
        if not send.is_refused and not send.answers:
            yield f"{key} was never answered"
        if len(set(send.answers)) > 1:
            yield f"{key} was acknowledged as {set(send.answers)}"
        for answer in dict.fromkeys(send.answers):
            if send.on_busy == "merge" and not queued and answer[1] is not None:
                yield from _was_merged_once(log, send, answer)
                continue
            # A question that was cancelled (or deleted) while it waited never becomes a message of the history.
            is_dropped = any(entry.type == "run.cancelled" and entry.run_id == answer[1] for entry in log)
            is_note = answer[1] is None and not queued
            if (queued != [answer] and not is_note) or (created != [answer[0]] and not (is_dropped and not created)):
                yield f"{key} was acknowledged as {answer}; stored are {created}, {queued}"


def _queued_with(log: list[Entry], key: str) -> Iterator[tuple[str, RunId]]:
    for entry in log:
        event = entry.event
        if isinstance(event, RunQueued) and event.run.input and event.run.input.request_id == key:
            yield event.run.input.id, event.run.id


def _was_merged_once(log: list[Entry], send: Sent, answer: tuple[str, RunId | None]) -> Iterator[str]:
    """The question was added to one that waited: its text is in what that run was queued with, once."""
    times = [
        sum(isinstance(block, TextBlock) and block.text == send.plan.text() for block in event.run.input.content)
        for entry in log
        if isinstance(event := entry.event, RunQueued) and event.run.id == answer[1] and event.run.input
    ]
    if max(times, default=0) != 1:
        yield f"{send.plan.key} was merged into {answer}, which has it {times}"


def readers_saw_the_log(
    readings: list[Reading], threads: dict[ThreadId, Stored], removed: Mapping[tuple[ThreadId, str], int | None]
) -> Iterator[str]:
    """Promises 1 to 3: what a reader has seen is a stretch of the log, byte for byte, up to its end.

    Who was removed sees none of what came after, which is looked at when it is shown.
    """
    for reading in readings:
        log = [encode_event(entry.event) for entry in threads[reading.thread_id].log]
        if reading.seen != log[reading.start : reading.cursor]:
            yield f"{reading.thread_id}: a reader has seen what is not stored"
        is_deleted = isinstance(threads[reading.thread_id].log[-1].event, ThreadDeleted)
        is_out = reading.person is not None and removed.get((reading.thread_id, reading.person)) is not None
        if reading.cursor != len(log) and not is_deleted and not is_out:
            yield f"{reading.thread_id}: a reader stays at {reading.cursor}, the log is at {len(log)}"


def states_were_folds(states: list[Snapshot], threads: dict[ThreadId, Stored]) -> Iterator[str]:
    """Promise 9: each state that anybody loaded is the fold of the log up to its seq."""
    for state in states:
        if not fold_is(threads[state.thread.id].log, state):
            yield f"{state.thread.id}: the state at {state.seq} was not the fold of the log"


def wishes_were_heard(
    cancels: list[Cancel], ended_at: dict[RunId, float], climate: Climate, fair_at: float
) -> Iterator[str]:
    """Who asks on any node for a run to stop is heard soon, whichever node answers it; faults may delay it."""
    for cancel in cancels:
        latest = cancel.at + HEARD_SECONDS if climate.is_calm else max(cancel.at, fair_at) + HEARD_BY_RESCUE_SECONDS
        ended = ended_at.get(cancel.run_id)
        if ended is None or ended > latest:
            yield f"{cancel.run_id} was to stop at {cancel.at:.3f} and has ended at {ended}"


def waits_ended_with_the_run(ends: list[Run], threads: dict[ThreadId, Stored]) -> Iterator[str]:
    """Who waits for the end of a run is told its one end."""
    for run in ends:
        last = [e.event.run for e in threads[run.thread_id].log if e.run_id == run.id and e.type in TERMINAL_TYPES]  # type: ignore[union-attr]
        if [structs.replace(one, input=None) for one in last] != [structs.replace(run, input=None)]:
            yield f"somebody waited for {run.id} and was told {run}; the log says {last}"
