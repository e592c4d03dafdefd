"""Owns the running turns of one node: claims runs, supervises them, finds those that nobody owns.

A run is looked for in three ways, so that none depends on a message that may be lost: whoever gives it the turn says so
(`nudge`), a timer asks the store, and a reader that finds a run without an owner pokes the timer.

What other nodes want of a run that is answered here stands in the store: a wish to stop, or a lease that is another's
by now. It is looked for when the bus says that somebody has been at the thread (`hear`), and on a timer behind that.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import TypeVar

from msgspec import Struct, structs

from threadline.agent_records import Agent
from threadline.bus.contract import Nudge
from threadline.clock import Clock
from threadline.engine.claim import Claim, Settled, claim
from threadline.engine.hands import Hands
from threadline.engine.ledger import record_rest
from threadline.engine.loop import LoopLimits, ToolLoop, selection_of
from threadline.engine.pack import Packer
from threadline.engine.prompt import build_prompt
from threadline.engine.rooms import call_on
from threadline.engine.steer import Said, hand_in, is_steered
from threadline.engine.turn import StopReason, Turn
from threadline.engine.turns import Ending, end_run, failure
from threadline.engine.waiting import begin_to_wait
from threadline.errors import LeaseLost, ModelUnknown, NotFound, ProviderRefused, RunFailure, ShuttingDown, Unavailable
from threadline.ids import IdMaker, RunId, TenantId, ThreadId
from threadline.journal.append import Journal
from threadline.journal.lease import Leases, end_lease, require_lease
from threadline.journal.window import Windows
from threadline.limits import PROMPT_MESSAGES_MAX
from threadline.observe import Metrics, log
from threadline.providers.contract import Prompt, Provider
from threadline.records import Message, RunOptions, Thread
from threadline.scopes import Scope, System, Tenant
from threadline.store.contract import Reader, RunRow, Store, Transaction
from threadline.store.contract_branches import BranchQuery
from threadline.tool_calls import ToolCall
from threadline.tools.contract import Offer, Toolbox

T = TypeVar("T")

_FIND = System("find runs that nobody owns")
_CLAIM = System("claim a run")
_HELD = System("see which runs of this node are to stop")
_STEER = System("hand in what was sent to an answer of this node")
_END = System("end or give back a run of this node")

HISTORY_RETRY_SECONDS = 0.5
"""How soon a store that did not give the history is asked again."""

GIVE_BACK_SECONDS = 5.0
"""How long runs may take to be given back. Where the store is away their leases lapse instead."""

ResolveProvider = Callable[[str], tuple[Provider, str]]
"""`provider/model` -> (the provider, its own name of the model). Raises ModelUnknown."""


Attach = Callable[[TenantId, Provider, Prompt, bool], Awaitable[Prompt]]
"""`Attachments.attach`. Raises ProviderFailure and Unavailable."""


class RunTimes(Struct, frozen=True):
    """How long the parts of a run may take, in seconds, and how often a run may be attempted."""

    first_chunk_seconds: float = 60.0
    no_progress_seconds: float = 60.0
    run_seconds: float = 3600.0
    reap_seconds: float = 2.0
    attempts_max: int = 3


async def _as_it_is(tenant_id: TenantId, provider: Provider, prompt: Prompt, is_again: bool) -> Prompt:
    return prompt


class Scheduler:
    """The running turns of one node."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        windows: Windows,
        leases: Leases,
        resolve: ResolveProvider,
        packer: Packer,
        ids: IdMaker,
        clock: Clock,
        metrics: Metrics,
        times: RunTimes,
        toolbox: Toolbox,
        tool_limits: LoopLimits | None = None,
        attach: Attach = _as_it_is,
    ) -> None:
        self._store = store
        self._journal = journal
        self._windows = windows
        self._leases = leases
        self._resolve = resolve
        self._packer = packer
        self._ids = ids
        self._clock = clock
        self._metrics = metrics
        self._times = times
        self._toolbox = toolbox
        self._tool_limits = tool_limits or LoopLimits()
        self._hands = Hands(clock, metrics)
        self._attach = attach
        self._owned: dict[RunId, Turn | None] = {}
        self._stops: dict[RunId, StopReason] = {}
        self._is_store_away = False
        self._store_back_at = -math.inf
        self._reaped_at = math.inf
        self._tasks: asyncio.TaskGroup | None = None
        self._threads: dict[ThreadId, RunId] = {}
        self._poked = asyncio.Event()
        self._told = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self.is_draining = False

    async def run(self) -> None:
        """Find and answer runs for ever; the caller owns the task, and the turns live in a group of it."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._watch_times())
                self._tasks.create_task(self._watch_wishes())
                while True:
                    await self._reap()
                    await self._wait_for(self._poked)
        finally:
            await self._hands.close()

    def nudge(self, row: RunRow) -> None:
        """Hear that a run has the turn and wants an owner."""
        run_id = row.run.id
        if self.is_draining or self._tasks is None or run_id in self._owned:
            return
        self._owned[run_id] = None
        self._threads[row.run.thread_id] = run_id
        self._is_idle.clear()
        self._windows.hold(row.run.thread_id)
        self._tasks.create_task(self._supervise(row), name=f"run {run_id}")

    async def check_tools(self, scope: Scope, options: RunOptions) -> None:
        """Look at what a send wants to use before it is stored. Raises InvalidRequest for a tool that is not there."""
        selection = selection_of(options, None)
        if selection is not None:
            await self._toolbox.check(scope, selection)

    def poke(self) -> None:
        """Look for runs without an owner now, not at the next tick."""
        self._poked.set()

    def hear(self, nudges: Sequence[Nudge]) -> None:
        """Take nudges from the bus: whoever was at the thread of a run of ours may want it to stop."""
        if any(nudge.thread_id in self._threads for nudge in nudges):
            self._told.set()

    def owns(self, run_id: RunId) -> bool:
        """Whether this node is answering that run."""
        return run_id in self._owned

    def stop(self, run_id: RunId, reason: StopReason) -> bool:
        """End a run's attempt, if it is this node's. The durable wish stands in its row already."""
        if run_id not in self._owned:
            return False
        turn = self._owned[run_id]
        if turn is None:
            # Between its claim and its first read; the turn asks when it begins.
            self._stops[run_id] = reason
        else:
            turn.stop(reason)
        return True

    async def drain(self, grace_seconds: float) -> None:
        """Take no new runs, let the running ones finish for `grace_seconds`, then give the rest back."""
        self.is_draining = True
        try:
            async with asyncio.timeout(grace_seconds):
                await self._is_idle.wait()
        except TimeoutError:
            log.info("drain_gives_back", runs=len(self._owned))
        for run_id in list(self._owned):
            self.stop(run_id, "drained")
        try:
            async with asyncio.timeout(GIVE_BACK_SECONDS):
                await self._is_idle.wait()
        except TimeoutError:
            log.warning("drain_given_up", runs=len(self._owned))

    async def _supervise(self, row: RunRow) -> None:
        """Answer one run. Never raises into the group: one bad run would cancel all others."""
        run_id, thread_id = row.run.id, row.run.thread_id
        self._metrics.running += 1
        self._metrics.tallies.running[row.tenant_id] += 1
        next_run: RunRow | None = None
        try:
            next_run = await self._answer(row)
        except (LeaseLost, NotFound, ShuttingDown, Unavailable):
            # Another node has it, its thread was deleted meanwhile, or it could not be given back: its lease lapses.
            log.info("run_given_up", run_id=run_id, thread_id=thread_id)
        except Exception as error:
            log.exception("run_supervisor_failed", run_id=run_id, thread_id=thread_id, error=repr(error))
        finally:
            self._metrics.running -= 1
            self._metrics.tallies.running[row.tenant_id] -= 1
            self._disown(run_id, thread_id)
        if next_run is not None:
            self.nudge(next_run)

    def _disown(self, run_id: RunId, thread_id: ThreadId) -> None:
        del self._owned[run_id]
        self._stops.pop(run_id, None)
        if self._threads.get(thread_id) == run_id:
            del self._threads[thread_id]
        self._windows.release(thread_id)
        if not self._owned:
            self._is_idle.set()

    async def _answer(self, row: RunRow) -> RunRow | None:
        claimed = await self._journal.write_patiently(_CLAIM, self._claim_script(row))
        if isinstance(claimed, Settled):
            if claimed.ending is not None:
                self._count_end(row, claimed.ending, None)
            return claimed.next_run
        self._count_start(claimed)
        turn = self._take_up(claimed, self._stops.pop(row.run.id, None))
        ending = await self._ending_of(turn)
        while turn.goes_on_as is not None:
            self._packer.add(turn.claim.attempt, turn.batch.committed)
            turn = self._take_up(turn.goes_on_as, turn.stopped_by)
            ending = await self._ending_of(turn)
        if ending is not None:
            return await self._end(turn, ending)
        if turn.is_waiting:
            self._rest(turn)
        else:
            await self._give_back(turn)
        return None

    def _take_up(self, claimed: Claim, reason: StopReason | None) -> Turn:
        """Begin an attempt; `reason` is why it is to stop, where somebody has said so already."""
        turn = Turn(claimed, self._journal, self._clock, self._metrics)
        self._owned[turn.run_id] = turn
        if reason is not None:
            turn.stop(reason)
        return turn

    async def _ending_of(self, turn: Turn) -> Ending | None:
        run = turn.claim.row.run
        try:
            return await self._work(turn, await self._prepare(turn))
        except (LeaseLost, NotFound, ShuttingDown):
            raise
        except Unavailable:
            # Stopped while the store was away: before its first word.
            return turn.ending()
        except Exception as error:
            # Whatever nobody foresaw still ends the run in words; no spinner without an owner.
            log.exception("run_failed_unforeseen", run_id=run.id, thread_id=run.thread_id, error=repr(error))
            return Ending("failed", content=turn.batch.content(), error=failure(RunFailure()))

    async def _work(self, turn: Turn, loop: ToolLoop) -> Ending | None:
        """Answer, until the answer has ended or waits for somebody outside."""
        attempt = turn.claim.attempt

        async def begin_to_wait_(transaction: Transaction) -> list[ToolCall] | None:
            seconds = self._tool_limits.wait_seconds
            return await begin_to_wait(transaction, attempt, turn.batch.usage, seconds, self._clock.now_ms())

        while True:
            ending = await turn.answer(loop.work())
            if turn.stopped_by is not None or not (loop.waits or loop.has_mail):
                return ending
            if loop.has_mail:
                turn.goes_on_as = await self._hand_in(turn)
                if turn.goes_on_as is not None:
                    return None
                # It was withdrawn meanwhile.
                continue
            calls = await self._journal.write_patiently(_END, begin_to_wait_, after=turn.batch)
            if calls is None:
                turn.is_waiting = True
                return None
            # Whoever was to be waited for has answered meanwhile.
            loop.take(calls)

    async def _hand_in(self, turn: Turn) -> Claim | None:
        said = Said(turn.batch.content(), turn.batch.usage)

        async def script(transaction: Transaction) -> Claim | None:
            return await hand_in(transaction, turn.claim, said, self._leases, self._ids, self._clock.now_ms())

        return await self._journal.write_patiently(_STEER, script, after=turn.batch)

    async def _is_steered(self, row: RunRow) -> bool:
        async def script(reader: Reader) -> bool:
            return await is_steered(reader, row)

        try:
            return await self._store.read(Tenant(row.tenant_id), script)
        except Unavailable:
            # Then at the next boundary, or with its own turn.
            return False

    async def _prepare(self, turn: Turn) -> ToolLoop:
        row = turn.claim.row
        try:
            provider, model = self._resolve(row.run.model)
        except ModelUnknown as error:
            raise ProviderRefused(error.detail) from error
        thread, agent, history = await self._history(turn)
        turn.end_user_id = thread.end_user_id
        offer = await self._offer(turn, agent)
        tools = offer.definitions if offer is not None else ()
        asked = row.run.input_message_id
        prompt = build_prompt(model, thread, agent, history, row.options, row.run.id, tools, asked)
        return ToolLoop(
            turn,
            provider,
            prompt,
            offer,
            self._hands,
            self._journal,
            self._ids,
            self._clock,
            self._tool_limits,
            partial(self._is_steered, row),
            partial(self._attached, turn),
        )

    async def _attached(self, turn: Turn, provider: Provider, prompt: Prompt, is_again: bool) -> Prompt:
        attach, tenant_id = self._attach, turn.claim.row.tenant_id
        return await self._patiently(turn, lambda: attach(tenant_id, provider, prompt, is_again))

    async def _offer(self, turn: Turn, agent: Agent | None) -> Offer | None:
        """Return what the run may use at this moment: what its send names, else what its agent has."""
        row = turn.claim.row
        selection = selection_of(row.options, agent)
        if selection is None:
            return None
        return await self._patiently(turn, lambda: self._toolbox.offer(Tenant(row.tenant_id), selection))

    async def _history(self, turn: Turn) -> tuple[Thread, Agent | None, list[Message]]:
        """Read the branch that ends where the answer begins, and who answers; a store that is away is waited for.

        Raises Unavailable where the turn is stopped meanwhile.
        """
        run, scope = turn.claim.row.run, Tenant(turn.claim.row.tenant_id)
        assert run.output_message_id is not None, "claimed"
        answer_id = run.output_message_id

        async def script(reader: Reader) -> tuple[Thread, Agent | None, list[Message]]:
            row = await reader.thread(scope, run.thread_id)
            agent = None
            if run.agent_id is not None:
                agent = await reader.agent_version(scope, run.agent_id, run.agent_version)
            answer = await reader.message(scope, answer_id)
            assert answer.parent_id is not None, "an answer stands behind its question"
            query = BranchQuery(answer.parent_id, limit=PROMPT_MESSAGES_MAX)
            messages = await reader.branch(scope, run.thread_id, query)
            return row.thread, agent, messages[::-1]

        return await self._patiently(turn, lambda: self._store.read(scope, script))

    async def _patiently(self, turn: Turn, ask: Callable[[], Awaitable[T]]) -> T:
        run = turn.claim.row.run
        while True:
            try:
                return await ask()
            except Unavailable as error:
                if turn.stopped_by is not None:
                    raise
                # A store that is away for a moment is no reason to fail an answer: its end could not be told either.
                log.warning("history_not_read", run_id=run.id, thread_id=run.thread_id, detail=error.detail)
            await asyncio.sleep(HISTORY_RETRY_SECONDS)

    async def _end(self, turn: Turn, ending: Ending) -> RunRow | None:
        row, attempt = turn.claim.row, turn.claim.attempt

        async def script(transaction: Transaction) -> RunRow | None:
            await require_lease(transaction, row.run.id, attempt.epoch)
            scope = Tenant(row.tenant_id)
            current, now_ms = await transaction.run(scope, row.run.id), self._clock.now_ms()
            await record_rest(transaction, current, turn.batch, self._ids, now_ms)
            next_run = await end_run(transaction, current, ending, now_ms)
            called = await call_on(transaction, row.run.id, row, self._ids, now_ms)
            return next_run or called

        next_run = await self._journal.write_patiently(_END, script, after=turn.batch)
        self._packer.add(attempt, turn.batch.committed)
        self._count_end(row, ending, turn.seconds)
        return next_run

    def _rest(self, turn: Turn) -> None:
        """Let go of a run that waits: from here on nobody's memory holds it."""
        run = turn.claim.row.run
        self._packer.add(turn.claim.attempt, turn.batch.committed)
        self._metrics.attempt_ended(turn.claim.row.tenant_id, turn.seconds, turn.batch.usage)
        log.info("run_waits", run_id=run.id, thread_id=run.thread_id, seconds=round(turn.seconds, 3))
        # Somebody may have wished it to stop just before.
        self.poke()

    async def _give_back(self, turn: Turn) -> None:
        """Let another process go on with this run. A drained attempt does not count against it."""
        row, attempt = turn.claim.row, turn.claim.attempt
        if turn.stopped_by == "lease_lost":
            raise LeaseLost

        async def script(transaction: Transaction) -> None:
            await require_lease(transaction, row.run.id, attempt.epoch)
            scope = Tenant(row.tenant_id)
            current = await transaction.run(scope, row.run.id)
            drained = structs.replace(
                current, drained_attempts=current.drained_attempts + 1, drained_epoch=attempt.epoch
            )
            await transaction.save_run(scope, drained)
            await end_lease(transaction, row.run.id)

        await self._journal.write(_END, script, after=turn.batch)

    def _claim_script(self, row: RunRow) -> Callable[[Transaction], Coroutine[None, None, Claim | Settled]]:
        async def script(transaction: Transaction) -> Claim | Settled:
            return await claim(
                transaction,
                row.tenant_id,
                row.run.id,
                self._leases,
                self._ids,
                self._clock.now_ms(),
                self._times.attempts_max,
            )

        return script

    async def _reap(self) -> None:
        """Find the runs that have the turn and no live owner: new, forgotten, or left by a dead process."""

        async def script(reader: Reader) -> list[RunRow]:
            return await reader.claimable(_FIND)

        begun, patience_seconds = self._clock.monotonic(), self._leases.patience_seconds
        try:
            found = await self._store.read(_FIND, script)
        except Unavailable as error:
            log.warning("reap_failed", detail=error.detail)
            self._is_store_away = True
            return
        # While the store was away, or took its time, nobody could renew; nor while the whole machine stood still, of
        # which this node knows that it overslept. Whoever still lives will do so now, and go on with his answers; taken
        # over at once they would all begin again, and be paid for twice.
        now = self._clock.monotonic()
        overslept = begun - self._reaped_at - self._times.reap_seconds
        if self._is_store_away or max(now - begun, overslept) > patience_seconds / 2:
            self._is_store_away, self._store_back_at = False, now
        self._reaped_at = now
        is_patient = now - self._store_back_at < patience_seconds
        for row in found:
            if row.run.attempt == 0 or not is_patient:
                self.nudge(row)

    async def _wait_for(self, sign: asyncio.Event) -> None:
        """Sleep until the sign is given, but no longer than until the next tick."""
        try:
            async with asyncio.timeout(self._times.reap_seconds):
                await sign.wait()
        except TimeoutError:
            pass
        sign.clear()

    async def _watch_wishes(self) -> None:
        """Look for what other nodes have written about the runs of this one."""
        while True:
            await self._wait_for(self._told)
            # Only turns that began before the read: the lease of a later one may not be in it.
            turns = {run_id: turn for run_id, turn in self._owned.items() if turn is not None}
            if not turns:
                continue
            try:
                held = await self._store.read(_HELD, self._leases.held)
            except Unavailable as error:
                log.warning("wishes_not_read", detail=error.detail)
                continue
            for run_id, turn in turns.items():
                if run_id not in held:
                    turn.stop("lease_lost")
                elif held[run_id]:
                    turn.stop("cancelled")

    async def _watch_times(self) -> None:
        """Look after the clocks of all turns with one timer: a timer for each read would cost more than the read."""
        times = self._times
        tick = min(0.5, times.first_chunk_seconds / 4, times.no_progress_seconds / 4)
        while True:
            slept_at = self._clock.monotonic()
            await asyncio.sleep(tick)
            overslept = max(0.0, self._clock.monotonic() - slept_at - tick)
            for turn in list(self._owned.values()):
                if turn is not None:
                    turn.check_time(times.first_chunk_seconds, times.no_progress_seconds, times.run_seconds, overslept)

    def _count_start(self, claimed: Claim) -> None:
        run = claimed.row.run
        # One behind a wait, or behind something that was handed in, replaces nothing.
        is_replacement = run.attempt > 1 and run.attempts[-2].error is not None
        self._metrics.run_started(claimed.row.tenant_id, is_replacement)
        log.info("run_started", run_id=run.id, thread_id=run.thread_id, model=run.model, attempt=run.attempt)

    def _count_end(self, row: RunRow, ending: Ending, seconds: float | None) -> None:
        """Count the end of a run; `seconds` is how long its last attempt was, where this node has made that."""
        run = row.run
        self._metrics.run_ended(row.tenant_id, run.model, ending.status, seconds, ending.usage, ending.error)
        log.info(
            "run_ended",
            run_id=run.id,
            thread_id=run.thread_id,
            status=ending.status,
            seconds=None if seconds is None else round(seconds, 3),
            code=ending.error.code if ending.error else None,
        )
