"""When to try again, and how long to wait first. Pure: whoever asks does the waiting.

Two rules of giving up. A plain call is tried a number of times (`Attempts`): somebody waits for its answer. A stream is
held for a length of time without progress (`Outage`): a deployment may take minutes, and the answer goes on without us.
"""

import random
from collections.abc import Callable
from enum import Enum, auto

from msgspec import Struct

from threadline.client.errors import APIError, ConnectionLost, NotFound, ThreadlineError, Timeout
from threadline.client.problems import TRANSIENT_STATUSES

RETRIES_MAX = 5
"""Tries after the first. With the pauses of `Backoff` that is up to 8 s: enough for a restart of one server."""

RECONNECT_SECONDS_MAX = 300.0
"""A rolling deployment with a slow migration takes minutes; a longer outage is for a person to look at."""

RETRY_AFTER_SECONDS_MAX = 60.0
"""A plain call waits no longer than this because a server asked for it: its caller would rather know."""

REFUSED_STATUSES = frozenset({429, 503})
"""Statuses that say: nothing was done."""


class Repeat(Enum):
    """Whether a request may be sent twice."""

    ALWAYS = auto()
    """It is idempotent, by its method, by its key, or by the contract."""
    IF_REFUSED = auto()
    """Only when it certainly was not carried out: it never left, or the server said so."""
    NEVER = auto()
    """Its caller wants to know how it is now."""


class Backoff(Struct, frozen=True, kw_only=True):
    """Exponential backoff with full jitter: each pause is a random part of a ceiling that doubles.

    Full, since all the clients of a server that restarts are cut in the same millisecond, and must not return in one.
    """

    seconds_first: float = 0.25
    seconds_max: float = 8.0
    random: Callable[[], float] = random.random

    def seconds(self, attempt: int, *, at_least: float = 0.0) -> float:
        """Return the pause after failure number `attempt`, counted from 1. What the server asked for comes on top."""
        doublings = min(attempt - 1, 30)
        ceiling = min(self.seconds_max, self.seconds_first * 2.0**doublings)
        return at_least + ceiling * self.random()


class Attempts:
    """The tries of one plain call."""

    __slots__ = ("_backoff", "_failed", "_maybe_done", "_repeat", "_retries_max")

    def __init__(self, repeat: Repeat, backoff: Backoff, retries_max: int) -> None:
        self._repeat = repeat
        self._backoff = backoff
        self._retries_max = retries_max
        self._failed = 0
        self._maybe_done = False

    def pause_after(self, error: ThreadlineError) -> float:
        """Return the seconds to wait before the next try. Raises `error` when there is to be none."""
        self._failed += 1
        asked = _seconds_asked_for(error)
        if self._failed > self._retries_max or asked > RETRY_AFTER_SECONDS_MAX or not may_repeat(error, self._repeat):
            raise error
        self._maybe_done |= not was_refused(error)
        return self._backoff.seconds(self._failed, at_least=asked)

    def show_deleted(self, error: ThreadlineError) -> bool:
        """Whether a deletion that met `error` was carried out by an earlier try, whose answer never came."""
        return self._maybe_done and isinstance(error, NotFound)


class Outage:
    """The time that a stream has been without progress."""

    __slots__ = ("_backoff", "_clock", "_seconds_max", "_since", "attempt")

    def __init__(self, backoff: Backoff, seconds_max: float, clock: Callable[[], float]) -> None:
        self.attempt = 0
        self._backoff = backoff
        self._seconds_max = seconds_max
        self._clock = clock
        self._since: float | None = None

    def over(self) -> None:
        """Note that there was progress."""
        self.attempt = 0
        self._since = None

    def pause_after(self, error: ThreadlineError, *, seconds_first: float = 0.0) -> float:
        """Return the seconds to wait before the next connection.

        `seconds_first` is the server's own wish for the first pause; it can ask for more patience than ours, not for
        less. Raises `error` when no waiting can mend it, and `ConnectionLost` when the budget is spent.
        """
        if not may_repeat(error, Repeat.ALWAYS):
            raise error
        now = self._clock()
        self._since = now if self._since is None else self._since
        self.attempt += 1
        gone = now - self._since
        asked = _seconds_asked_for(error)
        pause = self._backoff_from(seconds_first).seconds(self.attempt, at_least=asked)
        if gone + pause < self._seconds_max:
            return pause
        if asked >= self._seconds_max:
            raise error  # Says itself when to come back, which is better than "lost".
        raise ConnectionLost(f"gave up after {gone:.1f} s without progress; last: {error}") from error

    def _backoff_from(self, seconds_first: float) -> Backoff:
        ours = self._backoff
        first = min(max(ours.seconds_first, seconds_first), ours.seconds_max)
        return Backoff(seconds_first=first, seconds_max=ours.seconds_max, random=ours.random)


def may_repeat(error: ThreadlineError, repeat: Repeat) -> bool:
    """Whether the request that met `error` may be sent again, and whether there is any hope in it."""
    if repeat is Repeat.NEVER:
        return False
    if repeat is Repeat.IF_REFUSED and not was_refused(error):
        return False
    match error:
        case APIError():
            return error.retryable and error.status in TRANSIENT_STATUSES
        case ConnectionLost():
            return error.retryable
        case Timeout():
            return True
        case _:
            return False


def was_refused(error: ThreadlineError) -> bool:
    """Whether the request that met `error` certainly was not carried out."""
    match error:
        case APIError():
            return error.status in REFUSED_STATUSES
        case ConnectionLost():
            return error.never_sent
        case _:
            return False


def _seconds_asked_for(error: ThreadlineError) -> float:
    return (error.retry_after_seconds or 0.0) if isinstance(error, APIError) else 0.0
