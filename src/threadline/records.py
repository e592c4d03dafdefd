"""The records: thread, message and run, as rows become them, events carry them and the wire shows them.

Field names and meanings are the wire contract's. Times are RFC 3339 strings, UTC with milliseconds, which sort as text.
"""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from threadline.agent_records import AgentId, AgentToolsMode
from threadline.content import Block
from threadline.ids import MessageId, RunId, ThreadId
from threadline.room_records import Mention

Role = Literal["user", "assistant", "system"]
AuthorType = Literal["user", "agent", "system"]
MessageStatus = Literal["streaming", "complete", "failed", "cancelled"]
RunStatus = Literal["queued", "running", "waiting", "completed", "failed", "cancelled", "expired"]
UsageSource = Literal["provider", "estimated"]
OnDisconnect = Literal["continue", "cancel"]
OnBusy = Literal["enqueue", "reject", "interrupt", "rollback", "merge", "latest", "steer"]

TERMINAL: frozenset[RunStatus] = frozenset({"completed", "failed", "cancelled", "expired"})


class Usage(Struct, frozen=True):
    """What one attempt cost, in tokens. What is not known is None, never 0."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    source: UsageSource = "provider"


class ErrorInfo(Struct, frozen=True):
    """Why a run failed, in the codes of `errors.py`."""

    code: str
    message: str
    retryable: bool


class Author(Struct, frozen=True):
    """Who wrote a message. `id` is an end user's or an agent's; `name` is what the others call them, where they do."""

    type: AuthorType
    id: str | None = None
    name: str | UnsetType = UNSET


class Attempt(Struct, frozen=True):
    """One life of a run. `attempt` counts from 1; `error` says why it ended without an answer."""

    attempt: int
    started_at: str
    ended_at: str | None = None
    usage: Usage | None = None
    error: ErrorInfo | None = None


class Siblings(Struct, frozen=True):
    """The place of a message among those that have the same parent: "2 of 3". Counts from 1."""

    position: int
    count: int


class Message(Struct, frozen=True, kw_only=True):
    """One author's contribution. `seq` and `parent_id` are None while it waits for its turn.

    `siblings` is there in pages and states, and only where there are others: it is no part of a row or of an event.
    """

    id: MessageId
    object: Literal["message"] = "message"
    thread_id: ThreadId
    seq: int | None
    parent_id: MessageId | None
    role: Role
    author: Author
    mentions: list[Mention] | None = None
    content: list[Block]
    status: MessageStatus
    model: str | None = None
    usage: Usage | None = None
    finish_reason: str | None = None
    error: ErrorInfo | None = None
    run_id: RunId | None = None
    request_id: str | None = None
    metadata: dict[str, Any]
    created_at: str
    completed_at: str | None = None
    siblings: Siblings | None = None


class AskedCall(Struct, frozen=True):
    """A tool call that somebody outside has to say something about."""

    tool_use_id: str
    name: str
    input: Any


class WaitingFor(Struct, frozen=True):
    """What a waiting run waits for: people who agree to calls, and clients that post results of calls."""

    approvals: list[AskedCall]
    results: list[AskedCall]
    expires_at: str | None = None


class Run(Struct, frozen=True, kw_only=True):
    """One answer being made, from queued to its one terminal state. `usage` is the last attempt's.

    `input` is the message while it waits for its turn; in the log and in rows it is None from then on, because the
    message then stands in the thread. Answers of the API put it back in. `agent_version` is the version of its agent
    that it uses, known from its first attempt on.

    `position` counts those that wait for their turn from 1, the next one; it is None for everybody else.
    `answered_by` is the run that its question was handed to; it has no answer of its own then.
    """

    id: RunId
    object: Literal["run"] = "run"
    thread_id: ThreadId
    status: RunStatus
    attempt: int = 0
    attempts: list[Attempt] = []
    model: str
    agent_id: AgentId | None = None
    agent_version: int | None = None
    usage: Usage | None = None
    error: ErrorInfo | None = None
    input: Message | None
    input_message_id: MessageId
    output_message_id: MessageId | None = None
    position: int | None = None
    waiting_for: WaitingFor | None = None
    answered_by: RunId | None = None
    created_at: str
    started_at: str | None = None
    ended_at: str | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more will happen to this run."""
        return self.status in TERMINAL


class Parent(Struct, frozen=True, omit_defaults=True):
    """What a message is to stand behind: another one, or nothing, at the beginning."""

    message_id: MessageId | None = None


class NamedTool(Struct, frozen=True, forbid_unknown_fields=True):
    """The one tool that a model has to use."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool
"""Whether a model may, may not or has to use a tool. What it has to do it has to do once, not in every round."""


class RunOptions(Struct, frozen=True, omit_defaults=True):
    """What the send asked of its run beyond the message; kept with the run, not shown. `model` is the send's own.

    `parent` says where the question goes when its turn comes; None is the end of the active branch. `is_again` says
    that the question has been answered before: the answer stands beside the earlier ones. `root_message_id` is the
    person's message for which agents have called each other up to this run. `is_steer` says that the question may be
    handed to the answer in progress.
    """

    instructions: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    model: str | None = None
    parent: Parent | None = None
    is_again: bool = False
    root_message_id: MessageId | None = None
    on_disconnect: OnDisconnect | None = None
    tools: list[str] | None = None
    tools_mode: AgentToolsMode | None = None
    tool_choice: ToolChoice | None = None
    is_steer: bool = False


class ForkPoint(Struct, frozen=True):
    """Where a thread has its beginning from: a message of another one, with everything before it."""

    thread_id: ThreadId
    message_id: MessageId


class Thread(Struct, frozen=True, kw_only=True):
    """A conversation. `seq` is that of its last event; `message_count` counts people's and assistants' messages.

    `tip_message_id` is the last message of the active branch: the branch is what leads from there to the beginning.
    `on_busy` and `on_disconnect` are for sends that do not say it themselves.
    """

    id: ThreadId
    object: Literal["thread"] = "thread"
    end_user_id: str | None
    external_id: str | None = None
    title: str | None = None
    model: str | None = None
    instructions: str | None = None
    agent_id: str | None = None
    metadata: dict[str, Any]
    pinned: bool = False
    archived: bool = False
    on_busy: OnBusy | None = None
    on_disconnect: OnDisconnect | None = None
    message_count: int = 0
    seq: int
    active_run_id: RunId | None = None
    tip_message_id: MessageId | None = None
    forked_from: ForkPoint | None = None
    created_at: str
    last_activity_at: str
