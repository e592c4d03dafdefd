"""What is said about tool calls, and the page that lists them."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from threadline.limits import APPROVAL_REASON_CHARS_MAX
from threadline.tool_calls import ToolCall

ToolUseId = Annotated[str, Meta(min_length=1, max_length=1024)]


class DecideCall(Struct, forbid_unknown_fields=True, kw_only=True):
    """Agree to a call, or refuse it. The model is told the `reason` of a refusal."""

    tool_use_id: ToolUseId
    approve: bool
    reason: Annotated[str, Meta(max_length=APPROVAL_REASON_CHARS_MAX)] | None = None


class PostResult(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a call gave that the client has made: text or any JSON value."""

    tool_use_id: ToolUseId
    output: Any
    is_error: bool = False


class ToolCallPage(Struct, frozen=True):
    """A page of tool calls in the order of their requests."""

    data: list[ToolCall]
    has_more: bool
    next_cursor: str | None
