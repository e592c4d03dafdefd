"""Writes down what becomes of the calls of one attempt. What comes at the same moment shares a commit.

Calls of one round are begun together, and often end together. Each has its row and its events on disk before anybody
acts on them, as if it were alone (promise 7); what they share is the transaction, and with it the locks, the look at
the lease and the sync. The commit that ends calls also says whether somebody has something for the answer, so that
nobody has to ask.
"""

import asyncio
from collections.abc import Sequence

from msgspec import structs

from threadline.clock import Clock
from threadline.engine.batch import Batch
from threadline.engine.calls import Opening, Place, asked_calls, begin_calls, record_calls, settle_calls
from threadline.engine.claim import Claim
from threadline.engine.steer import is_steered
from threadline.ids import IdMaker
from threadline.journal.append import Journal
from threadline.journal.lease import require_lease
from threadline.scopes import System, Tenant
from threadline.store.contract import RunRow, Transaction
from threadline.tool_calls import ToolCall
from threadline.tools.contract import Result

_CALLS = System("write down what becomes of the tool calls of a run of this node")


class _Note:
    """What is to be written down: that a call begins, or, with a result, that it has ended."""

    __slots__ = ("call", "result", "written")

    def __init__(self, call: ToolCall, result: Result | None) -> None:
        self.call = call
        self.result = result
        self.written: ToolCall | None = None


class Ledger:
    """Begins and ends the calls of one attempt, on disk."""

    def __init__(self, claim: Claim, journal: Journal, clock: Clock) -> None:
        self._claim = claim
        self._journal = journal
        self._clock = clock
        self._scope = Tenant(claim.row.tenant_id)
        self._waiting: list[_Note] = []
        self._turn = asyncio.Lock()
        self._has_mail: bool | None = None

    async def record(self, batch: Batch, asked: Sequence[ToolCall], opening: Opening) -> list[ToolCall]:
        """Write a round down behind its words: what was asked for, the first steps of it, and the answer so far.

        One commit, since between "asked for" and "begun" nobody has to do anything where nobody is asked. Raises
        LeaseLost.
        """
        content, usage = batch.content(), batch.usage

        async def script(transaction: Transaction) -> list[ToolCall]:
            await self._require_lease(transaction)
            row = await transaction.run(self._scope, self._claim.row.run.id)
            calls = await record_calls(transaction, row, asked, self._clock.now_ms(), opening)
            message = await transaction.message(self._scope, self._claim.attempt.message_id)
            await transaction.save_message(self._scope, structs.replace(message, content=content))
            await transaction.save_run(self._scope, structs.replace(row, spent=usage))
            return calls

        return await self._journal.write_patiently(_CALLS, script, after=batch)

    async def begin(self, call: ToolCall) -> ToolCall:
        """Say that a call is about to be made. Raises LeaseLost."""
        (begun,) = await self._write([_Note(call, None)])
        return begun

    async def settle(self, outcomes: Sequence[tuple[ToolCall, Result]]) -> list[ToolCall]:
        """Give calls their outcomes. Raises LeaseLost."""
        return await self._write([_Note(call, result) for call, result in outcomes])

    def take_mail(self) -> bool | None:
        """Say whether somebody had something for the answer when its last calls ended; None where none has since."""
        has_mail, self._has_mail = self._has_mail, None
        return has_mail

    async def _write(self, notes: Sequence[_Note]) -> list[ToolCall]:
        self._waiting += notes
        try:
            async with self._turn:
                if any(note.written is None for note in notes):
                    # Whoever takes a step in this moment may have something for the same commit.
                    await asyncio.sleep(0)
                    await self._commit(list(self._waiting))
        finally:
            self._waiting = [each for each in self._waiting if each not in notes]
        return [note.written for note in notes if note.written is not None]

    async def _commit(self, notes: Sequence[_Note]) -> None:
        """Write down what all these want. Where that fails, each of them tries once more, for itself and the others."""
        begins = [note.call for note in notes if note.result is None]
        outcomes = [(note.call, note.result) for note in notes if note.result is not None]

        async def script(transaction: Transaction) -> tuple[list[ToolCall], bool | None]:
            await self._require_lease(transaction)
            now_ms = self._clock.now_ms()
            settled = await settle_calls(transaction, self._scope, outcomes, now_ms)
            begun = await begin_calls(transaction, self._scope, begins, now_ms)
            has_mail = await is_steered(transaction, self._claim.row) if outcomes else None
            return [*settled, *begun], has_mail

        written, self._has_mail = await self._journal.write_patiently(_CALLS, script)
        by_id = {call.id: call for call in written}
        for note in notes:
            note.written = by_id[note.call.id]
        self._waiting = [each for each in self._waiting if each.written is None]

    async def _require_lease(self, transaction: Transaction) -> None:
        await require_lease(transaction, self._claim.row.run.id, self._claim.attempt.epoch)


async def record_rest(transaction: Transaction, row: RunRow, batch: Batch, ids: IdMaker, now_ms: int) -> None:
    """Store the requests of an answer that ends in the middle of asking, so that they get their outcomes with it."""
    requests = batch.requests()
    if not requests:
        return
    calls = await transaction.calls_of_run(Tenant(row.tenant_id), row.run.thread_id, row.run.id)
    # Some may stand there: a stop may have come between the commit that holds them and the news of it.
    known = {call.tool_use_id for call in calls}
    rest = [request for request in requests if request.tool_use_id not in known]
    rounds = max((call.round for call in calls), default=0)
    place = Place(row, batch.attempt.message_id, rounds + 1, batch.next_block)
    await record_calls(transaction, row, asked_calls(place, rest, {}, ids, now_ms), now_ms)
