"""What a tool is, wherever it comes from: Python, a webhook, an MCP server, or the client itself.

The engine asks a `Toolbox` what one run may use, shows the definitions to the model, and calls what the model asks for.
This room knows nothing of threads and stores nothing about calls: the rows of the audit trail are the engine's.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from threadline.scopes import Scope
from threadline.tool_records import ToolRow

SourceKind = Literal["python", "webhook", "mcp", "client", "meta"]
ToolsMode = Literal["explicit", "tenant", "dynamic"]


class Call(Struct, frozen=True, kw_only=True):
    """One call, as a tool hears of it. `idempotency_key` is the same for every try of the same call."""

    tenant_id: str
    end_user_id: str | None
    thread_id: str
    run_id: str
    tool_use_id: str
    name: str
    input: Any
    attempt: int
    idempotency_key: str


class Result(Struct, frozen=True):
    """What a call gave: text or any JSON value. A failure is a result too, one that the model sees."""

    output: Any
    is_error: bool = False


class Tool(Protocol):
    """One tool that a run may use.

    `is_idempotent`: it may be called again where nobody knows what became of the first call. A tool of kind `client` is
    never called: the run waits until somebody posts its result.
    """

    name: str
    description: str
    input_schema: dict[str, Any]
    kind: SourceKind
    is_idempotent: bool
    timeout_seconds: float

    def needs_approval(self, input: Any) -> bool:
        """Whether a person has to agree to a call with this input."""
        ...

    async def call(self, call: Call) -> Result:
        """Do it. Returns failures as results; raises nothing but cancellation. The caller keeps the time."""
        ...


class Selection(Struct, frozen=True, omit_defaults=True):
    """Which tools a run may use: the named ones, all of its tenant's, or a few tools to find others with."""

    mode: ToolsMode = "explicit"
    names: Sequence[str] = ()


class Definition(Struct, frozen=True):
    """What a model is told of a tool, and of which kind it is."""

    name: str
    kind: SourceKind
    description: str
    input_schema: dict[str, Any]


class Offer(Protocol):
    """What one run may use, as it stands at the moment."""

    definitions: Sequence[dict[str, Any]]
    """Each `{name, description, input_schema}`, for the prompt."""

    def find(self, name: str) -> Tool | None:
        """Return the tool that the model means by this name, also one that it has found with a meta-tool."""
        ...


class Toolbox(Protocol):
    """All tools of one node."""

    async def offer(self, scope: Scope, selection: Selection) -> Offer:
        """Return what this selection means now. Names that mean nothing are left out."""
        ...

    async def check(self, scope: Scope, selection: Selection) -> None:
        """Look at a selection before it is stored. Raises InvalidRequest for a name that means nothing."""
        ...

    async def close(self) -> None:
        """Close what is open towards tools."""
        ...


class Catalog(Protocol):
    """What those who register tools ask of a node."""

    async def installed(self) -> Sequence[Definition]:
        """Return the operator's tools, which every tenant has."""
        ...

    def check_registration(self, row: ToolRow) -> None:
        """Look at a tool before it is stored. Raises InvalidRequest, and NameTaken for a name of the operator's."""
        ...

    async def definitions(self, row: ToolRow) -> Sequence[Definition]:
        """Return what a model would be told of a registration at this moment. Raises ToolsUnreachable."""
        ...
