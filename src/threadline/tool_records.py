"""Tools as a tenant has registered them: webhooks, MCP servers and tools that the client itself answers.

`Registration` is what the API shows. `ToolRow` is what is stored, with the secrets that nobody is shown again.
"""

from typing import Any, Literal

from msgspec import UNSET, Struct, field

from threadline.ids import TenantId, ToolId

RegisteredKind = Literal["webhook", "mcp", "client"]

NAME_PATTERN = "^[a-zA-Z0-9_-]{1,64}$"
"""What every vendor takes as the name of a tool."""


class Condition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One question about a call. `argument` is the path of a value in its input (RFC 6901), such as `/amount`.

    All that is given has to hold. `tools` names the tools of an MCP server that are meant, as the server calls them. A
    comparison with a value that is not there, or is of another kind, counts as held: what cannot be judged is shown to
    a person.
    """

    argument: str = ""
    tools: list[str] | None = None
    equals: Any = UNSET
    one_of: list[Any] | None = None
    not_one_of: list[Any] | None = None
    over: float | None = None
    under: float | None = None
    contains: str | None = None
    present: bool | None = None


class ApprovalRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A person has to agree to a call where any of these holds."""

    any: list[Condition]


Approval = Literal["never", "always"] | ApprovalRule


class ToolRow(Struct, frozen=True, kw_only=True):
    """A registered tool, or a registered MCP server with all of its tools.

    `secret` signs what is sent to a webhook; `headers` go along with every request. Neither leaves the store but to the
    address that it is for.
    """

    tenant_id: TenantId
    id: ToolId
    name: str
    kind: RegisteredKind
    description: str = ""
    input_schema: dict[str, Any] | None = None
    url: str | None = None
    approval: Approval = "never"
    idempotent: bool = False
    timeout_ms: int = 30_000
    allow: list[str] | None = None
    secret: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    created_at: str
    updated_at: str
    deleted_at: str | None = None

    def __repr__(self) -> str:
        # Rows end up in tracebacks and failed assertions; their secrets may not.
        return f"ToolRow({self.tenant_id}, {self.id}, {self.name!r}, {self.kind})"


class Registration(Struct, frozen=True, kw_only=True):
    """A tool as the API shows it. `secret` is there once, in the answer that made it.

    An MCP server is one registration; `allow` names those of its tools that may be used, null is all of them.
    """

    id: ToolId
    object: Literal["tool"] = "tool"
    name: str
    kind: RegisteredKind
    description: str
    input_schema: dict[str, Any] | None
    url: str | None
    approval: Approval
    idempotent: bool
    timeout_seconds: float
    allow: list[str] | None
    header_names: list[str]
    secret: str | None = None
    created_at: str
    updated_at: str


def shown(row: ToolRow, secret: str | None = None) -> Registration:
    """Return a registration without its secrets, but for one that has been made just now."""
    return Registration(
        id=row.id,
        name=row.name,
        kind=row.kind,
        description=row.description,
        input_schema=row.input_schema,
        url=row.url,
        approval=row.approval,
        idempotent=row.idempotent,
        timeout_seconds=row.timeout_ms / 1000,
        allow=row.allow,
        header_names=sorted(row.headers),
        secret=secret,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
