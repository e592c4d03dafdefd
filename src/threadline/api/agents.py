"""The routes of agents: create, list, read, change, archive, delete, versions."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from msgspec import UNSET, structs

from threadline.agent_records import Agent, Parameters
from threadline.api.agent_bodies import CreateAgent, UpdateAgent, check_handle
from threadline.api.answers import AgentPage
from threadline.api.bodies import check_metadata
from threadline.api.house import Asking, TheHouse, answer
from threadline.api.requests import body_of, from_page_cursor, to_page_cursor
from threadline.api.spec import gives, takes
from threadline.api.threads import Cursor, Limit
from threadline.engine.agents import NewAgent, create_agent, delete_agent, shown_agent, update_agent
from threadline.scopes import Scope
from threadline.store.contract import Reader, Transaction
from threadline.store.contract_agents import AgentQuery

router = APIRouter(tags=["agents"])


@router.post(
    "/v1/agents",
    status_code=201,
    openapi_extra=takes(CreateAgent),
    responses=gives(Agent, 201, (403, 404, 409, 413), "A new agent, version 1."),
)
async def post_agent(request: Request, house: TheHouse, principal: Asking) -> Response:
    """Create an agent. An end-user token creates private ones of its own."""
    body = await body_of(request, CreateAgent)
    principal.require("send")
    check_handle(body.handle)
    if body.model is not None:
        house.engine.check_model(body.model)
    wanted = NewAgent(
        handle=body.handle,
        name=body.name,
        description=body.description,
        avatar=body.avatar,
        instructions=body.instructions,
        model=body.model,
        parameters=Parameters() if body.parameters is None else body.parameters.record(),
        tools=body.tools or [],
        tools_mode=body.tools_mode,
        owner=body.owner,
        visibility=body.visibility,
        team_id=body.team_id,
        metadata=check_metadata(body.metadata),
    )

    async def script(transaction: Transaction) -> Agent:
        return await create_agent(transaction, principal.scope, wanted, house.ids, house.clock.now_ms())

    return answer(await house.journal.write(principal.scope, script), 201)


@router.get("/v1/agents", responses=gives(AgentPage, errors=(400, 403)))
async def list_agents(
    house: TheHouse,
    principal: Asking,
    archived: Annotated[bool | None, Query(description="Both, unless said.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the agents that one may see, by handle."""
    principal.require("read")
    after = None if cursor is None else from_page_cursor(cursor, tuple[str])[0]
    query = AgentQuery(archived=archived, after=after, limit=limit + 1)

    async def script(reader: Reader) -> list[Agent]:
        return await _shown(reader, principal.scope, await reader.agents(principal.scope, query))

    found = await house.store.read(principal.scope, script)
    return answer(_page(found, limit, "handle"))


@router.get("/v1/agents/{agent_id}", responses=gives(Agent, errors=(403, 404)))
async def get_agent(house: TheHouse, principal: Asking, agent_id: str) -> Response:
    """Return an agent by its id or its handle; its instructions to those who may change it."""
    principal.require("read")

    async def script(reader: Reader) -> Agent:
        agent = await reader.agent(principal.scope, agent_id)
        return await shown_agent(reader, principal.scope, agent)

    return answer(await house.store.read(principal.scope, script))


@router.patch(
    "/v1/agents/{agent_id}",
    openapi_extra=takes(UpdateAgent),
    responses=gives(Agent, errors=(403, 404, 409, 413)),
)
async def patch_agent(request: Request, house: TheHouse, principal: Asking, agent_id: str) -> Response:
    """Change an agent: the next version of it. `archived` retires it without taking it away."""
    body = await body_of(request, UpdateAgent)
    principal.require("send")
    changed: dict[str, Any] = {name: value for name, value in structs.asdict(body).items() if value is not UNSET}
    check_metadata(changed.get("metadata"))
    if "handle" in changed:
        check_handle(changed["handle"])
    if body.parameters is not UNSET:
        changed["parameters"] = body.parameters.record()
    if changed.get("model") is not None:
        house.engine.check_model(changed["model"])

    async def script(transaction: Transaction) -> Agent:
        return await update_agent(transaction, principal.scope, agent_id, changed, house.clock.now_ms())

    agent = await house.journal.write(principal.scope, script)
    if changed.keys() & {"handle", "name"}:
        house.renamer.tell()
    return answer(agent)


@router.delete("/v1/agents/{agent_id}", status_code=204, responses=gives(None, 204, (403, 404), "The agent is gone."))
async def remove_agent(house: TheHouse, principal: Asking, agent_id: str) -> Response:
    """Take an agent away from everybody. What it has answered stays, and says which version it was."""
    principal.require("send")

    async def script(transaction: Transaction) -> None:
        await delete_agent(transaction, principal.scope, agent_id, house.clock.now_ms())

    await house.journal.write(principal.scope, script)
    return Response(status_code=204)


@router.get("/v1/agents/{agent_id}/versions", responses=gives(AgentPage, errors=(400, 403, 404)))
async def list_versions(
    house: TheHouse, principal: Asking, agent_id: str, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """List what an agent has been, newest first. Runs say in `agent_version` which one they used."""
    principal.require("read")
    before = None if cursor is None else from_page_cursor(cursor, tuple[int])[0]

    async def script(reader: Reader) -> list[Agent]:
        agent = await reader.agent(principal.scope, agent_id)
        versions = await reader.agent_versions(principal.scope, agent.id, before, limit + 1)
        is_whole = await shown_agent(reader, principal.scope, agent) is agent
        return versions if is_whole else [structs.replace(each, instructions=None, tools=[]) for each in versions]

    found = await house.store.read(principal.scope, script)
    return answer(_page(found, limit, "version"))


async def _shown(reader: Reader, scope: Scope, agents: list[Agent]) -> list[Agent]:
    return [await shown_agent(reader, scope, agent) for agent in agents]


def _page(found: list[Agent], limit: int, place: str) -> AgentPage:
    page, has_more = found[:limit], len(found) > limit
    return AgentPage(page, has_more, to_page_cursor(getattr(page[-1], place)) if has_more else None)
