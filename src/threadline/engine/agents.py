"""Makes and changes agents, and says which one answers. Each verb a script: all or nothing.

Keys manage every agent of their tenant. A person has private ones of his own, sees those that are shared with him, and
changes only his own and those of teams that he owns. What he may only use he sees without its instructions.
"""

from typing import Any

from msgspec import Struct, structs

from threadline.agent_records import Agent, AgentId, AgentToolsMode, Parameters, TeamId, Visibility
from threadline.clock import rfc3339
from threadline.errors import Forbidden, InvalidRequest, NotFound
from threadline.ids import IdMaker
from threadline.records import Thread
from threadline.room_records import Rename
from threadline.scopes import EndUser, Scope, Tenant
from threadline.store.contract import Reader, Transaction

_FOR_KEYS = frozenset({"owner", "visibility", "team_id", "tools", "tools_mode"})
"""What an end-user token may not set: whose an agent is, who sees it, and what it can reach."""


class NewAgent(Struct, frozen=True, kw_only=True):
    """What somebody wants of a new agent. `visibility` is private for a person's agent unless given, else public."""

    handle: str
    name: str | None = None
    description: str | None = None
    avatar: str | None = None
    instructions: str | None = None
    model: str | None = None
    parameters: Parameters = Parameters()
    tools: list[str] = []
    tools_mode: AgentToolsMode = "explicit"
    owner: str | None = None
    visibility: Visibility | None = None
    team_id: TeamId | None = None
    metadata: dict[str, Any] = {}


async def create_agent(transaction: Transaction, scope: Scope, wanted: NewAgent, ids: IdMaker, now_ms: int) -> Agent:
    """Create an agent. Raises NameTaken, InvalidRequest and Forbidden."""
    if isinstance(scope, EndUser):
        wanted = _own(scope, wanted)
    now = rfc3339(now_ms)
    agent = Agent(
        id=AgentId(ids.make("agt")),
        handle=wanted.handle,
        name=wanted.name or wanted.handle,
        description=wanted.description,
        avatar=wanted.avatar,
        instructions=wanted.instructions,
        model=wanted.model,
        parameters=wanted.parameters,
        tools=wanted.tools,
        tools_mode=wanted.tools_mode,
        owner=wanted.owner,
        visibility=wanted.visibility or ("public" if wanted.owner is None else "private"),
        team_id=wanted.team_id,
        metadata=wanted.metadata,
        created_at=now,
        updated_at=now,
    )
    await _check_team(transaction, scope, agent)
    await transaction.insert_agent(scope, agent)
    return agent


async def update_agent(
    transaction: Transaction, scope: Scope, name: str, changed: dict[str, Any], now_ms: int
) -> Agent:
    """Change an agent: the next version of it; what is as it was makes none. Raises NotFound, NameTaken, Forbidden."""
    agent = await transaction.agent(scope, name)
    await _require_editor(transaction, scope, agent)
    changed = {name: value for name, value in changed.items() if getattr(agent, name) != value}
    if isinstance(scope, EndUser) and _FOR_KEYS & changed.keys():
        raise Forbidden("Whose an agent is, who sees it and which tools it has is set with a server key.")
    if not changed:
        return agent
    now = rfc3339(now_ms)
    changed_agent = structs.replace(agent, **changed, version=agent.version + 1, updated_at=now)
    if changed.keys() & {"visibility", "team_id"}:
        # The team that it had may be gone, and it can be changed all the same.
        await _check_team(transaction, scope, changed_agent)
    await transaction.save_agent(scope, changed_agent)
    if changed.keys() & {"handle", "name"}:
        await transaction.insert_rename(
            scope,
            Rename(
                tenant_id=scope.tenant_id,
                agent_id=agent.id,
                version=changed_agent.version,
                old_handle=agent.handle,
                new_handle=changed_agent.handle,
                old_name=agent.name,
                new_name=changed_agent.name,
            ),
        )
    return changed_agent


async def delete_agent(transaction: Transaction, scope: Scope, name: str, now_ms: int) -> None:
    """Take an agent away from everybody; its versions stay with the runs that used them. Raises NotFound, Forbidden."""
    agent = await transaction.agent(scope, name)
    await _require_editor(transaction, scope, agent)
    await transaction.delete_agent(scope, agent.id, rfc3339(now_ms))


async def shown_agent(reader: Reader, scope: Scope, agent: Agent) -> Agent:
    """Return an agent as this scope may see it: its instructions are for those who may change it."""
    return agent if await may_edit(reader, scope, agent) else structs.replace(agent, instructions=None, tools=[])


async def may_edit(reader: Reader, scope: Scope, agent: Agent) -> bool:
    """Whether this scope may change an agent that it sees."""
    if not isinstance(scope, EndUser):
        return True
    if scope.thread_ids is not None:
        return False
    if agent.owner == scope.end_user_id:
        return True
    if agent.visibility != "team" or agent.team_id is None:
        return False
    member = await reader.team_member(scope, agent.team_id, scope.end_user_id)
    return member is not None and member.role == "owner"


async def usable_agent(reader: Reader, scope: Scope, name: str, pointer: str) -> Agent:
    """Return an agent that somebody names. Raises NotFound, and InvalidRequest where it is archived."""
    agent = await reader.agent(scope, name)
    if agent.archived:
        raise InvalidRequest(f"The agent {agent.handle!r} is archived; it answers nobody.", pointer=pointer)
    return agent


async def attached_agent(reader: Reader, scope: Scope, thread: Thread) -> Agent | None:
    """Return the agent that a thread has. Raises NotFound where its owner shows it to this scope no longer.

    The tenant's own agents answer wherever a key has put them, also for people who could not name them.
    """
    if thread.agent_id is None:
        return None
    agent = await reader.agent(Tenant(scope.tenant_id), thread.agent_id)
    if agent.owner is None:
        scope = Tenant(scope.tenant_id)
    return await usable_agent(reader, scope, agent.id, "/agent")


def _own(scope: EndUser, wanted: NewAgent) -> NewAgent:
    """Return what a person may create: an agent of his own. Raises Forbidden."""
    if scope.thread_ids is not None:
        raise Forbidden("This token is for some threads only; it makes no agents.")
    if wanted.tools or wanted.tools_mode != "explicit":
        raise Forbidden("Tools are given to an agent with a server key.")
    if wanted.visibility not in (None, "private") or wanted.team_id is not None:
        raise Forbidden("An agent is shared with a server key.")
    if wanted.owner not in (None, scope.end_user_id):
        raise InvalidRequest("A token creates agents for its own end user only.", pointer="/owner")
    return structs.replace(wanted, owner=scope.end_user_id, visibility="private")


async def _require_editor(reader: Reader, scope: Scope, agent: Agent) -> None:
    if not await may_edit(reader, scope, agent):
        raise Forbidden("This agent may be used and not changed.")


async def _check_team(reader: Reader, scope: Scope, agent: Agent) -> None:
    if agent.visibility == "team" and agent.team_id is None:
        raise InvalidRequest("An agent of a team names its `team_id`.", pointer="/team_id")
    if agent.team_id is not None:
        try:
            await reader.team(scope, agent.team_id)
        except NotFound as error:
            raise InvalidRequest("There is no such team.", pointer="/team_id") from error
