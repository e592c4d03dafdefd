"""The verbs of registered tools, as part of `store/contract.py`."""

from collections.abc import Sequence
from typing import Protocol

from threadline.ids import ToolId
from threadline.scopes import Scope
from threadline.tool_records import ToolRow


class ToolReader(Protocol):
    """The reading verbs."""

    async def tools(self, scope: Scope, names: Sequence[str] | None = None) -> list[ToolRow]:
        """Return the tenant's registered tools by name, all of them or those of these names."""
        ...

    async def tool(self, scope: Scope, name_or_id: str) -> ToolRow:
        """Return a registered tool. Raises NotFound."""
        ...


class ToolWriter(Protocol):
    """The writing verbs."""

    async def insert_tool(self, scope: Scope, row: ToolRow) -> None:
        """Store a new tool. Raises NameTaken."""
        ...

    async def save_tool(self, scope: Scope, row: ToolRow) -> None:
        """Store what changed of a tool; its name and kind do not. Raises NotFound."""
        ...

    async def delete_tool(self, scope: Scope, tool_id: ToolId, deleted_at: str) -> None:
        """Take a tool away from everybody, and forget its secrets. Raises NotFound."""
        ...
