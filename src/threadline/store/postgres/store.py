"""The PostgreSQL store: where the writer's rows go into the database, between `journal/append.py` and the bus.

All deltas of a node share a statement and a commit; each script has a transaction of its own, beside them and beside
those of other nodes. Whoever writes to a thread has its head locked (`postgres/transaction.py`).
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any, TypeVar, cast

import asyncpg

from threadline.errors import StoreRefused, ThreadlineError, Unavailable
from threadline.observe import log
from threadline.scopes import Scope, System
from threadline.store.contract import LATER, Committed, DeltaRow, Outcome, Reader, ReadScript, Transaction, Write
from threadline.store.packing import KIND_NUMBERS
from threadline.store.postgres.connections import GONE, MET_ANOTHER, Connections, unavailable_where_gone
from threadline.store.postgres.reader import PostgresReader
from threadline.store.postgres.schema import Progress, migrate, raise_walls, refuse_half_copy
from threadline.store.postgres.transaction import PostgresTransaction, Receipt

T = TypeVar("T")

TRIES_MAX = 10
"""How often a script is run because it has met another one."""

UNIQUE_TRIES_MAX = 12
"""How often where a row is there already. Who comes again sees that row; if not, it is the script's own error."""

TRIES_SECONDS = 6.0
"""After this long nobody tries again, however few times it was: each time may have waited for a lock."""

TRY_AGAIN_SECONDS = 0.01
CONNECT_SECONDS = 30.0
"""How long a starting node waits for its database."""

FATE_SECONDS = 5.0
"""How long to ask what became of a transaction whose connection was lost while it committed."""

SECRET_BYTES = 32

_OF_A_SCRIPT = (ThreadlineError, asyncpg.PostgresError, AssertionError, ValueError, TypeError, LookupError)
"""What a script may raise for its caller alone; other scripts go on."""

_APPEND = "append_deltas($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
_IS_THERE = "SELECT EXISTS (SELECT 1 FROM events WHERE (tenant_id, thread_id, seq, body) = ($1, $2, $3, $4))"
_SNAPSHOT = "ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_ENGINE = System("append deltas")
_HEALTH = System("ask whether the store answers")
_SECRET = System("read the signing secret")


class PostgresStore:
    """A store in one PostgreSQL database, for many nodes."""

    has_one_writer = False

    def __init__(self, dsn: str, connect_seconds: float = CONNECT_SECONDS) -> None:
        self._connections = Connections(dsn)
        self._connect_seconds = connect_seconds
        self._writer_id = secrets.token_hex(8)
        self._batch = 0
        self._uncertain: list[DeltaRow] = []

    @property
    def has_roles(self) -> bool:
        """Whether row-level security stands behind our own scoping."""
        return self._connections.has_roles

    async def open(self, progress: Progress | None = None) -> None:
        """Connect, and migrate where needed.

        Raises:
            StoreRefused: no connection, not allowed, or newer than this program.
        """
        try:
            await self._patiently(self._connections.open)
            await self._patiently(lambda: self._prepare(progress))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            raise StoreRefused(f"The database cannot be used: {error}") from error
        if not self.has_roles:
            log.warning("row_level_security_off", detail="This user may not make roles; `threadline doctor` says more.")

    async def close(self) -> None:
        """Close. Everything acknowledged is on disk already."""
        await self._connections.close()

    async def read(self, scope: Scope | System, script: ReadScript[T]) -> T:
        """Run a script on one consistent snapshot. Raises what it raises, or Unavailable."""
        with unavailable_where_gone():
            async with self._connections.transaction(scope, _SNAPSHOT) as connection:
                return await script(cast(Reader, PostgresReader(connection)))

    async def commit(self, deltas: Sequence[DeltaRow], writes: Sequence[Write[Any]]) -> Committed:
        """Commit the deltas as one transaction, then each script as one of its own.

        Raises:
            Unavailable: the database does not answer; of the deltas or of a single script nothing is stored.
        """
        committed = Committed(await self._append(list(deltas)) if deltas else [], [])
        for write in writes:
            try:
                committed.outcomes.append(await self._write(write))
            except Unavailable as error:
                if not committed.seqs and not committed.outcomes:
                    raise
                # What came before it is stored, and has to be told.
                committed.outcomes.append(Outcome(None, error, []))
        return committed

    async def is_healthy(self) -> bool:
        """Whether the database answers and takes writes, for `/readyz`."""
        try:
            async with self._connections.bare() as connection:
                # On in a replica too.
                return bool(await connection.fetchval("SELECT current_setting('transaction_read_only') = 'off'"))
        except Unavailable:
            return False

    async def signing_secret(self) -> bytes:
        """Return the installation's signing secret, made on first use. Requests cannot read it. Raises StoreRefused."""
        return await self._patiently(self._signing_secret)

    async def _prepare(self, progress: Progress | None) -> None:
        async with self._connections.bare() as connection:
            await migrate(connection, progress)
            await refuse_half_copy(connection)
            self._connections.has_roles = await raise_walls(connection)

    async def _signing_secret(self) -> bytes:
        with unavailable_where_gone():
            async with self._connections.transaction(_SECRET) as connection:
                await connection.execute(
                    "INSERT INTO installation (name, value) VALUES ('signing_secret', $1) ON CONFLICT DO NOTHING",
                    secrets.token_bytes(SECRET_BYTES),
                )
                found = await connection.fetchval("SELECT value FROM installation WHERE name = 'signing_secret'")
                await connection.execute("COMMIT")
        return bytes(found)

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what a start needs, again and again while the database is away. Raises StoreRefused, in the end."""
        deadline = asyncio.get_running_loop().time() + self._connect_seconds
        while True:
            try:
                return await work()
            except Unavailable as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise StoreRefused(f"There is no connection to the database: {error.detail}") from error
                log.warning("database_not_there_yet", detail=error.detail)
            await asyncio.sleep(1)

    async def _append(self, deltas: list[DeltaRow]) -> list[int | None]:
        """Append deltas; a batch whose fate is unknown comes first, as it was, and is told what became of it."""
        if self._uncertain:
            assert deltas[: len(self._uncertain)] == self._uncertain, (
                "what was not settled is handed in again, in order"
            )
            seqs = await self._append_batch(self._uncertain)
            rest = len(deltas) - len(self._uncertain)
            self._uncertain = []
            return seqs + [LATER] * rest
        self._batch += 1
        self._uncertain = deltas
        seqs = await self._append_batch(deltas)
        self._uncertain = []
        return seqs

    async def _append_batch(self, deltas: Sequence[DeltaRow]) -> list[int | None]:
        values = _columns(deltas)

        async def append() -> list[int | None]:
            with unavailable_where_gone():
                return list(await self._connections.call(_ENGINE, _APPEND, (self._writer_id, self._batch, *values)))

        try:
            seqs = await _tried(append)
        except MET_ANOTHER as error:
            raise Unavailable("The database is too busy to take words.") from error
        assert len(seqs) == len(deltas), "the store answers for every delta"
        return seqs

    async def _write(self, write: Write[Any]) -> Outcome[Any]:
        try:
            return await _tried(lambda: self._try_write(write))
        except asyncpg.UniqueViolationError as error:
            return Outcome(None, error, [])
        except MET_ANOTHER as error:
            raise Unavailable("The database is too busy with this thread.") from error

    async def _try_write(self, write: Write[Any]) -> Outcome[Any]:
        value: Any = None
        transaction: PostgresTransaction | None = None
        is_committing = False
        try:
            with unavailable_where_gone():
                async with self._connections.transaction(write.scope) as connection:
                    transaction = PostgresTransaction(connection)
                    try:
                        value = await write.script(cast(Transaction, transaction))
                    except (*GONE, *MET_ANOTHER):
                        raise
                    except _OF_A_SCRIPT as error:
                        return Outcome(None, error, [])
                    is_committing = True
                    await connection.execute("COMMIT")
        except Unavailable:
            # Lost in the very moment: stored or not? The transaction's number tells, on another connection. This one
            # is back in the pool by now: all of them may have been lost together.
            if transaction is None or not is_committing or not await self._was_committed(transaction.receipt):
                raise
        return Outcome(value, None, transaction.entries)

    async def _was_committed(self, receipt: Receipt | None) -> bool:
        """Ask what became of a transaction. False where nobody knows; one without a receipt has said nothing."""
        if receipt is None:
            return False
        xid, *place = receipt
        deadline = asyncio.get_running_loop().time() + FATE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            try:
                async with self._connections.bare() as connection:
                    status = await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", xid)
                    if status == "committed":
                        return bool(await connection.fetchval(_IS_THERE, *place))
            except Unavailable:
                status = "in progress"
            except asyncpg.InvalidParameterValueError:
                # From the future, says this database: it is a replica that was promoted, and never got it.
                return False
            if status != "in progress":
                return False
            await asyncio.sleep(TRY_AGAIN_SECONDS * 10)
        return False


async def _tried(work: Callable[[], Awaitable[T]]) -> T:
    """Do it, and again where it has met another one. Raises what it met in the end."""
    deadline = asyncio.get_running_loop().time() + TRIES_SECONDS
    for attempt in count(1):
        try:
            return await work()
        except MET_ANOTHER as error:
            tries_max = UNIQUE_TRIES_MAX if isinstance(error, asyncpg.UniqueViolationError) else TRIES_MAX
            if attempt >= tries_max or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(TRY_AGAIN_SECONDS * attempt)
    raise AssertionError("it counts for ever")


def _columns(deltas: Sequence[DeltaRow]) -> tuple[list[Any], ...]:
    """Return the arguments of `append_deltas` behind the batch: the sources, then the deltas with their owners."""
    numbers: dict[tuple[str, str, str, int], int] = {}
    owners = [
        numbers.setdefault((row.tenant_id, row.thread_id, row.run_id, row.epoch), len(numbers) + 1) for row in deltas
    ]
    tenants, threads, runs, epochs = (list(column) for column in zip(*numbers, strict=True))
    return (
        tenants,
        threads,
        runs,
        epochs,
        owners,
        [row.block for row in deltas],
        [KIND_NUMBERS[row.kind] for row in deltas],
        [row.text for row in deltas],
    )
