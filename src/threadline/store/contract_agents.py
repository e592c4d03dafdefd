"""The verbs of agents and teams, as part of `store/contract.py`."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from threadline.agent_records import Agent, AgentId, Team, TeamId, TeamMember
from threadline.scopes import Scope


class AgentQuery(Struct, frozen=True):
    """Which agents to list. `after` is the handle of the last one seen."""

    archived: bool | None = None
    handles: Sequence[str] | None = None
    after: str | None = None
    limit: int = 50


class AgentReader(Protocol):
    """The reading verbs."""

    async def agent(self, scope: Scope, name: str) -> Agent:
        """Return an agent by its id or its handle. Raises NotFound: unknown, deleted and not shown are one answer."""
        ...

    async def agents(self, scope: Scope, query: AgentQuery) -> list[Agent]:
        """List agents by handle. Returns up to `query.limit` of them."""
        ...

    async def agent_version(self, scope: Scope, agent_id: AgentId, version: int | None = None) -> Agent:
        """Return an agent as it was, or as it is; for the tenant also a deleted one. Raises NotFound."""
        ...

    async def agent_versions(self, scope: Scope, agent_id: AgentId, before: int | None, limit: int) -> list[Agent]:
        """List the versions of an agent, newest first. Raises NotFound."""
        ...

    async def team(self, scope: Scope, team_id: TeamId) -> Team:
        """Return a team; a person sees those that he is in. Raises NotFound."""
        ...

    async def teams(self, scope: Scope, after: TeamId | None, limit: int) -> list[Team]:
        """List teams, oldest first; a person's own ones."""
        ...

    async def team_members(self, scope: Scope, team_id: TeamId, after: str | None, limit: int) -> list[TeamMember]:
        """List the people of a team. Raises NotFound."""
        ...

    async def team_member(self, scope: Scope, team_id: TeamId, end_user_id: str) -> TeamMember | None:
        """Return a person's place in a team, if he has one. Raises NotFound for the team."""
        ...


class AgentWriter(Protocol):
    """The writing verbs."""

    async def insert_agent(self, scope: Scope, agent: Agent) -> None:
        """Store a new agent with its first version. Raises NameTaken."""
        ...

    async def save_agent(self, scope: Scope, agent: Agent) -> None:
        """Store the next version of an agent. Raises NotFound and NameTaken."""
        ...

    async def delete_agent(self, scope: Scope, agent_id: AgentId, deleted_at: str) -> None:
        """Take an agent away from everybody. Raises NotFound."""
        ...

    async def insert_team(self, scope: Scope, team: Team) -> None:
        """Store a new team."""
        ...

    async def save_team(self, scope: Scope, team: Team) -> None:
        """Store what changed of a team. Raises NotFound."""
        ...

    async def delete_team(self, scope: Scope, team_id: TeamId) -> None:
        """Remove a team and its places; what it shared is seen by its owners alone from now on. Raises NotFound."""
        ...

    async def put_team_member(self, scope: Scope, member: TeamMember) -> None:
        """Give a person a place in a team, or another role there. Raises NotFound."""
        ...

    async def drop_team_member(self, scope: Scope, team_id: TeamId, end_user_id: str) -> None:
        """Take a person out of a team. Raises NotFound."""
        ...
