"""The routes of teams. Keys manage them; an end-user token reads those that its person is in."""

from typing import Any

from fastapi import APIRouter, Request, Response
from msgspec import UNSET, structs

from threadline.agent_records import Team, TeamId, TeamMember
from threadline.api.agent_bodies import CreateTeam, PutTeamMember, UpdateTeam
from threadline.api.answers import TeamMemberPage, TeamPage
from threadline.api.bodies import check_metadata
from threadline.api.house import Asking, TheHouse, answer
from threadline.api.requests import body_of, from_page_cursor, to_page_cursor
from threadline.api.spec import gives, takes
from threadline.api.threads import Cursor, Limit
from threadline.clock import rfc3339
from threadline.errors import InvalidRequest
from threadline.limits import END_USER_ID_CHARS_MAX
from threadline.scopes import System
from threadline.store.contract import Reader, Transaction

router = APIRouter(tags=["teams"])

_REMOVE = System("take a team, or somebody out of one, away: a request deletes nothing")


@router.post(
    "/v1/teams",
    status_code=201,
    openapi_extra=takes(CreateTeam),
    responses=gives(Team, 201, (403, 413), "A new team."),
)
async def create_team(request: Request, house: TheHouse, principal: Asking) -> Response:
    """Create a team."""
    principal.require_key()
    body = await body_of(request, CreateTeam)
    now = rfc3339(house.clock.now_ms())
    made = TeamId(house.ids.make("team"))
    team = Team(id=made, name=body.name, metadata=check_metadata(body.metadata), created_at=now)

    async def script(transaction: Transaction) -> None:
        await transaction.insert_team(principal.scope, team)

    await house.journal.write(principal.scope, script)
    return answer(team, 201)


@router.get("/v1/teams", responses=gives(TeamPage, errors=(400, 403)))
async def list_teams(house: TheHouse, principal: Asking, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """List teams; with a token those that its person is in."""
    principal.require("read")
    after = None if cursor is None else TeamId(from_page_cursor(cursor, tuple[str])[0])

    async def script(reader: Reader) -> list[Team]:
        return await reader.teams(principal.scope, after, limit + 1)

    found = await house.store.read(principal.scope, script)
    page, has_more = found[:limit], len(found) > limit
    return answer(TeamPage(page, has_more, to_page_cursor(page[-1].id) if has_more else None))


@router.get("/v1/teams/{team_id}", responses=gives(Team, errors=(403, 404)))
async def get_team(house: TheHouse, principal: Asking, team_id: str) -> Response:
    """Return a team."""
    principal.require("read")

    async def script(reader: Reader) -> Team:
        return await reader.team(principal.scope, TeamId(team_id))

    return answer(await house.store.read(principal.scope, script))


@router.patch("/v1/teams/{team_id}", openapi_extra=takes(UpdateTeam), responses=gives(Team, errors=(403, 404, 413)))
async def update_team(request: Request, house: TheHouse, principal: Asking, team_id: str) -> Response:
    """Change a team's name or metadata."""
    principal.require_key()
    body = await body_of(request, UpdateTeam)
    changed: dict[str, Any] = {name: value for name, value in structs.asdict(body).items() if value is not UNSET}
    check_metadata(changed.get("metadata"))

    async def script(transaction: Transaction) -> Team:
        team = structs.replace(await transaction.team(principal.scope, TeamId(team_id)), **changed)
        await transaction.save_team(principal.scope, team)
        return team

    return answer(await house.journal.write(principal.scope, script))


@router.delete("/v1/teams/{team_id}", status_code=204, responses=gives(None, 204, (403, 404), "The team is gone."))
async def delete_team(house: TheHouse, principal: Asking, team_id: str) -> Response:
    """Remove a team. What it shared is seen by its owners alone from now on."""
    principal.require_key()

    async def script(transaction: Transaction) -> None:
        await transaction.delete_team(principal.scope, TeamId(team_id))

    await house.journal.write(_REMOVE, script)
    return Response(status_code=204)


@router.get("/v1/teams/{team_id}/members", responses=gives(TeamMemberPage, errors=(400, 403, 404)))
async def list_team_members(
    house: TheHouse, principal: Asking, team_id: str, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """List the people of a team."""
    principal.require("read")
    after = None if cursor is None else from_page_cursor(cursor, tuple[str])[0]

    async def script(reader: Reader) -> list[TeamMember]:
        return await reader.team_members(principal.scope, TeamId(team_id), after, limit + 1)

    found = await house.store.read(principal.scope, script)
    page, has_more = found[:limit], len(found) > limit
    return answer(TeamMemberPage(page, has_more, to_page_cursor(page[-1].end_user_id) if has_more else None))


@router.put(
    "/v1/teams/{team_id}/members/{end_user_id:path}",
    openapi_extra=takes(PutTeamMember, required=False),
    responses=gives(TeamMember, errors=(403, 404, 413)),
)
async def put_team_member(
    request: Request, house: TheHouse, principal: Asking, team_id: str, end_user_id: str
) -> Response:
    """Give a person a place in a team, or another role there."""
    principal.require_key()
    body = await body_of(request, PutTeamMember, default=b"{}")
    if not 0 < len(end_user_id) <= END_USER_ID_CHARS_MAX:
        raise InvalidRequest(f"An end user's id has at most {END_USER_ID_CHARS_MAX} characters.", pointer="")
    now = rfc3339(house.clock.now_ms())
    wanted = TeamMember(team_id=TeamId(team_id), end_user_id=end_user_id, role=body.role, created_at=now)

    async def script(transaction: Transaction) -> TeamMember:
        await transaction.put_team_member(principal.scope, wanted)
        return await transaction.team_member(principal.scope, TeamId(team_id), end_user_id) or wanted

    return answer(await house.journal.write(principal.scope, script))


@router.delete(
    "/v1/teams/{team_id}/members/{end_user_id:path}",
    status_code=204,
    responses=gives(None, 204, (403, 404), "The person is out of the team."),
)
async def drop_team_member(house: TheHouse, principal: Asking, team_id: str, end_user_id: str) -> Response:
    """Take a person out of a team, and what it shares out of that person's sight."""
    principal.require_key()

    async def script(transaction: Transaction) -> None:
        await transaction.drop_team_member(principal.scope, TeamId(team_id), end_user_id)

    await house.journal.write(_REMOVE, script)
    return Response(status_code=204)
