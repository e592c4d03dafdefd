"""Packs the deltas of ended attempts, after the commit that ended them and never in it.

Normally from memory, where the turn has just had them; what a crash left is read from the table once. A long answer
that holds back the pruning of everybody's deltas is packed in part. Nothing is lost: see `store/packing.py`.
"""

import asyncio
from collections.abc import Sequence

from threadline.errors import ShuttingDown, Unavailable
from threadline.events import MessageDelta
from threadline.journal.append import Journal
from threadline.limits import DELTA_ROWS_BEHIND_MAX
from threadline.observe import log
from threadline.scopes import System
from threadline.store.contract import AttemptRow, Reader, Store, Transaction
from threadline.store.packing import pack_of

_PACK = System("pack the deltas of ended attempts")

PACK_SECONDS = 0.5
"""Ended attempts are packed together, at most this often."""

SWEEP_SECONDS = 30.0
"""How often the table itself is asked for attempts that were missed."""

ATTEMPTS_PER_PACK = 16
"""So that no pack transaction makes the live streams wait for long."""

Deltas = Sequence[tuple[int, MessageDelta]]


class Packer:
    """The packer of one node."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal
        self._ended: list[tuple[AttemptRow, Deltas]] = []

    def add(self, attempt: AttemptRow, deltas: Deltas) -> None:
        """Take an attempt that has just ended, with all of its deltas."""
        self._ended.append((attempt, deltas))

    async def run(self) -> None:
        """Pack for ever; the caller owns the task. Begins with what an earlier process left."""
        since_sweep = SWEEP_SECONDS
        while True:
            try:
                if since_sweep >= SWEEP_SECONDS:
                    since_sweep = 0.0
                    await self.sweep()
                await self.pack_ended()
            except Unavailable as error:
                log.warning("pack_failed", detail=error.detail)
            except ShuttingDown:
                return
            await asyncio.sleep(PACK_SECONDS)
            since_sweep += PACK_SECONDS

    async def pack_ended(self) -> None:
        """Pack what has been added. What cannot be written now is found by the next sweep."""
        while self._ended:
            some, self._ended = self._ended[:ATTEMPTS_PER_PACK], self._ended[ATTEMPTS_PER_PACK:]
            await self._write(some)
            await asyncio.sleep(0)

    async def sweep(self) -> None:
        """Pack what nobody has added: attempts of a process that died, and part of what lags far behind."""

        async def find(reader: Reader) -> list[AttemptRow]:
            return await reader.unpacked_attempts(_PACK)

        added = {(attempt.run_id, attempt.epoch) for attempt, _ in self._ended}
        for attempt in await self._store.read(_PACK, find):
            if (attempt.run_id, attempt.epoch) in added:
                continue
            if attempt.last_seq is not None or attempt.rows_behind > DELTA_ROWS_BEHIND_MAX:
                # An attempt that ends after this look has said more than was read: the next sweep packs the rest.
                await self._write([(attempt, await self._stored(attempt))], are_whole=attempt.last_seq is not None)

    async def _stored(self, attempt: AttemptRow) -> Deltas:
        async def read(reader: Reader) -> Deltas:
            return await reader.deltas(_PACK, attempt)

        return await self._store.read(_PACK, read)

    async def _write(self, attempts: Sequence[tuple[AttemptRow, Deltas]], are_whole: bool = True) -> None:
        async def script(transaction: Transaction) -> None:
            for attempt, deltas in attempts:
                await _pack_one(transaction, attempt, deltas, are_whole)
            await transaction.prune_deltas(_PACK)

        await self._journal.write(_PACK, script)


async def _pack_one(transaction: Transaction, attempt: AttemptRow, deltas: Deltas, is_whole: bool) -> None:
    unpacked = await transaction.unpacked_attempt(_PACK, attempt)
    if unpacked is None:
        # Somebody was quicker, or the thread is gone.
        return
    left = [(seq, delta) for seq, delta in deltas if seq >= unpacked.first_seq]
    if left:
        pack = pack_of(attempt.run_id, attempt.message_id, attempt.epoch, left)
        await transaction.insert_pack(_PACK, attempt, pack, is_last=is_whole and unpacked.last_seq is not None)
    elif is_whole and unpacked.last_seq is not None:
        await transaction.forget_attempt(_PACK, attempt)
