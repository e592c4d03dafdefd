"""The verbs of rooms, as part of `store/contract.py`."""

from typing import Protocol

from threadline.ids import MessageId, ThreadId
from threadline.room_records import Hop, Member, MemberId, MemberRole
from threadline.scopes import Scope


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

    async def drop_member(self, scope: Scope, thread_id: ThreadId, member_id: MemberId) -> None:
        """Let somebody take part no more. Raises NotFound."""
        ...
