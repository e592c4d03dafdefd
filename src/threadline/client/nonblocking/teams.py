"""Teams, and the people in them."""

from collections.abc import Mapping
from typing import Any, Unpack

from threadline.client import teams
from threadline.client.nonblocking.pages import AsyncListing
from threadline.client.nonblocking.transport import AsyncTransport
from threadline.client.teams import Team, TeamMember, TeamOptions


class AsyncTeams:
    """People who share agents. Keys manage them; with a token one reads those that its person is in."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(self, name: str, *, metadata: Mapping[str, Any] | None = None) -> Team:
        """Create a team, nobody in it."""
        return await self._transport.call(teams.team_create(name, metadata))

    async def get(self, team_id: str) -> Team:
        """Return a team. Raises `NotFound`."""
        return await self._transport.call(teams.team_get(team_id))

    def list(self, *, limit: int | None = None) -> AsyncListing[Team]:
        """List teams, oldest first, in pages of `limit`."""
        return AsyncListing(lambda cursor: self._transport.call(teams.team_list(limit, cursor)))

    async def update(self, team_id: str, **changes: Unpack[TeamOptions]) -> Team:
        """Change what is given."""
        return await self._transport.call(teams.team_update(team_id, changes))

    async def delete(self, team_id: str) -> None:
        """Take a team away; what it shared is seen by its owners alone from then on."""
        await self._transport.call(teams.team_delete(team_id))

    def members(self, team_id: str, *, limit: int | None = None) -> AsyncListing[TeamMember]:
        """List the people of a team, in pages of `limit`."""
        return AsyncListing(lambda cursor: self._transport.call(teams.team_member_list(team_id, limit, cursor)))

    async def put_member(self, team_id: str, end_user_id: str, *, role: str = "member") -> TeamMember:
        """Give a person a place in a team, or another role there."""
        return await self._transport.call(teams.team_member_put(team_id, end_user_id, role))

    async def remove_member(self, team_id: str, end_user_id: str) -> None:
        """Take a person out of a team."""
        await self._transport.call(teams.team_member_remove(team_id, end_user_id))
