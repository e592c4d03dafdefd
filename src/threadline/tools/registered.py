"""What all registered tools have in common: what their row says."""

from typing import Any

from threadline.tool_records import ToolRow
from threadline.tools.approval import needs_approval
from threadline.tools.contract import Call, Result, SourceKind
from threadline.tools.output import failure


class RegisteredTool:
    """A tool of a tenant, by its row."""

    kind: SourceKind

    def __init__(self, row: ToolRow) -> None:
        self.name = row.name
        self.description = row.description
        self.input_schema: dict[str, Any] = row.input_schema or {"type": "object", "properties": {}}
        self.is_idempotent = row.idempotent
        self.timeout_seconds = row.timeout_ms / 1000
        self._approval = row.approval

    def needs_approval(self, input: Any) -> bool:
        """Whether a person has to agree to a call with this input."""
        return needs_approval(self._approval, input)


class ClientTool(RegisteredTool):
    """A tool that the client answers: the run waits until somebody posts its result."""

    kind: SourceKind = "client"

    async def call(self, call: Call) -> Result:
        """Say that nobody calls it from here."""
        return failure("This tool is answered by the client.")
