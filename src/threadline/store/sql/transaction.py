"""The writing verbs of `store/contract.py`, as far as both dialects say them alike."""

from typing import Any, ClassVar

from threadline.errors import NotFound
from threadline.events import Entry
from threadline.ids import KeyId, NodeId, RunId, TenantId, ThreadId
from threadline.limits import DELETE_BATCH_ROWS
from threadline.records import Message
from threadline.room_records import MemberRole
from threadline.scopes import EndUser, Scope, System
from threadline.store.contract import AttemptRow, KeyRow, RunRow, SendRow, ThreadRow
from threadline.store.rows import MESSAGES, RUNS, SENDS, THREADS, to_json
from threadline.store.sql.agents import AgentWriter
from threadline.store.sql.attendance import AttendanceWriter
from threadline.store.sql.branches import NEEDED_BY_FORKS, SWEEPABLE, BranchWriter
from threadline.store.sql.figures import FigureWriter
from threadline.store.sql.files import FileWriter
from threadline.store.sql.members import MemberWriter
from threadline.store.sql.reader import ATTEMPT_KEY, SqlReader
from threadline.store.sql.reads import ReadWriter
from threadline.store.sql.statements import Row, Statements
from threadline.store.sql.titles import TitleWriter
from threadline.store.sql.tool_calls import ToolCallWriter
from threadline.store.sql.tools import ToolWriter
from threadline.store.sql.uploads import UploadWriter
from threadline.store.sql.usage import UsageWriter
from threadline.store.sql.web import WebAppWriter


def insert_into(table: str, columns: tuple[str, ...]) -> str:
    """Return the INSERT of one row."""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


_THREAD_SAVED = tuple(name for name in THREADS.columns if name not in ("id", "seq", "created_at"))
_MESSAGE_SAVED = ("content", "status", "usage", "finish_reason", "error", "completed_at")
_RUN_SAVED = tuple(name for name in RUNS.columns if name not in ("id", "thread_id", "created_at"))

_INSERT_THREAD = insert_into("threads", (*THREADS.columns, "tenant_id"))
_SAVE_THREAD = f"UPDATE threads SET {', '.join(f'{name} = ?' for name in _THREAD_SAVED)} WHERE tenant_id = ? AND id = ?"
_INSERT_MESSAGE = insert_into("messages", (*MESSAGES.columns, "tenant_id"))
_SAVE_MESSAGE = (
    f"UPDATE messages SET {', '.join(f'{name} = ?' for name in _MESSAGE_SAVED)} WHERE tenant_id = ? AND id = ?"
)
_RUN_ENGINE = (
    "has_turn",
    "cancel_requested_at",
    "drained_attempts",
    "drained_epoch",
    "last_seq",
    "place",
    "rolls_back",
    "wake_at_ms",
    "spent",
)
_INSERT_RUN = insert_into("runs", (*RUNS.columns, "tenant_id", "options", "first_seq", *_RUN_ENGINE))
_SAVE_RUN = (
    f"UPDATE runs SET {', '.join(f'{name} = ?' for name in (*_RUN_SAVED, *_RUN_ENGINE))} WHERE tenant_id = ? AND id = ?"
)
SWEPT = {
    "messages": "thread_id, seq",
    "runs": "id",
    "sends": "thread_id, end_user_id, key",
    "events": "thread_id, seq",
    "packs": "thread_id, last_seq",
    "unpacked_attempts": "thread_id, run_id, epoch",
    "leases": "run_id",
    "attendance": "run_id",
    "tool_calls": "thread_id, seq",
    "forks": "thread_id, source_thread_id",
    "reads": "thread_id, end_user_id",
    "titles": "thread_id",
    "members": "thread_id, id",
    "hops": "thread_id, root_message_id, run_id",
    "shares": "id",
    "file_uses": "thread_id, file_id",
}


class SqlTransaction(
    SqlReader,
    FileWriter,
    BranchWriter,
    ReadWriter,
    TitleWriter,
    ToolWriter,
    ToolCallWriter,
    AgentWriter,
    MemberWriter,
    AttendanceWriter,
    WebAppWriter,
    UsageWriter,
    FigureWriter,
    UploadWriter,
):
    """The writing verbs. Lives for one script; `entries` are what it has appended."""

    SWEPT: ClassVar[dict[str, str]] = SWEPT
    """The tables that have rows of threads, each with the rest of its key behind the tenant."""

    def __init__(self, statements: Statements) -> None:
        super().__init__(statements)
        self.entries: list[Entry] = []
        self._found: dict[tuple[TenantId, ThreadId], Row | None] = {}
        self._places: dict[tuple[EndUser, ThreadId], MemberRole | None] = {}

    async def _owner_and_seq(self, tenant_id: TenantId, thread_id: ThreadId) -> Row | None:
        """Return the end user of a thread that is not deleted, and the seq that its row knows of."""
        # Looked up once: nobody else changes a thread while this transaction has it.
        if (tenant_id, thread_id) not in self._found:
            self._found[tenant_id, thread_id] = await super()._owner_and_seq(tenant_id, thread_id)
        return self._found[tenant_id, thread_id]

    async def _place(self, scope: EndUser, thread_id: ThreadId) -> MemberRole | None:
        """Return the role that a person has as a member."""
        if (scope, thread_id) not in self._places:
            self._places[scope, thread_id] = await super()._place(scope, thread_id)
        return self._places[scope, thread_id]

    def _note_seq(self, tenant_id: TenantId, thread_id: ThreadId, seq: int) -> None:
        found = self._found[tenant_id, thread_id]
        assert found is not None, "an event goes into a thread that was looked up"
        self._found[tenant_id, thread_id] = (found[0], seq)

    async def insert_thread(self, scope: Scope, row: ThreadRow) -> None:
        """Store a new thread, without its first event."""
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        self._found.clear()
        await self._sql.run(_INSERT_THREAD, [*THREADS.values(row.thread), row.tenant_id])

    async def save_thread(self, scope: Scope, row: ThreadRow) -> None:
        """Store what changed of a thread, all but its seq, which only `append` moves."""
        await self.require_writer(scope, row.thread.id)
        values = chosen(THREADS.columns, THREADS.values(row.thread), _THREAD_SAVED)
        await self._update(_SAVE_THREAD, [*values, scope.tenant_id, row.thread.id])

    async def delete_thread(self, scope: Scope, thread_id: ThreadId, deleted_at: str) -> None:
        """Hide a thread from everybody. Its rows go later, in batches (`sweep_deleted`)."""
        await self.require_writer(scope, thread_id)
        self._found.clear()
        await self._update(
            "UPDATE threads SET deleted_at = ? WHERE tenant_id = ? AND id = ?",
            [deleted_at, scope.tenant_id, thread_id],
        )

    async def insert_message(self, scope: Scope, message: Message) -> None:
        """Store a new message; its seq must be that of its event."""
        assert message.seq is not None, "a message in the history has a seq"
        await self.require_writer(scope, message.thread_id)
        await self._sql.run(_INSERT_MESSAGE, [*MESSAGES.values(message), scope.tenant_id])

    async def save_message(self, scope: Scope, message: Message) -> None:
        """Store how a message ended."""
        await self.require_writer(scope, message.thread_id)
        values = chosen(MESSAGES.columns, MESSAGES.values(message), _MESSAGE_SAVED)
        await self._update(_SAVE_MESSAGE, [*values, scope.tenant_id, message.id])

    async def insert_run(self, scope: Scope, row: RunRow) -> None:
        """Store a new run."""
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        await self.require_writer(scope, row.run.thread_id)
        more = [row.tenant_id, to_json(row.options), row.first_seq, *_engine_values(row)]
        await self._sql.run(_INSERT_RUN, [*RUNS.values(row.run), *more])

    async def save_run(self, scope: Scope, row: RunRow) -> None:
        """Store what changed of a run."""
        await self.require_writer(scope, row.run.thread_id)
        values = chosen(RUNS.columns, RUNS.values(row.run), _RUN_SAVED)
        await self._update(_SAVE_RUN, [*values, *_engine_values(row), scope.tenant_id, row.run.id])
        await self._keep_usage(row)

    async def insert_send(self, scope: Scope, row: SendRow) -> None:
        """Remember what an Idempotency-Key was used for."""
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        await self.require_writer(scope, row.thread_id)
        await self._sql.run(insert_into("sends", SENDS.columns), SENDS.values(row))

    async def take_lease(self, system: System, run: RunRow, node_id: NodeId, epoch: int) -> None:
        """Make `node_id` the one that writes for this run, from `epoch` on."""
        thread_id = run.run.thread_id
        taken = await self._sql.run(
            "INSERT INTO leases (tenant_id, run_id, thread_id, node_id, epoch) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (tenant_id, run_id) DO UPDATE SET node_id = excluded.node_id, epoch = excluded.epoch "
            "WHERE excluded.epoch > leases.epoch",
            (run.tenant_id, run.run.id, thread_id, node_id, epoch),
        )
        assert taken == 1, "an epoch only rises"

    async def drop_lease(self, system: System, run_id: RunId) -> None:
        """End the lease of a run, whoever has it."""
        await self._sql.run("DELETE FROM leases WHERE run_id = ?", (run_id,))

    async def forget_nodes(self, system: System) -> None:
        """Say that no node lives: every lease has lapsed. Only for whoever has the store for itself."""
        await self._sql.run("DELETE FROM nodes")

    async def forget_attempt(self, system: System, attempt: AttemptRow) -> None:
        """Close the books on an attempt that has no deltas."""
        await self._sql.run(
            f"DELETE FROM unpacked_attempts WHERE {ATTEMPT_KEY}",
            attempt_key(attempt),
        )

    async def insert_tenant(self, system: System, tenant_id: TenantId, name: str, created_at: str) -> None:
        """Store a new tenant."""
        await self._sql.run(
            "INSERT INTO tenants (id, name, created_at) VALUES (?, ?, ?)", (tenant_id, name, created_at)
        )

    async def insert_key(self, scope: Scope, row: KeyRow) -> None:
        """Store a new key."""
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        await self._sql.run(
            "INSERT INTO keys (tenant_id, id, name, role, secret_hash, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (row.tenant_id, row.id, row.name, row.role, row.secret_hash, row.created_at),
        )

    async def revoke_key(self, scope: Scope, key_id: KeyId, revoked_at: str) -> None:
        """Make a key useless from now on. Raises NotFound; revoking twice is fine."""
        await self._update(
            "UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE tenant_id = ? AND id = ?",
            [revoked_at, scope.tenant_id, key_id],
        )

    async def sweep_sends(self, system: System, created_before: str) -> int:
        """Forget Idempotency-Keys used before that time. Returns how many went."""
        return await self._sql.run(
            "DELETE FROM sends WHERE (tenant_id, thread_id, end_user_id, key) IN ("
            "SELECT tenant_id, thread_id, end_user_id, key FROM sends WHERE created_at < ? LIMIT ?)",
            (created_before, DELETE_BATCH_ROWS),
        )

    async def sweep_deleted(self, system: System) -> int:
        """Remove one batch of rows of deleted threads. Returns how many went; 0 means done."""
        row = await self._sql.one(
            f"SELECT tenant_id, id FROM threads WHERE deleted_at IS NOT NULL AND {SWEEPABLE} LIMIT 1"
        )
        return 0 if row is None else await self._sweep_thread(*row)

    async def _sweep_thread(self, tenant_id: TenantId, thread_id: ThreadId) -> int:
        """Remove a batch of the rows of one deleted thread, the thread itself last. Returns how many went."""
        # Events last: where some are left, there is something to sweep (`SWEEPABLE`).
        for table in sorted(self.SWEPT, key=lambda name: name == "events"):
            if gone := await self._sweep_table(table, tenant_id, thread_id):
                return gone
        await self._sql.run("DELETE FROM threads WHERE tenant_id = ? AND id = ?", (tenant_id, thread_id))
        return 1

    async def _sweep_table(self, table: str, tenant_id: TenantId, thread_id: ThreadId) -> int:
        key, owner = self.SWEPT[table], (tenant_id, thread_id)
        kept, values = (f"AND id NOT IN ({NEEDED_BY_FORKS})", owner * 2) if table == "messages" else ("", ())
        return await self._sql.run(
            f"DELETE FROM {table} WHERE tenant_id = ? AND ({key}) IN ("
            f"SELECT {key} FROM {table} WHERE tenant_id = ? AND thread_id = ? {kept} LIMIT ?)",
            (tenant_id, *owner, *values, DELETE_BATCH_ROWS),
        )

    async def _update(self, sql: str, values: list[Any]) -> None:
        if await self._sql.run(sql, values) != 1:
            raise NotFound


def chosen(columns: tuple[str, ...], values: list[Any], wanted: tuple[str, ...]) -> list[Any]:
    """Return the values of the `wanted` columns."""
    given = dict(zip(columns, values, strict=True))
    return [given[name] for name in wanted]


def _engine_values(row: RunRow) -> list[Any]:
    return [
        int(row.has_turn),
        row.cancel_requested_at,
        row.drained_attempts,
        row.drained_epoch,
        row.last_seq,
        row.place,
        int(row.rolls_back),
        row.wake_at_ms,
        None if row.spent is None else to_json(row.spent),
    ]


def attempt_key(attempt: AttemptRow) -> tuple[TenantId, ThreadId, RunId, int]:
    """Return the values of `ATTEMPT_KEY`."""
    return attempt.tenant_id, attempt.thread_id, attempt.run_id, attempt.epoch
