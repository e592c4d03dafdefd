"""Agents and the members of threads: their objects, and the requests about them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from msgspec import field

from threadline.client.calls import Call, body_of, page_reader, path_of, query_of, reader_of
from threadline.client.decode import Model
from threadline.client.models import Page
from threadline.client.retry import Repeat


class Agent(Model, frozen=True, kw_only=True):
    """A stored persona. `visibility` is `private`, `team` or `public`; what one may not change has no instructions."""

    id: str
    handle: str
    name: str
    description: str | None = None
    avatar: str | None = None
    instructions: str | None = None
    model: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    tools_mode: str = "explicit"
    owner: str | None = None
    visibility: str
    team_id: str | None = None
    archived: bool = False
    version: int
    metadata: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    object: str = "agent"


class Member(Model, frozen=True, kw_only=True):
    """A person or an agent in a thread. `role` is `owner`, `member` or `viewer`."""

    id: str
    thread_id: str
    end_user_id: str | None = None
    agent_id: str | None = None
    handle: str | None = None
    name: str | None = None
    role: str
    reply_policy: str | None = None
    invited_by: str | None = None
    created_at: datetime | None = None
    object: str = "member"


class AgentOptions(TypedDict, total=False):
    """What an agent has, and what can be changed of it. None is sent, and clears the field."""

    handle: str
    name: str
    description: str | None
    avatar: str | None
    instructions: str | None
    model: str | None
    parameters: Mapping[str, Any]
    tools: Sequence[str]
    tools_mode: str
    owner: str | None
    visibility: str
    team_id: str | None
    archived: bool
    metadata: Mapping[str, Any]


class MemberOptions(TypedDict, total=False):
    """What somebody takes part as, and what can be changed of it. None is sent, and clears the field."""

    role: str
    reply_policy: str
    handle: str | None
    name: str | None


def agent_create(options: AgentOptions) -> Call[Agent]:
    """Create an agent. A repetition would find its handle taken."""
    body = body_of(dict(options))
    return Call("POST", "/v1/agents", reader_of(Agent), body=body, repeat=Repeat.IF_REFUSED)


def agent_get(agent: str) -> Call[Agent]:
    """Read an agent by its id or handle."""
    return Call("GET", path_of("agents", agent), reader_of(Agent))


def agent_list(archived: bool | None, limit: int | None, cursor: str | None) -> Call[Page[Agent]]:
    """Read one page of agents."""
    query = query_of({"archived": archived, "limit": limit}, cursor)
    return Call("GET", "/v1/agents", page_reader(Agent), query=query)


def agent_update(agent: str, changes: AgentOptions) -> Call[Agent]:
    """Change an agent. Sent twice it might undo what somebody else did in between."""
    body = body_of(dict(changes))
    return Call("PATCH", path_of("agents", agent), reader_of(Agent), body=body, repeat=Repeat.IF_REFUSED)


def agent_delete(agent: str) -> Call[None]:
    """Delete an agent."""
    return Call("DELETE", path_of("agents", agent), lambda body: None)


def agent_versions(agent: str, limit: int | None, cursor: str | None) -> Call[Page[Agent]]:
    """Read one page of what an agent has been."""
    query = query_of({"limit": limit}, cursor)
    return Call("GET", path_of("agents", agent, "versions"), page_reader(Agent), query=query)


def member_add(thread_id: str, end_user_id: str | None, agent: str | None, options: MemberOptions) -> Call[Member]:
    """Let somebody take part. Who is there already is answered, so it may be sent twice."""
    who = {"end_user_id": end_user_id} if agent is None else {"agent": agent}
    return Call("POST", path_of("threads", thread_id, "members"), reader_of(Member), body=body_of({**who, **options}))


def member_list(thread_id: str) -> Call[tuple[Member, ...]]:
    """Read who takes part in a thread."""
    return Call("GET", path_of("threads", thread_id, "members"), lambda body: page_reader(Member)(body).data)


def member_update(thread_id: str, member: str, changes: MemberOptions) -> Call[Member]:
    """Change what somebody takes part as."""
    body = body_of(dict(changes))
    path = path_of("threads", thread_id, "members", member)
    return Call("PATCH", path, reader_of(Member), body=body, repeat=Repeat.IF_REFUSED)


def member_remove(thread_id: str, member: str) -> Call[None]:
    """Let somebody take part no more."""
    return Call("DELETE", path_of("threads", thread_id, "members", member), lambda body: None)
