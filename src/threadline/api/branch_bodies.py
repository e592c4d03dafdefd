"""What the routes of branches take and give."""

from msgspec import Struct

from threadline.api.bodies import Identifier, Instructions, MaxOutputTokens, Model, Temperature, Title
from threadline.engine.branches import BranchHead
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


class BranchPage(Struct, frozen=True):
    """The ends of a thread's branches, newest first."""

    data: list[BranchHead]
    has_more: bool
    next_cursor: str | None
