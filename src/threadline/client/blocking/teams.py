"""Teams, and the people in them."""

from collections.abc import Mapping
from typing import Any, Unpack

from threadline.client import teams
from threadline.client.blocking.pages import Listing
from threadline.client.blocking.transport import Transport
from threadline.client.teams import Team, TeamMember, TeamOptions


class Teams:
    """People who share agents. Keys manage them; with a token one reads those that its person is in."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, name: str, *, metadata: Mapping[str, Any] | None = None) -> Team:
        """Create a team, nobody in it."""
        return self._transport.call(teams.team_create(name, metadata))

    def get(self, team_id: str) -> Team:
        """Return a team. Raises `NotFound`."""
        return self._transport.call(teams.team_get(team_id))

    def list(self, *, limit: int | None = None) -> Listing[Team]:
        """List teams, oldest first, in pages of `limit`."""
        return Listing(lambda cursor: self._transport.call(teams.team_list(limit, cursor)))

    def update(self, team_id: str, **changes: Unpack[TeamOptions]) -> Team:
        """Change what is given."""
        return self._transport.call(teams.team_update(team_id, changes))

    def delete(self, team_id: str) -> None:
        """Take a team away; what it shared is seen by its owners alone from then on."""
        self._transport.call(teams.team_delete(team_id))

    def members(self, team_id: str, *, limit: int | None = None) -> Listing[TeamMember]:
        """List the people of a team, in pages of `limit`."""
        return Listing(lambda cursor: self._transport.call(teams.team_member_list(team_id, limit, cursor)))

    def put_member(self, team_id: str, end_user_id: str, *, role: str = "member") -> TeamMember:
        """Give a person a place in a team, or another role there."""
        return self._transport.call(teams.team_member_put(team_id, end_user_id, role))

    def remove_member(self, team_id: str, end_user_id: str) -> None:
        """Take a person out of a team."""
        self._transport.call(teams.team_member_remove(team_id, end_user_id))
