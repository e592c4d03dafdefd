"""The implementations that the store contract runs against. PostgreSQL will be one more class with the same five verbs.

A kit opens its store, opens it again as a new process would, and knows how to take away and give back room.
"""

from pathlib import Path
from typing import Protocol

from threadline.clock import ManualClock
from threadline.store.contract import Store
from threadline.store.sqlite.store import SqliteStore


class StoreKit(Protocol):
    """One kind of store, empty at first."""

    clock: ManualClock

    async def open(self) -> Store:
        """Open the store."""
        ...

    async def reopen(self) -> Store:
        """Do what a restart does: close, and open what is on disk with a new object."""
        ...

    async def fill(self) -> None:
        """Leave no room to write."""
        ...

    async def make_room(self) -> None:
        """Let it write again."""
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

    async def fill(self) -> None:
        """Forbid the file to grow: SQLite then says what it says on a full disk."""
        pages = self._pragma("page_count")
        self._pragma(f"max_page_count = {pages}")

    async def make_room(self) -> None:
        """Let it grow again."""
        self._pragma("max_page_count = 1073741823")

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


STORES = {"sqlite": SqliteKit}
