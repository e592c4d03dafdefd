"""The records of rooms: who takes part in a thread, as rows become them, events carry them and the wire shows them."""

from typing import Literal, NewType

from msgspec import Struct

from threadline.agent_records import AgentId
from threadline.ids import MessageId, RunId, TenantId, ThreadId

MemberId = NewType("MemberId", str)
MemberRole = Literal["owner", "member", "viewer"]
ReplyPolicy = Literal["all", "mention", "none"]


class Mention(Struct, frozen=True):
    """Somebody whom a message calls by `@handle`."""

    type: Literal["user", "agent"]
    id: str
    handle: str


class Hop(Struct, frozen=True, kw_only=True):
    """An agent has called another one. `root_message_id` is the person's message with which the talk began."""

    thread_id: ThreadId
    run_id: RunId
    root_message_id: MessageId
    caller: str
    called: str


class Rename(Struct, frozen=True, kw_only=True):
    """An agent is called otherwise from this version on: its handle, its name, or both."""

    tenant_id: TenantId
    agent_id: AgentId
    version: int
    old_handle: str
    new_handle: str
    old_name: str
    new_name: str


class Member(Struct, frozen=True, kw_only=True):
    """A person or an agent in a thread. Exactly one of `end_user_id` and `agent_id` is there.

    `handle` is what stands behind the @ in this room, `name` what the others are shown. `reply_policy` is an agent's:
    it answers every message of a person, or those that call it, or none by itself. A `viewer` only reads; an `owner`
    also says who else takes part.
    """

    id: MemberId
    object: Literal["member"] = "member"
    thread_id: ThreadId
    end_user_id: str | None = None
    agent_id: AgentId | None = None
    handle: str | None = None
    name: str | None = None
    role: MemberRole = "member"
    reply_policy: ReplyPolicy | None = None
    invited_by: str | None = None
    created_at: str
