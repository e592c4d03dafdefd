"""The two ends of a copy: what gives rows out, and what takes them in.

A source is one snapshot for as long as it is open. A target remembers, in the transaction that stores a batch, how far
the copy is, so that whoever goes on after a crash neither leaves a row out nor stores it twice.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from msgspec import Struct

from threadline.store.copying.tables import Row, Table

Position = list[str | int]
"""Up to where a table is read: of a kind that the source alone understands."""


class Batch(Struct, frozen=True):
    """Some rows, and the position behind them."""

    rows: Sequence[Row]
    position: Position


class Rows(Protocol):
    """A database whose rows can be counted and read."""

    async def count(self, table: Table) -> int:
        """Return how many rows a table has, for a progress bar: it need not be exact."""
        ...

    def batches(self, table: Table, after: Position | None = None) -> AsyncIterator[Batch]:
        """Yield a table's rows from a position on, in the order of the positions."""
        ...


class Source(Rows, Protocol):
    """Where the installation is."""

    @property
    def origin(self) -> str:
        """Its address without a password, by which a copy that was broken off knows it again."""
        ...


class Target(Rows, Protocol):
    """Where the installation goes."""

    async def begin(self, origin: str) -> None:
        """Make room for a copy, or take up one that was broken off.

        Raises:
            StoreRefused: it has rows that are not of a copy from `origin`, or nodes are using it.
        """
        ...

    async def position(self, table: Table) -> Position | None:
        """Return how far the copy of a table is; None where it has not begun."""
        ...

    async def store(self, table: Table, batch: Batch) -> None:
        """Store a batch and its position, both or neither."""
        ...

    async def finish(self, secret: bytes | None) -> None:
        """Store the signing secret, and say that the copy is whole: from now on servers may start."""
        ...
