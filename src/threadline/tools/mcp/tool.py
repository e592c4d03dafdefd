"""A tool of an MCP server: its name for the model, and what its answer says."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from threadline.limits import TOOL_DESCRIPTION_CHARS_MAX, TOOL_SCHEMA_BYTES_MAX
from threadline.tools.approval import needs_approval
from threadline.tools.contract import Call, Result, SourceKind
from threadline.tools.mcp.config import McpServer
from threadline.tools.output import result_of

SEPARATOR = "__"
NAME_CHARS_MAX = 64

Invoke = Callable[[McpServer, str, Call], Awaitable[Result]]


class McpTool:
    """One tool of one server."""

    kind: SourceKind = "mcp"

    def __init__(self, server: McpServer, name: str, description: str, schema: dict[str, Any], invoke: Invoke) -> None:
        self.name = called(server.name, name)
        self.description = description[:TOOL_DESCRIPTION_CHARS_MAX]
        self.input_schema = schema
        self.is_idempotent = server.idempotent
        self.timeout_seconds = server.timeout_seconds
        self._server = server
        self._own_name = name
        self._invoke = invoke

    def needs_approval(self, input: Any) -> bool:
        """Whether a person has to agree to a call with this input."""
        return needs_approval(self._server.approval, input, self._own_name)

    async def call(self, call: Call) -> Result:
        """Call it on its server. Raises nothing but cancellation."""
        return await self._invoke(self._server, self._own_name, call)


def called(server: str, tool: str) -> str:
    """Return the name by which a model knows a tool of a server: in the letters and the length that vendors take."""
    name = server + SEPARATOR + re.sub(r"[^a-zA-Z0-9_-]", "_", tool)
    if len(name) <= NAME_CHARS_MAX:
        return name
    mark = hashlib.sha256(tool.encode()).hexdigest()[:8]
    return f"{name[: NAME_CHARS_MAX - len(mark) - 1]}_{mark}"


def is_usable(schema: Any) -> bool:
    """Whether a model can be shown a tool with this schema."""
    return isinstance(schema, dict) and len(msgspec.json.encode(schema)) <= TOOL_SCHEMA_BYTES_MAX


def result_of_content(content: Sequence[Any], structured: Any, is_error: bool) -> Result:
    """Return what a server has answered: its JSON where it has sent such, else its text, with a note for the rest."""
    if structured is not None and not is_error:
        return result_of(structured)
    return result_of("\n\n".join(_told(block) for block in content), is_error)


def _told(block: Any) -> str:
    match block.type:
        case "text":
            return str(block.text)
        case "resource_link":
            return f"[{block.name}: {block.uri}]"
        case "resource" if getattr(block.resource, "text", None) is not None:
            return str(block.resource.text)
        case kind:
            # A model cannot read base64, and it would cost thousands of tokens.
            return f"[{kind} {getattr(block, 'mime_type', None) or ''}, not shown]".replace(" ,", ",")
