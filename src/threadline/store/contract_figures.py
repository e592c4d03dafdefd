"""The verbs of what nodes say of themselves, as part of `store/contract.py`: figures by minute, and who lives."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from threadline.ids import NodeId, RunId, TenantId, ThreadId
from threadline.records import RunStatus
from threadline.scopes import Scope, System


class FigureRow(Struct, frozen=True):
    """What a node has counted in one minute (since the epoch, by its clock), for one tenant or for all (`""`)."""

    tenant_id: str
    node_id: NodeId
    minute: int
    body: str


class Queue(Struct, frozen=True):
    """How many runs wait: for their turn or a node, and for somebody outside."""

    queued: int = 0
    waiting: int = 0


class OpenRun(Struct, frozen=True, kw_only=True):
    """A run that has not ended, as operators see it. `node_id` is who writes for it; None where nobody does."""

    tenant_id: TenantId
    run_id: RunId
    thread_id: ThreadId
    title: str | None
    end_user_id: str | None
    status: RunStatus
    model: str
    attempt: int
    created_at: str
    started_at: str | None
    node_id: NodeId | None


class FigureReader(Protocol):
    """The reading verbs."""

    async def figures(self, scope: Scope, since: int) -> list[FigureRow]:
        """Return what all nodes have counted for a tenant from that minute on, by minute and node."""
        ...

    async def figures_everywhere(self, system: System, since: int) -> list[FigureRow]:
        """Return what all nodes have counted for all tenants together."""
        ...

    async def queue_of(self, scope: Scope) -> Queue:
        """Return how many runs of a tenant wait."""
        ...

    async def queues(self, system: System) -> dict[TenantId, Queue]:
        """Return the same for each tenant that has any."""
        ...

    async def unfinished(
        self, system: System, tenant_id: TenantId | None, limit: int, after: RunId | None = None
    ) -> list[OpenRun]:
        """Return the runs that have not ended, of one tenant or of all, oldest first; those behind `after`."""
        ...

    async def live_nodes(self, system: System) -> list[NodeId]:
        """Return the nodes that have said lately that they live, by the store's clock."""
        ...


class FigureWriter(Protocol):
    """The writing verbs."""

    async def save_figures(self, system: System, rows: Sequence[FigureRow]) -> None:
        """Store what a node has counted so far; each row replaces the one before of its minute."""
        ...

    async def sweep_figures(self, system: System, before: int) -> int:
        """Forget what was counted before that minute. Returns how many rows went."""
        ...
