"""The SQLite store: where the writer's rows go into the file, between `journal/append.py` and the bus.

One writer thread makes one transaction at a time, fully synced; a few reader threads serve snapshots beside it. A
driver's call is made in those threads only, never in the event loop.
"""

import asyncio
import threading
from collections.abc import Awaitable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import apsw

from threadline.clock import Clock
from threadline.errors import StoreRefused, ThreadlineError, Unavailable
from threadline.scopes import Scope, System
from threadline.store.contract import Committed, DeltaRow, Outcome, Reader, ReadScript, Script, Transaction, Write
from threadline.store.packing import KIND_NUMBERS
from threadline.store.sqlite.heads import Heads
from threadline.store.sqlite.reader import SqliteReader
from threadline.store.sqlite.schema import Progress, migrate
from threadline.store.sqlite.transaction import SqliteTransaction

T = TypeVar("T")
Durability = Literal["full", "relaxed"]

BUSY_TIMEOUT_MS = 10_000
"""`threadline keys` beside a running server writes for milliseconds; a lock held for ten seconds is a fault."""

READER_THREADS = 3
DELTA_ROWS_PER_STATEMENT = 64
"""Rows of one INSERT. More would not be quicker; less hands the interpreter lock back and forth more often."""

_HEALTH = System("ask whether the store answers")

_CANNOT_WRITE = (
    apsw.FullError,
    apsw.IOError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.NoMemError,
)


class SqliteStore:
    """A store in one SQLite file."""

    has_one_writer = True

    def __init__(self, path: Path, clock: Clock, durability: Durability = "full") -> None:
        self.path = path
        self._clock = clock
        self._durability = durability
        self._heads = Heads()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="store-reader")
        self._write_connection: apsw.Connection | None = None
        self._local = threading.local()
        self._read_connections: list[apsw.Connection] = []

    async def open(self) -> None:
        """Open, migrate where needed, and take up what an earlier process left.

        Raises:
            StoreRefused: newer than this program, or not writable.
        """
        await asyncio.get_running_loop().run_in_executor(self._writer, self.open_writer)

    def open_writer(self, progress: Progress | None = None) -> None:
        """Do what `open` does, in the calling thread."""
        try:
            self._write_connection = connect(self.path, self._durability)
            migrate(self._write_connection, progress)
            self._heads.load(self._write_connection)
        except apsw.Error as error:
            raise StoreRefused(refusal(self.path, error)) from error

    async def close(self) -> None:
        """Close. Everything acknowledged is on disk already."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._close_connections)
        self._writer.shutdown()

    async def read(self, scope: Scope | System, script: ReadScript[T]) -> T:
        """Run a script on one consistent snapshot. Raises what it raises, or Unavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, script)

    async def commit(self, deltas: Sequence[DeltaRow], writes: Sequence[Write[Any]]) -> Committed:
        """Commit the deltas, then the scripts in order, as one fully synced transaction.

        Raises:
            Unavailable: the store cannot write (a full disk, a read-only folder); nothing is stored.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self._commit, deltas, writes)

    async def is_healthy(self) -> bool:
        """Whether the store answers, for `/readyz`."""

        async def ask(reader: Reader) -> bool:
            return True

        try:
            return await self.read(_HEALTH, ask)
        except Unavailable:
            return False

    def _read(self, script: ReadScript[T]) -> T:
        connection = self._reader_connection()
        try:
            connection.execute("BEGIN")
            try:
                return drive(script(SqliteReader(connection, self._clock)))
            finally:
                connection.execute("ROLLBACK")
        except _CANNOT_WRITE as error:
            raise Unavailable(str(error)) from error

    def _reader_connection(self) -> apsw.Connection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self.path, self._durability)
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            self._read_connections.append(connection)
        return connection

    def _commit(self, deltas: Sequence[DeltaRow], writes: Sequence[Write[Any]]) -> Committed:
        connection = self._write_connection
        assert connection is not None, "commit after open"
        try:
            connection.execute("BEGIN IMMEDIATE")
            seqs = self._insert_deltas(connection, deltas)
            outcomes = [self._run_script(connection, write.script) for write in writes]
            connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back(connection)
            if isinstance(error, _CANNOT_WRITE):
                raise Unavailable(f"The store cannot write: {error}") from error
            raise
        self._heads.keep()
        return Committed(seqs, outcomes)

    def _roll_back(self, connection: apsw.Connection) -> None:
        # After some errors SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        self._heads.forget()

    def _run_script(self, connection: apsw.Connection, script: Script[Any]) -> Outcome[Any]:
        transaction = SqliteTransaction(connection, self._clock, self._heads)
        mark = self._heads.mark()
        connection.execute("SAVEPOINT script")
        try:
            value = drive(script(cast(Transaction, transaction)))
        except _CANNOT_WRITE:
            raise
        except (ThreadlineError, apsw.Error, AssertionError, ValueError, TypeError, LookupError) as error:
            # One script's error is its caller's alone; the others of the batch are committed.
            connection.execute("ROLLBACK TO script")
            connection.execute("RELEASE script")
            self._heads.undo_to(mark)
            return Outcome(None, error, [])
        connection.execute("RELEASE script")
        return Outcome(value, None, transaction.entries)

    def _insert_deltas(self, connection: apsw.Connection, deltas: Sequence[DeltaRow]) -> list[int | None]:
        if not deltas:
            return []
        connection.execute("SAVEPOINT deltas")
        mark = self._heads.mark()
        seqs, stored = self._try_insert(connection, deltas, [True] * len(deltas))
        if stored != len(deltas):
            # The fence refused somebody. Refused rows must leave no hole, so number again without them.
            connection.execute("ROLLBACK TO deltas")
            self._heads.undo_to(mark)
            allowed = self._allowed(connection, deltas)
            seqs, stored = self._try_insert(connection, deltas, allowed)
            assert stored == sum(allowed), "the fence says the same twice in one transaction"
        connection.execute("RELEASE deltas")
        return seqs

    def _try_insert(
        self, connection: apsw.Connection, deltas: Sequence[DeltaRow], allowed: Sequence[bool]
    ) -> tuple[list[int | None], int]:
        seqs: list[int | None] = []
        values: list[tuple[Any, ...]] = []
        heads = self._heads
        for delta, may_write in zip(deltas, allowed, strict=True):
            head = heads.get(delta.thread_id) if may_write else None
            if head is None:
                seqs.append(None)
                continue
            heads.move(delta.thread_id, head + 1)
            seqs.append(head + 1)
            kind = KIND_NUMBERS[delta.kind]
            values.append(
                (
                    heads.next_delta_id,
                    delta.run_id,
                    head + 1,
                    delta.block,
                    kind,
                    delta.text,
                    delta.tenant_id,
                    delta.epoch,
                )
            )
            heads.next_delta_id += 1
        stored = 0
        for start in range(0, len(values), DELTA_ROWS_PER_STATEMENT):
            rows = values[start : start + DELTA_ROWS_PER_STATEMENT]
            connection.execute(_insert_statement(len(rows)), [value for row in rows for value in row])
            stored += connection.changes()
        return seqs, stored

    def _allowed(self, connection: apsw.Connection, deltas: Sequence[DeltaRow]) -> list[bool]:
        epochs = {row[0]: row[1] for row in connection.execute("SELECT run_id, epoch FROM leases")}
        return [
            epochs.get(delta.run_id) == delta.epoch and self._heads.get(delta.thread_id) is not None for delta in deltas
        ]

    def _close_connections(self) -> None:
        # Reads that are under way first: a connection is closed by nobody while somebody uses it.
        self._readers.shutdown(wait=True)
        for connection in self._read_connections:
            connection.close()
        if self._write_connection is not None:
            self._write_connection.close()


def drive(coroutine: Awaitable[T]) -> T:
    """Run a script to its end in this thread. It awaits nothing but our verbs, which never suspend."""
    assert isinstance(coroutine, Coroutine), "a script is an async function"
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast(T, done.value)
    coroutine.close()
    raise AssertionError("a script may wait for nothing but the store")


def connect(path: Path, durability: Durability) -> apsw.Connection:
    """Open a connection with our settings. Raises `apsw.Error`."""
    connection = apsw.Connection(str(path), statementcachesize=256)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
    return connection


def refusal(path: Path, error: apsw.Error) -> str:
    """Say in words why the file cannot be opened."""
    match error:
        case apsw.ReadOnlyError() | apsw.CantOpenError():
            return f"The data folder {path.parent} is not writable for this user: {error}."
        case apsw.NotADBError():
            return f"{path} is not a SQLite database."
        case apsw.CorruptError():
            return f"{path} is damaged: {error}. `threadline db check` says how far; restore a backup."
        case apsw.FullError():
            return f"The disk that holds {path.parent} is full."
        case _:
            return f"{path} cannot be opened: {error}."


_statements: dict[int, str] = {}


def _insert_statement(rows: int) -> str:
    # The join is the fence: a row whose epoch is not its run's current one is not stored.
    if rows not in _statements:
        marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * rows)
        _statements[rows] = (
            "INSERT INTO deltas (id, run_id, seq, block, kind, text) "
            "SELECT column1, column2, column3, column4, column5, column6 "
            f"FROM (VALUES {marks}) "
            "JOIN leases ON leases.tenant_id = column7 AND leases.run_id = column2 AND leases.epoch = column8"
        )
    return _statements[rows]
