"""What a store can do. Every verb takes a scope: there is no way to ask without saying for whom.

Work is done in *scripts*: coroutines that are handed a `Reader` (one consistent snapshot) or a `Transaction` (all or
nothing). A script waits for nothing but the store, so SQLite runs it to its end in its writer thread, and a batch of
scripts shares one commit. The verbs are small and know no law of the log; the laws stand in `journal/` and `engine/`.

The calls that cross tenants, and therefore take `System`: `Transaction.append_deltas`, `key_by_id`, `claimable`,
`locate_run`, `locate_message`, `locate_thread`, `heads`, `news`, `touched`, `dying_files`, `drop_files`,
`orphan_uploads`, `drop_upload`, `put_off_upload`, `unpacked_attempts`, `attendance`, `expect_readers`, `note_readers`,
`expect_no_readers`, `session_by_id`, `ended_among`, `share_by_hash`, `renames`, `drop_rename`, `usage_everywhere`,
`figures_everywhere`, `queues`, `unfinished`, `save_figures`, `tenants`, `untitled`, `may_title`, `claim_title`, the
leases, packing and sweeping.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from threadline.events import DeltaKind, Entry, Event, MessageDelta
from threadline.ids import KeyId, MessageId, NodeId, RunId, TenantId, ThreadId
from threadline.records import Message, Run, RunOptions, Thread, Usage
from threadline.scopes import Scope, System
from threadline.store.contract_agents import AgentReader, AgentWriter
from threadline.store.contract_branches import BranchReader, BranchTransaction
from threadline.store.contract_figures import FigureReader, FigureWriter
from threadline.store.contract_files import FileReader, FileWriter
from threadline.store.contract_reads import ReadReader, ReadWriter
from threadline.store.contract_rooms import RoomReader, RoomTransaction
from threadline.store.contract_titles import TitleReader, TitleWriter
from threadline.store.contract_tools import ToolReader, ToolWriter
from threadline.store.contract_uploads import UploadReader, UploadWriter
from threadline.store.contract_usage import UsageReader
from threadline.store.contract_web import WebReader, WebTransaction
from threadline.tool_calls import CallStatus, ToolCall

T = TypeVar("T")


class ThreadRow(Struct, frozen=True):
    """A thread with what only the engine needs: whose it is."""

    tenant_id: TenantId
    thread: Thread


class RunRow(Struct, frozen=True):
    """A run with what only the engine needs.

    `has_turn` says that it is the thread's active run; `first_seq` and `last_seq` are those of its first and its
    terminal event; `drained_attempts` counts the attempts that ended because a server was told to stop or because the
    run had to wait, which do not count against the run; `place` is its place among those that wait, where it is not
    that of its send; `rolls_back` says that its question and its answer leave the active branch when it ends.
    `wake_at_ms` is when a waiting run may be claimed (None: not before somebody acts), `spent` what the current attempt
    is known to have cost already.
    """

    tenant_id: TenantId
    run: Run
    options: RunOptions
    has_turn: bool
    first_seq: int
    cancel_requested_at: str | None = None
    drained_attempts: int = 0
    drained_epoch: int = 0
    last_seq: int | None = None
    place: int | None = None
    rolls_back: bool = False
    wake_at_ms: int | None = None
    spent: Usage | None = None

    @property
    def order(self) -> int:
        """Who has the smaller one gets the turn earlier: the order of the sends, until somebody changes it."""
        return self.first_seq if self.place is None else self.place

    @property
    def waits(self) -> bool:
        """Whether it waits for its turn: what it asks can still be changed."""
        return not self.has_turn and not self.run.is_terminal

    @property
    def is_drained(self) -> bool:
        """Whether the last attempt ended because its server was told to stop."""
        return self.drained_epoch == self.run.attempt

    @property
    def epoch(self) -> int:
        """The fence of the current attempt: an attempt's number is its epoch."""
        return self.run.attempt


class SendRow(Struct, frozen=True):
    """What an Idempotency-Key was used for. A key belongs to (tenant, end user, thread).

    `run_ids` are all runs that answer, the first one too, where they are several.
    """

    tenant_id: TenantId
    thread_id: ThreadId
    end_user_id: str
    key: str
    fingerprint: bytes
    message_id: MessageId
    run_id: RunId | None
    created_at: str
    run_ids: list[RunId] | None = None


class KeyRow(Struct, frozen=True):
    """An API key. Only the hash of its secret is stored."""

    id: KeyId
    tenant_id: TenantId
    tenant_name: str
    name: str
    role: str
    secret_hash: bytes
    created_at: str
    revoked_at: str | None = None


class LeaseRow(Struct, frozen=True):
    """Which node writes for a run. `is_live` is False when that node has not renewed in time."""

    tenant_id: TenantId
    run_id: RunId
    thread_id: ThreadId
    node_id: NodeId
    epoch: int
    is_live: bool


class Attendance(Struct, frozen=True):
    """An answer that does not go on without a reader. Its thread was last seen to be read `silent_seconds` ago."""

    run_id: RunId
    thread_id: ThreadId
    silent_seconds: float


class DeltaRow(Struct, frozen=True, gc=False):
    """One delta on its way to the store, fenced by the epoch of the attempt that wrote it."""

    tenant_id: TenantId
    thread_id: ThreadId
    run_id: RunId
    message_id: MessageId
    epoch: int
    block: int
    kind: DeltaKind
    text: str


class AttemptRow(Struct, frozen=True):
    """An attempt whose deltas are not packed yet. `last_seq` is None while it is being written.

    `rows_behind` says how many rows of the delta table wait for it to be packed.
    """

    tenant_id: TenantId
    thread_id: ThreadId
    run_id: RunId
    message_id: MessageId
    epoch: int
    first_seq: int
    last_seq: int | None = None
    rows_behind: int = 0


class Pack(Struct, frozen=True):
    """The deltas of one attempt, or of a stretch of it, with nothing lost: `marks` cut `text` into them again.

    A mark is (seq, block, kind, length of the text in code points).
    """

    run_id: RunId
    message_id: MessageId
    epoch: int
    marks: list[tuple[int, int, DeltaKind, int]]
    text: str

    @property
    def first_seq(self) -> int:
        """The seq of the first delta in it."""
        return self.marks[0][0]

    @property
    def last_seq(self) -> int:
        """The seq of the last delta in it."""
        return self.marks[-1][0]


ThreadStatus = Literal["running", "waiting", "failed"]


class ThreadQuery(Struct, frozen=True):
    """Which threads to list. `after` is (pinned, last_activity_at, id) of the last one seen.

    `among` narrows the list to these, as far as they may be seen; `state` to those that are being answered, that wait
    for somebody, or whose last run has failed.
    """

    end_user_id: str | None = None
    among: frozenset[ThreadId] | None = None
    archived: bool | None = None
    q: str | None = None
    after: tuple[bool, str, str] | None = None
    limit: int = 50
    state: ThreadStatus | None = None


class TouchedThread(Struct, frozen=True):
    """A thread that something has happened to, and who may have to hear of it: deleted ones too."""

    row: ThreadRow
    people: frozenset[str]
    is_deleted: bool


class MessageQuery(Struct, frozen=True):
    """Which messages to list. `after` is the seq of the last one seen, in the direction of reading."""

    descending: bool = True
    after: int | None = None
    limit: int = 50


class ToolCallQuery(Struct, frozen=True):
    """Which tool calls to list, in the order of their requests. `after` is the seq of the last one seen.

    `since` and `until` bound `requested_at`, the second without itself.
    """

    run_id: RunId | None = None
    name: str | None = None
    is_error: bool | None = None
    status: CallStatus | None = None
    since: str | None = None
    until: str | None = None
    after: int = 0
    limit: int = 50


class Reader(
    AgentReader,
    BranchReader,
    FigureReader,
    FileReader,
    ReadReader,
    RoomReader,
    TitleReader,
    ToolReader,
    UploadReader,
    UsageReader,
    WebReader,
    Protocol,
):
    """One consistent snapshot."""

    async def thread(self, scope: Scope, thread_id: ThreadId) -> ThreadRow:
        """Return a thread. Raises NotFound: unknown, deleted, and out of scope are the same answer."""
        ...

    async def head(self, scope: Scope, thread_id: ThreadId) -> int:
        """Return the seq of the thread's last event, live deltas included. Raises NotFound."""
        ...

    async def thread_by_external_id(self, scope: Scope, end_user_id: str | None, external_id: str) -> ThreadRow | None:
        """Return the thread that this end user has under this id of another system."""
        ...

    async def threads(self, scope: Scope, query: ThreadQuery) -> list[Thread]:
        """List threads: pinned first, then latest activity. Returns up to `query.limit` of them."""
        ...

    async def touched(self, system: System, thread_ids: Sequence[ThreadId]) -> list[TouchedThread]:
        """Return these threads with the people who see them in their lists, for the streams of sidebars."""
        ...

    async def message(self, scope: Scope, message_id: MessageId) -> Message:
        """Return a message. Raises NotFound."""
        ...

    async def messages(self, scope: Scope, thread_id: ThreadId, query: MessageQuery) -> list[Message]:
        """List messages of a thread in the order of their seqs. Raises NotFound."""
        ...

    async def run(self, scope: Scope, run_id: RunId) -> RunRow:
        """Return a run. Raises NotFound."""
        ...

    async def open_runs(self, scope: Scope, thread_id: ThreadId) -> list[RunRow]:
        """Return the thread's runs that have not ended: the one that has the turn, then in the order of their turns."""
        ...

    async def tool_calls(self, scope: Scope, thread_id: ThreadId, query: ToolCallQuery) -> list[ToolCall]:
        """List tool calls of a thread in the order of their requests. Raises NotFound."""
        ...

    async def calls_of_run(self, scope: Scope, thread_id: ThreadId, run_id: RunId) -> list[ToolCall]:
        """Return all tool calls of a run of that thread, in the order of their requests. Raises NotFound."""
        ...

    async def send(self, scope: Scope, thread_id: ThreadId, end_user_id: str, key: str) -> SendRow | None:
        """Return what this Idempotency-Key was used for. Raises NotFound for the thread."""
        ...

    async def log(
        self, scope: Scope, thread_id: ThreadId, after: int, upto: int, bytes_max: int | None = None
    ) -> list[Entry]:
        """Return the entries with `after` < seq <= `upto`, without a hole, packed stretches unpacked.

        Over `bytes_max` it returns fewer, but at least one. Also of a deleted thread whose rows are still there: its
        readers are owed the last event.
        """
        ...

    async def whole_events(self, scope: Scope, thread_id: ThreadId, after: int, limit: int) -> list[Entry]:
        """Return entries behind a seq without the deltas: what the log says once it is told. Raises NotFound."""
        ...

    async def keys(self, scope: Scope) -> list[KeyRow]:
        """Return the tenant's keys, revoked ones too, oldest first."""
        ...

    async def key_by_id(self, system: System, key_id: KeyId) -> KeyRow | None:
        """Return a key for authentication."""
        ...

    async def tenant_by_name(self, system: System, name: str) -> TenantId | None:
        """Return the tenant of this name."""
        ...

    async def locate_thread(self, system: System, thread_id: ThreadId) -> TenantId | None:
        """Say whose a thread is, for operators. Deleted threads are not found."""
        ...

    async def locate_message(self, system: System, message_id: MessageId) -> TenantId | None:
        """Say whose a message is, for operators."""
        ...

    async def locate_run(self, system: System, run_id: RunId) -> TenantId | None:
        """Say whose a run is, for operators."""
        ...

    async def lease(self, system: System, run_id: RunId) -> LeaseRow | None:
        """Return who writes for this run."""
        ...

    async def leases_of(self, system: System, node_id: NodeId) -> dict[RunId, bool]:
        """Return the runs that this node writes for, and of each whether somebody has asked for it to stop."""
        ...

    async def attendance(self, system: System) -> list[Attendance]:
        """Return the answers that do not go on without a reader, by the store's clock."""
        ...

    async def claimable(self, system: System) -> list[RunRow]:
        """Return the runs that have the turn and no live owner: new, left behind, or done with waiting."""
        ...

    async def heads(self, system: System, thread_ids: Sequence[ThreadId]) -> dict[ThreadId, int]:
        """Return the head of each thread, for the slow poll behind the bus."""
        ...

    async def news(self, system: System, positions: dict[ThreadId, int], limit: int) -> list[Entry]:
        """Return what comes after these seqs in each of these threads, by thread and seq: one read for all of them.

        Of a thread with more than `limit` entries only the first ones, and what is packed already may be missing:
        whoever finds a gap reads that thread's log.
        """
        ...

    async def unpacked_attempts(self, system: System) -> list[AttemptRow]:
        """Return the attempts whose deltas are not packed."""
        ...

    async def unpacked_attempt(self, system: System, attempt: AttemptRow) -> AttemptRow | None:
        """Return how far the packing of one attempt is; None when it is done."""
        ...

    async def deltas(self, system: System, attempt: AttemptRow) -> list[tuple[int, MessageDelta]]:
        """Return the unpacked deltas of an attempt with their seqs, in order."""
        ...


class Transaction(
    Reader,
    AgentWriter,
    BranchTransaction,
    FigureWriter,
    FileWriter,
    ReadWriter,
    RoomTransaction,
    TitleWriter,
    ToolWriter,
    UploadWriter,
    WebTransaction,
    Protocol,
):
    """All or nothing. A script that raises leaves nothing behind."""

    async def insert_thread(self, scope: Scope, row: ThreadRow) -> None:
        """Store a new thread, without its first event."""
        ...

    async def save_thread(self, scope: Scope, row: ThreadRow) -> None:
        """Store what changed of a thread, all but its seq, which only `append` moves."""
        ...

    async def delete_thread(self, scope: Scope, thread_id: ThreadId, deleted_at: str) -> None:
        """Hide a thread from everybody. Its rows go later, in batches (`sweep_deleted`)."""
        ...

    async def insert_message(self, scope: Scope, message: Message) -> None:
        """Store a new message; its seq must be that of its event."""
        ...

    async def save_message(self, scope: Scope, message: Message) -> None:
        """Store how a message ended."""
        ...

    async def insert_run(self, scope: Scope, row: RunRow) -> None:
        """Store a new run."""
        ...

    async def save_run(self, scope: Scope, row: RunRow) -> None:
        """Store what changed of a run."""
        ...

    async def insert_tool_calls(self, scope: Scope, calls: Sequence[ToolCall]) -> None:
        """Store new tool calls; the seq of each must be that of its event."""
        ...

    async def save_tool_calls(self, scope: Scope, calls: Sequence[ToolCall]) -> None:
        """Store what has become of tool calls. Raises NotFound."""
        ...

    async def insert_send(self, scope: Scope, row: SendRow) -> None:
        """Remember what an Idempotency-Key was used for."""
        ...

    async def append(self, scope: Scope, thread_id: ThreadId, event: Event, run_id: RunId | None) -> int:
        """Give the event the next seq of its thread, store it, and return the seq."""
        ...

    async def append_all(
        self, scope: Scope, thread_id: ThreadId, events: Sequence[Event], run_id: RunId | None
    ) -> list[int]:
        """Append several events, one behind the other, as `append` does; return their seqs."""
        ...

    async def next_seq(self, scope: Scope, thread_id: ThreadId) -> int:
        """Return the seq that the next `append` to this thread will give."""
        ...

    async def take_lease(self, system: System, run: RunRow, node_id: NodeId, epoch: int) -> None:
        """Make `node_id` the one that writes for this run, from `epoch` on."""
        ...

    async def drop_lease(self, system: System, run_id: RunId) -> None:
        """End the lease of a run, whoever has it."""
        ...

    async def expect_readers(self, system: System, run: RunRow) -> None:
        """Note that this answer does not go on without a reader; it counts as read at this moment."""
        ...

    async def note_readers(self, system: System, thread_ids: Sequence[ThreadId]) -> None:
        """Say that somebody is reading these threads, for the answers in them that need a reader."""
        ...

    async def expect_no_readers(self, system: System, run_id: RunId) -> None:
        """Note that an answer needs no readers any more."""
        ...

    async def renew_node(self, system: System, node_id: NodeId, ttl_seconds: float) -> None:
        """Say that this node lives: its leases hold for `ttl_seconds` more, by the store's clock."""
        ...

    async def forget_nodes(self, system: System) -> None:
        """Say that no node lives: every lease has lapsed. Only for whoever has the store for itself."""
        ...

    async def sweep_nodes(self, system: System, silent_seconds: float) -> int:
        """Forget nodes that have been silent for so long, and what their last batches have become; returns how many.

        Nobody is forgotten whom a lease names: as long as a fence would let somebody through who wakes up, the store
        has to know what he has written.
        """
        ...

    async def open_attempt(self, system: System, attempt: AttemptRow) -> None:
        """Note that deltas of this attempt will come."""
        ...

    async def close_attempt(self, system: System, run: RunRow, epoch: int, last_seq: int) -> None:
        """Note that no more deltas of this attempt will come."""
        ...

    async def insert_pack(self, system: System, attempt: AttemptRow, pack: Pack, is_last: bool) -> None:
        """Store a pack; with the last one of an attempt its deltas are free to be pruned."""
        ...

    async def forget_attempt(self, system: System, attempt: AttemptRow) -> None:
        """Close the books on an attempt that has no deltas."""
        ...

    async def prune_deltas(self, system: System) -> int:
        """Remove deltas that no unpacked attempt needs. Returns how many went."""
        ...

    async def insert_tenant(self, system: System, tenant_id: TenantId, name: str, created_at: str) -> None:
        """Store a new tenant."""
        ...

    async def insert_key(self, scope: Scope, row: KeyRow) -> None:
        """Store a new key."""
        ...

    async def revoke_key(self, scope: Scope, key_id: KeyId, revoked_at: str) -> None:
        """Make a key useless from now on. Raises NotFound; revoking twice is fine."""
        ...

    async def sweep_sends(self, system: System, created_before: str) -> int:
        """Forget Idempotency-Keys used before that time. Returns how many went."""
        ...

    async def sweep_deleted(self, system: System) -> int:
        """Remove one batch of rows of deleted threads. Returns how many went; 0 means done."""
        ...


Script = Callable[[Transaction], Awaitable[T]]
ReadScript = Callable[[Reader], Awaitable[T]]


class Write(Struct, Generic[T], frozen=True):
    """A script and for whom it writes. One that uses a `System` verb anywhere is opened for `System`."""

    scope: Scope | System
    script: Script[T]


LATER = 0
"""In place of a seq: somebody else was writing to that thread. Nothing is stored; hand the delta in again."""


class Outcome(Struct, Generic[T]):
    """What became of one script: its value, or the error that undid it. `entries` are what it appended."""

    value: T | None
    error: Exception | None
    entries: list[Entry]


class Committed(Struct):
    """What a batch became. `seqs[i]` is the seq of delta i, None where the fence refused it, or `LATER`."""

    seqs: list[int | None]
    outcomes: list[Outcome[Any]]


class Store(Protocol):
    """The truth on disk."""

    @property
    def has_one_writer(self) -> bool:
        """Whether commits queue up for one writer, so that sharing one pays; else they are made side by side."""
        ...

    async def open(self) -> None:
        """Open, migrate where needed, and take up what an earlier process left.

        Raises:
            StoreRefused: newer than this program, in use by another server, or not writable.
        """
        ...

    async def close(self) -> None:
        """Close. Everything acknowledged is on disk already."""
        ...

    async def read(self, scope: Scope | System, script: ReadScript[T]) -> T:
        """Run a script on one consistent snapshot. Raises what it raises, or Unavailable.

        Opened for a tenant it may use that tenant's scopes only, and no `System` verb: where the database can hold
        that too (row-level security), it does.
        """
        ...

    async def commit(self, deltas: Sequence[DeltaRow], writes: Sequence[Write[Any]]) -> Committed:
        """Commit the deltas, then the scripts in order, fully synced. Called by the journal only.

        The deltas are all or nothing, and so is each script; one that raises is undone alone. A store with one writer
        makes one transaction of it all, one call at a time. Elsewhere a script may be run again from its beginning
        when it has met another one, and calls may be made side by side, of which one at a time brings deltas.

        Raises:
            Unavailable: the store cannot write (a full disk, a lost database); nothing is stored that anybody may count
                on. The same deltas come first in the next call that brings deltas: a store that does not know what
                became of them looks it up then.
        """
        ...

    async def is_healthy(self) -> bool:
        """Whether the store answers, for `/readyz`."""
        ...
