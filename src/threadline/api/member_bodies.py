"""What requests about the members of a thread may carry, as types. The manner is that of `bodies.py`."""

from msgspec import UNSET, Struct, UnsetType

from threadline.api.agent_bodies import Handle, Name
from threadline.api.bodies import EndUserId, Identifier
from threadline.room_records import MemberRole, ReplyPolicy


class AddMember(Struct, forbid_unknown_fields=True, kw_only=True):
    """Who is to take part: a person, or an agent by its id or handle."""

    end_user_id: EndUserId | None = None
    agent: Identifier | None = None
    role: MemberRole = "member"
    reply_policy: ReplyPolicy | None = None
    handle: Handle | None = None
    name: Name | None = None


class UpdateMember(Struct, forbid_unknown_fields=True, kw_only=True):
    """What changes of a member. A field that is not named stays; null empties it."""

    role: MemberRole | UnsetType = UNSET
    reply_policy: ReplyPolicy | UnsetType = UNSET
    handle: Handle | UnsetType | None = UNSET
    name: Name | UnsetType | None = UNSET
