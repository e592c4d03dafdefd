"""Parts of a file, and files that the asker has already (RFC 9110, 13 and 14). Pure: headers in, a decision out.

A file never changes under its id, so its checksum is its strong tag for ever. One range is served; a request for
several gets the whole file, as the RFC allows.
"""

import re

from msgspec import Struct

_ONE_RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})")


class Part(Struct, frozen=True):
    """Which bytes to send: from `start` up to and without `end`. `is_whole`: as if nobody had asked for a part."""

    start: int
    end: int
    is_whole: bool

    @property
    def length(self) -> int:
        """How many bytes these are."""
        return self.end - self.start


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the asker has this very file already."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


def part_of(range_: str | None, if_range: str | None, etag: str, size: int) -> Part | None:
    """Return what is asked for of a file of so many bytes; None where none of it is there (416)."""
    whole = Part(0, size, is_whole=True)
    if range_ is None or (if_range is not None and if_range.strip() != etag):
        return whole
    found = _ONE_RANGE.fullmatch(range_.strip())
    if found is None:
        # Several, another unit, or nonsense: a server may ignore what it does not understand.
        return whole
    first, last = found.groups()
    if not first:
        return _suffix(last, size) if last else whole
    start, end = int(first), int(last) + 1 if last else size
    if last and end <= start:
        return whole
    return None if start >= size else Part(start, min(end, size), is_whole=False)


def _suffix(last: str, size: int) -> Part | None:
    length = int(last)
    return Part(max(0, size - length), size, is_whole=False) if length else None
