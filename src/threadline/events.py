"""Everything that can happen in a thread: one closed union.

An event is stored as the JSON of its struct, whose first field is `type`; `seq` and `thread_id` are columns and are put
in by the dialect. A kind that this version does not know is kept and passed on as `UnknownEvent`.
"""

from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from threadline.ids import MessageId, RunId, ThreadId
from threadline.records import Message, Run, Thread
from threadline.room_records import Member

DeltaKind = Literal["text", "reasoning", "tool_input"]


class ThreadCreated(Struct, frozen=True, tag_field="type", tag="thread.created"):
    """The thread's first event, always seq 1."""

    thread: Thread


class ThreadUpdated(Struct, frozen=True, tag_field="type", tag="thread.updated"):
    """Somebody changed the thread. `thread` has the changed fields only."""

    thread: dict[str, Any]


class ThreadDeleted(Struct, frozen=True, tag_field="type", tag="thread.deleted"):
    """The thread's last event."""

    thread: dict[str, Any]


class MemberAdded(Struct, frozen=True, tag_field="type", tag="member.added"):
    """Somebody takes part in the thread from here on."""

    member: Member


class MemberUpdated(Struct, frozen=True, tag_field="type", tag="member.updated"):
    """Somebody takes part as something else."""

    member: Member


class MemberRemoved(Struct, frozen=True, tag_field="type", tag="member.removed"):
    """Somebody takes part no more. The last event that a person who was removed is shown."""

    member: Member


class MessageCreated(Struct, frozen=True, tag_field="type", tag="message.created"):
    """A whole message of a person (or one moved in from elsewhere)."""

    message: Message


class MessageStarted(Struct, frozen=True, tag_field="type", tag="message.started"):
    """An assistant's message begins, empty. Closed by exactly one `message.completed`."""

    message: Message


class MessageDelta(Struct, frozen=True, tag_field="type", tag="message.delta", gc=False):
    """`text` is added to block number `block` of the message. Carries nothing that a pack cannot reproduce."""

    message_id: MessageId
    block: int
    kind: DeltaKind
    text: str


class MessageSuperseded(Struct, frozen=True, tag_field="type", tag="message.superseded"):
    """The message is emptied; attempt `by_attempt` writes into it from here on."""

    message_id: MessageId
    by_attempt: int


class MessageCompleted(Struct, frozen=True, tag_field="type", tag="message.completed"):
    """The whole message as it stays. Replaces what a client held of it."""

    message: Message


class ToolRequested(Struct, frozen=True, tag_field="type", tag="tool.requested"):
    """The model asked for a tool; the request is block `block` of the message."""

    tool_use_id: str
    name: str
    input: Any
    block: int
    message_id: MessageId
    run_id: RunId


class ToolStarted(Struct, frozen=True, tag_field="type", tag="tool.started"):
    """The tool is being called."""

    tool_use_id: str
    name: str
    input: Any
    message_id: MessageId
    run_id: RunId


class ToolCompleted(Struct, frozen=True, tag_field="type", tag="tool.completed"):
    """The tool's outcome, errors included; it is block `block` of the message."""

    tool_use_id: str
    name: str
    output: Any
    is_error: bool
    block: int
    message_id: MessageId
    run_id: RunId


class RunQueued(Struct, frozen=True, tag_field="type", tag="run.queued"):
    """A send was accepted and will be answered."""

    run: Run


class RunStarted(Struct, frozen=True, tag_field="type", tag="run.started"):
    """An attempt begins; `run.attempt` says which."""

    run: Run


class RunWaiting(Struct, frozen=True, tag_field="type", tag="run.waiting"):
    """The run waits for somebody outside."""

    run: Run


class RunCompleted(Struct, frozen=True, tag_field="type", tag="run.completed"):
    """The answer is whole."""

    run: Run


class RunFailed(Struct, frozen=True, tag_field="type", tag="run.failed"):
    """The run ended without a whole answer; `run.error` says why."""

    run: Run


class RunCancelled(Struct, frozen=True, tag_field="type", tag="run.cancelled"):
    """Somebody stopped the run."""

    run: Run


class RunExpired(Struct, frozen=True, tag_field="type", tag="run.expired"):
    """The run took longer than a run may take."""

    run: Run


# The structs that there are thousands of are not tracked by the garbage collector (`gc=False`, here and in the other
# contracts): they hold no cycles, and walking them took 9 % of the time of a busy server.


class UnknownEvent(Struct, frozen=True):
    """An event of a newer version, kept as it was stored."""

    type: str
    body: bytes


ThreadEvent = ThreadCreated | ThreadUpdated | ThreadDeleted
MemberEvent = MemberAdded | MemberUpdated | MemberRemoved
MessageEvent = MessageCreated | MessageStarted | MessageDelta | MessageSuperseded | MessageCompleted
ToolEvent = ToolRequested | ToolStarted | ToolCompleted
TerminalEvent = RunCompleted | RunFailed | RunCancelled | RunExpired
RunEvent = RunQueued | RunStarted | RunWaiting | TerminalEvent
KnownEvent = ThreadEvent | MemberEvent | MessageEvent | ToolEvent | RunEvent
Event = KnownEvent | UnknownEvent

TERMINAL_TYPES = frozenset({"run.completed", "run.failed", "run.cancelled", "run.expired"})


class Entry(Struct, gc=False):
    """One line of a thread's log: an event with its place. `run_id` says to whose stream it belongs.

    `frames` is where each dialect keeps its encoding, so that an entry is encoded once however many readers it has.
    """

    thread_id: ThreadId
    seq: int
    run_id: RunId | None
    event: Event
    frames: dict[str, bytes] = {}

    @property
    def type(self) -> str:
        """The event's type as on the wire."""
        return event_type(self.event)


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[KnownEvent] = msgspec.json.Decoder(KnownEvent)


class _Kind(Struct):
    type: str


_kind_decoder = msgspec.json.Decoder(_Kind)
_KNOWN = frozenset(str(member.__struct_config__.tag) for member in KnownEvent.__args__)


def event_type(event: Event) -> str:
    """Return the event's type as on the wire, such as `message.delta`."""
    return event.type if isinstance(event, UnknownEvent) else str(event.__struct_config__.tag)


def encode_event(event: Event) -> bytes:
    """Encode for the store: the JSON of the event, `type` first."""
    return event.body if isinstance(event, UnknownEvent) else _encoder.encode(event)


def decode_event(body: bytes | Raw) -> Event:
    """Decode what `encode_event` wrote, also by a newer version.

    Raises `msgspec.ValidationError` when a known kind does not have its form, which means a damaged store.
    """
    kind = _kind_decoder.decode(body).type
    if kind not in _KNOWN:
        return UnknownEvent(kind, bytes(body))
    return _decoder.decode(body)
