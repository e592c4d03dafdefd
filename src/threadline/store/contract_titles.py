"""What a store can say of titles that are to be made, and of those that a person has written."""

from typing import Protocol

from threadline.ids import TenantId, ThreadId
from threadline.scopes import Scope, System


class TitleReader(Protocol):
    """The reading verbs."""

    async def untitled(self, system: System, active_since: str, limit: int) -> list[tuple[TenantId, ThreadId]]:
        """Return threads with an exchange and no title, that nobody has edited one of and nobody is making one for."""
        ...

    async def may_title(self, system: System, tenant_id: TenantId, thread_id: ThreadId) -> bool:
        """Whether nobody has written or emptied the title of a thread by hand."""
        ...


class TitleWriter(Protocol):
    """The writing verbs."""

    async def claim_title(self, system: System, tenant_id: TenantId, thread_id: ThreadId, seconds: float) -> bool:
        """Keep others from making this title for so long, by the store's clock. False: somebody does already."""
        ...

    async def note_edited_title(self, scope: Scope, thread_id: ThreadId) -> None:
        """Note that somebody has written or emptied the title: none is made any more. Raises NotFound."""
        ...
