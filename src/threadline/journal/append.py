"""A token, stop 4 of 8: the one write door. Before: `engine/batch.py`; next: `bus/contract.py`.

Everything that changes a thread passes here: deltas of running answers, and scripts (an accepted send, the end of a
run). One writer takes whatever is pending, commits it as one transaction, and only then shows it: to the readers of
this node, and by nudge to the other nodes. The batch grows with the load by itself. Where the store has a writer for
everybody (PostgreSQL), the deltas of all answers still share a commit, and each script has one of its own.

Promise 1: an entry reaches a window, a reader or a caller only after the commit that holds it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from threadline.bus.contract import Bus, Nudge
from threadline.clock import Clock
from threadline.errors import ShuttingDown, Unavailable
from threadline.events import Entry, MessageDelta
from threadline.ids import ThreadId
from threadline.journal.window import Windows
from threadline.observe import Metrics, log
from threadline.scopes import Scope, System
from threadline.store.contract import LATER, Committed, DeltaRow, Outcome, Script, Store, Write

T = TypeVar("T")

SCRIPTS_PER_COMMIT_MAX = 256
"""So that a burst of sends does not make the live streams wait for one long transaction."""

LATER_SECONDS = 0.01
"""How soon words are tried again whose thread a script had. Most scripts have a thread for a few milliseconds."""

RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 2.0
"""How soon a store that could not write is tried again."""


class DeltaSource(Protocol):
    """A running answer, as the writer sees it: `engine/batch.py` is the one implementation."""

    def take(self) -> list[DeltaRow]:
        """Hand over what is pending; it stays the writer's until `settle`."""
        ...

    def settle(self, committed: Sequence[tuple[int, MessageDelta]], refused: bool) -> None:
        """Hear what became of it. `refused`: the fence let nothing through, another attempt owns the run."""
        ...

    async def wait_until_settled(self) -> None:
        """Sleep until nothing is pending here and nothing is on its way."""
        ...


_Taken = list[tuple[DeltaSource, list[DeltaRow]]]
"""What sources have handed over and not heard of, in order."""

Poll = Callable[[], bool]
"""Takes in what has arrived, without waiting; offers it by itself. False: nothing comes this way any more."""


class _Pending:
    """One script on its way."""

    __slots__ = ("future", "is_patient", "write")

    def __init__(self, write: Write[Any], is_patient: bool, future: "asyncio.Future[Any]") -> None:
        self.write = write
        self.is_patient = is_patient
        self.future = future


class Journal:
    """The writer of one node."""

    def __init__(
        self, store: Store, bus: Bus, windows: Windows, clock: Clock, metrics: Metrics, gather_seconds: float
    ) -> None:
        self._store = store
        self._bus = bus
        self._windows = windows
        self._clock = clock
        self._metrics = metrics
        self._gather_seconds = gather_seconds
        self._scripts: list[_Pending] = []
        self._beside: set[asyncio.Task[None]] = set()
        self._sources: dict[DeltaSource, None] = {}
        self._polls: dict[Poll, asyncio.Future[None]] = {}
        self._taken: _Taken = []
        self._work = asyncio.Event()
        self._urgent = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._last_commit = 0.0
        self._is_closing = False
        self._probe: Write[None] | None = None

    @property
    def is_writable(self) -> bool:
        """Whether the last commit went through. While it did not, running answers stop reading."""
        return self._writable.is_set()

    async def wait_until_writable(self) -> None:
        """Sleep until commits go through again."""
        await self._writable.wait()

    async def write(self, scope: Scope | System, script: Script[T], after: "DeltaSource | None" = None) -> T:
        """Run a script in the next commit and return its value once that is on disk.

        What `after` has pending comes first: the end of an answer stands behind its last word.

        Raises:
            Unavailable: the store cannot write; nothing was stored.
            Exception: whatever the script raised; it has left nothing behind.
        """
        return await self._submit(Write(scope, script), False, after)

    async def write_patiently(self, scope: Scope | System, script: Script[T], after: "DeltaSource | None" = None) -> T:
        """Do what `write` does, but wait for as long as the store cannot write: the end of a run must be told."""
        return await self._submit(Write(scope, script), True, after)

    def offer(self, source: DeltaSource, urgent: bool = False) -> None:
        """Note that `source` has deltas. The first token of an answer is urgent: it waits for no window."""
        self._sources[source] = None
        self._work.set()
        if urgent:
            self._urgent.set()

    def call_attention(self, thread_id: ThreadId) -> None:
        """Tell the other nodes to look at a thread again: something was committed there that is no event."""
        self._bus.nudge([Nudge(thread_id, 0)])

    async def poll_while(self, poll: Poll) -> None:
        """Call `poll` before each commit, once a gather window, until it returns False.

        So a running answer is read when somebody is about to write it down, and not once for each of its tokens.
        """
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._polls[poll] = over
        self._work.set()
        try:
            await over
        finally:
            self._polls.pop(poll, None)

    async def run(self) -> None:
        """Write for ever; the caller owns the task. Ends after `close`, when nothing is pending or can be written."""
        delay = RETRY_SECONDS_MIN
        while not (self._is_closing and self._is_idle()):
            await self._gather()
            if await self._commit_once():
                delay = RETRY_SECONDS_MIN
            elif self._is_closing:
                # What is left was shown to nobody; its runs begin again elsewhere.
                return
            else:
                await asyncio.sleep(delay)
                delay = min(delay * 2, RETRY_SECONDS_MAX)
                self._work.set()

    def probe_with(self, write: Write[None]) -> None:
        """Use this small write to find out whether the store can write again when nothing else is waiting to."""
        self._probe = write

    def close(self) -> None:
        """Take no more scripts; what is pending is still written."""
        self._is_closing = True
        self._work.set()
        self._urgent.set()

    async def _submit(self, write: Write[T], is_patient: bool, after: DeltaSource | None) -> T:
        if self._is_closing:
            raise ShuttingDown
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        pending = _Pending(write, is_patient, future)
        if self._store.has_one_writer:
            # In one transaction with the deltas, and behind them: `after` needs no waiting.
            self._scripts.append(pending)
        else:
            # A task of its own: a caller who goes away does not leave half-known what was committed.
            task = asyncio.get_running_loop().create_task(self._write_beside(pending, after))
            self._beside.add(task)
            task.add_done_callback(lambda done: self._note_beside(done, pending))
        self._work.set()
        self._urgent.set()
        return await future

    async def _write_beside(self, pending: _Pending, after: DeltaSource | None) -> None:
        """Commit a script by itself, beside the deltas and the scripts of others."""
        if after is not None:
            await after.wait_until_settled()
        delay = RETRY_SECONDS_MIN
        while not pending.future.cancelled():
            try:
                committed = await self._store.commit([], [pending.write])
            except Unavailable as error:
                if not pending.is_patient:
                    _resolve(pending.future, Outcome(None, error, []))
                    return
            else:
                self._show([], committed, [pending])
                return
            await asyncio.sleep(delay)
            delay = min(delay * 2, RETRY_SECONDS_MAX)

    def _note_beside(self, task: asyncio.Task[None], pending: _Pending) -> None:
        self._beside.discard(task)
        # Whatever nobody foresaw is its caller's to hear; the writer goes on.
        if not task.cancelled() and (error := task.exception()) is not None and not pending.future.done():
            pending.future.set_exception(error)
        self._work.set()

    def _is_idle(self) -> bool:
        return not (self._scripts or self._sources or self._taken or self._beside)

    async def _gather(self) -> None:
        """Sleep until there is work, and then as long as it may wait for company."""
        await self._work.wait()
        remaining = self._last_commit + self._gather_seconds - self._clock.monotonic()
        if remaining > 0 and not self._urgent.is_set():
            try:
                async with asyncio.timeout(remaining):
                    await self._urgent.wait()
            except TimeoutError:
                pass
        self._work.clear()
        self._urgent.clear()

    async def _commit_once(self) -> bool:
        """Commit what is pending. Returns False where the store cannot write."""
        scripts = self._take_scripts()
        self._take_deltas()
        if not scripts and not self._taken:
            # Everybody who could not write was refused, and running answers wait to be told that they may go on.
            scripts = self._probes()
        deltas = [row for _, rows in self._taken for row in rows]
        started = self._last_commit = self._clock.monotonic()
        if not deltas and not scripts:
            return True
        try:
            committed = await self._store.commit(deltas, [pending.write for pending in scripts])
        except Unavailable as error:
            self._hold_back(scripts, error)
            return False
        self._metrics.commit(self._clock.monotonic() - started, len(deltas), len(scripts))
        if not self._writable.is_set():
            log.info("store_writable_again")
            self._writable.set()
            # Running answers were not polled meanwhile, and nobody else may have anything to write.
            self._work.set()
        taken, self._taken = self._taken, []
        self._show(taken, committed, scripts)
        return True

    def _take_scripts(self) -> list[_Pending]:
        taken = self._scripts[:SCRIPTS_PER_COMMIT_MAX]
        del self._scripts[:SCRIPTS_PER_COMMIT_MAX]
        if self._scripts:
            self._work.set()
            self._urgent.set()
        # Whoever gave up waiting (a closed connection) has not been promised anything.
        return [pending for pending in taken if not pending.future.cancelled()]

    def _probes(self) -> list[_Pending]:
        if self._writable.is_set() or self._probe is None:
            return []
        unheard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        unheard.add_done_callback(asyncio.Future.exception)
        return [_Pending(self._probe, False, unheard)]

    def _take_deltas(self) -> None:
        # While nothing can be written nothing is read: the providers are pushed back by their sockets.
        if self._polls and self._writable.is_set():
            self._poll_all()
            self._work.set()
        sources, self._sources = self._sources, {}
        for source in sources:
            rows = source.take()
            if rows:
                self._taken.append((source, rows))

    def _poll_all(self) -> None:
        for poll, over in list(self._polls.items()):
            if not poll():
                del self._polls[poll]
                if not over.done():
                    over.set_result(None)

    def _hold_back(self, scripts: list[_Pending], error: Unavailable) -> None:
        """Keep what must not be lost, refuse the rest. The deltas stay in `_taken`, in order."""
        if self._writable.is_set():
            log.error("store_cannot_write", detail=error.detail)
            self._writable.clear()
        patient = [pending for pending in scripts if pending.is_patient]
        self._scripts = patient + self._scripts
        for pending in scripts:
            if not pending.is_patient and not pending.future.done():
                pending.future.set_exception(error)

    def _show(self, taken: _Taken, committed: Committed, scripts: list[_Pending]) -> None:
        """Tell everybody, after the commit and never before.

        A reader woken too early finds nothing, sleeps again, and the words that it was woken for wait for somebody
        else's nudge; and what it was shown might not survive a crash.
        """
        entries = self._settle_deltas(taken, committed.seqs)
        for outcome in committed.outcomes:
            entries.extend(outcome.entries)
        self._windows.publish(entries)
        for pending, outcome in zip(scripts, committed.outcomes, strict=True):
            _resolve(pending.future, outcome)
        self._bus.nudge(_nudges(entries))

    def _settle_deltas(self, taken: _Taken, seqs: Sequence[int | None]) -> list[Entry]:
        entries: list[Entry] = []
        place = 0
        for source, rows in taken:
            if seqs[place] == LATER:
                self._taken.append((source, rows))
                self._work.set()
                # Soon, however long words may wait for company otherwise: they have waited already.
                asyncio.get_running_loop().call_later(LATER_SECONDS, self._urgent.set)
                place += len(rows)
                continue
            committed: list[tuple[int, MessageDelta]] = []
            for row in rows:
                seq = seqs[place]
                place += 1
                if seq is not None:
                    delta = MessageDelta(row.message_id, row.block, row.kind, row.text)
                    committed.append((seq, delta))
                    entries.append(Entry(row.thread_id, seq, row.run_id, delta))
            source.settle(committed, refused=len(committed) < len(rows))
        assert place == len(seqs), "the store answers for every delta"
        return entries


def _resolve(future: "asyncio.Future[Any]", outcome: Outcome[Any]) -> None:
    if future.done():
        return
    if outcome.error is not None:
        future.set_exception(outcome.error)
    else:
        future.set_result(outcome.value)


def _nudges(entries: Sequence[Entry]) -> list[Nudge]:
    newest = {entry.thread_id: entry.seq for entry in entries}
    return [Nudge(thread_id, seq) for thread_id, seq in newest.items()]
