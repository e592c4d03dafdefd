"""Agents and teams in the store: who sees what, versions, and handles."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec import structs

from threadline.agent_records import Agent, AgentId, Parameters, Team, TeamId, TeamMember, Visibility
from threadline.errors import NameTaken, NotFound
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Reader, Transaction
from threadline.store.contract_agents import AgentQuery

from .conftest import MINE, NOW, SYSTEM, THEIRS, Bench

ANN = EndUser(MINE.tenant_id, "ann")
BOB = EndUser(MINE.tenant_id, "bob")
STRANGERS: dict[str, Scope] = {
    "another tenant": THEIRS,
    "another person": BOB,
    "a namesake of another tenant": EndUser(THEIRS.tenant_id, "ann"),
}


def an_agent(bench: Bench, handle: str, owner: str | None = "ann", visibility: Visibility = "private") -> Agent:
    """Return an agent with all of its fields set."""
    return Agent(
        id=AgentId(bench.ids.make("agt")),
        handle=handle,
        name="Ünal",
        description="d",
        avatar="🤖",
        instructions="Be brief.",
        model="demo/x",
        parameters=Parameters(100, 0.25),
        tools=["a", "b"],
        tools_mode="dynamic",
        owner=owner,
        visibility=visibility,
        metadata={"a": [1, None]},
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.fixture
async def agent(bench: Bench) -> Agent:
    """Ann's own agent."""
    made = an_agent(bench, "helper")
    await bench.write(lambda transaction: transaction.insert_agent(MINE, made))
    return made


@pytest.fixture
async def team(bench: Bench) -> Team:
    """A team with ann in it."""
    made = Team(id=TeamId(bench.ids.make("team")), name="Support", metadata={"x": 1}, created_at=NOW)

    async def script(transaction: Transaction) -> None:
        await transaction.insert_team(MINE, made)
        await transaction.put_team_member(MINE, a_place(made, "ann"))

    await bench.write(script)
    return made


def a_place(team: Team, end_user_id: str) -> TeamMember:
    """Return a person's place in a team."""
    return TeamMember(team_id=team.id, end_user_id=end_user_id, role="member", created_at=NOW)


async def test_an_agent_comes_back_as_it_went_in(bench: Bench, agent: Agent) -> None:
    """By its id, by its handle in any case, in lists and among its versions, after a restart too."""
    await bench.reopen()

    async def script(reader: Reader) -> None:
        for name in (agent.id, "helper", "HELPER"):
            assert await reader.agent(MINE, name) == agent
        assert await reader.agents(ANN, AgentQuery()) == [agent]
        assert await reader.agent_version(ANN, agent.id) == agent
        assert await reader.agent_versions(MINE, agent.id, None, 5) == [agent]

    await bench.store.read(SYSTEM, script)


async def test_each_change_is_a_version_and_none_is_lost(bench: Bench, agent: Agent) -> None:
    """The newest answers; every earlier one is still there as it was."""
    second = structs.replace(agent, name="Two", instructions=None, archived=True, version=2)
    await bench.write(lambda transaction: transaction.save_agent(MINE, second))

    async def script(reader: Reader) -> None:
        assert await reader.agent(MINE, "helper") == second
        assert await reader.agent_version(MINE, agent.id) == second
        assert await reader.agent_version(MINE, agent.id, 1) == agent
        assert await reader.agent_versions(MINE, agent.id, None, 5) == [second, agent]
        assert await reader.agent_versions(MINE, agent.id, 2, 5) == [agent]
        assert await reader.agents(MINE, AgentQuery(archived=False)) == []
        with pytest.raises(NotFound):
            await reader.agent_version(MINE, agent.id, 3)

    await bench.store.read(SYSTEM, script)


async def test_a_handle_is_one_agents_within_a_tenant(bench: Bench, agent: Agent) -> None:
    """Neither a new agent nor a changed one takes it; another tenant may, and so may the next one after a deletion."""
    other = an_agent(bench, "other", "bob")
    await bench.write(lambda transaction: transaction.insert_agent(MINE, other))
    with pytest.raises(NameTaken):
        await bench.write(lambda transaction: transaction.insert_agent(MINE, an_agent(bench, "helper", "bob")))
    renamed = structs.replace(other, handle="helper", version=2)
    with pytest.raises(NameTaken):
        await bench.write(lambda transaction: transaction.save_agent(MINE, renamed))
    await bench.write(lambda transaction: transaction.insert_agent(THEIRS, an_agent(bench, "helper")))
    await bench.write(lambda transaction: transaction.delete_agent(MINE, agent.id, NOW))
    await bench.write(lambda transaction: transaction.save_agent(MINE, renamed))
    found = await bench.store.read(SYSTEM, lambda reader: reader.agent(MINE, "helper"))
    assert found.id == other.id


async def test_a_deleted_agent_is_gone_but_for_the_record(bench: Bench, agent: Agent) -> None:
    """Nobody finds it; its tenant can still say what it was."""
    await bench.write(lambda transaction: transaction.delete_agent(MINE, agent.id, NOW))

    async def script(reader: Reader) -> None:
        assert await reader.agents(MINE, AgentQuery()) == []
        assert await reader.agent_version(MINE, agent.id) == agent
        for scope in (MINE, ANN):
            with pytest.raises(NotFound):
                await reader.agent(scope, agent.id)
        with pytest.raises(NotFound):
            await reader.agent_version(ANN, agent.id)

    await bench.store.read(SYSTEM, script)


@pytest.mark.parametrize(
    ("visibility", "seen_by"), [("private", "ann"), ("team", "ann bob"), ("public", "ann bob cid")]
)
async def test_who_sees_an_agent(bench: Bench, team: Team, visibility: Visibility, seen_by: str) -> None:
    """Its owner always, the people of its team where it is shared with them, everybody of the tenant, no other tenant."""
    shared = structs.replace(an_agent(bench, "shared", visibility=visibility), team_id=team.id)
    await bench.write(lambda transaction: transaction.insert_agent(MINE, shared))
    await bench.write(lambda transaction: transaction.put_team_member(MINE, a_place(team, "bob")))

    async def seen(scope: Scope) -> list[AgentId]:
        found = await bench.store.read(scope, lambda reader: reader.agents(scope, AgentQuery(handles=["shared"])))
        return [each.id for each in found]

    for person in ("ann", "bob", "cid"):
        scope = EndUser(MINE.tenant_id, person)
        assert await seen(scope) == [shared.id] * (person in seen_by)
    for scope in (THEIRS, EndUser(THEIRS.tenant_id, "ann")):
        assert await seen(scope) == []
    await bench.write(lambda transaction: transaction.drop_team_member(MINE, team.id, "bob"))
    assert await seen(BOB) == [shared.id] * (visibility == "public")


async def test_teams_and_their_people(bench: Bench, team: Team) -> None:
    """Teams come back as they went in; a person sees his own; a place is given once and can change its role."""
    place = a_place(team, "ann")
    owner = structs.replace(place, role="owner")
    await bench.write(lambda transaction: transaction.put_team_member(MINE, owner))

    async def script(reader: Reader) -> None:
        for scope in (MINE, ANN):
            assert await reader.team(scope, team.id) == team
            assert await reader.teams(scope, None, 5) == [team]
            assert await reader.teams(scope, team.id, 5) == []
            assert await reader.team_members(scope, team.id, None, 5) == [owner]
            assert await reader.team_members(scope, team.id, "ann", 5) == []
        assert await reader.teams(BOB, None, 5) == []
        assert await reader.team_member(MINE, team.id, "bob") is None

    await bench.store.read(SYSTEM, script)
    renamed = structs.replace(team, name="Sales", metadata={})
    await bench.write(lambda transaction: transaction.save_team(MINE, renamed))
    assert await bench.store.read(SYSTEM, lambda reader: reader.team(MINE, team.id)) == renamed
    await bench.write(lambda transaction: transaction.delete_team(MINE, team.id))
    assert await bench.store.read(SYSTEM, lambda reader: reader.teams(ANN, None, 5)) == []


Call = Callable[[Any, Scope, Agent, Team], Awaitable[Any]]

NAMING: dict[str, Call] = {
    "agent": lambda store, scope, agent, team: store.agent(scope, agent.id),
    "agent by handle": lambda store, scope, agent, team: store.agent(scope, agent.handle),
    "agent_version": lambda store, scope, agent, team: store.agent_version(scope, agent.id, 1),
    "agent_versions": lambda store, scope, agent, team: store.agent_versions(scope, agent.id, None, 5),
    "save_agent": lambda store, scope, agent, team: store.save_agent(scope, structs.replace(agent, version=2)),
    "delete_agent": lambda store, scope, agent, team: store.delete_agent(scope, agent.id, NOW),
    "team": lambda store, scope, agent, team: store.team(scope, team.id),
    "team_members": lambda store, scope, agent, team: store.team_members(scope, team.id, None, 5),
    "team_member": lambda store, scope, agent, team: store.team_member(scope, team.id, "ann"),
    "save_team": lambda store, scope, agent, team: store.save_team(scope, structs.replace(team, name="x")),
    "delete_team": lambda store, scope, agent, team: store.delete_team(scope, team.id),
    "put_team_member": lambda store, scope, agent, team: store.put_team_member(scope, a_place(team, "bob")),
    "drop_team_member": lambda store, scope, agent, team: store.drop_team_member(scope, team.id, "ann"),
}


@pytest.mark.parametrize("verb", NAMING)
async def test_a_stranger_finds_nothing(bench: Bench, agent: Agent, team: Team, verb: str) -> None:
    """Every verb raises NotFound for whoever may not see the thing, and changes nothing."""
    before = await everything(bench, agent, team)
    for who, scope in STRANGERS.items():
        try:
            await bench.write(lambda transaction, scope=scope: NAMING[verb](transaction, scope, agent, team))
        except NotFound:
            assert await everything(bench, agent, team) == before, f"{verb} for {who}"
        else:
            pytest.fail(f"{verb} for {who}")


@pytest.mark.parametrize("verb", NAMING)
async def test_who_may_gets_it(bench: Bench, agent: Agent, team: Team, verb: str) -> None:
    """The same calls go through for the tenant."""
    await bench.write(lambda transaction: NAMING[verb](transaction, MINE, agent, team))


async def everything(bench: Bench, agent: Agent, team: Team) -> list[Any]:
    """Return all that their tenant sees of them."""

    async def script(reader: Reader) -> list[Any]:
        return [
            await reader.agent_versions(MINE, agent.id, None, 5),
            await reader.team(MINE, team.id),
            await reader.team_members(MINE, team.id, None, 5),
            await reader.agents(THEIRS, AgentQuery()),
            await reader.teams(THEIRS, None, 5),
        ]

    return await bench.store.read(SYSTEM, script)
