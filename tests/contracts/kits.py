"""The implementations that the store contract runs against.

A kit opens its store, opens it again as a new process would, lets the time of its leases pass, and knows how to take
away and give back room.
"""

from pathlib import Path
from typing import Protocol

import apsw

from support.postgres import PostgresServer
from threadline.clock import ManualClock
from threadline.store.contract import Store
from threadline.store.postgres.store import PostgresStore
from threadline.store.sqlite.store import SqliteStore


class StoreKit(Protocol):
    """One kind of store, empty at first."""

    async def open(self) -> Store:
        """Open the store."""
        ...

    async def reopen(self) -> Store:
        """Do what a restart does: close, and open what is on disk with a new object."""
        ...

    def advance(self, seconds: float) -> None:
        """Let time pass for those who hold leases."""
        ...

    def fill(self) -> None:
        """Leave no room to write."""
        ...

    def make_room(self) -> None:
        """Let it write again."""
        ...

    def count(self, table: str) -> int:
        """Count the rows of a table from outside, committed ones only."""
        ...

    async def close(self) -> None:
        """Close it."""
        ...


class SqliteKit:
    """A SQLite file in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.path = folder / "threadline.db"
        self.store: SqliteStore | None = None

    async def open(self) -> SqliteStore:
        """Open the store."""
        self.store = SqliteStore(self.path, self.clock)
        await self.store.open()
        return self.store

    async def reopen(self) -> SqliteStore:
        """Close, and open what is on disk with a new object."""
        await self.close()
        return await self.open()

    def advance(self, seconds: float) -> None:
        """Move the clock, which is the store's."""
        self.clock.advance(seconds)

    def fill(self) -> None:
        """Forbid the file to grow: SQLite then says what it says on a full disk."""
        pages = self._pragma("page_count")
        self._pragma(f"max_page_count = {pages}")

    def make_room(self) -> None:
        """Let it grow again."""
        self._pragma("max_page_count = 1073741823")

    def count(self, table: str) -> int:
        """Count the rows of a table."""
        connection = apsw.Connection(str(self.path))
        found = connection.execute(f"SELECT count(*) FROM {table}").get
        connection.close()
        return int(found)

    async def close(self) -> None:
        """Close it."""
        if self.store is not None:
            await self.store.close()
            self.store = None

    def _pragma(self, text: str) -> int:
        assert self.store is not None
        connection = self.store._write_connection
        assert connection is not None
        return int(connection.execute(f"PRAGMA {text}").get)


NO_ROOM = (
    """CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END
$$""",
    """DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON %I EXECUTE FUNCTION no_room()', name);
    END LOOP;
END
$$""",
)
"""What a full disk answers, from every table."""


class PostgresKit:
    """A database of the test's own on a PostgreSQL that all tests share."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self.server = server
        self.database = database
        self.store: PostgresStore | None = None

    async def open(self) -> PostgresStore:
        """Open the store."""
        self.store = PostgresStore(self.server.url(self.database))
        await self.store.open()
        return self.store

    async def reopen(self) -> PostgresStore:
        """Close, and open what is in the database with a new object."""
        await self.close()
        return await self.open()

    def advance(self, seconds: float) -> None:
        """Let everything that goes by the database's clock, which nobody moves, have happened that much earlier."""
        self.execute(f"UPDATE nodes SET live_until = live_until - interval '{seconds} seconds'")
        self.execute(f"UPDATE writers SET written_at = written_at - interval '{seconds} seconds'")
        self.execute(f"UPDATE attendance SET read_at_ms = read_at_ms - {round(seconds * 1000)}")

    def fill(self) -> None:
        """Let every write fail the way it does on a full disk."""
        for statement in NO_ROOM:
            self.execute(statement)

    def make_room(self) -> None:
        """Let it write again."""
        self.execute("DROP FUNCTION no_room() CASCADE")

    def count(self, table: str) -> int:
        """Count the rows of a table."""
        return int(self.execute(f"SELECT count(*) FROM {table}")[0][0])

    async def close(self) -> None:
        """Close it."""
        if self.store is not None:
            await self.store.close()
            self.store = None

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as the owner of the database, from outside the store."""
        return [tuple(row) for row in self.server.execute(statement, self.database)]
