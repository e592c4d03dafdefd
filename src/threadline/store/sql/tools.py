"""The verbs of registered tools. A deleted one keeps its row, without its secrets: the audit trail names it."""

from collections.abc import Sequence

from threadline.errors import NameTaken, NotFound
from threadline.ids import ToolId
from threadline.scopes import Scope
from threadline.store.rows import TOOLS
from threadline.store.sql.statements import Statements
from threadline.tool_records import ToolRow

_TOOL = f"SELECT {', '.join(TOOLS.columns)} FROM tools WHERE tenant_id = ? AND deleted_at IS NULL"
_SAVED = tuple(name for name in TOOLS.columns if name not in ("tenant_id", "id", "name", "kind", "created_at"))
_INSERT = (
    f"INSERT INTO tools ({', '.join(TOOLS.columns)}) VALUES ({', '.join('?' * len(TOOLS.columns))}) "
    "ON CONFLICT DO NOTHING"
)
_SAVE = f"UPDATE tools SET {', '.join(f'{name} = ?' for name in _SAVED)} WHERE tenant_id = ? AND id = ?"


class ToolReader:
    """The reading verbs."""

    _sql: Statements

    async def tools(self, scope: Scope, names: Sequence[str] | None = None) -> list[ToolRow]:
        """Return the tenant's registered tools by name, all of them or those of these names."""
        if names is not None and not names:
            return []
        named = "" if names is None else f"AND name IN ({', '.join('?' * len(names))})"
        rows = await self._sql.every(f"{_TOOL} {named} ORDER BY name", (scope.tenant_id, *(names or ())))
        return [TOOLS.record(row) for row in rows]

    async def tool(self, scope: Scope, name_or_id: str) -> ToolRow:
        """Return a registered tool. Raises NotFound."""
        row = await self._sql.one(f"{_TOOL} AND (id = ? OR name = ?)", (scope.tenant_id, name_or_id, name_or_id))
        if row is None:
            raise NotFound
        return TOOLS.record(row)


class ToolWriter(ToolReader):
    """The writing verbs."""

    async def insert_tool(self, scope: Scope, row: ToolRow) -> None:
        """Store a new tool. Raises NameTaken."""
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        if await self._sql.run(_INSERT, TOOLS.values(row)) != 1:
            raise NameTaken(f"There is a tool named {row.name!r} already.", pointer="/name")

    async def save_tool(self, scope: Scope, row: ToolRow) -> None:
        """Store what changed of a tool; its name and kind do not. Raises NotFound."""
        given = dict(zip(TOOLS.columns, TOOLS.values(row), strict=True))
        if await self._sql.run(_SAVE, [*(given[name] for name in _SAVED), scope.tenant_id, row.id]) != 1:
            raise NotFound

    async def delete_tool(self, scope: Scope, tool_id: ToolId, deleted_at: str) -> None:
        """Take a tool away from everybody, and forget its secrets. Raises NotFound."""
        gone = await self._sql.run(
            "UPDATE tools SET deleted_at = ?, secret = NULL, headers = '{}' "
            "WHERE tenant_id = ? AND id = ? AND deleted_at IS NULL",
            (deleted_at, scope.tenant_id, tool_id),
        )
        if gone != 1:
            raise NotFound
