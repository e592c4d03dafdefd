"""What the routes of branches and read marks take and give."""

from typing import Annotated

from msgspec import Meta, Struct

from threadline.api.bodies import EndUserId, Identifier, Instructions, MaxOutputTokens, Model, Temperature, Title
from threadline.engine.branches import BranchHead
from threadline.limits import CURSOR_SEQ_MAX
from threadline.records import OnBusy


class RegenerateMessage(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to be different this time, and how the answer is to be delivered.

    `thread_id` names the thread where the message is an inherited one, of the thread that this one was forked from.
    """

    model: Model | None = None
    agent: Identifier | None = None
    instructions: Instructions | None = None
    max_output_tokens: MaxOutputTokens | None = None
    temperature: Temperature | None = None
    on_busy: OnBusy | None = None
    thread_id: Identifier | None = None
    stream: bool = False
    background: bool = False


class ForkThread(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where the fork begins: with this message, and with everything before it."""

    message_id: Identifier
    title: Title | None = None


class MarkRead(Struct, forbid_unknown_fields=True, kw_only=True):
    """Up to where; neither a seq nor a message means all there is. `end_user_id` is for keys: whose mark it is."""

    seq: Annotated[int, Meta(ge=0, le=CURSOR_SEQ_MAX)] | None = None
    message_id: Identifier | None = None
    end_user_id: EndUserId | None = None


class BranchPage(Struct, frozen=True):
    """The ends of a thread's branches, newest first."""

    data: list[BranchHead]
    has_more: bool
    next_cursor: str | None
