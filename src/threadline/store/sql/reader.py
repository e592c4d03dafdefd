"""The reading verbs of `store/contract.py`, as far as both dialects say them alike.

The verbs are coroutines. On SQLite no statement ever suspends, so a script that is written once runs in a worker thread
there and in the event loop on PostgreSQL.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec import structs

from threadline.errors import NotFound
from threadline.events import Entry, decode_event
from threadline.ids import KeyId, MessageId, NodeId, RunId, TenantId, ThreadId
from threadline.records import Message, Thread
from threadline.scopes import EndUser, Scope, System
from threadline.store.contract import (
    AttemptRow,
    KeyRow,
    MessageQuery,
    RunRow,
    SendRow,
    ThreadQuery,
    ThreadRow,
    TouchedThread,
)
from threadline.store.rows import KEYS, MESSAGES, RUNS, SENDS, THREADS, to_options, to_usage
from threadline.store.sql.agents import AgentReader
from threadline.store.sql.attendance import AttendanceReader
from threadline.store.sql.branches import BranchReader
from threadline.store.sql.figures import FigureReader
from threadline.store.sql.files import FileReader
from threadline.store.sql.members import MemberReader
from threadline.store.sql.reads import ReadReader
from threadline.store.sql.statements import Row, Statements
from threadline.store.sql.titles import TitleReader
from threadline.store.sql.tool_calls import ToolCallReader
from threadline.store.sql.tools import ToolReader
from threadline.store.sql.uploads import UploadReader
from threadline.store.sql.usage import UsageReader
from threadline.store.sql.web import WebAppReader

_MESSAGE = f"SELECT {', '.join(MESSAGES.columns)} FROM messages"
_RUN_HIDDEN = (
    "tenant_id",
    "options",
    "has_turn",
    "first_seq",
    "cancel_requested_at",
    "drained_attempts",
    "drained_epoch",
    "last_seq",
    "place",
    "rolls_back",
    "wake_at_ms",
    "spent",
)
RUN = f"SELECT {', '.join((*RUNS.columns, *_RUN_HIDDEN))} FROM runs"
_SEND = f"SELECT {', '.join(SENDS.columns)} FROM sends"
_KEY = (
    "SELECT keys.id, tenant_id, tenants.name, keys.name, role, secret_hash, keys.created_at, revoked_at "
    "FROM keys JOIN tenants ON tenants.id = tenant_id"
)
ATTEMPT_KEY = "tenant_id = ? AND thread_id = ? AND run_id = ? AND epoch = ?"
_ORDER = "coalesce(place, first_seq)"
TOUCHED_AT_ONCE = 200
"""Threads in one statement: each is a parameter, and a statement of another length is prepared anew."""
OPEN = "status IN ('queued', 'running', 'waiting')"


_LAST_RUN = (
    "(SELECT status FROM runs WHERE runs.tenant_id = threads.tenant_id AND thread_id = threads.id "
    "ORDER BY runs.id DESC LIMIT 1)"
)
_STATES = {
    "running": "active_run_id IS NOT NULL",
    "waiting": "EXISTS (SELECT 1 FROM runs WHERE runs.tenant_id = threads.tenant_id AND runs.id = active_run_id "
    "AND status = 'waiting')",
    "failed": f"{_LAST_RUN} IN ('failed', 'expired')",
}


class SqlReader(
    FileReader,
    ToolReader,
    ToolCallReader,
    AgentReader,
    BranchReader,
    ReadReader,
    TitleReader,
    MemberReader,
    AttendanceReader,
    WebAppReader,
    UsageReader,
    FigureReader,
    UploadReader,
):
    """The reading verbs. Lives for one script in one transaction."""

    THREAD: ClassVar[str]
    """Selects what `thread_row` reads."""

    OWNER_AND_SEQ: ClassVar[str]
    """Selects the end user of a thread, and the seq that its row knows of."""

    POSITION: ClassVar[str]
    """The function that finds a text in another one."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    async def thread(self, scope: Scope, thread_id: ThreadId) -> ThreadRow:
        """Return a thread. Raises NotFound: unknown, deleted, and out of scope are the same answer."""
        row = await self._find_thread(scope, thread_id)
        if row is None or row[-1] is not None:
            raise NotFound
        return thread_row(row)

    async def thread_by_external_id(self, scope: Scope, end_user_id: str | None, external_id: str) -> ThreadRow | None:
        """Return the thread that this end user has under this id of another system."""
        row = await self._sql.one(
            f"{self.THREAD} WHERE tenant_id = ? AND coalesce(end_user_id, '') = ? AND external_id = ? "
            "AND deleted_at IS NULL",
            (scope.tenant_id, end_user_id or "", external_id),
        )
        if row is None:
            return None
        found = thread_row(row)
        return found if await self._reaches(scope, found.thread.end_user_id, found.thread.id) else None

    async def threads(self, scope: Scope, query: ThreadQuery) -> list[Thread]:
        """List threads: pinned first, then latest activity. Returns up to `query.limit` of them."""
        person = scope.end_user_id if isinstance(scope, EndUser) else query.end_user_id
        where, values = self._thread_filter(scope, query)
        if person is None:
            rows = await self._thread_page(where, values, query.limit)
            return [thread_row(row).thread for row in rows]
        own = await self._thread_page([*where, "end_user_id = ?"], [*values, person], query.limit)
        # Apart, and not by an OR: each of the two reads is of one index, and stops where its page is full.
        elsewhere = await self._thread_page(
            [*where, "id IN (SELECT thread_id FROM members WHERE members.tenant_id = ? AND members.end_user_id = ?)"],
            [*values, scope.tenant_id, person],
            query.limit,
        )
        found = {thread.id: thread for row in (*own, *elsewhere) if (thread := thread_row(row).thread)}
        return sorted(found.values(), key=_sidebar, reverse=True)[: query.limit]

    async def _thread_page(self, where: Sequence[str], values: Sequence[Any], limit: int) -> Sequence[Row]:
        return await self._sql.every(
            f"{self.THREAD} WHERE {' AND '.join(where)} ORDER BY pinned DESC, last_activity_at DESC, id DESC LIMIT ?",
            (*values, limit),
        )

    async def touched(self, system: System, thread_ids: Sequence[ThreadId]) -> list[TouchedThread]:
        """Return these threads with the people who see them in their lists."""
        found: list[TouchedThread] = []
        for start in range(0, len(thread_ids), TOUCHED_AT_ONCE):
            some = thread_ids[start : start + TOUCHED_AT_ONCE]
            marks = ", ".join("?" * len(some))
            rows = await self._sql.every(f"{self.THREAD} WHERE id IN ({marks})", tuple(some))
            tenants = sorted({row[-2] for row in rows})
            members = (
                await self._sql.every(
                    f"SELECT thread_id, end_user_id FROM members WHERE tenant_id IN ({', '.join('?' * len(tenants))}) "
                    f"AND thread_id IN ({marks}) AND end_user_id IS NOT NULL",
                    (*tenants, *some),
                )
                if tenants
                else ()
            )
            found += [_touched(row, members) for row in rows]
        return found

    async def whole_events(self, scope: Scope, thread_id: ThreadId, after: int, limit: int) -> list[Entry]:
        """Return entries behind a seq without the deltas. Raises NotFound."""
        await self.require_thread(scope, thread_id)
        rows = await self._sql.every(
            "SELECT seq, run_id, body FROM events WHERE tenant_id = ? AND thread_id = ? AND seq > ? "
            "ORDER BY seq LIMIT ?",
            (scope.tenant_id, thread_id, after, limit),
        )
        return [Entry(thread_id, seq, run_id, decode_event(body.encode())) for seq, run_id, body in rows]

    async def message(self, scope: Scope, message_id: MessageId) -> Message:
        """Return a message. Raises NotFound."""
        row = await self._sql.one(f"{_MESSAGE} WHERE tenant_id = ? AND id = ?", (scope.tenant_id, message_id))
        if row is None:
            raise NotFound
        message = MESSAGES.record(row)
        await self.require_thread(scope, message.thread_id)
        return message

    async def messages(self, scope: Scope, thread_id: ThreadId, query: MessageQuery) -> list[Message]:
        """List messages of a thread in the order of their seqs. Raises NotFound."""
        await self.require_thread(scope, thread_id)
        order, compared = ("DESC", "<") if query.descending else ("ASC", ">")
        beyond = "" if query.after is None else f"AND seq {compared} {int(query.after)}"
        rows = await self._sql.every(
            f"{_MESSAGE} WHERE tenant_id = ? AND thread_id = ? {beyond} ORDER BY seq {order} LIMIT ?",
            (scope.tenant_id, thread_id, query.limit),
        )
        return [MESSAGES.record(row) for row in rows]

    async def run(self, scope: Scope, run_id: RunId) -> RunRow:
        """Return a run. Raises NotFound."""
        row = await self._sql.one(f"{RUN} WHERE tenant_id = ? AND id = ?", (scope.tenant_id, run_id))
        if row is None:
            raise NotFound
        found = run_row(row)
        await self.require_thread(scope, found.run.thread_id)
        return await self._counted(scope, found) if found.waits else found

    async def _counted(self, scope: Scope, row: RunRow) -> RunRow:
        """Put in the position of a run that waits."""
        before = await self._sql.one(
            f"SELECT count(*) FROM runs WHERE {OPEN} AND has_turn = 0 AND tenant_id = ? AND thread_id = ? "
            f"AND {_ORDER} < ?",
            (scope.tenant_id, row.run.thread_id, row.order),
        )
        assert before is not None, "an aggregate gives a row"
        return _placed(row, int(before[0]) + 1)

    async def open_runs(self, scope: Scope, thread_id: ThreadId) -> list[RunRow]:
        """Return the thread's runs that have not ended: the one that has the turn, then in the order of their turns."""
        await self.require_thread(scope, thread_id)
        rows = await self._sql.every(
            f"{RUN} WHERE {OPEN} AND tenant_id = ? AND thread_id = ? ORDER BY has_turn DESC, {_ORDER}",
            (scope.tenant_id, thread_id),
        )
        found = [run_row(row) for row in rows]
        active = [row for row in found if row.has_turn]
        return active + [_placed(row, number) for number, row in enumerate(found[len(active) :], 1)]

    async def send(self, scope: Scope, thread_id: ThreadId, end_user_id: str, key: str) -> SendRow | None:
        """Return what this Idempotency-Key was used for. Raises NotFound for the thread."""
        await self.require_thread(scope, thread_id)
        row = await self._sql.one(
            f"{_SEND} WHERE tenant_id = ? AND thread_id = ? AND end_user_id = ? AND key = ?",
            (scope.tenant_id, thread_id, end_user_id, key),
        )
        return None if row is None else SENDS.record(row)

    async def keys(self, scope: Scope) -> list[KeyRow]:
        """Return the tenant's keys, revoked ones too, oldest first."""
        rows = await self._sql.every(f"{_KEY} WHERE tenant_id = ? ORDER BY keys.id", (scope.tenant_id,))
        return [KEYS.record(row) for row in rows]

    async def key_by_id(self, system: System, key_id: KeyId) -> KeyRow | None:
        """Return a key for authentication."""
        row = await self._sql.one(f"{_KEY} WHERE keys.id = ?", (key_id,))
        return None if row is None else KEYS.record(row)

    async def tenant_by_name(self, system: System, name: str) -> TenantId | None:
        """Return the tenant of this name."""
        return _tenant(await self._sql.one("SELECT id FROM tenants WHERE name = ?", (name,)))

    async def locate_thread(self, system: System, thread_id: ThreadId) -> TenantId | None:
        """Say whose a thread is, for operators. Deleted threads are not found."""
        return _tenant(
            await self._sql.one("SELECT tenant_id FROM threads WHERE id = ? AND deleted_at IS NULL", (thread_id,))
        )

    async def locate_message(self, system: System, message_id: MessageId) -> TenantId | None:
        """Say whose a message is, for operators."""
        # Tenant by tenant: messages are found by their tenant first, and operators do not ask often.
        return _tenant(
            await self._sql.one(
                "SELECT tenants.id FROM tenants WHERE EXISTS ("
                "SELECT 1 FROM messages WHERE messages.tenant_id = tenants.id AND messages.id = ?)",
                (message_id,),
            )
        )

    async def locate_run(self, system: System, run_id: RunId) -> TenantId | None:
        """Say whose a run is, for operators."""
        return _tenant(await self._sql.one("SELECT tenant_id FROM runs WHERE id = ?", (run_id,)))

    async def leases_of(self, system: System, node_id: NodeId) -> dict[RunId, bool]:
        """Return the runs that this node writes for, and of each whether somebody has asked for it to stop."""
        rows = await self._sql.every(
            "SELECT run_id, cancel_requested_at IS NOT NULL FROM leases "
            "JOIN runs ON runs.tenant_id = leases.tenant_id AND runs.id = run_id WHERE node_id = ?",
            (node_id,),
        )
        return {run_id: bool(is_to_stop) for run_id, is_to_stop in rows}

    async def _find_thread(self, scope: Scope, thread_id: ThreadId) -> Row | None:
        row = await self._sql.one(f"{self.THREAD} WHERE tenant_id = ? AND id = ?", (scope.tenant_id, thread_id))
        if row is None:
            return None
        owner = row[THREADS.columns.index("end_user_id")]
        return row if await self._reaches(scope, owner, thread_id) else None

    async def require_thread(self, scope: Scope, thread_id: ThreadId) -> int:
        """Raise NotFound where a thread is unknown, deleted or out of scope; return the seq that its row knows of."""
        row = await self._owner_and_seq(scope.tenant_id, thread_id)
        if row is None or not await self._reaches(scope, row[0], thread_id):
            raise NotFound
        return int(row[1])

    async def _owner_and_seq(self, tenant_id: TenantId, thread_id: ThreadId) -> Row | None:
        """Return the end user of a thread that is not deleted, and the seq that its row knows of."""
        return await self._sql.one(
            f"{self.OWNER_AND_SEQ} WHERE tenant_id = ? AND id = ? AND deleted_at IS NULL", (tenant_id, thread_id)
        )

    def _thread_filter(self, scope: Scope, query: ThreadQuery) -> tuple[list[str], list[Any]]:
        where, values = ["tenant_id = ?", "deleted_at IS NULL"], [scope.tenant_id]

        def narrow(condition: str, *given: Any) -> None:
            where.append(condition)
            values.extend(given)

        if isinstance(scope, EndUser):
            if scope.thread_ids is not None:
                marks = ", ".join("?" * len(scope.thread_ids)) or "NULL"
                narrow(f"id IN ({marks})", *sorted(scope.thread_ids))
            if query.end_user_id not in (None, scope.end_user_id):
                narrow("end_user_id = ?", query.end_user_id)
        if query.among is not None:
            narrow(f"id IN ({', '.join('?' * len(query.among)) or 'NULL'})", *sorted(query.among))
        if query.archived is not None:
            narrow("archived = ?", int(query.archived))
        if query.q is not None:
            narrow(f"{self.POSITION}(lower(coalesce(title, '')), lower(?)) > 0", query.q)
        if query.state is not None:
            narrow(_STATES[query.state])
        if query.after is not None:
            narrow("(pinned, last_activity_at, id) < (?, ?, ?)", int(query.after[0]), *query.after[1:])
        return where, values


def _sidebar(thread: Thread) -> tuple[bool, str, str]:
    return thread.pinned, thread.last_activity_at, thread.id


def _touched(row: Row, members: Sequence[Row]) -> TouchedThread:
    found = thread_row(row)
    people = {person for thread_id, person in members if thread_id == found.thread.id}
    if found.thread.end_user_id is not None:
        people.add(found.thread.end_user_id)
    return TouchedThread(found, frozenset(people), row[-1] is not None)


def thread_row(row: Row) -> ThreadRow:
    """Read a row of `THREAD`."""
    return ThreadRow(tenant_id=row[-2], thread=THREADS.record(row))


def run_row(row: Row) -> RunRow:
    """Read a row of `RUN`."""
    hidden = dict(zip(_RUN_HIDDEN, row[len(RUNS.columns) :], strict=True))
    hidden |= {truth: bool(hidden[truth]) for truth in ("has_turn", "rolls_back")}
    hidden |= {"options": to_options(hidden["options"]), "spent": to_usage(hidden["spent"])}
    return RunRow(run=RUNS.record(row), **hidden)


def _placed(row: RunRow, position: int) -> RunRow:
    return structs.replace(row, run=structs.replace(row.run, position=position))


def attempt_row(row: Row) -> AttemptRow:
    """Read a row of an attempt with the number of rows behind it."""
    tenant_id, thread_id, run_id, message_id, epoch, first_seq, last_seq, rows_behind = row
    return AttemptRow(tenant_id, thread_id, run_id, message_id, epoch, first_seq, last_seq, rows_behind)


def _tenant(row: Row | None) -> TenantId | None:
    return None if row is None else TenantId(row[0])


def select_threads(table: str, seq: str) -> str:
    """Return the SELECT of threads from a table that has their seq in the column `seq`."""
    columns = (seq if name == "seq" else name for name in THREADS.columns)
    return f"SELECT {', '.join(columns)}, tenant_id, deleted_at FROM {table}"
