"""The records of agents and teams, as rows become them and the wire shows them.

An agent is a stored persona. Every change of it is a version, and every version is kept: a run names the one that it
used, so that an answer can be explained after its agent has become another.
"""

from typing import Any, Literal, NewType

from msgspec import Struct

AgentId = NewType("AgentId", str)
TeamId = NewType("TeamId", str)
Visibility = Literal["private", "team", "public"]
TeamRole = Literal["owner", "member"]
AgentToolsMode = Literal["explicit", "tenant", "dynamic"]


class Parameters(Struct, frozen=True):
    """What an agent asks of its model. What is None is left to the model."""

    max_output_tokens: int | None = None
    temperature: float | None = None


class Agent(Struct, frozen=True, kw_only=True):
    """A persona: instructions, a model, tools. `owner` is the end user whose it is, None for the tenant's own.

    `visibility` says who within the tenant may use it: its owner, the members of its team, or everybody.
    """

    id: AgentId
    object: Literal["agent"] = "agent"
    handle: str
    name: str
    description: str | None = None
    avatar: str | None = None
    instructions: str | None = None
    model: str | None = None
    parameters: Parameters = Parameters()
    tools: list[str] = []
    tools_mode: AgentToolsMode = "explicit"
    owner: str | None = None
    visibility: Visibility
    team_id: TeamId | None = None
    archived: bool = False
    version: int = 1
    metadata: dict[str, Any] = {}
    created_at: str
    updated_at: str


class Team(Struct, frozen=True, kw_only=True):
    """People of one tenant who share agents."""

    id: TeamId
    object: Literal["team"] = "team"
    name: str
    metadata: dict[str, Any] = {}
    created_at: str


class TeamMember(Struct, frozen=True, kw_only=True):
    """A person in a team. An `owner` may change the agents that the team shares; members are managed with keys."""

    object: Literal["team_member"] = "team_member"
    team_id: TeamId
    end_user_id: str
    role: TeamRole
    created_at: str
