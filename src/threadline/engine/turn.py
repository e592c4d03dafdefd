"""A token, stop 2 of 8: a run reads its provider. Before: `providers/contract.py`; next: `engine/batch.py`.

A turn has an owner (the scheduler's task) and outlives every client. It ends in words, whatever happens: what a
provider does is caught here, what nobody foresaw is caught by the supervisor in `engine/schedule.py`.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Literal

from threadline.clock import Clock
from threadline.engine.batch import Batch
from threadline.engine.claim import Claim
from threadline.engine.turns import Ending, EndStatus, failure
from threadline.errors import NoReaders, ProviderFailure, ProviderTimeout, RunExpired, RunFailure
from threadline.ids import RunId
from threadline.journal.append import Journal
from threadline.observe import Metrics
from threadline.providers.contract import Chunk, Poll, Prompt, Provider

StopReason = Literal["cancelled", "no_readers", "drained", "lease_lost", "first_chunk", "no_progress", "expired"]


SILENT_POLLS_MAX = 8
"""Polls that may find nothing before the turn goes back to sleeping until something comes: a model that thinks costs
nothing."""


class Turn:
    """One attempt in progress. `stop` ends it from outside, also in the middle of a stalled read."""

    def __init__(self, claim: Claim, journal: Journal, clock: Clock, metrics: Metrics) -> None:
        self.claim = claim
        self.run_id: RunId = claim.row.run.id
        self.batch = Batch(claim.attempt, claim.row.run.model.partition("/")[0], claim.kept)
        self.stopped_by: StopReason | None = None
        self.end_user_id: str | None = None
        self.is_waiting = False
        self.goes_on_as: Claim | None = None
        "The attempt that goes on behind what was handed to this one."
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        self._pieces = metrics.tallies.pieces
        self._started = clock.monotonic()
        self._progress_at = self._asked_at = self._started
        self._has_begun = False
        self._is_asking = False
        self._reading: asyncio.Task[None] | None = None

    @property
    def seconds(self) -> float:
        """How long this attempt has been going."""
        return self._clock.monotonic() - self._started

    def stop(self, reason: StopReason) -> None:
        """End the attempt. The first reason counts."""
        if self.stopped_by is None:
            self.stopped_by = reason
            if self._reading is not None:
                self._reading.cancel()

    def check_time(
        self, first_chunk_seconds: float, no_progress_seconds: float, run_seconds: float, overslept_seconds: float
    ) -> None:
        """Stop the attempt where its provider is silent for too long. Called by the scheduler's timer.

        `overslept_seconds` is for how long this process has taken no steps since the last call.
        """
        now = self._clock.monotonic()
        # What a provider has said to a process that was stopped, that process has not heard yet.
        self._progress_at = min(now, self._progress_at + overslept_seconds)
        if not self._journal.is_writable or not self._is_asking:
            # It is our store that makes no progress, or a tool, which has a time of its own: not the provider's fault.
            self._progress_at = now
        if self.batch.is_refused:
            self.stop("lease_lost")
        elif now - self._started > run_seconds:
            self.stop("expired")
        elif now - self._progress_at > (no_progress_seconds if self._has_begun else first_chunk_seconds):
            self.stop("no_progress" if self._has_begun else "first_chunk")

    async def answer(self, work: Coroutine[None, None, None]) -> Ending | None:
        """Do the work of the answer to its end. Returns how the run ends; None where `stop` says not here.

        Cancellation from outside (the process goes down at once) is passed on: the lease lapses, and another attempt
        takes over.
        """
        error: ProviderFailure | None = None
        self._reading = asyncio.current_task()
        try:
            if self.stopped_by is None:
                await work
        except ProviderFailure as failed:
            error = failed
        except asyncio.CancelledError:
            if self.stopped_by is None:
                raise
            task = asyncio.current_task()
            assert task is not None, "this is a task"
            task.uncancel()
        finally:
            self._reading = None
            work.close()
        return self.ending(error)

    async def read(self, provider: Provider, prompt: Prompt) -> None:
        """Read one answer of the provider to its end. Raises ProviderFailure."""
        with self._asking():
            await self._read(provider, prompt)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """The provider's clock runs while it is asked, and not while a store or a tool takes its time."""
        self._is_asking, self._has_begun = True, False
        self._progress_at = self._asked_at = self._clock.monotonic()
        try:
            yield
        finally:
            self._is_asking = False

    async def _read(self, provider: Provider, prompt: Prompt) -> None:
        async with aclosing(provider.stream(prompt)) as stream:
            # Asked for by its name: to hold a whole protocol against an object takes longer than a poll.
            poll: Poll | None = getattr(stream, "poll", None)
            async for chunks in stream:
                self._take(chunks)
                if self.batch.is_full:
                    await self.batch.wait_for_room()
                if not self._journal.is_writable:
                    await self._journal.wait_until_writable()
                if poll is not None:
                    await self._poll(poll)
                if self.batch.is_refused:
                    self.stopped_by = self.stopped_by or "lease_lost"
                    return

    async def _poll(self, poll: Poll) -> None:
        """Let the writer read the provider while words keep coming. Raises ProviderFailure."""
        silent = 0
        failed: ProviderFailure | None = None

        def take_in() -> bool:
            nonlocal silent, failed
            if self.batch.is_refused:
                return False
            if self.batch.is_full:
                return True
            chunks = poll()
            if not chunks:
                silent += 1
                return chunks is not None and silent <= SILENT_POLLS_MAX
            silent = 0
            try:
                self._take(chunks)
            except ProviderFailure as error:
                failed = error
            return failed is None

        await self._journal.poll_while(take_in)
        if failed is not None:
            raise failed

    def _take(self, chunks: Sequence[Chunk]) -> None:
        now = self._clock.monotonic()
        if self._has_begun:
            self._metrics.inter_token.observe(now - self._progress_at)
        else:
            self._metrics.first_token_came(self.claim.row.tenant_id, now - self._asked_at)
        self._progress_at = now
        self._pieces[self.claim.row.tenant_id] += len(chunks)
        self.batch.add(chunks)
        self._journal.offer(self.batch, urgent=not self._has_begun)
        self._has_begun = True

    def ending(self, error: ProviderFailure | None = None) -> Ending | None:
        """Return how the run ends, now that the attempt is over; None where it does not end here."""
        match self.stopped_by:
            case "drained" | "lease_lost":
                return None
            case "cancelled":
                return self._end("cancelled")
            case "no_readers":
                return self._end("cancelled", NoReaders())
            case "expired":
                return self._end("expired", RunExpired())
            case "first_chunk":
                return self._end("failed", ProviderTimeout("The model provider sent nothing in time."))
            case "no_progress":
                return self._end("failed", ProviderTimeout("The model provider fell silent in mid-answer."))
            case None if error is not None:
                return self._end("failed", error)
            case None:
                return self._end("completed")

    def _end(self, status: EndStatus, error: RunFailure | None = None) -> Ending:
        return Ending(
            status,
            content=self.batch.content(),
            usage=self.batch.usage,
            finish_reason=self.batch.finish_reason if status == "completed" else None,
            error=failure(error) if error else None,
        )
