"""Teams and the people in them: their objects, and the requests about them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from msgspec import field

from threadline.client.calls import Call, body_of, page_reader, path_of, query_of, reader_of
from threadline.client.decode import Model
from threadline.client.models import Page
from threadline.client.retry import Repeat


class Team(Model, frozen=True, kw_only=True):
    """People who share agents."""

    id: str
    name: str
    metadata: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    object: str = "team"


class TeamMember(Model, frozen=True, kw_only=True):
    """A person in a team. `role` is `owner`, who may change the agents that the team shares, or `member`."""

    team_id: str
    end_user_id: str
    role: str
    created_at: datetime | None = None
    object: str = "team_member"


class TeamOptions(TypedDict, total=False):
    """What can be changed of a team."""

    name: str
    metadata: Mapping[str, Any]


def team_create(name: str, metadata: Mapping[str, Any] | None) -> Call[Team]:
    """Create a team. A repetition would make another one of the same name."""
    body = body_of({"name": name, "metadata": dict(metadata or {})})
    return Call("POST", "/v1/teams", reader_of(Team), body=body, repeat=Repeat.IF_REFUSED)


def team_get(team_id: str) -> Call[Team]:
    """Read a team."""
    return Call("GET", path_of("teams", team_id), reader_of(Team))


def team_list(limit: int | None, cursor: str | None) -> Call[Page[Team]]:
    """Read one page of teams."""
    return Call("GET", "/v1/teams", page_reader(Team), query=query_of({"limit": limit}, cursor))


def team_update(team_id: str, changes: TeamOptions) -> Call[Team]:
    """Change a team. Sent twice it might undo what somebody else did in between."""
    body = body_of(dict(changes))
    return Call("PATCH", path_of("teams", team_id), reader_of(Team), body=body, repeat=Repeat.IF_REFUSED)


def team_delete(team_id: str) -> Call[None]:
    """Delete a team."""
    return Call("DELETE", path_of("teams", team_id), lambda body: None)


def team_member_list(team_id: str, limit: int | None, cursor: str | None) -> Call[Page[TeamMember]]:
    """Read one page of the people of a team."""
    query = query_of({"limit": limit}, cursor)
    return Call("GET", path_of("teams", team_id, "members"), page_reader(TeamMember), query=query)


def team_member_put(team_id: str, end_user_id: str, role: str) -> Call[TeamMember]:
    """Give a person a place in a team. It is the same however often it is sent."""
    path = path_of("teams", team_id, "members", end_user_id)
    return Call("PUT", path, reader_of(TeamMember), body=body_of({"role": role}))


def team_member_remove(team_id: str, end_user_id: str) -> Call[None]:
    """Take a person out of a team."""
    return Call("DELETE", path_of("teams", team_id, "members", end_user_id), lambda body: None)
