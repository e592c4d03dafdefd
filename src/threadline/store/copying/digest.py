"""A checksum of a table that depends on its rows alone: not on their order, nor on the database that they lie in."""

from collections.abc import Iterable
from hashlib import blake2b

import msgspec
from msgspec import Struct

from threadline.store.copying.tables import Row

_BYTES = 16
_encoder = msgspec.msgpack.Encoder()


class Digest(Struct):
    """How many rows, and the sum of their hashes. A sum, since two equal rows would cancel each other in an XOR."""

    rows: int = 0
    total: int = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Count these rows in."""
        for row in rows:
            self.rows += 1
            hashed = blake2b(_encoder.encode(row), digest_size=_BYTES).digest()
            self.total = (self.total + int.from_bytes(hashed, "big")) % (1 << (8 * _BYTES))

    def __str__(self) -> str:
        return f"{self.rows:,} rows, {self.total:032x}"
