"""Everything that a stream can yield: one struct for each event of the contract, and `UnknownEvent` for the rest.

Meant to be used by name of the module, since some events are called like an error or a model:

    from threadline.client import events

    match event:
        case events.MessageDelta(kind="text", text=text): ...
        case events.RunFailed(run=run): ...

Stands between `sse` (frames in) and `resume` (events out).
"""

from collections.abc import Mapping
from typing import Any, Literal

from threadline.client.decode import Model, one, parse, prepare, read
from threadline.client.errors import UnexpectedAnswer
from threadline.client.models import Message, Run, Thread, ThreadChanges
from threadline.client.sse import Frame


class LogEvent(Model, frozen=True, kw_only=True):
    """What all events of a thread's log have: their place. `seq` is the cursor that continues after this event."""

    seq: int
    thread_id: str


class ThreadCreated(LogEvent, frozen=True, kw_only=True):
    """The thread's first event, always seq 1."""

    type: Literal["thread.created"] = "thread.created"
    thread: Thread


class ThreadUpdated(LogEvent, frozen=True, kw_only=True):
    """Somebody changed the thread; `thread` has the changed fields only."""

    type: Literal["thread.updated"] = "thread.updated"
    thread: ThreadChanges


class ThreadDeleted(LogEvent, frozen=True, kw_only=True):
    """The thread's last event."""

    type: Literal["thread.deleted"] = "thread.deleted"
    thread: ThreadChanges | None = None


class MessageCreated(LogEvent, frozen=True, kw_only=True):
    """A whole message, of a person or moved in from elsewhere."""

    type: Literal["message.created"] = "message.created"
    message: Message


class MessageStarted(LogEvent, frozen=True, kw_only=True):
    """An assistant's message begins, empty. Exactly one `MessageCompleted` closes it."""

    type: Literal["message.started"] = "message.started"
    message: Message


class MessageDelta(LogEvent, frozen=True, kw_only=True):
    """`text` is added to block number `block` of the message. `kind` is `text`, `reasoning` or `tool_input`."""

    type: Literal["message.delta"] = "message.delta"
    message_id: str
    block: int
    kind: str
    text: str


class MessageSuperseded(LogEvent, frozen=True, kw_only=True):
    """The message is emptied: attempt `by_attempt` writes into it from here on."""

    type: Literal["message.superseded"] = "message.superseded"
    message_id: str
    by_attempt: int


class MessageCompleted(LogEvent, frozen=True, kw_only=True):
    """The whole message as it stays. It replaces what was held of it."""

    type: Literal["message.completed"] = "message.completed"
    message: Message


class ToolRequested(LogEvent, frozen=True, kw_only=True):
    """The model asked for a tool."""

    type: Literal["tool.requested"] = "tool.requested"
    tool_use_id: str
    name: str | None = None
    input: Any = None


class ToolStarted(LogEvent, frozen=True, kw_only=True):
    """The tool is being called."""

    type: Literal["tool.started"] = "tool.started"
    tool_use_id: str
    name: str | None = None
    input: Any = None


class ToolCompleted(LogEvent, frozen=True, kw_only=True):
    """The tool's outcome, errors included."""

    type: Literal["tool.completed"] = "tool.completed"
    tool_use_id: str
    name: str | None = None
    output: Any = None
    is_error: bool = False


class RunQueued(LogEvent, frozen=True, kw_only=True):
    """A send was accepted and will be answered."""

    type: Literal["run.queued"] = "run.queued"
    run: Run


class RunStarted(LogEvent, frozen=True, kw_only=True):
    """An attempt begins; `run.attempt` says which."""

    type: Literal["run.started"] = "run.started"
    run: Run


class RunWaiting(LogEvent, frozen=True, kw_only=True):
    """The run waits for somebody outside."""

    type: Literal["run.waiting"] = "run.waiting"
    run: Run


class RunCompleted(LogEvent, frozen=True, kw_only=True):
    """The answer is whole."""

    type: Literal["run.completed"] = "run.completed"
    run: Run


class RunFailed(LogEvent, frozen=True, kw_only=True):
    """The run ended without a whole answer; `run.error` says why."""

    type: Literal["run.failed"] = "run.failed"
    run: Run


class RunCancelled(LogEvent, frozen=True, kw_only=True):
    """Somebody stopped the run; what was said is kept."""

    type: Literal["run.cancelled"] = "run.cancelled"
    run: Run


class RunExpired(LogEvent, frozen=True, kw_only=True):
    """The run took longer than a run may take."""

    type: Literal["run.expired"] = "run.expired"
    run: Run


class CaughtUp(Model, frozen=True, kw_only=True):
    """Everything up to `seq` has been shown; what follows is live. Comes once for each connection, not from the log."""

    type: Literal["caught_up"] = "caught_up"
    seq: int
    thread_id: str | None = None


class SidebarThread(Model, frozen=True, kw_only=True):
    """A thread of a sidebar, as it is now: of its list, or because it has changed. Not from the log."""

    type: Literal["thread"] = "thread"
    thread: Thread
    seq: None = None


class SidebarListed(Model, frozen=True, kw_only=True):
    """The list of a sidebar is whole; what comes now are changes. Not from the log."""

    type: Literal["listed"] = "listed"
    has_more: bool
    seq: None = None


class SidebarRemoved(Model, frozen=True, kw_only=True):
    """A thread is not to be seen any more. Not from the log."""

    type: Literal["thread.removed"] = "thread.removed"
    thread_id: str
    seq: None = None


class UnknownEvent(Model, frozen=True, kw_only=True):
    """An event that this version does not know. `data` is its whole JSON; `seq` is None if it is not of the log."""

    type: str
    seq: int | None = None
    data: dict[str, Any]


TerminalEvent = RunCompleted | RunFailed | RunCancelled | RunExpired
RunEvent = RunQueued | RunStarted | RunWaiting | TerminalEvent
MessageEvent = MessageCreated | MessageStarted | MessageDelta | MessageSuperseded | MessageCompleted
ToolEvent = ToolRequested | ToolStarted | ToolCompleted
ThreadEvent = ThreadCreated | ThreadUpdated | ThreadDeleted
SidebarEvent = SidebarThread | SidebarListed | SidebarRemoved
Event = ThreadEvent | MessageEvent | ToolEvent | RunEvent | SidebarEvent | CaughtUp | UnknownEvent

_TERMINAL: Mapping[str, type[TerminalEvent]] = {
    "completed": RunCompleted,
    "failed": RunFailed,
    "cancelled": RunCancelled,
    "expired": RunExpired,
}
_KINDS: Mapping[object, type[Event]] = {
    "thread.created": ThreadCreated,
    "thread.updated": ThreadUpdated,
    "thread.deleted": ThreadDeleted,
    "message.created": MessageCreated,
    "message.started": MessageStarted,
    "message.delta": MessageDelta,
    "message.superseded": MessageSuperseded,
    "message.completed": MessageCompleted,
    "tool.requested": ToolRequested,
    "tool.started": ToolStarted,
    "tool.completed": ToolCompleted,
    "run.queued": RunQueued,
    "run.started": RunStarted,
    "run.waiting": RunWaiting,
    **{f"run.{status}": kind for status, kind in _TERMINAL.items()},
    "caught_up": CaughtUp,
}


def decode_event(frame: Frame) -> Event:
    """Build the event that a frame carries. Raises `UnexpectedAnswer` when a known kind does not have its form."""
    raw = parse(frame.data)
    if not isinstance(raw, dict):
        raise UnexpectedAnswer(f"the data of a {frame.event!r} frame is not a JSON object")
    kind = _KINDS.get(raw.get("type", frame.event))
    if kind is not None:
        return read(kind, raw)
    seq = raw.get("seq")
    return UnknownEvent(type=str(raw.get("type", frame.event)), seq=seq if isinstance(seq, int) else None, data=raw)


def terminal_event_of(run: Run, seq: int) -> TerminalEvent:
    """Make the terminal event of a run that was asked for by id; `seq` is the cursor that its reader has reached."""
    return _TERMINAL[run.status](seq=seq, thread_id=run.thread_id, run=run)


for _message_kind in (MessageCreated, MessageStarted, MessageCompleted):
    prepare(_message_kind, message=one(Message))
for _run_kind in (RunQueued, RunStarted, RunWaiting, RunCompleted, RunFailed, RunCancelled, RunExpired):
    prepare(_run_kind, run=one(Run))
prepare(ThreadCreated, thread=one(Thread))
prepare(SidebarThread, thread=one(Thread))
prepare(ThreadUpdated, thread=one(ThreadChanges))
prepare(ThreadDeleted, thread=one(ThreadChanges))
