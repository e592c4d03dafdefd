"""The verbs of rooms: who takes part in a thread, and therefore reaches it."""

from threadline.agent_records import AgentId
from threadline.errors import Forbidden, NameTaken, NotFound
from threadline.ids import MessageId, TenantId, ThreadId
from threadline.room_records import Hop, Member, MemberId, MemberRole, Rename
from threadline.scopes import EndUser, Scope, System
from threadline.store.rows import HOPS, MEMBERS, RENAMES
from threadline.store.sql.statements import Row, Statements

_MEMBER = f"SELECT {', '.join(MEMBERS.columns)} FROM members WHERE tenant_id = ? AND thread_id = ?"
_SAVED = ("handle", "name", "role", "reply_policy")
_INSERT = (
    f"INSERT INTO members ({', '.join(MEMBERS.columns)}, tenant_id) "
    f"VALUES ({', '.join('?' * (len(MEMBERS.columns) + 1))}) ON CONFLICT DO NOTHING"
)


class MemberReader:
    """The reading verbs."""

    _sql: Statements

    async def members(self, scope: Scope, thread_id: ThreadId) -> list[Member]:
        """Return who takes part in a thread, in the order of their coming; nobody where it is no room.

        Raises NotFound.
        """
        await self.require_thread(scope, thread_id)
        rows = await self._sql.every(f"{_MEMBER} ORDER BY id", (scope.tenant_id, thread_id))
        return [MEMBERS.record(row) for row in rows]

    async def role(self, scope: Scope, thread_id: ThreadId) -> MemberRole:
        """Return what this scope may do in a thread: keys and the thread's end user are owners. Raises NotFound."""
        await self.require_thread(scope, thread_id)
        row = await self._owner_and_seq(scope.tenant_id, thread_id)
        assert row is not None, "just found"
        if not isinstance(scope, EndUser) or row[0] == scope.end_user_id:
            return "owner"
        role = await self._place(scope, thread_id)
        assert role is not None, "whoever reaches a thread has a role in it"
        return role

    async def hops(self, scope: Scope, thread_id: ThreadId, root_message_id: MessageId) -> list[Hop]:
        """Return which agents have called which since a message of a person. Raises NotFound."""
        await self.require_thread(scope, thread_id)
        rows = await self._sql.every(
            f"SELECT {', '.join(HOPS.columns)} FROM hops WHERE tenant_id = ? AND thread_id = ? AND root_message_id = ?",
            (scope.tenant_id, thread_id, root_message_id),
        )
        return [HOPS.record(row) for row in rows]

    async def renames(self, system: System, limit: int) -> list[Rename]:
        """Return agents that are called otherwise now and whose rooms have not all heard of it, in order."""
        rows = await self._sql.every(
            f"SELECT {', '.join(RENAMES.columns)} FROM renames ORDER BY tenant_id, agent_id, version LIMIT ?", (limit,)
        )
        return [RENAMES.record(row) for row in rows]

    async def members_of_agent(self, scope: Scope, agent_id: AgentId, after: ThreadId, limit: int) -> list[Member]:
        """List what an agent takes part as, by thread, from behind a thread on."""
        rows = await self._sql.every(
            f"SELECT {', '.join(MEMBERS.columns)} FROM members "
            "WHERE tenant_id = ? AND agent_id = ? AND thread_id > ? ORDER BY thread_id LIMIT ?",
            (scope.tenant_id, agent_id, after, limit),
        )
        return [MEMBERS.record(row) for row in rows]

    async def require_thread(self, scope: Scope, thread_id: ThreadId) -> int:
        """Raise NotFound where a thread is unknown, deleted or out of scope; return the seq that its row knows of."""
        raise NotImplementedError

    async def _owner_and_seq(self, tenant_id: TenantId, thread_id: ThreadId) -> Row | None:
        """Return the end user of a thread that is not deleted, and the seq that its row knows of."""
        raise NotImplementedError

    async def _reaches(self, scope: Scope, owner: str | None, thread_id: ThreadId) -> bool:
        """Whether a thread of `owner` is in scope: as its own end user, or as one who takes part."""
        if scope.may_reach(owner, thread_id):
            return True
        return isinstance(scope, EndUser) and await self._place(scope, thread_id) is not None

    async def _place(self, scope: EndUser, thread_id: ThreadId) -> MemberRole | None:
        """Return the role that a person has as a member."""
        if scope.thread_ids is not None and thread_id not in scope.thread_ids:
            return None
        row: Row | None = await self._sql.one(
            "SELECT role FROM members WHERE tenant_id = ? AND thread_id = ? AND end_user_id = ?",
            (scope.tenant_id, thread_id, scope.end_user_id),
        )
        return None if row is None else row[0]


class MemberWriter(MemberReader):
    """The writing verbs."""

    _places: dict[tuple[EndUser, ThreadId], MemberRole | None]
    """What was looked up in this transaction: nobody else changes who takes part while it has the thread."""

    async def require_writer(self, scope: Scope, thread_id: ThreadId) -> None:
        """Raise NotFound for whoever does not reach the thread, and Forbidden for whoever only reads it."""
        if not isinstance(scope, EndUser):
            await self.require_thread(scope, thread_id)
        elif await self.role(scope, thread_id) == "viewer":
            raise Forbidden("A viewer reads this thread and does not write to it.")

    async def insert_member(self, scope: Scope, member: Member) -> None:
        """Let somebody take part. Raises NameTaken for a handle that another one has, and for who is there already."""
        await self.require_writer(scope, member.thread_id)
        self._places.clear()
        if await self._sql.run(_INSERT, [*MEMBERS.values(member), scope.tenant_id]) != 1:
            raise NameTaken("Somebody in this thread has that handle already.", pointer="/handle")

    async def save_member(self, scope: Scope, member: Member) -> None:
        """Store what changed of a member. Raises NotFound and NameTaken."""
        await self.require_writer(scope, member.thread_id)
        key = (scope.tenant_id, member.thread_id, member.id)
        taken = await self._sql.one(
            "SELECT 1 FROM members WHERE tenant_id = ? AND thread_id = ? AND id <> ? AND handle = ?",
            (*key, member.handle),
        )
        if taken is not None:
            raise NameTaken("Somebody in this thread has that handle already.", pointer="/handle")
        self._places.clear()
        given = dict(zip(MEMBERS.columns, MEMBERS.values(member), strict=True))
        changed = await self._sql.run(
            f"UPDATE members SET {', '.join(f'{name} = ?' for name in _SAVED)} "
            "WHERE tenant_id = ? AND thread_id = ? AND id = ?",
            [*(given[name] for name in _SAVED), *key],
        )
        if changed != 1:
            raise NotFound

    async def insert_hop(self, scope: Scope, hop: Hop) -> None:
        """Note that an agent has called another one."""
        await self.require_writer(scope, hop.thread_id)
        columns = (*HOPS.columns, "tenant_id")
        await self._sql.run(
            f"INSERT INTO hops ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            [*HOPS.values(hop), scope.tenant_id],
        )

    async def insert_rename(self, scope: Scope, rename: Rename) -> None:
        """Note that an agent is called otherwise, for the rooms that it is in."""
        assert rename.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        columns = RENAMES.columns
        await self._sql.run(
            f"INSERT INTO renames ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            RENAMES.values(rename),
        )

    async def drop_rename(self, system: System, rename: Rename) -> None:
        """Note that all rooms have heard of it."""
        await self._sql.run(
            "DELETE FROM renames WHERE tenant_id = ? AND agent_id = ? AND version = ?",
            (rename.tenant_id, rename.agent_id, rename.version),
        )

    async def drop_member(self, scope: Scope, thread_id: ThreadId, member_id: MemberId) -> None:
        """Let somebody take part no more. Raises NotFound."""
        await self.require_writer(scope, thread_id)
        self._places.clear()
        gone = await self._sql.run(
            "DELETE FROM members WHERE tenant_id = ? AND thread_id = ? AND id = ?",
            (scope.tenant_id, thread_id, member_id),
        )
        if gone != 1:
            raise NotFound
