"""Who takes part in a thread: invited, changed, removed. Each a script: all or nothing, and told in the log.

A thread with members is a room. Its owners (and keys) say who takes part; everybody may leave. The thread's own end
user is an owner for as long as the thread exists.
"""

import re
from typing import Any

from msgspec import Struct, structs

from threadline.agent_records import AgentId
from threadline.clock import rfc3339
from threadline.engine.agents import usable_agent
from threadline.errors import Forbidden, InvalidRequest, NotFound
from threadline.events import MemberAdded, MemberRemoved, MemberUpdated
from threadline.ids import IdMaker, ThreadId
from threadline.limits import HANDLE_CHARS_MAX, ROOM_MEMBERS_MAX
from threadline.room_records import Member, MemberId, MemberRole, ReplyPolicy
from threadline.scopes import EndUser, Scope, Tenant
from threadline.store.contract import Transaction

_HANDLE = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Invitation(Struct, frozen=True, kw_only=True):
    """Who is to take part: a person, or an agent by its id or handle; and as what."""

    end_user_id: str | None = None
    agent: str | None = None
    role: MemberRole = "member"
    reply_policy: ReplyPolicy | None = None
    handle: str | None = None
    name: str | None = None


async def add_member(
    transaction: Transaction, scope: Scope, thread_id: ThreadId, wanted: Invitation, ids: IdMaker, now_ms: int
) -> tuple[Member, bool]:
    """Let somebody take part. Returns the member and whether it is new: who is there already stays as he is.

    Raises:
        NotFound: no such thread, or no such agent for this scope.
        Forbidden: not by an owner.
        NameTaken: another one is called by that handle.
        InvalidRequest: neither a person nor an agent, or what does not fit it; or the room is full.
    """
    await _require_owner(transaction, scope, thread_id)
    now = rfc3339(now_ms)
    members = await transaction.members(scope, thread_id) or await _open_room(transaction, scope, thread_id, ids, now)
    member = await _invited(transaction, scope, thread_id, wanted, ids, now)
    for there in members:
        if (there.end_user_id, there.agent_id) == (member.end_user_id, member.agent_id):
            return there, False
    if len(members) >= ROOM_MEMBERS_MAX:
        raise InvalidRequest(f"A thread has at most {ROOM_MEMBERS_MAX} members.", pointer="")
    member = _called(member, members)
    await _store(transaction, scope, member)
    return member, True


async def update_member(
    transaction: Transaction, scope: Scope, thread_id: ThreadId, who: str, changed: dict[str, Any]
) -> Member:
    """Change what somebody takes part as; what is as it was is no event. Raises NotFound, Forbidden, InvalidRequest."""
    await _require_owner(transaction, scope, thread_id)
    member = await find_member(transaction, scope, thread_id, who)
    updated = structs.replace(member, **changed)
    if updated == member:
        return member
    _check(updated)
    row = await transaction.thread(scope, thread_id)
    if updated.role != "owner" and member.end_user_id is not None and member.end_user_id == row.thread.end_user_id:
        raise InvalidRequest("The thread's own end user stays its owner.", pointer="/role")
    tenant = Tenant(scope.tenant_id)
    await transaction.save_member(tenant, updated)
    await transaction.append(tenant, thread_id, MemberUpdated(updated), None)
    return updated


async def remove_member(transaction: Transaction, scope: Scope, thread_id: ThreadId, who: str) -> None:
    """Let somebody take part no more; his streams end with this event. Raises NotFound, Forbidden, InvalidRequest."""
    member = await find_member(transaction, scope, thread_id, who)
    is_oneself = isinstance(scope, EndUser) and member.end_user_id == scope.end_user_id
    if not is_oneself:
        await _require_owner(transaction, scope, thread_id)
    row = await transaction.thread(scope, thread_id)
    if member.end_user_id is not None and member.end_user_id == row.thread.end_user_id:
        raise InvalidRequest("The thread's own end user stays; delete the thread instead.", pointer="")
    tenant = Tenant(scope.tenant_id)
    await transaction.drop_member(tenant, thread_id, member.id)
    await transaction.append(tenant, thread_id, MemberRemoved(member), None)


async def find_member(transaction: Transaction, scope: Scope, thread_id: ThreadId, who: str) -> Member:
    """Return the member of this id, end user id, agent id or handle. Raises NotFound."""
    members = await transaction.members(scope, thread_id)
    for named in ("id", "end_user_id", "agent_id", "handle"):
        for member in members:
            if getattr(member, named) == who:
                return member
    raise NotFound


async def _require_owner(transaction: Transaction, scope: Scope, thread_id: ThreadId) -> None:
    if await transaction.role(scope, thread_id) != "owner":
        raise Forbidden("An owner of the thread says who takes part in it.")


async def _invited(
    transaction: Transaction, scope: Scope, thread_id: ThreadId, wanted: Invitation, ids: IdMaker, now: str
) -> Member:
    agent = None if wanted.agent is None else await usable_agent(transaction, scope, wanted.agent, "/agent")
    if (agent is None) == (wanted.end_user_id is None):
        raise InvalidRequest("Name one of `end_user_id` and `agent`.", pointer="/end_user_id")
    member = Member(
        id=MemberId(ids.make("mem")),
        thread_id=thread_id,
        end_user_id=wanted.end_user_id,
        agent_id=None if agent is None else AgentId(agent.id),
        handle=wanted.handle or (None if agent is None else agent.handle),
        name=wanted.name or (None if agent is None else agent.name),
        role=wanted.role,
        reply_policy=wanted.reply_policy if agent is None else wanted.reply_policy or "all",
        invited_by=scope.end_user_id if isinstance(scope, EndUser) else None,
        created_at=now,
    )
    _check(member)
    return member


def _check(member: Member) -> None:
    if member.agent_id is None and member.reply_policy is not None:
        raise InvalidRequest("A reply policy is an agent's.", pointer="/reply_policy")
    if member.agent_id is not None and member.reply_policy is None:
        raise InvalidRequest("An agent has a reply policy.", pointer="/reply_policy")
    if member.agent_id is not None and member.role != "member":
        raise InvalidRequest("An agent takes part as a member.", pointer="/role")


async def _open_room(
    transaction: Transaction, scope: Scope, thread_id: ThreadId, ids: IdMaker, now: str
) -> list[Member]:
    """Make the thread's own end user its first member, where it has one."""
    person = (await transaction.thread(scope, thread_id)).thread.end_user_id
    if person is None:
        return []
    owner = Member(id=MemberId(ids.make("mem")), thread_id=thread_id, end_user_id=person, role="owner", created_at=now)
    owner = _called(owner, [])
    await _store(transaction, scope, owner)
    return [owner]


def _called(member: Member, members: list[Member]) -> Member:
    """Return a person with the handle that his id suggests, where nobody said another one and nobody has it."""
    if member.handle is not None or member.end_user_id is None:
        return member
    handle = member.end_user_id.lower()
    is_fit = len(handle) <= HANDLE_CHARS_MAX and _HANDLE.fullmatch(handle) is not None
    if not is_fit or any(there.handle == handle for there in members):
        return member
    return structs.replace(member, handle=handle)


async def _store(transaction: Transaction, scope: Scope, member: Member) -> None:
    tenant = Tenant(scope.tenant_id)
    await transaction.insert_member(tenant, member)
    await transaction.append(tenant, member.thread_id, MemberAdded(member), None)
