"""Forgets what may be forgotten, in batches: sends, sessions past their time, deleted threads, files, dead nodes."""

import asyncio

from threadline.clock import Clock, rfc3339
from threadline.engine.attach import Attachments
from threadline.engine.files import Files
from threadline.errors import ShuttingDown, Unavailable
from threadline.journal.append import Journal
from threadline.limits import NODE_FORGOTTEN_SECONDS
from threadline.observe import log
from threadline.scopes import System
from threadline.store.contract import Transaction

_SWEEP = System("forget what may be forgotten")

SWEEP_SECONDS = 60.0
PAUSE_SECONDS = 0.05
"""Between two batches, so that the live streams have the writer to themselves most of the time."""


class Sweeper:
    """The sweeper of one node."""

    def __init__(
        self, journal: Journal, clock: Clock, idempotency_seconds: float, files: Files, attachments: Attachments
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._idempotency_seconds = idempotency_seconds
        self._files = files
        self._attachments = attachments

    async def run(self) -> None:
        """Sweep for ever; the caller owns the task."""
        while True:
            try:
                gone = await self.sweep() + await self._files.sweep() + await self._attachments.sweep()
            except Unavailable as error:
                log.warning("sweep_failed", detail=error.detail)
                gone = 0
            except ShuttingDown:
                return
            await asyncio.sleep(PAUSE_SECONDS if gone else SWEEP_SECONDS)

    async def sweep(self) -> int:
        """Remove one batch of each kind. Returns how many rows went."""
        now = rfc3339(self._clock.now_ms())
        before = rfc3339(self._clock.now_ms() - round(self._idempotency_seconds * 1000))

        async def script(transaction: Transaction) -> int:
            return (
                await transaction.sweep_sends(_SWEEP, before)
                + await transaction.sweep_sessions(_SWEEP, now)
                + await transaction.sweep_deleted(_SWEEP)
                + await transaction.sweep_nodes(_SWEEP, NODE_FORGOTTEN_SECONDS)
            )

        return await self._journal.write(_SWEEP, script)
