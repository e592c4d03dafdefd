"""The objects of the wire contract, as frozen structs.

Times are aware `datetime`s in UTC. What is not known is None, never 0 or an empty text. Fields that a newer server adds
are in `extra`. Words that a newer server may add to (a status, a role) are plain `str`, with today's values named.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType, field

from threadline.client.blocks import Block, joined_text, read_block
from threadline.client.decode import Model, many, one, prepare

if TYPE_CHECKING:
    Blocks = tuple[Block, ...]
else:
    # msgspec refuses a union with an open end. `read_block` has built these before msgspec sees them.
    Blocks = tuple[Any, ...]

TERMINAL_STATUSES = frozenset({"completed", "failed", "cancelled", "expired"})


class Usage(Model, frozen=True, kw_only=True):
    """What one attempt cost, in tokens. `source` is `provider` or `estimated`."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    source: str | None = None


class ErrorInfo(Model, frozen=True, kw_only=True):
    """Why a run, an attempt or a message failed. `code` is stable, such as `provider_overloaded`."""

    code: str
    message: str = ""
    retryable: bool = False


class Author(Model, frozen=True, kw_only=True):
    """Who wrote a message. `type` is `user`, `agent` or `system`."""

    type: str
    id: str | None = None


class Siblings(Model, frozen=True, kw_only=True):
    """The place of a message among those that have the same parent: "2 of 3". Counts from 1."""

    position: int
    count: int


class Message(Model, frozen=True, kw_only=True):
    """One author's contribution to a thread.

    `role` is `user`, `assistant` or `system`; `status` is `streaming`, `complete`, `failed` or `cancelled`. `seq` is
    that of the event that created it, and `request_id` the idempotency key of the send. `seq` and `parent_id` are
    None while a message waits for its turn.
    """

    id: str
    thread_id: str
    seq: int | None = None
    parent_id: str | None = None
    role: str
    author: Author | None = None
    content: Blocks = ()
    status: str = "complete"
    model: str | None = None
    usage: Usage | None = None
    finish_reason: str | None = None
    error: ErrorInfo | None = None
    run_id: str | None = None
    request_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    completed_at: datetime | None = None
    siblings: Siblings | None = None
    object: str = "message"

    @property
    def text(self) -> str:
        """What a person reads: the text blocks, joined."""
        return joined_text(self.content)


class Attempt(Model, frozen=True, kw_only=True):
    """One life of a run. `attempt` counts from 1; `error` says why it ended without an answer."""

    attempt: int
    started_at: datetime | None = None
    ended_at: datetime | None = None
    usage: Usage | None = None
    error: ErrorInfo | None = None


class AskedCall(Model, frozen=True, kw_only=True):
    """A tool call that somebody has to agree to, or that the client makes itself."""

    tool_use_id: str
    name: str
    input: Any = None


class WaitingFor(Model, frozen=True, kw_only=True):
    """What a waiting run waits for: `runs.approve` or `runs.refuse` each approval, `runs.post_result` each result."""

    approvals: tuple[AskedCall, ...] = ()
    results: tuple[AskedCall, ...] = ()
    expires_at: datetime | None = None


class ToolCall(Model, frozen=True, kw_only=True):
    """One call of a tool, with its outcome.

    `status` is `requested`, `approved`, `running`, `succeeded`, `failed` or `cancelled`. `id` is the idempotency key
    that the tool was given, and `attempt` counts the tries.
    """

    id: str
    thread_id: str
    run_id: str
    message_id: str
    tool_use_id: str
    seq: int
    round: int
    name: str
    kind: str | None = None
    input: Any = None
    output: Any = None
    is_error: bool | None = None
    status: str
    attempt: int = 0
    needs_approval: bool = False
    is_approved: bool | None = None
    decided_by: Author | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    requested_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    object: str = "tool_call"


class Run(Model, frozen=True, kw_only=True):
    """One answer being made.

    `status` is `queued`, `running`, `waiting`, or one of `TERMINAL_STATUSES`. `input` is the message that waits for
    its turn while the run is queued, and `position` counts those that wait from 1; `usage` is the last attempt's.
    `answered_by` is the run that the message was handed to (`on_busy="steer"`), which answers it.
    """

    id: str
    thread_id: str
    status: str
    attempt: int = 0
    attempts: tuple[Attempt, ...] = ()
    model: str | None = None
    usage: Usage | None = None
    error: ErrorInfo | None = None
    input: Message | None = None
    input_message_id: str | None = None
    output_message_id: str | None = None
    position: int | None = None
    waiting_for: WaitingFor | None = None
    answered_by: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    object: str = "run"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more will happen to this run."""
        return self.status in TERMINAL_STATUSES


class ForkPoint(Model, frozen=True, kw_only=True):
    """Where a thread has its beginning from: a message of another one, with everything before it."""

    thread_id: str
    message_id: str


class Thread(Model, frozen=True, kw_only=True):
    """A conversation. `seq` is that of its last event, and a cursor: `threads.events(id, after=thread.seq)`.

    `tip_message_id` is the last message of the active branch.
    """

    id: str
    end_user_id: str | None = None
    external_id: str | None = None
    title: str | None = None
    model: str | None = None
    instructions: str | None = None
    agent_id: str | None = None
    on_busy: str | None = None
    on_disconnect: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    pinned: bool = False
    archived: bool = False
    message_count: int = 0
    seq: int = 0
    active_run_id: str | None = None
    tip_message_id: str | None = None
    forked_from: ForkPoint | None = None
    created_at: datetime | None = None
    last_activity_at: datetime | None = None
    unread_count: int | None = None
    object: str = "thread"


class ThreadChanges(Model, frozen=True, kw_only=True):
    """The fields of a thread that an event changed; the others are `msgspec.UNSET`. None is a value like any other."""

    id: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    instructions: str | UnsetType | None = UNSET
    agent_id: str | UnsetType | None = UNSET
    on_busy: str | UnsetType | None = UNSET
    on_disconnect: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    tip_message_id: str | UnsetType | None = UNSET


class ThreadState(Model, frozen=True, kw_only=True):
    """A thread as it is at `seq`: `threads.events(id, after=seq)` goes on from there without a gap.

    `messages` are the latest of the active branch, oldest first, the answer in progress with its text so far among
    them; `runs` are the active and waiting ones.
    """

    thread: Thread
    messages: tuple[Message, ...] = ()
    runs: tuple[Run, ...] = ()
    has_more: bool = False
    next_cursor: str | None = None
    seq: int


class Accepted(Model, frozen=True, kw_only=True):
    """A send that the server has stored.

    `run` answers it, in a room perhaps with others, one behind the other: `runs` has all of them. In a room in which
    nobody answers it is None.
    """

    message: Message
    run: Run | None
    runs: tuple[Run, ...] = ()


class Appended(Model, frozen=True, kw_only=True):
    """A message that the server has stored and nobody answers."""

    message: Message


class AccessToken(Model, frozen=True, kw_only=True):
    """A short-lived end-user token for a browser or a phone. The token is a secret and not part of the `repr`."""

    token: str
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"AccessToken(expires_at={self.expires_at})"


class Key(Model, frozen=True, kw_only=True):
    """An API key. `secret` is there once, in the answer that created it, and is not part of the `repr`."""

    id: str
    secret: str | None = None
    name: str | None = None
    role: str | None = None
    created_at: datetime | None = None

    def __repr__(self) -> str:
        return f"Key(id={self.id!r}, name={self.name!r}, role={self.role!r})"


class Tool(Model, frozen=True, kw_only=True):
    """A registered tool. A webhook's `secret` is there once, and is not part of the `repr`."""

    id: str
    name: str
    kind: str
    description: str = ""
    input_schema: dict[str, Any] | None = None
    url: str | None = None
    approval: Any = "never"
    idempotent: bool = False
    timeout_seconds: float | None = None
    allow: tuple[str, ...] | None = None
    header_names: tuple[str, ...] = ()
    secret: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def __repr__(self) -> str:
        return f"Tool(id={self.id!r}, name={self.name!r}, kind={self.kind!r})"


class ToolDefinition(Model, frozen=True, kw_only=True):
    """What a model is told of a tool."""

    name: str
    kind: str
    description: str = ""
    input_schema: dict[str, Any]


class ModelInfo(Model, frozen=True, kw_only=True):
    """A model that can be asked for, named `provider/model`."""

    id: str


class Health(Struct, frozen=True, kw_only=True):
    """What the server says about itself: `alive` if it answers, `ready` if its store and bus do as well."""

    alive: bool
    ready: bool


ItemT = TypeVar("ItemT", bound=Model)


class Page(Struct, Generic[ItemT], frozen=True, kw_only=True):
    """A piece of a list. `next_cursor` leads to the piece after it, and is None on the last one."""

    data: tuple[ItemT, ...]
    next_cursor: str | None = None

    @property
    def has_more(self) -> bool:
        """Whether there is a page after this one."""
        return self.next_cursor is not None

    def __iter__(self) -> Iterator[ItemT]:
        return iter(self.data)


prepare(
    Message,
    author=one(Author),
    content=many(read_block),
    usage=one(Usage),
    error=one(ErrorInfo),
    siblings=one(Siblings),
)
prepare(Attempt, usage=one(Usage), error=one(ErrorInfo))
prepare(Run, attempts=many(one(Attempt)), usage=one(Usage), error=one(ErrorInfo), input=one(Message))
prepare(ThreadState, thread=one(Thread), messages=many(one(Message)), runs=many(one(Run)))
prepare(Thread, forked_from=one(ForkPoint))
prepare(Accepted, message=one(Message), run=one(Run))
prepare(Appended, message=one(Message))
