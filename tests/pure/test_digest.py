"""The checksum of a copy: the same for the same rows in any order, another one for anything else."""

import pytest

from threadline.store.copying.digest import Digest
from threadline.store.copying.tables import Row

ROWS: list[Row] = [("a", 1, None, b"x"), ("b", 2, "ä", b""), ("b", 2, "ä", b""), ("", 0, "", b"\x00")]


def digest(rows: list[Row]) -> Digest:
    """Return the digest of some rows."""
    made = Digest()
    made.add(rows)
    return made


def test_the_order_does_not_matter() -> None:
    """Databases sort text in their own ways."""
    assert digest(ROWS) == digest(ROWS[::-1])
    parts = Digest()
    for row in ROWS:
        parts.add([row])
    assert parts == digest(ROWS)


OTHERS: dict[str, list[Row]] = {
    "a row less": ROWS[:3],
    "a row twice": [*ROWS, ROWS[0]],
    "two equal rows less": [ROWS[0], ROWS[3]],
    "another number": [("a", 2, None, b"x"), *ROWS[1:]],
    "nothing for empty": [*ROWS[:3], ("", 0, None, b"\x00")],
    "text for bytes": [("a", 1, None, "x"), *ROWS[1:]],
    "text for a number": [("a", "1", None, b"x"), *ROWS[1:]],
    "columns swapped": [(1, "a", None, b"x"), *ROWS[1:]],
    "a border moved": [("ab", 1, None, b"x"), ("", 2, "ä", b""), *ROWS[2:]],
}


@pytest.mark.parametrize("kind", OTHERS)
def test_whatever_differs_is_seen(kind: str) -> None:
    """Each of these is another table."""
    assert digest(OTHERS[kind]).total != digest(ROWS).total
