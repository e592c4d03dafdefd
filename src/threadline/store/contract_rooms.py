"""The verbs of rooms, as part of `store/contract.py`."""

from typing import Protocol

from threadline.agent_records import AgentId
from threadline.ids import MessageId, ThreadId
from threadline.room_records import Hop, Member, MemberId, MemberRole, Rename
from threadline.scopes import Scope, System


class RoomReader(Protocol):
    """The reading verbs."""

    async def members(self, scope: Scope, thread_id: ThreadId) -> list[Member]:
        """Return who takes part in a thread, in the order of their coming; nobody where it is no room.

        Raises NotFound.
        """
        ...

    async def role(self, scope: Scope, thread_id: ThreadId) -> MemberRole:
        """Return what this scope may do in a thread: keys and the thread's end user are owners. Raises NotFound."""
        ...

    async def hops(self, scope: Scope, thread_id: ThreadId, root_message_id: MessageId) -> list[Hop]:
        """Return which agents have called which since a message of a person. Raises NotFound."""
        ...

    async def renames(self, system: System, limit: int) -> list[Rename]:
        """Return agents that are called otherwise now and whose rooms have not all heard of it, in order."""
        ...

    async def members_of_agent(self, scope: Scope, agent_id: AgentId, after: ThreadId, limit: int) -> list[Member]:
        """List what an agent takes part as, by thread, from behind a thread on."""
        ...


class RoomTransaction(RoomReader, Protocol):
    """The writing verbs."""

    async def require_writer(self, scope: Scope, thread_id: ThreadId) -> None:
        """Raise NotFound for whoever does not reach the thread, and Forbidden for whoever only reads it."""
        ...

    async def insert_member(self, scope: Scope, member: Member) -> None:
        """Let somebody take part. Raises NameTaken for a handle that another one has, and for who is there already."""
        ...

    async def save_member(self, scope: Scope, member: Member) -> None:
        """Store what changed of a member. Raises NotFound and NameTaken."""
        ...

    async def insert_hop(self, scope: Scope, hop: Hop) -> None:
        """Note that an agent has called another one."""
        ...

    async def insert_rename(self, scope: Scope, rename: Rename) -> None:
        """Note that an agent is called otherwise, for the rooms that it is in."""
        ...

    async def drop_rename(self, system: System, rename: Rename) -> None:
        """Note that all rooms have heard of it."""
        ...

    async def drop_member(self, scope: Scope, thread_id: ThreadId, member_id: MemberId) -> None:
        """Let somebody take part no more. Raises NotFound."""
        ...
