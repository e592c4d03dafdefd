"""Time as something that one is handed, never something that one imports.

`SystemClock` is the real one. `ManualClock` is shipped because every test of a lease, a timeout or an expiry needs it.
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for what is written down, monotonic time for what is waited for."""

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, now_ms: int = 1_767_225_600_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch."""
        return self._now_ms

    def monotonic(self) -> float:
        """Return the same time in seconds."""
        return self._now_ms / 1000

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`, which may not be negative."""
        assert seconds >= 0, "time does not go back"
        self._now_ms += round(seconds * 1000)


def rfc3339(now_ms: int) -> str:
    """Write milliseconds since the epoch as RFC 3339, UTC, with milliseconds: `2026-01-01T00:00:00.000Z`."""
    moment = datetime.fromtimestamp(now_ms // 1000, tz=UTC)
    return f"{moment.isoformat()[:19]}.{now_ms % 1000:03d}Z"


def from_rfc3339(text: str) -> int:
    """Read what `rfc3339` wrote, in milliseconds since the epoch."""
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000
