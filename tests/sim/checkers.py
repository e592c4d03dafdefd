"""Holds the log of a thread against the promises of ARCHITECTURE.md. Each function yields what breaks one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, structs

from threadline.content import ToolResultBlock, ToolUseBlock, plain_text
from threadline.engine.state import Snapshot
from threadline.events import (
    TERMINAL_TYPES,
    Entry,
    Event,
    MessageCompleted,
    MessageCreated,
    MessageDelta,
    MessageStarted,
    MessageSuperseded,
    RunQueued,
    RunStarted,
    RunWaiting,
    ThreadUpdated,
    ToolCompleted,
    ToolRequested,
    encode_event,
)
from threadline.fold import ThreadState
from threadline.ids import MessageId, RunId, ThreadId
from threadline.records import Message, Run, Siblings
from threadline.tool_calls import ToolCall

from .heard import heard_by
from .model import Call
from .node import TIMES
from .weather import Climate


class Stored(Struct, frozen=True):
    """One thread in the end: what the store reads back, what was ever committed to it, and its rows."""

    log: list[Entry]
    committed: list[tuple[RunId | None, bytes]]
    messages: list[Message]
    runs: list[Run]
    tool_calls: list[ToolCall]
    state: Snapshot | None


def breaches_of_log(thread_id: ThreadId, stored: Stored, calls: list[Call], climate: Climate) -> Iterator[str]:
    """Yield what is wrong with one thread."""
    checks: list[Iterable[str]] = [
        nothing_is_lost(stored),
        runs_end_once(stored),
        one_run_has_the_turn(stored),
        attempts_replace(stored, climate),
        answers_are_what_was_said(stored, calls),
        questions_were_asked_in_order(stored, calls),
        tools_have_outcomes(stored),
        failures_have_a_reason(stored, calls, climate),
        rows_are_the_log(stored),
    ]
    for check in checks:
        yield from (f"{thread_id}: {breach}" for breach in check)


def nothing_is_lost(stored: Stored) -> Iterator[str]:
    """Promises 1, 2 and 3: the log is 1, 2, 3 …, and says of each seq what was committed under it, packed or not."""
    for place, entry in enumerate(stored.log, start=1):
        if entry.seq != place:
            yield f"the log has {entry.seq} where {place} should be"
            return
    if [(entry.run_id, encode_event(entry.event)) for entry in stored.log] != stored.committed:
        yield "the log is not what was committed"


def runs_end_once(stored: Stored) -> Iterator[str]:
    """Promise 6: one terminal event for each run, the last of its events."""
    queued = list(dict.fromkeys(entry.event.run.id for entry in stored.log if isinstance(entry.event, RunQueued)))
    ends = Counter(entry.run_id for entry in stored.log if entry.type in TERMINAL_TYPES)
    for run_id in queued:
        own = [entry for entry in stored.log if entry.run_id == run_id]
        if ends[run_id] != 1:
            yield f"{run_id} has {ends[run_id]} ends"
        elif own[-1].type not in TERMINAL_TYPES:
            yield f"{run_id} goes on after its end with {own[-1].type}"
    if set(ends) - set(queued):
        yield "runs end that were not queued"


def one_run_has_the_turn(stored: Stored) -> Iterator[str]:
    """One question is answered at a time, in the order in which they stand in the queue."""
    active: RunId | None = None
    waiting: list[RunId] = []
    for entry in stored.log:
        match entry.event:
            case RunQueued(run=run):
                # New, rewritten or moved: it stands where it says, and those behind it make room.
                waiting = [run_id for run_id in waiting if run_id != run.id]
                waiting.insert(0 if run.position is None else run.position - 1, run.id)
            case MessageCreated(message=message) if message.run_id == active:
                # Handed to the answer in progress, or nobody's turn.
                pass
            case MessageCreated(message=message) if message.run_id is not None:
                if active is not None or waiting[:1] != [message.run_id]:
                    yield f"{message.run_id} got the turn of {active}, waiting were {waiting}"
                active, waiting = message.run_id, waiting[1:]
            case ThreadUpdated(thread={"active_run_id": run_id}) if run_id is not None:
                # What it answers stands in the history already.
                if active is not None or waiting[:1] != [run_id]:
                    yield f"{run_id} got the turn of {active}, waiting were {waiting}"
                active, waiting = run_id, waiting[1:]
            case RunStarted(run=run):
                if run.id != active:
                    yield f"{run.id} began in the turn of {active}"
            case _ if entry.type in TERMINAL_TYPES:
                if entry.run_id == active:
                    active = None
                elif entry.run_id in waiting:
                    waiting.remove(entry.run_id)
            case _:
                pass


def attempts_replace(stored: Stored, climate: Climate) -> Iterator[str]:
    """Promise 4: attempts count 1, 2, 3; where words would be lost the message is emptied; none is without a cause."""
    queued = dict.fromkeys(entry.event.run.id for entry in stored.log if isinstance(entry.event, RunQueued))
    for run_id in queued:
        own = [one.event for one in stored.log if one.run_id == run_id]
        begun = [event.run.attempt for event in own if isinstance(event, RunStarted)]
        if begun != list(range(1, len(begun) + 1)):
            yield f"{run_id} began the attempts {begun}"
        yield from (f"{run_id}: {breach}" for breach in _emptied(own))
        # Whoever goes on after a wait, or behind what was handed to him, does so in an attempt of its own.
        waits = {event.run.attempt for event in own if isinstance(event, RunWaiting)}
        messages = sum(isinstance(event, MessageStarted) for event in own)
        if len(begun) > max(messages, 1) + len(waits) and climate.is_calm:
            yield f"{run_id} was attempted {len(begun)} times, and nothing had happened to anybody"


def _emptied(events: Sequence[Event]) -> Iterator[str]:
    """A later attempt empties the message, but for one that finds a round written down and nothing behind it."""
    is_kept, emptied_by = False, None
    for event in events:
        match event:
            case MessageDelta() | MessageStarted():
                is_kept = False
            case ToolRequested():
                is_kept = True
            case MessageSuperseded(by_attempt=attempt):
                emptied_by = attempt
            case RunStarted(run=run) if run.attempt > 1 and (emptied_by == run.attempt) is is_kept:
                yield f"attempt {run.attempt} began, and the message was {'' if is_kept else 'not '}emptied"
            case _:
                pass


def answers_are_what_was_said(stored: Stored, calls: list[Call]) -> Iterator[str]:
    """The words of an answer are those of one call of the model, in order; all of them where it is completed."""
    for entry in stored.log:
        if not isinstance(entry.event, MessageStarted):
            continue
        message_id, run_id = entry.event.message.id, entry.run_id
        lives: list[str] = [""]
        final: Message | None = None
        for one in stored.log:
            match one.event:
                case MessageDelta(kind="text") as delta if delta.message_id == message_id:
                    lives[-1] += delta.text
                case MessageSuperseded() as emptied if emptied.message_id == message_id:
                    lives.append("")
                case MessageCompleted(message=message) if message.id == message_id:
                    final = message
                case _:
                    pass
        own = [call for call in calls if call.run_id == run_id]
        for life in lives:
            if life and not any(call.text.startswith(life) for call in own):
                yield f"{run_id} says {life!r}, which no call of the model has said"
        if final is None:
            yield f"{message_id} was never completed"
            continue
        text = plain_text(final.content)
        if text != lives[-1]:
            yield f"{run_id} is stored as {text!r} and was shown as {lives[-1]!r}"
        whole = [call for call in own if call.is_finished and call.text == text]
        if final.status == "complete" and not whole:
            yield f"{run_id} is complete with {text!r}"
        used = final.usage.output_tokens if final.usage else None
        if used is not None and used not in {call.plan.words for call in whole}:
            yield f"{run_id} has cost {used}"


def questions_were_asked_in_order(stored: Stored, calls: list[Call]) -> Iterator[str]:
    """The model was shown the branch that ends at the answer, from its root on, and nothing of other branches."""
    messages: dict[MessageId, Message] = {}
    begun: dict[RunId | None, list[MessageId]] = {}
    runs = {entry.event.run.id: entry.event.run for entry in stored.log if isinstance(entry.event, RunQueued)}
    for entry in stored.log:
        match entry.event:
            case MessageCreated(message=message) | MessageStarted(message=message):
                messages[message.id] = message
                if message.role == "assistant":
                    begun.setdefault(entry.run_id, []).append(message.id)
            case MessageCompleted(message=message):
                messages[message.id] = message
            case _:
                pass
    for call in calls:
        run = runs.get(RunId(call.run_id))
        if run is None:
            continue
        # A run that something was handed to has several messages, each behind what had been handed in by then.
        paths = [_asked(messages, message_id, run) for message_id in begun.get(run.id, ())]
        if paths and list(filter(None, call.history)) not in paths:
            yield f"{call.run_id} was asked with {call.history}, its branch is {paths}"


def _asked(messages: dict[MessageId, Message], answer: MessageId, run: Run) -> list[str]:
    branch: list[Message] = []
    at = messages[answer].parent_id
    while at is not None:
        branch.insert(0, messages[at])
        at = messages[at].parent_id
    return list(filter(None, heard_by(run.agent_id, branch, run.input_message_id)))


def tools_have_outcomes(stored: Stored) -> Iterator[str]:
    """Promise 7: every tool request is followed by its outcome, before its message is completed."""
    open_calls: dict[str, RunId] = {}
    for entry in stored.log:
        match entry.event:
            case ToolRequested() as asked:
                open_calls[asked.tool_use_id] = asked.run_id
            case ToolCompleted() as told:
                if open_calls.pop(told.tool_use_id, None) != told.run_id:
                    yield f"{told.tool_use_id} has an outcome that nobody asked for"
            case MessageCompleted(message=message):
                asked_for = {block.id for block in message.content if isinstance(block, ToolUseBlock)}
                answered = {block.tool_use_id for block in message.content if isinstance(block, ToolResultBlock)}
                if asked_for != answered or message.run_id in open_calls.values():
                    yield f"{message.id} asks for {asked_for} and is answered {answered}"
            case _:
                pass


def failures_have_a_reason(stored: Stored, calls: list[Call], climate: Climate) -> Iterator[str]:
    """A run fails because its model does, or because its nodes died too often; never of a store that was away."""
    plans = {call.run_id: call.plan for call in calls}
    for entry in stored.log:
        if entry.type != "run.failed":
            continue
        run: Run = entry.event.run  # type: ignore[union-attr]
        code = run.error.code if run.error else None
        expected = {"fail": "provider_overloaded", "cut": "provider_error", "stall": "provider_timeout"}
        # An attempt that ended because its server was told to stop does not count against the run.
        # Nor does one that ended because the run had to wait for somebody.
        counted = sum(one.error is not None and one.error.code != "drained" for one in run.attempts)
        if code == "run_interrupted" and counted == TIMES.attempts_max and not climate.is_calm:
            continue
        plan = plans.get(run.id)
        if plan is None or expected.get(plan.then) != code:
            yield f"{run.id} failed with {code}, its model was to {plan.then if plan else 'be asked'}"


def rows_are_the_log(stored: Stored) -> Iterator[str]:
    """Promise 9: the rows, and the state that the API gives, are the fold of the log."""
    if stored.state is None:
        return
    if not fold_is(stored.log, stored.state):
        yield "the state is not the fold of the log"
    for run in stored.runs:
        last = next(e.event.run for e in reversed(stored.log) if e.run_id == run.id and e.type in TERMINAL_TYPES)  # type: ignore[union-attr]
        if structs.replace(last, input=None) != structs.replace(run, input=None):
            yield f"{run.id} is {run} and was told as {last}"


def fold_is(log: list[Entry], state: Snapshot) -> bool:
    """Whether a snapshot is the fold of the log up to its seq, and counts the siblings of its messages right."""
    folded = ThreadState()
    parents: dict[MessageId, MessageId | None] = {}
    for entry in log[: state.seq]:
        folded.apply(entry)
        if isinstance(entry.event, MessageCreated | MessageStarted):
            parents[entry.event.message.id] = entry.event.message.parent_id
    messages = [structs.replace(message, siblings=_siblings(parents, message.id)) for message in folded.messages]
    found = (state.thread, state.messages, state.runs, state.members)
    return (folded.thread, messages, folded.runs, folded.members) == found


def _siblings(parents: dict[MessageId, MessageId | None], message_id: MessageId) -> Siblings | None:
    beside = [other for other, parent in parents.items() if parent == parents[message_id]]
    return Siblings(position=beside.index(message_id) + 1, count=len(beside)) if len(beside) > 1 else None
