"""What requests about tools may carry."""

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from threadline.errors import InvalidRequest
from threadline.limits import (
    TOOL_DESCRIPTION_CHARS_MAX,
    TOOL_HEADER_CHARS_MAX,
    TOOL_HEADERS_MAX,
    TOOL_SCHEMA_BYTES_MAX,
    TOOL_SECONDS_DEFAULT,
    TOOL_SECONDS_MAX,
    TOOL_URL_CHARS_MAX,
    TOOLS_PER_TENANT_MAX,
)
from threadline.tool_records import NAME_PATTERN, Approval, RegisteredKind
from threadline.tools.fit import BadSchema, check_schema
from threadline.tools.mcp.config import SERVER_NAME_CHARS_MAX
from threadline.tools.meta import META_NAMES

ToolName = Annotated[str, Meta(pattern=NAME_PATTERN)]
Description = Annotated[str, Meta(max_length=TOOL_DESCRIPTION_CHARS_MAX)]
InputSchema = dict[str, Any]
Url = Annotated[str, Meta(min_length=1, max_length=TOOL_URL_CHARS_MAX)]
Headers = Annotated[
    dict[str, Annotated[str, Meta(max_length=TOOL_HEADER_CHARS_MAX)]], Meta(max_length=TOOL_HEADERS_MAX)
]
Seconds = Annotated[float, Meta(ge=0.1, le=TOOL_SECONDS_MAX)]
Allow = Annotated[list[Annotated[str, Meta(max_length=256)]], Meta(max_length=TOOLS_PER_TENANT_MAX)]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(
    {
        *("host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding"),
        # Each would change how the request is sent, or its body behind the signature.
        *("content-encoding", "expect", "keep-alive", "te", "trailer", "upgrade"),
    }
)
_FIELDS: dict[RegisteredKind, frozenset[str]] = {
    "webhook": frozenset({"input_schema", "url", "headers"}),
    "mcp": frozenset({"url", "headers", "allow"}),
    "client": frozenset({"input_schema"}),
}
"""Which fields a kind takes beside those that all have."""


class CreateTool(Struct, forbid_unknown_fields=True, kw_only=True):
    """A tool. A webhook has a `url` and an `input_schema`, an MCP server a `url`, a client's tool an `input_schema`."""

    name: ToolName
    kind: Literal["webhook", "mcp", "client"]
    description: Description = ""
    input_schema: InputSchema | None = None
    url: Url | None = None
    headers: Headers | None = None
    approval: Approval = "never"
    idempotent: bool = False
    timeout_seconds: Seconds = TOOL_SECONDS_DEFAULT
    allow: Allow | None = None


class UpdateTool(Struct, forbid_unknown_fields=True, kw_only=True):
    """What changes of a tool. `headers` replace all of them; `rotate_secret` makes a new secret for a webhook."""

    description: Description | UnsetType = UNSET
    input_schema: InputSchema | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET
    approval: Approval | UnsetType = UNSET
    idempotent: bool | UnsetType = UNSET
    timeout_seconds: Seconds | UnsetType = UNSET
    allow: Allow | UnsetType | None = UNSET
    rotate_secret: bool = False


def check_name(name: str, kind: RegisteredKind) -> None:
    """Raise InvalidRequest for a name that means something else."""
    if not re.fullmatch(NAME_PATTERN.removesuffix("$"), name):
        # Python's `$`, by which the pattern alone goes, also stands before a last line feed.
        raise InvalidRequest("A name has letters, digits, _ and - in it.", pointer="/name")
    if name in META_NAMES:
        raise InvalidRequest(f"A tool may not be called {name!r}: models find others with it.", pointer="/name")
    if kind == "mcp" and len(name) > SERVER_NAME_CHARS_MAX:
        raise InvalidRequest(
            f"A server's name has up to {SERVER_NAME_CHARS_MAX} characters: its tools' names are added to it.",
            pointer="/name",
        )
    if "__" in name or (kind == "mcp" and name.endswith("_")):
        raise InvalidRequest("A name has no `__`: it stands between a server and its tool.", pointer="/name")


def check_form(kind: RegisteredKind, given: dict[str, Any]) -> None:
    """Look at the fields that were given for a tool of this kind. Raises InvalidRequest."""
    for name in ("input_schema", "url", "headers", "allow"):
        if given.get(name) is not None and name not in _FIELDS[kind]:
            raise InvalidRequest(f"A tool of the kind {kind!r} has no {name!r}.", pointer=f"/{name}")
    if given.get("input_schema") is not None:
        _check_schema(given["input_schema"])
    for name, value in (given.get("headers") or {}).items():
        _check_header(name, value)


def check_whole(kind: RegisteredKind, given: dict[str, Any]) -> None:
    """Raise InvalidRequest where a new tool of this kind lacks something."""
    for name in sorted(_FIELDS[kind] & {"input_schema", "url"}):
        if given.get(name) is None:
            raise InvalidRequest(f"A tool of the kind {kind!r} has {name!r}.", pointer=f"/{name}")


def _check_schema(schema: InputSchema) -> None:
    if schema.get("type") != "object":
        raise InvalidRequest('A tool\'s input is an object: `{"type": "object", …}`.', pointer="/input_schema/type")
    if len(msgspec.json.encode(schema)) > TOOL_SCHEMA_BYTES_MAX:
        raise InvalidRequest(f"A schema is at most {TOOL_SCHEMA_BYTES_MAX} bytes of JSON.", pointer="/input_schema")
    try:
        check_schema(schema)
    except BadSchema as error:
        raise InvalidRequest(f"This is no JSON Schema: {error}.", pointer="/input_schema") from error


def _check_header(name: str, value: str) -> None:
    if _TOKEN.fullmatch(name) is None or name.lower() in _OURS or name.lower().startswith("webhook-"):
        raise InvalidRequest("This header cannot be set.", pointer="/headers")
    if not value.isascii() or not value.isprintable():
        # Not repeated here: it may be a secret with a letter too many.
        raise InvalidRequest(f"The value of the header {name!r} is not printable ASCII.", pointer="/headers")
