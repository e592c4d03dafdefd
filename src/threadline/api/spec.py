"""The OpenAPI document: made from the types that requests are decoded into and answers are encoded from."""

from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from msgspec import Struct

from threadline import __version__
from threadline.access.keys import Key
from threadline.access.tokens import IssuedToken
from threadline.agent_records import Agent, Team, TeamMember
from threadline.api import agent_bodies, bodies, member_bodies, tool_bodies
from threadline.api.admin_answers import (
    Audit,
    Doings,
    Live,
    MinuteDoings,
    NodeDoings,
    Quantiles,
    RunsNow,
    TenantPage,
    UsageLine,
    UsagePage,
)
from threadline.api.answers import (
    AgentPage,
    FileLink,
    FilePage,
    KeyPage,
    MemberPage,
    MessagePage,
    ModelPage,
    RunPage,
    Sent,
    SignedIn,
    State,
    TeamMemberPage,
    TeamPage,
    ThreadPage,
)
from threadline.api.branch_bodies import BranchPage, ForkThread, MarkRead, RegenerateMessage
from threadline.api.call_bodies import DecideCall, PostResult, ToolCallPage
from threadline.api.problem import Problem
from threadline.api.tool_answers import DefinitionPage, ToolPage
from threadline.api.web.share_bodies import CreateShare, Share, SharePage
from threadline.engine.reads import SeenThread, Unread
from threadline.file_records import File
from threadline.records import Message, Run, Thread
from threadline.room_records import Member
from threadline.tool_records import Registration

_REF = "#/components/schemas/{name}"

_TYPES: tuple[type[Struct], ...] = (
    Doings,
    Live,
    MinuteDoings,
    NodeDoings,
    Quantiles,
    RunsNow,
    TenantPage,
    UsageLine,
    UsagePage,
    Audit,
    CreateShare,
    Share,
    SharePage,
    agent_bodies.CreateAgent,
    agent_bodies.CreateTeam,
    agent_bodies.PutTeamMember,
    agent_bodies.UpdateAgent,
    agent_bodies.UpdateTeam,
    Agent,
    AgentPage,
    Member,
    MemberPage,
    member_bodies.AddMember,
    member_bodies.UpdateMember,
    Team,
    TeamMember,
    TeamMemberPage,
    TeamPage,
    bodies.CancelRun,
    bodies.ChangeRun,
    bodies.CreateKey,
    bodies.CreateLink,
    bodies.CreateThread,
    bodies.CreateToken,
    bodies.SendMessage,
    bodies.UpdateThread,
    ForkThread,
    MarkRead,
    SeenThread,
    Unread,
    RegenerateMessage,
    DefinitionPage,
    DecideCall,
    IssuedToken,
    File,
    FileLink,
    FilePage,
    Key,
    KeyPage,
    Message,
    BranchPage,
    MessagePage,
    ModelPage,
    PostResult,
    Problem,
    Run,
    RunPage,
    Sent,
    SignedIn,
    State,
    Thread,
    ToolCallPage,
    Registration,
    ThreadPage,
    ToolPage,
    tool_bodies.CreateTool,
    tool_bodies.UpdateTool,
)

_WORDS = {
    400: "The cursor was not handed out by this list or thread.",
    401: "No valid key or token.",
    403: "This key or token may not do that.",
    404: "Nothing with this id, or no such model.",
    409: "Busy, taken, or past the moment for it: the `code` says which.",
    415: "Files of this type are not accepted.",
    413: "Larger than what is accepted.",
    422: "Not of the form that this address takes; `pointer` says where.",
    429: "Too much at once; see Retry-After.",
    502: "The server of these tools cannot be reached.",
    503: "The store cannot write, or the server is shutting down; see Retry-After.",
}


def takes(kind: type[Struct], required: bool = True) -> dict[str, Any]:
    """Document a JSON body."""
    schema = {"$ref": _REF.format(name=kind.__name__)}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def gives(
    kind: type[Struct] | None, status: int = 200, errors: Sequence[int] = (), words: str = "Done."
) -> dict[int | str, dict[str, Any]]:
    """Document an answer, and the errors that may come instead of it."""
    found: dict[int | str, dict[str, Any]] = {status: {"description": words}}
    if kind is not None:
        schema = {"$ref": _REF.format(name=kind.__name__)}
        found[status]["content"] = {"application/json": {"schema": schema}}
    problem = {"application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}}
    for error in (401, 422, 503, *errors):
        found[error] = {"description": _WORDS[error], "content": problem}
    return found


def streams(words: str) -> dict[str, Any]:
    """Document an event stream."""
    return {"description": words, "content": {"text/event-stream": {}}}


def install(app: FastAPI) -> None:
    """Give the app its document, made when somebody first asks for it."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    found: dict[str, Any] = get_openapi(
        title="Threadline",
        version=__version__,
        description="A durable chat backend: an answer is state in a log, not a stream on a connection.",
        routes=app.routes,
    )
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template=_REF)
    components = found.setdefault("components", {})
    # FastAPI's own error forms are never sent: every error is a Problem.
    components["schemas"] = schemas
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    }
    return found
