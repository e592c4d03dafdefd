"""Looks at a SQLite file without changing it: for `threadline db check`, `db backup` and `doctor`.

A `Survey` neither creates nor migrates: it must also be able to look at a file that a store would refuse. It reads
beside a running server, one snapshot at a time, so that it never holds back the server's checkpoints for long.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TypeVar

import apsw

from threadline.clock import Clock
from threadline.errors import StoreRefused
from threadline.ids import TenantId, ThreadId
from threadline.store.contract import ReadScript
from threadline.store.sqlite.reader import SqliteReader
from threadline.store.sqlite.schema import steps, version_of
from threadline.store.sqlite.store import BUSY_TIMEOUT_MS, drive, refusal
from threadline.store.survey import ThreadPlace

T = TypeVar("T")

FINDINGS_MAX = 100
"""Lines that SQLite's own check gives out. A damaged file has thousands, and the first ones say where to look."""


class Survey:
    """One connection that only looks. To be used in one thread, and closed."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open the file.

        Raises:
            StoreRefused: there is no such file, or it is no database, or it may not be read.
        """
        self.path = path
        self.name = str(path)
        self.newest_version = newest_version()
        self._clock = clock
        if not path.exists():
            raise StoreRefused(f"There is no database at {path}.")
        with self._errors_wrapped():
            # Opened for writing where that is allowed, since the last one to leave a file in WAL mode tidies up behind
            # itself; `query_only` sees to it that nothing but that is ever written.
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
            self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            self._connection.execute("PRAGMA query_only = ON")
            self.version = version_of(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def read(self, script: ReadScript[T]) -> T:
        """Run a script on one consistent snapshot. Raises what it raises, or StoreRefused."""
        with self._snapshot():
            return drive(script(SqliteReader(self._connection, self._clock)))

    def threads(self) -> list[ThreadPlace]:
        """Return all threads that are not deleted, of all tenants."""
        with self._snapshot():
            rows = self._connection.execute(
                "SELECT tenant_id, id FROM threads WHERE deleted_at IS NULL ORDER BY tenant_id, id"
            )
            return [ThreadPlace(TenantId(tenant_id), ThreadId(thread_id)) for tenant_id, thread_id in rows]

    def last_activity_at(self) -> str | None:
        """Return when somebody last said something, by the clock of that moment."""
        with self._snapshot():
            newest = self._connection.execute("SELECT max(last_activity_at) FROM threads").get
            return None if newest is None else str(newest)

    def damage(self, is_quick: bool = False) -> list[str]:
        """Return what SQLite finds wrong with the file. The quick way does not compare the indexes with their rows."""
        check = "quick_check" if is_quick else "integrity_check"
        try:
            rows = [str(row[0]) for row in self._connection.execute(f"PRAGMA {check}({FINDINGS_MAX})")]
        except apsw.CorruptError as error:
            return [str(error)]
        return [] if rows == ["ok"] else rows

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        with self._errors_wrapped():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _errors_wrapped(self) -> Iterator[None]:
        try:
            yield
        except apsw.Error as error:
            raise StoreRefused(refusal(self.path, error)) from error


def newest_version() -> int:
    """Return the schema version that this program knows."""
    return steps()[-1][0]


def wal_bytes(path: Path) -> int:
    """Return the size of the write-ahead log beside a database file; 0 where there is none."""
    try:
        return os.stat(f"{path}-wal").st_size
    except FileNotFoundError:
        return 0
