"""What must be true of every thread in a store, and the sentences that say where it is not.

The same laws are asserted where they are kept (`journal/`, `engine/`) and where they are read (`store/`). Here they are
looked at from outside, over everything that is stored, and nothing is taken for granted.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import structs

from threadline.events import (
    TERMINAL_TYPES,
    Entry,
    MessageCompleted,
    MessageStarted,
    RunCancelled,
    RunCompleted,
    RunExpired,
    RunFailed,
    ToolCompleted,
    ToolRequested,
    event_type,
)
from threadline.fold import ThreadState
from threadline.ids import MessageId, RunId, ThreadId
from threadline.limits import LOG_PAGE_EVENTS, PAGE_SIZE_MAX
from threadline.records import Message, Run, Thread
from threadline.scopes import Tenant
from threadline.store.contract import MessageQuery, Reader, RunRow, ToolCallQuery
from threadline.tool_calls import ToolCall

_UNREADABLE = (AssertionError, msgspec.DecodeError, UnicodeDecodeError)
"""How the store says that what it has read cannot be: a hole, a damaged event, a pack that does not fit its marks."""


class Broken(Exception):
    """The log cannot be read on from here; the message says why."""


class Told:
    """What a thread's log tells, folded and counted."""

    def __init__(self) -> None:
        self.state = ThreadState()
        self.ended: dict[RunId, Run] = {}
        self.endings: Counter[RunId] = Counter()
        self.started: Counter[MessageId] = Counter()
        self.completed: Counter[MessageId] = Counter()
        self.requested: set[tuple[RunId, str]] = set()
        self.outcomes: dict[tuple[RunId, str], tuple[Any, bool]] = {}

    def take(self, entry: Entry) -> None:
        """Take the next entry. Raises `Broken` where it does not follow from those before it."""
        try:
            self.state.apply(entry)
        except _UNREADABLE as error:
            raise Broken(f"event {entry.seq} ({event_type(entry.event)}) does not follow: {error}") from error
        match entry.event:
            case MessageStarted(message=message):
                self.started[message.id] += 1
            case MessageCompleted(message=message):
                self.completed[message.id] += 1
            case ToolRequested() as asked:
                self.requested.add((asked.run_id, asked.tool_use_id))
            case ToolCompleted() as outcome:
                self.outcomes[outcome.run_id, outcome.tool_use_id] = (outcome.output, outcome.is_error)
            case RunCompleted(run=run) | RunFailed(run=run) | RunCancelled(run=run) | RunExpired(run=run):
                self.endings[run.id] += 1
                self.ended[run.id] = run
            case _:
                assert entry.type not in TERMINAL_TYPES, "every terminal event is counted"


async def findings(reader: Reader, scope: Tenant, thread_id: ThreadId) -> list[str]:
    """Return what is wrong with one thread, in sentences that go on from its name. Raises NotFound."""
    told = Told()
    head = await reader.head(scope, thread_id)
    try:
        while told.state.seq < head:
            for entry in await _page(reader, scope, thread_id, told.state.seq, head):
                told.take(entry)
    except Broken as error:
        return [str(error)]
    row = (await reader.thread(scope, thread_id)).thread
    messages = await _messages(reader, scope, thread_id)
    open_runs = await reader.open_runs(scope, thread_id)
    return [
        *_of_thread(row, told),
        *_of_messages(messages, told),
        *_of_answers(told),
        *_of_open_runs(open_runs, told),
        *_of_turn(open_runs, row.active_run_id),
        *_of_tool_calls(await _tool_calls(reader, scope, thread_id), told),
        *[finding for run in told.ended.values() for finding in await _of_ended_run(reader, scope, run)],
    ]


async def _page(reader: Reader, scope: Tenant, thread_id: ThreadId, after: int, head: int) -> list[Entry]:
    try:
        entries = await reader.log(scope, thread_id, after, min(after + LOG_PAGE_EVENTS, head))
    except _UNREADABLE:
        entries = []
    return entries or await _singly(reader, scope, thread_id, after, head)


async def _singly(reader: Reader, scope: Tenant, thread_id: ThreadId, after: int, head: int) -> list[Entry]:
    """Read a stretch that could not be read at once event by event, up to the one that is missing or damaged."""
    found: list[Entry] = []
    for seq in range(after + 1, min(after + LOG_PAGE_EVENTS, head) + 1):
        try:
            entries = await reader.log(scope, thread_id, seq - 1, seq)
        except _UNREADABLE as error:
            if found:
                return found
            raise Broken(f"event {seq} cannot be read: {error}") from error
        if not entries:
            if found:
                return found
            raise Broken(f"event {seq} is missing, of {head}")
        found.extend(entries)
    return found


async def _messages(reader: Reader, scope: Tenant, thread_id: ThreadId) -> list[Message]:
    found: list[Message] = []
    while True:
        after = found[-1].seq if found else None
        query = MessageQuery(descending=False, after=after, limit=PAGE_SIZE_MAX)
        page = await reader.messages(scope, thread_id, query)
        found.extend(page)
        if len(page) < PAGE_SIZE_MAX:
            return found


async def _tool_calls(reader: Reader, scope: Tenant, thread_id: ThreadId) -> list[ToolCall]:
    found: list[ToolCall] = []
    while True:
        query = ToolCallQuery(after=found[-1].seq if found else 0, limit=PAGE_SIZE_MAX)
        page = await reader.tool_calls(scope, thread_id, query)
        found.extend(page)
        if len(page) < PAGE_SIZE_MAX:
            return found


def _of_thread(row: Thread, told: Told) -> Iterator[str]:
    # While an answer comes, the row's seq is that of the last event that was no delta.
    folded = told.state.thread
    if folded is None:
        yield "its log says that it is deleted, and its row does not"
    elif (differences := _differences(row, structs.replace(folded, seq=row.seq))) != "":
        yield f"its row is not what its log comes to ({differences})"


def _of_messages(rows: Sequence[Message], told: Told) -> Iterator[str]:
    folded = {message.id: message for message in told.state.known}
    for row in rows:
        message = folded.pop(row.id, None)
        if message is None:
            yield f"the message {row.id} has a row and no event"
            continue
        if row.status == "streaming":
            # What is being said stands in the deltas only; the row gets it when it is whole.
            message = structs.replace(message, content=row.content)
        if (differences := _differences(row, message)) != "":
            yield f"the row of the message {row.id} is not what its log comes to ({differences})"
    for message_id in folded:
        yield f"the message {message_id} is in the log and has no row"


def _of_answers(told: Told) -> Iterator[str]:
    for message_id, times in told.started.items():
        if times > 1:
            yield f"the message {message_id} was started {times} times"
    for message_id, times in told.completed.items():
        if times > 1:
            yield f"the message {message_id} was completed {times} times"
        if message_id not in told.started:
            yield f"the message {message_id} was completed and never started"
    open_runs = {run.id for run in told.state.runs}
    for message in told.state.known:
        if message.status == "streaming" and message.run_id not in open_runs:
            yield f"the message {message.id} is not completed, and its run is over"


def _of_open_runs(rows: Sequence[RunRow], told: Told) -> Iterator[str]:
    folded = {run.id: run for run in told.state.runs}
    for row in rows:
        run = folded.pop(row.run.id, None)
        if run is None:
            yield f"the run {row.run.id} is {row.run.status} by its row, and not open by the log"
        elif (differences := _differences(row.run, run)) != "":
            yield f"the row of the run {run.id} is not what the log comes to ({differences})"
    for run_id in folded:
        yield f"the run {run_id} is open by the log, and not by its row"
    for run_id, times in told.endings.items():
        if times > 1:
            yield f"the run {run_id} ended {times} times"


def _of_tool_calls(rows: Sequence[ToolCall], told: Told) -> Iterator[str]:
    asked = set(told.requested)
    for call in rows:
        key = (call.run_id, call.tool_use_id)
        if key not in asked:
            yield f"the tool call {call.id} has a row and no event"
        asked.discard(key)
        outcome = (call.output, bool(call.is_error)) if call.is_settled else None
        if told.outcomes.get(key) != outcome:
            yield f"the row of the tool call {call.id} is not what the log comes to"
        if call.run_id in told.ended and not call.is_settled:
            yield f"the tool call {call.id} has no outcome, and its run is over"
    for _, tool_use_id in sorted(asked):
        yield f"the tool call {tool_use_id} is in the log and has no row"


def _of_turn(rows: Sequence[RunRow], active_run_id: RunId | None) -> Iterator[str]:
    for row in rows:
        if row.has_turn != (active_run_id == row.run.id):
            yield f"the run {row.run.id} and its thread do not agree on who has the turn"
        if not row.has_turn and row.run.status != "queued":
            yield f"the run {row.run.id} is {row.run.status} without having the turn"
    if active_run_id is not None and all(row.run.id != active_run_id for row in rows):
        yield f"the run {active_run_id} has the turn and is not open"


async def _of_ended_run(reader: Reader, scope: Tenant, run: Run) -> list[str]:
    row = await reader.run(scope, run.id)
    differences = _differences(row.run, run)
    return [f"the row of the run {run.id} is not what the log comes to ({differences})"] if differences else []


def _differences(row: msgspec.Struct, folded: msgspec.Struct) -> str:
    names = (name for name in row.__struct_fields__ if getattr(row, name) != getattr(folded, name))
    return ", ".join(names)
