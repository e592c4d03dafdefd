"""One owner for each run: a lease says which node writes for it, its epoch fences off everybody before.

A lease holds for as long as its node renews *itself*: one row for each node, not one for each run. Every append of a
run carries the epoch, and the store refuses an older one, so a process that wakes up after its time can write nothing.
"""

import asyncio
import math

from threadline.clock import Clock
from threadline.errors import LeaseLost, Unavailable
from threadline.ids import NodeId, RunId
from threadline.journal.append import Journal
from threadline.observe import log
from threadline.scopes import System
from threadline.store.contract import Reader, RunRow, Transaction, Write

_LEASE = System("who writes for a run")


class Leases:
    """The leases of one node."""

    def __init__(self, journal: Journal, node_id: NodeId, ttl_seconds: float, clock: Clock) -> None:
        self.node_id = node_id
        self._journal = journal
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._renewed_at = -math.inf
        journal.probe_with(Write(_LEASE, self._renewal))

    @property
    def patience_seconds(self) -> float:
        """How long the others may take to renew, once they can again: two of their turns."""
        return self._ttl_seconds * 2 / 3

    async def begin_alone(self) -> None:
        """Say that this node lives and no other: an earlier process's runs are free at once, not when its time is up.

        Only where the data folder's lock says so. Raises Unavailable.
        """

        async def script(transaction: Transaction) -> None:
            await transaction.forget_nodes(_LEASE)
            await transaction.renew_node(_LEASE, self.node_id, self._ttl_seconds)

        await self._journal.write(_LEASE, script)
        self._renewed_at = self._clock.monotonic()

    async def begin(self) -> None:
        """Say that this node lives, for the first time; a store that is away is waited for."""
        await self._journal.write_patiently(_LEASE, self._renewal)
        self._renewed_at = self._clock.monotonic()

    async def bury(self, node_id: NodeId) -> None:
        """Say that another node is dead: its runs are free at once. Only for whoever saw it end. Raises Unavailable."""

        async def script(transaction: Transaction) -> None:
            await transaction.renew_node(_LEASE, node_id, 0.0)

        await self._journal.write(_LEASE, script)

    async def renew(self) -> None:
        """Say that this node lives. Raises Unavailable."""
        begun = self._clock.monotonic()
        await self._journal.write(_LEASE, self._renewal)
        self._renewed_at = begun

    async def renew_forever(self) -> None:
        """Renew in time, with two tries to spare. The caller owns the task."""
        while True:
            await asyncio.sleep(self._ttl_seconds / 3)
            try:
                await self.renew()
            except Unavailable as error:
                log.warning("lease_not_renewed", detail=error.detail)

    async def _renewal(self, transaction: Transaction) -> None:
        await transaction.renew_node(_LEASE, self.node_id, self._ttl_seconds)

    async def is_free(self, transaction: Transaction, row: RunRow) -> bool:
        """Whether this node may take the run: nobody has it, or nobody who lives, or this node itself."""
        lease = await transaction.lease(_LEASE, row.run.id)
        return lease is None or not lease.is_live or lease.node_id == self.node_id

    async def is_own(self, transaction: Transaction, run_id: RunId, epoch: int) -> bool:
        """Whether this node has the lease of a run, under this epoch."""
        lease = await transaction.lease(_LEASE, run_id)
        return lease is not None and (lease.node_id, lease.epoch) == (self.node_id, epoch)

    async def held(self, reader: Reader) -> dict[RunId, bool]:
        """Return the runs that this node writes for, and of each whether somebody has asked for it to stop."""
        return await reader.leases_of(_LEASE, self.node_id)

    async def take(self, transaction: Transaction, row: RunRow, epoch: int) -> None:
        """Become the one that writes for this run, from `epoch` on."""
        if self._clock.monotonic() - self._renewed_at > self._ttl_seconds / 2:
            # After a pause or an outage our own time may be up: whoever looks next would take the run from us at once.
            await self._renewal(transaction)
        await transaction.take_lease(_LEASE, row, self.node_id, epoch)


async def require_lease(transaction: Transaction, run_id: RunId, epoch: int) -> None:
    """Check the fence inside a script. Raises LeaseLost where another attempt owns the run."""
    lease = await transaction.lease(_LEASE, run_id)
    if lease is None or lease.epoch != epoch:
        raise LeaseLost


async def end_lease(transaction: Transaction, run_id: RunId) -> None:
    """Let nobody write for this run any more, until somebody takes it."""
    await transaction.drop_lease(_LEASE, run_id)
