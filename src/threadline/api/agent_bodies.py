"""What requests about agents and teams may carry, as types. The manner is that of `bodies.py`."""

import re
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from threadline.agent_records import AgentToolsMode, Parameters, TeamId, TeamRole, Visibility
from threadline.api.bodies import EndUserId, Instructions, MaxOutputTokens, Metadata, Model, Temperature
from threadline.errors import InvalidRequest
from threadline.limits import (
    AGENT_TOOLS_MAX,
    AVATAR_CHARS_MAX,
    DESCRIPTION_CHARS_MAX,
    HANDLE_CHARS_MAX,
    NAME_CHARS_MAX,
)

HANDLE_PATTERN = r"^[a-z0-9][a-z0-9_-]*$"
"""What stands behind an @ in a text: nothing that ends a word."""

Handle = Annotated[str, Meta(min_length=1, max_length=HANDLE_CHARS_MAX, pattern=HANDLE_PATTERN)]
Name = Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX)]
Description = Annotated[str, Meta(max_length=DESCRIPTION_CHARS_MAX)]
Avatar = Annotated[str, Meta(max_length=AVATAR_CHARS_MAX)]
ToolName = Annotated[str, Meta(min_length=1, max_length=128)]
ToolNames = Annotated[list[ToolName], Meta(max_length=AGENT_TOOLS_MAX)]
TeamRef = Annotated[TeamId, Meta(min_length=1, max_length=64)]


class AgentParameters(Struct, forbid_unknown_fields=True, kw_only=True):
    """What an agent asks of its model. What is not named is left to the model."""

    max_output_tokens: MaxOutputTokens | None = None
    temperature: Temperature | None = None

    def record(self) -> Parameters:
        """Return them as they are stored."""
        return Parameters(self.max_output_tokens, self.temperature)


class CreateAgent(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new agent. An end-user token creates private ones of its own, without tools."""

    handle: Handle
    name: Name | None = None
    description: Description | None = None
    avatar: Avatar | None = None
    instructions: Instructions | None = None
    model: Model | None = None
    parameters: AgentParameters | None = None
    tools: ToolNames | None = None
    tools_mode: AgentToolsMode = "explicit"
    owner: EndUserId | None = None
    visibility: Visibility | None = None
    team_id: TeamRef | None = None
    metadata: Metadata | None = None


class UpdateAgent(Struct, forbid_unknown_fields=True, kw_only=True):
    """What changes of an agent: its next version. A field that is not named stays; null empties it."""

    handle: Handle | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    avatar: Avatar | UnsetType | None = UNSET
    instructions: Instructions | UnsetType | None = UNSET
    model: Model | UnsetType | None = UNSET
    parameters: AgentParameters | UnsetType = UNSET
    tools: ToolNames | UnsetType = UNSET
    tools_mode: AgentToolsMode | UnsetType = UNSET
    owner: EndUserId | UnsetType | None = UNSET
    visibility: Visibility | UnsetType = UNSET
    team_id: TeamRef | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET


class CreateTeam(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new team, nobody in it."""

    name: Name
    metadata: Metadata | None = None


class UpdateTeam(Struct, forbid_unknown_fields=True, kw_only=True):
    """What changes of a team."""

    name: Name | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET


class PutTeamMember(Struct, forbid_unknown_fields=True, kw_only=True):
    """A person's place in a team. An `owner` may change the agents that the team shares."""

    role: TeamRole = "member"


def check_handle(handle: str) -> None:
    """Raise InvalidRequest for what the pattern alone lets pass: Python's `$` also stands before a last line feed."""
    if not re.fullmatch(HANDLE_PATTERN.removesuffix("$"), handle):
        raise InvalidRequest("A handle has lower-case letters, digits, _ and - in it.", pointer="/handle")
