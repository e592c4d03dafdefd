"""The store of the simulation: the real SQL and the real laws, shared by all nodes, which outlives each of them.

A statement takes no time; the way to the store and back does, and anything may happen on it. Towards the journal it is
the PostgreSQL store, whose own code decides what a batch of unknown fate means and when a script is tried again.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import apsw
import asyncpg

from threadline.errors import Unavailable
from threadline.events import (
    Entry,
    MemberAdded,
    MemberRemoved,
    MessageDelta,
    RunCancelled,
    RunCompleted,
    RunExpired,
    RunFailed,
    RunQueued,
    RunStarted,
    ToolStarted,
    encode_event,
)
from threadline.ids import RunId, ThreadId
from threadline.scopes import Scope, System
from threadline.store.contract import LATER, DeltaRow, Outcome, Reader, ReadScript, Write
from threadline.store.postgres.store import PostgresStore
from threadline.store.sqlite.reader import SqliteReader
from threadline.store.sqlite.schema import migrate
from threadline.store.sqlite.store import SqliteStore, drive

from .weather import Fate, Weather
from .world import NodeLoop, World

T = TypeVar("T")


EMPTY_PAGES_MAX = 40
"""Pages with nothing in them, one after the other, that the readers of a node may read: each of a few looks twice."""


@cache
def _empty_file() -> bytes:
    """Return a database of today's schema: making one takes longer than reading it."""
    with closing(apsw.Connection(":memory:")) as connection:
        migrate(connection)
        return connection.serialize("main")


class StoreClock:
    """The store's own clock, which no node's clock can put wrong."""

    def __init__(self, world: World, start_ms: int) -> None:
        self._world = world
        self._start_ms = start_ms

    def now_ms(self) -> int:
        """Return milliseconds since the epoch."""
        return self._start_ms + int(self._world.now * 1000)

    def monotonic(self) -> float:
        """Return seconds."""
        return self._world.now


class Disk(SqliteStore):
    """What is stored, and beside it a record of what was ever committed, which nobody can rewrite."""

    def __init__(self, world: World, clock: StoreClock) -> None:
        super().__init__(Path(":memory:"), clock, "relaxed")
        self.world = world
        self.committed: dict[ThreadId, list[tuple[RunId | None, bytes]]] = {}
        self.committed_at: dict[ThreadId, list[float]] = {}
        self.open_runs: dict[RunId, ThreadId] = {}
        self.ended_at: dict[RunId, float] = {}
        self.removed: dict[tuple[ThreadId, str], int | None] = {}
        self.begun: Counter[tuple[str, str]] = Counter()
        "How often each call was said to begin, by its run and its tool_use_id."
        self._epochs: dict[RunId, int] = {}
        self._batches: dict[str, tuple[int, list[int | None]]] = {}
        self._write_connection = apsw.Connection(":memory:", statementcachesize=256)
        self._write_connection.deserialize("main", _empty_file())

    def read_now(self, script: ReadScript[T]) -> T:
        """Run a reading script."""
        assert self._write_connection is not None, "opened at once"
        return drive(script(SqliteReader(self._write_connection, self._clock)))

    def write_now(self, write: Write[Any]) -> Outcome[Any]:
        """Commit one script."""
        outcome = self._commit([], [write]).outcomes[0]
        self._note(outcome.entries)
        return outcome

    def append_now(
        self, writer: str, batch: int, deltas: Sequence[DeltaRow], locked: set[ThreadId]
    ) -> list[int | None]:
        """Do what `append_deltas` does on PostgreSQL; a batch that came before gets its first answer again."""
        if writer in self._batches and self._batches[writer][0] == batch:
            return self._batches[writer][1]
        seqs: list[int | None] = self._commit([row for row in deltas if row.thread_id not in locked], []).seqs
        given = iter(seqs)
        assert self._write_connection is not None, "opened at once"
        allowed = self._allowed(self._write_connection, deltas)
        answer = [
            next(given) if row.thread_id not in locked else LATER if may_write else None
            for row, may_write in zip(deltas, allowed, strict=True)
        ]
        for row, seq in zip(deltas, answer, strict=True):
            if seq:
                delta = MessageDelta(row.message_id, row.block, row.kind, row.text)
                self._note([Entry(row.thread_id, seq, row.run_id, delta)])
                if row.epoch != self._epochs[row.run_id]:
                    self.world.blame(
                        f"attempt {row.epoch} of {row.run_id} spoke after {self._epochs[row.run_id]} began"
                    )
        self._batches[writer] = (batch, answer)
        return answer

    def rehearse_now(self, deltas: Sequence[DeltaRow]) -> list[int | None]:
        """Say what these deltas would be given, and store nothing. For mutants that tell before they have."""
        connection = self._write_connection
        assert connection is not None, "opened at once"
        connection.execute("BEGIN IMMEDIATE")
        try:
            return self._insert_deltas(connection, deltas)
        finally:
            self._roll_back(connection)

    def head(self, thread_id: ThreadId) -> int:
        """Return the seq of the last entry that is committed."""
        return len(self.committed.get(thread_id, ()))

    def removed_at(self, thread_id: ThreadId, person: str) -> int | None:
        """Return the seq with which somebody was taken out of a thread, where he is out of it now."""
        return self.removed.get((thread_id, person))

    def _note(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            log = self.committed.setdefault(entry.thread_id, [])
            if entry.seq != len(log) + 1:
                self.world.blame(f"{entry.thread_id}: {entry.seq} was given where {len(log) + 1} should be")
            body = encode_event(entry.event)
            log.append((entry.run_id, body))
            self.committed_at.setdefault(entry.thread_id, []).append(self.world.now)
            self.world.tell("commit", entry.thread_id, entry.seq, entry.type, body.decode())
            match entry.event:
                case RunQueued(run=run):
                    self.open_runs[run.id] = entry.thread_id
                case MemberAdded(member=member) if member.end_user_id is not None:
                    self.removed[entry.thread_id, member.end_user_id] = None
                case MemberRemoved(member=member) if member.end_user_id is not None:
                    self.removed[entry.thread_id, member.end_user_id] = entry.seq
                case ToolStarted():
                    self.begun[entry.event.run_id, entry.event.tool_use_id] += 1
                case RunStarted(run=run):
                    self._epochs[run.id] = run.attempt
                case RunCompleted(run=run) | RunFailed(run=run) | RunCancelled(run=run) | RunExpired(run=run):
                    self.open_runs.pop(run.id, None)
                    self.ended_at[run.id] = self.world.now
                case _:
                    pass


class SimStore(PostgresStore):
    """One node's way to the disk."""

    def __init__(self, disk: Disk, weather: Weather, loop: NodeLoop) -> None:
        super().__init__("postgresql://nowhere")
        self._writer_id = loop.name
        self._disk = disk
        self._weather = weather
        self._loop = loop
        self._empty_pages = 0
        self.away_until = 0.0

    async def open(self, progress: Any = None) -> None:
        """Nothing is to be done; it takes its time."""
        await self._ask(lambda: None)

    async def close(self) -> None:
        """Nothing is open."""

    async def read(self, scope: Scope | System, script: ReadScript[T]) -> T:
        """Run a script on one consistent snapshot."""
        found = await self._ask(lambda: self._disk.read_now(script))
        if script.__qualname__ == "Tail._page.<locals>.page":
            self._note_page(found)
        return found

    def _note_page(self, found: Any) -> None:
        self._empty_pages = 0 if found else self._empty_pages + 1
        if self._empty_pages > EMPTY_PAGES_MAX:
            self._disk.world.blame(f"{self._writer_id}: readers run in circles, there is nothing to read")

    async def is_healthy(self) -> bool:
        """Whether the store answers."""

        async def ask(reader: Reader) -> bool:
            return True

        return await self._ask(lambda: self._disk.read_now(ask))

    def rehearse(self, deltas: Sequence[DeltaRow]) -> list[int | None]:
        """Say what these deltas would be given. The program does not ask; mutants do."""
        return self._disk.rehearse_now(deltas)

    async def _append_batch(self, deltas: Sequence[DeltaRow]) -> list[int | None]:
        rows, batch, locked = list(deltas), self._batch, self._weather.locked_threads(deltas)
        return await self._ask(lambda: self._disk.append_now(self._writer_id, batch, rows, locked))

    async def _try_write(self, write: Write[Any]) -> Outcome[Any]:
        is_rare = "_hand_in" in write.script.__qualname__
        fate = self._weather.fate_of_write(is_rare)
        if fate is Fate.MET_ANOTHER:
            await self._ask(lambda: None)
            raise asyncpg.SerializationError
        outcome = await self._ask(lambda: self._disk.write_now(write), is_resolved=True)
        if fate is Fate.LOST_ANSWER and outcome.error is None:
            # The connection broke while it committed. Whoever appended has a number to ask by, for a while.
            if not outcome.entries or is_rare or self._weather.forgets_fate():
                raise Unavailable("The connection was lost in the very moment.")
            await self._ask(lambda: None)
        return outcome

    async def _ask(self, operation: Callable[[], T], is_resolved: bool = False) -> T:
        """Send something to the store and wait for its answer. Raises Unavailable.

        `is_resolved`: what becomes of a lost answer is decided by the caller.
        """
        world, answer = self._disk.world, self._loop.create_future()
        fate, there, back = self._weather.way_to_store(world.now < self.away_until)
        if is_resolved and fate is Fate.LOST_ANSWER:
            fate = Fate.LOST_REQUEST

        def arrive() -> None:
            if world.is_over:
                return
            if fate is Fate.LOST_REQUEST or (self._loop.is_dead and self._weather.dies_with_its_node()):
                world.after(back, _fail, answer, Unavailable("The store does not answer."))
                return
            try:
                result = operation()
            except Exception as error:
                world.after(back, _fail, answer, error)
                return
            if fate is Fate.LOST_ANSWER:
                world.after(back, _fail, answer, Unavailable("The connection was lost."))
            else:
                world.after(back, _succeed, answer, result)

        world.after(there, arrive)
        result: T = await answer
        return result


def _fail(answer: Any, error: Exception) -> None:
    if not answer.done() and not answer.get_loop().is_dead:
        answer.set_exception(error)


def _succeed(answer: Any, result: Any) -> None:
    if not answer.done() and not answer.get_loop().is_dead:
        answer.set_result(result)
