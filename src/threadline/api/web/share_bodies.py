"""What requests about shared pages may carry, and what they are answered."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from threadline.ids import MessageId, ShareId, ThreadId
from threadline.limits import SHARE_SECONDS_DEFAULT, SHARE_SECONDS_MAX


class CreateShare(Struct, forbid_unknown_fields=True, kw_only=True):
    """A page of a thread up to a message; without one, up to the newest of the active branch."""

    message_id: Annotated[str, Meta(max_length=64)] | None = None
    expires_in: Annotated[int, Meta(ge=60, le=SHARE_SECONDS_MAX, description="Seconds.")] = SHARE_SECONDS_DEFAULT


class Share(Struct, frozen=True, kw_only=True):
    """A shared page. `url` is there in the answer that makes it, and never again."""

    id: ShareId
    object: Literal["share"] = "share"
    thread_id: ThreadId
    message_id: MessageId
    url: str | None = None
    created_at: str
    expires_at: str
    revoked_at: str | None = None


class SharePage(Struct, frozen=True):
    """All shared pages of a thread."""

    data: list[Share]
    has_more: bool = False
    next_cursor: str | None = None
