"""What requests may carry, as types: form and bounds are checked while decoding, and documented from the same place.

Unknown fields are refused: a misspelt option that is silently ignored is a bug that somebody finds months later.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from threadline.access.keys import Role as KeyRole
from threadline.access.tokens import Right
from threadline.agent_records import AgentToolsMode
from threadline.content import Block, TextBlock
from threadline.errors import InvalidRequest
from threadline.limits import (
    CONTENT_BLOCKS_MAX,
    CONTENT_TEXT_CHARS_MAX,
    CURSOR_SEQ_MAX,
    END_USER_ID_CHARS_MAX,
    EXTERNAL_ID_CHARS_MAX,
    FILE_LINK_SECONDS_MAX,
    INSTRUCTIONS_CHARS_MAX,
    JSON_DEPTH_MAX,
    JSON_VALUES_MAX,
    METADATA_BYTES_MAX,
    MODEL_CHARS_MAX,
    NAME_CHARS_MAX,
    TITLE_CHARS_MAX,
    TOKEN_SECONDS_MAX,
    TOKEN_THREADS_MAX,
    TOOLS_PER_SEND_MAX,
)
from threadline.records import OnBusy, OnDisconnect, Role, ToolChoice

Model = Annotated[str, Meta(min_length=1, max_length=MODEL_CHARS_MAX)]
Instructions = Annotated[str, Meta(max_length=INSTRUCTIONS_CHARS_MAX)]
Title = Annotated[str, Meta(max_length=TITLE_CHARS_MAX)]
EndUserId = Annotated[str, Meta(min_length=1, max_length=END_USER_ID_CHARS_MAX)]
ExternalId = Annotated[str, Meta(min_length=1, max_length=EXTERNAL_ID_CHARS_MAX)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64)]
Metadata = dict[str, Any]
ContentText = Annotated[str, Meta(min_length=1, max_length=CONTENT_TEXT_CHARS_MAX)]
ContentBlocks = Annotated[list[Block], Meta(min_length=1, max_length=CONTENT_BLOCKS_MAX)]
MaxOutputTokens = Annotated[int, Meta(ge=1, le=10_000_000)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
ToolName = Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX)]
ExpiresIn = Annotated[int, Meta(ge=1, le=TOKEN_SECONDS_MAX)]


class CreateThread(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new thread. With an `external_id` that this end user already has, that thread is answered."""

    end_user_id: EndUserId | None = None
    external_id: ExternalId | None = None
    title: Title | None = None
    model: Model | None = None
    instructions: Instructions | None = None
    agent_id: Identifier | None = None
    on_busy: OnBusy | None = None
    on_disconnect: OnDisconnect | None = None
    metadata: Metadata | None = None


class UpdateThread(Struct, forbid_unknown_fields=True, kw_only=True):
    """What changes of a thread. A field that is not named stays; null empties it."""

    title: Title | UnsetType | None = UNSET
    pinned: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    model: Model | UnsetType | None = UNSET
    instructions: Instructions | UnsetType | None = UNSET
    agent_id: Identifier | UnsetType | None = UNSET
    on_busy: OnBusy | UnsetType | None = UNSET
    on_disconnect: OnDisconnect | UnsetType | None = UNSET
    tip_message_id: Identifier | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET


class SendMessage(Struct, forbid_unknown_fields=True, kw_only=True):
    """A message, and how its answer is to be delivered."""

    content: ContentText | ContentBlocks
    model: Model | None = None
    agent: Identifier | None = None
    end_user_id: EndUserId | None = None
    instructions: Instructions | None = None
    stream: bool = False
    background: bool = False
    respond: bool = True
    role: Role = "user"
    on_busy: OnBusy | None = None
    on_disconnect: OnDisconnect | None = None
    parent_id: Identifier | None = None
    edit_of: Identifier | None = None
    max_output_tokens: MaxOutputTokens | None = None
    temperature: Temperature | None = None
    tools: Annotated[list[ToolName], Meta(max_length=TOOLS_PER_SEND_MAX)] | None = None
    tools_mode: AgentToolsMode | None = None
    tool_choice: ToolChoice | None = None
    metadata: Metadata | None = None

    def blocks(self) -> list[Block]:
        """Return the content as blocks. Raises InvalidRequest where it says nothing."""
        return blocks_of(self.content)


class CancelRun(Struct, forbid_unknown_fields=True, kw_only=True):
    """With `wait`, the answer comes when the run has settled."""

    wait: bool = False


class ChangeRun(Struct, forbid_unknown_fields=True, kw_only=True):
    """What changes of a run that waits for its turn: what it asks, or its position, counted from 1."""

    content: ContentText | ContentBlocks | None = None
    position: Annotated[int, Meta(ge=1, le=CURSOR_SEQ_MAX)] | None = None


class CreateToken(Struct, forbid_unknown_fields=True, kw_only=True):
    """A token for one end user, valid for `expires_in` seconds."""

    end_user_id: EndUserId
    thread_ids: Annotated[list[Identifier], Meta(min_length=1, max_length=TOKEN_THREADS_MAX)] | None = None
    rights: Annotated[list[Right], Meta(min_length=1, max_length=8)] | None = None
    expires_in: ExpiresIn = 3600


class CreateLink(Struct, forbid_unknown_fields=True, kw_only=True):
    """A link to a file, valid for `expires_in` seconds."""

    expires_in: Annotated[int, Meta(ge=1, le=FILE_LINK_SECONDS_MAX)] = 300


class CreateKey(Struct, forbid_unknown_fields=True, kw_only=True):
    """A key of the asking key's own tenant."""

    name: Annotated[str, Meta(max_length=NAME_CHARS_MAX)] = ""
    role: KeyRole = "server"


def blocks_of(content: str | list[Block]) -> list[Block]:
    """Return content as blocks. Raises InvalidRequest where it says nothing."""
    blocks: list[Block] = [TextBlock(content)] if isinstance(content, str) else content
    if all(isinstance(block, TextBlock) and not block.text.strip() for block in blocks):
        raise InvalidRequest("The content is empty.", pointer="/content")
    return blocks


def check_metadata(metadata: Metadata | None) -> Metadata:
    """Return metadata within its bounds. Raises InvalidRequest."""
    if metadata is None:
        return {}
    if len(msgspec.json.encode(metadata)) > METADATA_BYTES_MAX:
        raise InvalidRequest(f"Metadata is at most {METADATA_BYTES_MAX} bytes of JSON.", pointer="/metadata")
    return metadata


def check_text(value: Any) -> None:
    """Raise InvalidRequest where JSON holds a NUL, nests too deep or has too many values; its pointer says where."""
    values = 0

    def look(value: Any, pointer: str, depth: int) -> None:
        nonlocal values
        values += 1
        if values > JSON_VALUES_MAX:
            raise InvalidRequest(f"The body has more than {JSON_VALUES_MAX} values in it.", pointer="")
        if depth > JSON_DEPTH_MAX:
            raise InvalidRequest(f"The body is nested more than {JSON_DEPTH_MAX} deep.", pointer=pointer)
        match value:
            case str():
                if "\x00" in value:
                    raise InvalidRequest("Text may not contain NUL.", pointer=pointer)
            case list():
                for place, item in enumerate(value):
                    look(item, f"{pointer}/{place}", depth + 1)
            case dict():
                for name, item in value.items():
                    look(name, pointer, depth + 1)
                    look(item, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}", depth + 1)
            case _:
                pass

    look(value, "", 0)
