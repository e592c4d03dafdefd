"""Ids: opaque, prefixed, sortable by creation.

An id is a prefix (`thr_ msg_ run_ …`) and a ULID: 48 bits of milliseconds, then 80 random bits, in Crockford's base 32.
Two ids made by one process always sort in the order in which they were made. Randomness and time are handed in,
so that a simulation makes the same ids from the same seed.
"""

import random
import re
from typing import NewType

from threadline.clock import Clock

TenantId = NewType("TenantId", str)
KeyId = NewType("KeyId", str)
ThreadId = NewType("ThreadId", str)
MessageId = NewType("MessageId", str)
RunId = NewType("RunId", str)
NodeId = NewType("NodeId", str)
ToolId = NewType("ToolId", str)
SessionId = NewType("SessionId", str)
ShareId = NewType("ShareId", str)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
ID_PATTERN = r"^[a-z]{2,5}_[0-9A-HJKMNP-TV-Z]{26}$"
_WELL_FORMED = re.compile(ID_PATTERN)


def is_well_formed(value: str) -> bool:
    """Say whether `value` could be an id of ours, of whatever kind."""
    return _WELL_FORMED.fullmatch(value) is not None


class IdMaker:
    """Makes ids. One for each process; not shared between threads."""

    def __init__(self, clock: Clock, source: random.Random) -> None:
        self._clock = clock
        self._source = source
        self._last = 0

    def thread(self) -> ThreadId:
        """Make the id of a thread."""
        return ThreadId(self.make("thr"))

    def message(self) -> MessageId:
        """Make the id of a message."""
        return MessageId(self.make("msg"))

    def run(self) -> RunId:
        """Make the id of a run."""
        return RunId(self.make("run"))

    def make(self, prefix: str) -> str:
        """Make an id with another prefix, `prefix` without its underscore."""
        number = (self._clock.now_ms() << _RANDOM_BITS) | self._source.getrandbits(_RANDOM_BITS)
        # Within one millisecond, or when the clock steps back, the next id is the last one plus one: order of
        # creation is what everything that sorts by id relies on.
        if number <= self._last:
            number = self._last + 1
        self._last = number
        return f"{prefix}_{_base32(number)}"


def _base32(number: int) -> str:
    digits = []
    for _ in range(26):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
