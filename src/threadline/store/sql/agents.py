"""The verbs of agents and teams. Who may see an agent is part of each statement that finds one.

A deleted agent keeps its rows, because the audit trail names its versions; its handle is free again.
"""

from collections.abc import Sequence
from typing import Any

from threadline.agent_records import Agent, AgentId, Team, TeamId, TeamMember
from threadline.errors import NameTaken, NotFound
from threadline.scopes import EndUser, Scope
from threadline.store.contract_agents import AgentQuery
from threadline.store.rows import AGENTS, TEAM_MEMBERS, TEAMS
from threadline.store.sql.statements import Statements

_AGENT = f"SELECT {', '.join(AGENTS.columns)} FROM agents"
_VERSION = f"SELECT {', '.join(AGENTS.columns)} FROM agent_versions"
_TEAM = f"SELECT {', '.join(TEAMS.columns)} FROM teams"
_TEAM_MEMBER = f"SELECT {', '.join(TEAM_MEMBERS.columns)} FROM team_members"
_IN_TEAM = (
    "EXISTS (SELECT 1 FROM team_members WHERE team_members.tenant_id = agents.tenant_id "
    "AND team_members.team_id = agents.team_id AND end_user_id = ?)"
)
_SEEN = f"(visibility = 'public' OR owner = ? OR (visibility = 'team' AND {_IN_TEAM}))"
_SAVED = tuple(name for name in AGENTS.columns if name not in ("id", "created_at"))
_SAVE = f"UPDATE agents SET {', '.join(f'{name} = ?' for name in _SAVED)} WHERE tenant_id = ? AND id = ?"


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}, tenant_id) VALUES ({', '.join('?' * (len(columns) + 1))})"


class AgentReader:
    """The reading verbs."""

    _sql: Statements

    async def agent(self, scope: Scope, name: str) -> Agent:
        """Return an agent by its id or its handle. Raises NotFound: unknown, deleted and not shown are one answer."""
        where, values = _seen_by(scope)
        row = await self._sql.one(f"{_AGENT} WHERE {where} AND (id = ? OR handle = ?)", (*values, name, name.lower()))
        if row is None:
            raise NotFound
        return AGENTS.record(row)

    async def agents(self, scope: Scope, query: AgentQuery) -> list[Agent]:
        """List agents by handle. Returns up to `query.limit` of them."""
        where, values = _seen_by(scope)
        if query.archived is not None:
            where, values = f"{where} AND archived = ?", [*values, int(query.archived)]
        if query.handles is not None:
            marks = ", ".join("?" * len(query.handles)) or "NULL"
            where, values = f"{where} AND handle IN ({marks})", [*values, *query.handles]
        if query.after is not None:
            where, values = f"{where} AND handle > ?", [*values, query.after]
        rows = await self._sql.every(f"{_AGENT} WHERE {where} ORDER BY handle LIMIT ?", (*values, query.limit))
        return [AGENTS.record(row) for row in rows]

    async def agent_version(self, scope: Scope, agent_id: AgentId, version: int | None = None) -> Agent:
        """Return an agent as it was, or as it is; for the tenant also a deleted one. Raises NotFound."""
        if isinstance(scope, EndUser):
            await self.agent(scope, agent_id)
        chosen = "" if version is None else f"AND version = {int(version)}"
        row = await self._sql.one(
            f"{_VERSION} WHERE tenant_id = ? AND id = ? {chosen} ORDER BY version DESC LIMIT 1",
            (scope.tenant_id, agent_id),
        )
        if row is None:
            raise NotFound
        return AGENTS.record(row)

    async def agent_versions(self, scope: Scope, agent_id: AgentId, before: int | None, limit: int) -> list[Agent]:
        """List the versions of an agent, newest first. Raises NotFound."""
        await self.agent(scope, agent_id)
        older = "" if before is None else f"AND version < {int(before)}"
        rows = await self._sql.every(
            f"{_VERSION} WHERE tenant_id = ? AND id = ? {older} ORDER BY version DESC LIMIT ?",
            (scope.tenant_id, agent_id, limit),
        )
        return [AGENTS.record(row) for row in rows]

    async def team(self, scope: Scope, team_id: TeamId) -> Team:
        """Return a team; a person sees those that he is in. Raises NotFound."""
        where, values = _teams_of(scope)
        row = await self._sql.one(f"{_TEAM} WHERE {where} AND id = ?", (*values, team_id))
        if row is None:
            raise NotFound
        return TEAMS.record(row)

    async def teams(self, scope: Scope, after: TeamId | None, limit: int) -> list[Team]:
        """List teams, oldest first; a person's own ones."""
        where, values = _teams_of(scope)
        if after is not None:
            where, values = f"{where} AND id > ?", [*values, after]
        rows = await self._sql.every(f"{_TEAM} WHERE {where} ORDER BY id LIMIT ?", (*values, limit))
        return [TEAMS.record(row) for row in rows]

    async def team_members(self, scope: Scope, team_id: TeamId, after: str | None, limit: int) -> list[TeamMember]:
        """List the people of a team. Raises NotFound."""
        await self.team(scope, team_id)
        beyond, values = ("", []) if after is None else ("AND end_user_id > ?", [after])
        rows = await self._sql.every(
            f"{_TEAM_MEMBER} WHERE tenant_id = ? AND team_id = ? {beyond} ORDER BY end_user_id LIMIT ?",
            (scope.tenant_id, team_id, *values, limit),
        )
        return [TEAM_MEMBERS.record(row) for row in rows]

    async def team_member(self, scope: Scope, team_id: TeamId, end_user_id: str) -> TeamMember | None:
        """Return a person's place in a team, if he has one. Raises NotFound for the team."""
        await self.team(scope, team_id)
        row = await self._sql.one(
            f"{_TEAM_MEMBER} WHERE tenant_id = ? AND team_id = ? AND end_user_id = ?",
            (scope.tenant_id, team_id, end_user_id),
        )
        return None if row is None else TEAM_MEMBERS.record(row)


class AgentWriter(AgentReader):
    """The writing verbs."""

    async def insert_agent(self, scope: Scope, agent: Agent) -> None:
        """Store a new agent with its first version. Raises NameTaken."""
        values = [*AGENTS.values(agent), scope.tenant_id]
        if await self._sql.run(f"{_insert('agents', AGENTS.columns)} ON CONFLICT DO NOTHING", values) != 1:
            raise NameTaken(f"There is an agent with the handle {agent.handle!r} already.", pointer="/handle")
        await self._sql.run(_insert("agent_versions", AGENTS.columns), values)

    async def save_agent(self, scope: Scope, agent: Agent) -> None:
        """Store the next version of an agent. Raises NotFound and NameTaken."""
        await self.agent(scope, agent.id)
        if await self._has_other(scope, agent):
            raise NameTaken(f"There is an agent with the handle {agent.handle!r} already.", pointer="/handle")
        # The version first: of two who change an agent at once on two nodes, the second one finds its number taken
        # here, and its script is run again on what the first one has left.
        values = AGENTS.values(agent)
        await self._sql.run(_insert("agent_versions", AGENTS.columns), [*values, scope.tenant_id])
        given = dict(zip(AGENTS.columns, values, strict=True))
        await self._sql.run(_SAVE, [*(given[name] for name in _SAVED), scope.tenant_id, agent.id])

    async def delete_agent(self, scope: Scope, agent_id: AgentId, deleted_at: str) -> None:
        """Take an agent away from everybody. Raises NotFound."""
        await self.agent(scope, agent_id)
        await self._sql.run(
            "UPDATE agents SET deleted_at = ? WHERE tenant_id = ? AND id = ?", (deleted_at, scope.tenant_id, agent_id)
        )

    async def insert_team(self, scope: Scope, team: Team) -> None:
        """Store a new team."""
        await self._sql.run(_insert("teams", TEAMS.columns), [*TEAMS.values(team), scope.tenant_id])

    async def save_team(self, scope: Scope, team: Team) -> None:
        """Store what changed of a team. Raises NotFound."""
        await self.team(scope, team.id)
        values = dict(zip(TEAMS.columns, TEAMS.values(team), strict=True))
        await self._sql.run(
            "UPDATE teams SET name = ?, metadata = ? WHERE tenant_id = ? AND id = ?",
            (values["name"], values["metadata"], scope.tenant_id, team.id),
        )

    async def delete_team(self, scope: Scope, team_id: TeamId) -> None:
        """Remove a team and its places; what it shared is seen by its owners alone from now on. Raises NotFound."""
        await self.team(scope, team_id)
        for table, column in (("team_members", "team_id"), ("teams", "id")):
            await self._sql.run(f"DELETE FROM {table} WHERE tenant_id = ? AND {column} = ?", (scope.tenant_id, team_id))

    async def put_team_member(self, scope: Scope, member: TeamMember) -> None:
        """Give a person a place in a team, or another role there. Raises NotFound."""
        await self.team(scope, member.team_id)
        await self._sql.run(
            f"{_insert('team_members', TEAM_MEMBERS.columns)} "
            "ON CONFLICT (tenant_id, team_id, end_user_id) DO UPDATE SET role = excluded.role",
            [*TEAM_MEMBERS.values(member), scope.tenant_id],
        )

    async def drop_team_member(self, scope: Scope, team_id: TeamId, end_user_id: str) -> None:
        """Take a person out of a team. Raises NotFound."""
        await self.team(scope, team_id)
        gone = await self._sql.run(
            "DELETE FROM team_members WHERE tenant_id = ? AND team_id = ? AND end_user_id = ?",
            (scope.tenant_id, team_id, end_user_id),
        )
        if gone != 1:
            raise NotFound

    async def _has_other(self, scope: Scope, agent: Agent) -> bool:
        row = await self._sql.one(
            "SELECT 1 FROM agents WHERE tenant_id = ? AND handle = ? AND id <> ? AND deleted_at IS NULL",
            (scope.tenant_id, agent.handle, agent.id),
        )
        return row is not None


def _seen_by(scope: Scope) -> tuple[str, list[Any]]:
    where = "tenant_id = ? AND deleted_at IS NULL"
    if isinstance(scope, EndUser):
        return f"{where} AND {_SEEN}", [scope.tenant_id, scope.end_user_id, scope.end_user_id]
    return where, [scope.tenant_id]


def _teams_of(scope: Scope) -> tuple[str, list[Any]]:
    if isinstance(scope, EndUser):
        mine = (
            "tenant_id = ? AND id IN (SELECT team_id FROM team_members "
            "WHERE team_members.tenant_id = teams.tenant_id AND end_user_id = ?)"
        )
        return mine, [scope.tenant_id, scope.end_user_id]
    return "tenant_id = ?", [scope.tenant_id]
