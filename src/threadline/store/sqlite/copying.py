"""A SQLite installation as the source of a copy: one snapshot of the file, row by row."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
from msgspec import Struct

from threadline.errors import StoreRefused
from threadline.store.copying.contract import Batch, Position
from threadline.store.copying.tables import DELTAS, THREADS, Row, Table, bytes_of
from threadline.store.sqlite.heads import Heads
from threadline.store.sqlite.schema import steps, version_of
from threadline.store.sqlite.store import BUSY_TIMEOUT_MS, refusal

BATCH_ROWS = 2000
BATCH_BYTES = 2_000_000
"""What one commit of the target takes: a fraction of a second of work, lost at most once when the copy is killed."""


class _Attempt(Struct, frozen=True):
    """Whose deltas are whose: a delta's row knows its run only."""

    tenant_id: str
    thread_id: str
    epoch: int
    floor: int
    first_seq: int
    last_seq: int


class SqliteSource:
    """One connection in one transaction, which only reads. To be closed."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            StoreRefused: no such file, no database of ours, or of another version than this program's.
        """
        self.origin = f"sqlite:///{path.absolute()}"
        self._path = path
        if not path.exists():
            raise StoreRefused(f"There is no database at {path} to copy.")
        try:
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
            self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            self._connection.execute("PRAGMA query_only = ON")
            self._connection.execute("BEGIN")
            _refuse_other_version(path, version_of(self._connection))
            self._heads = Heads()
            self._heads.load(self._connection)
            self._attempts = self._load_attempts()
        except apsw.Error as error:
            raise StoreRefused(refusal(path, error)) from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    async def count(self, table: Table) -> int:
        """Return how many rows a table has; of the deltas also those that wait to be pruned."""
        return int(self._connection.execute(f"SELECT count(*) FROM {table.name}").get)

    async def batches(self, table: Table, after: Position | None = None) -> AsyncIterator[Batch]:
        """Yield a table's rows from a position on. Raises StoreRefused where the file is damaged."""
        read = self._deltas if table is DELTAS else self._rows
        try:
            for batch in _batched(read(table, after)):
                yield batch
        except apsw.Error as error:
            raise StoreRefused(refusal(self._path, error)) from error

    def _rows(self, table: Table, after: Position | None) -> Iterator[tuple[Position, Row]]:
        key = ", ".join(table.key)
        where = "" if after is None else f"WHERE ({key}) > ({', '.join('?' * len(table.key))})"
        statement = f"SELECT {', '.join(table.columns)} FROM {table.name} {where} ORDER BY {key}"
        names = list(table.columns)
        places = [names.index(name) for name in table.key]
        for row in self._connection.execute(statement, after or ()):
            yield [row[place] for place in places], self._with_head(row) if table is THREADS else row

    def _with_head(self, row: Row) -> Row:
        columns = list(THREADS.columns)
        head = self._heads.get(row[columns.index("id")])  # type: ignore[arg-type] # an id
        if head is None:
            return row
        place = columns.index("seq")
        return (*row[:place], head, *row[place + 1 :])

    def _deltas(self, table: Table, after: Position | None) -> Iterator[tuple[Position, Row]]:
        rows = self._connection.execute(
            "SELECT id, run_id, seq, block, kind, text FROM deltas WHERE id > ? ORDER BY id",
            (0 if after is None else after[0],),
        )
        for delta_id, run_id, seq, block, kind, text in rows:
            for attempt in self._attempts.get(run_id, ()):
                if delta_id >= attempt.floor and attempt.first_seq <= seq <= attempt.last_seq:
                    row = {
                        "tenant_id": attempt.tenant_id,
                        "thread_id": attempt.thread_id,
                        "run_id": run_id,
                        "text": text,
                        "seq": seq,
                        "epoch": attempt.epoch,
                        "block": block,
                        "kind": kind,
                    }
                    yield [delta_id], tuple(row[name] for name in table.columns)

    def _load_attempts(self) -> dict[str, list[_Attempt]]:
        found: dict[str, list[_Attempt]] = {}
        rows = self._connection.execute(
            "SELECT run_id, tenant_id, thread_id, epoch, delta_floor, first_seq, "
            "coalesce(last_seq, 9223372036854775807) FROM unpacked_attempts"
        )
        for run_id, *attempt in rows:
            found.setdefault(run_id, []).append(_Attempt(*attempt))
        return found


def _batched(rows: Iterator[tuple[Position, Row]]) -> Iterator[Batch]:
    found: list[Row] = []
    size = 0
    position: Position = []
    for position, row in rows:
        found.append(row)
        size += bytes_of(row)
        if len(found) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield Batch(found, position)
            found, size = [], 0
    if found:
        yield Batch(found, position)


def _refuse_other_version(path: Path, version: int) -> None:
    newest = steps()[-1][0]
    if version < newest:
        raise StoreRefused(
            f"The database {path} has version {version}, this program's is {newest}: `threadline db migrate` first."
        )
    if version > newest:
        raise StoreRefused(
            f"The database {path} has version {version}; this program knows versions up to {newest}. Copy it with the "
            "Threadline that wrote it."
        )
