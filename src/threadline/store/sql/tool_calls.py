"""The verbs for tool calls, as both dialects say them."""

from collections.abc import Sequence
from typing import Any

from threadline.errors import NotFound
from threadline.ids import RunId, ThreadId
from threadline.scopes import Scope
from threadline.store.contract import ToolCallQuery
from threadline.store.rows import TOOL_CALLS
from threadline.store.sql.statements import Statements
from threadline.tool_calls import ToolCall

_COLUMNS = TOOL_CALLS.columns
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM tool_calls"
_INSERT = f"INSERT INTO tool_calls ({', '.join(_COLUMNS)}, tenant_id) VALUES ({', '.join('?' * len(_COLUMNS))}, ?)"
_SAVED = (
    "output",
    "is_error",
    "status",
    "attempt",
    "is_approved",
    "decided_by",
    "decided_at",
    "reason",
    "started_at",
    "ended_at",
)
_SAVE = (
    f"UPDATE tool_calls SET {', '.join(f'{name} = ?' for name in _SAVED)} "
    "WHERE tenant_id = ? AND thread_id = ? AND seq = ?"
)


class ToolCallReader:
    """The reading verbs for tool calls, for `SqlReader`."""

    _sql: Statements

    async def require_thread(self, scope: Scope, thread_id: ThreadId) -> int:
        """Raise NotFound where a thread is unknown, deleted or out of scope."""
        raise NotImplementedError

    async def tool_calls(self, scope: Scope, thread_id: ThreadId, query: ToolCallQuery) -> list[ToolCall]:
        """List tool calls of a thread in the order of their requests. Raises NotFound."""
        await self.require_thread(scope, thread_id)
        where, values = _filter(scope, thread_id, query)
        rows = await self._sql.every(
            f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY seq LIMIT ?", (*values, query.limit)
        )
        return [TOOL_CALLS.record(row) for row in rows]

    async def calls_of_run(self, scope: Scope, thread_id: ThreadId, run_id: RunId) -> list[ToolCall]:
        """Return all tool calls of a run of that thread, in the order of their requests. Raises NotFound."""
        await self.require_thread(scope, thread_id)
        rows = await self._sql.every(
            f"{_SELECT} WHERE tenant_id = ? AND run_id = ? AND thread_id = ? ORDER BY seq",
            (scope.tenant_id, run_id, thread_id),
        )
        return [TOOL_CALLS.record(row) for row in rows]


class ToolCallWriter(ToolCallReader):
    """The writing verbs for tool calls, for `SqlTransaction`."""

    async def insert_tool_calls(self, scope: Scope, calls: Sequence[ToolCall]) -> None:
        """Store new tool calls; the seq of each must be that of its event."""
        for call in calls:
            await self.require_thread(scope, call.thread_id)
        await self._sql.run_each(_INSERT, [[*TOOL_CALLS.values(call), scope.tenant_id] for call in calls])

    async def save_tool_calls(self, scope: Scope, calls: Sequence[ToolCall]) -> None:
        """Store what has become of tool calls. Raises NotFound."""
        for call in calls:
            await self.require_thread(scope, call.thread_id)
        rows = [[*_saved(call), scope.tenant_id, call.thread_id, call.seq] for call in calls]
        if await self._sql.run_each(_SAVE, rows) != len(rows):
            raise NotFound


def _saved(call: ToolCall) -> list[Any]:
    given = dict(zip(_COLUMNS, TOOL_CALLS.values(call), strict=True))
    return [given[name] for name in _SAVED]


def _filter(scope: Scope, thread_id: ThreadId, query: ToolCallQuery) -> tuple[list[str], list[Any]]:
    where, values = ["tenant_id = ?", "thread_id = ?", "seq > ?"], [scope.tenant_id, thread_id, query.after]
    narrowed = {
        "run_id = ?": query.run_id,
        "name = ?": query.name,
        "is_error = ?": None if query.is_error is None else int(query.is_error),
        "status = ?": query.status,
        "requested_at >= ?": query.since,
        "requested_at < ?": query.until,
    }
    for condition, value in narrowed.items():
        if value is not None:
            where.append(condition)
            values.append(value)
    return where, values
