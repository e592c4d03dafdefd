"""How fast one client may ask: so many requests a second for long, and a few more at once."""

from threadline.clock import Clock


class Pace:
    """A bucket that fills by `per_second` up to `burst`; each request takes one out."""

    def __init__(self, clock: Clock, per_second: float, burst: int) -> None:
        self._clock = clock
        self._per_second = per_second
        self._burst = burst
        self._left = float(burst)
        self._filled_at = clock.monotonic()

    @property
    def seconds_left(self) -> float:
        """How long until there is one to take out."""
        self._fill()
        return max(0.0, 1 - self._left) / self._per_second

    def allows(self) -> bool:
        """Take one out. Returns False where nothing is in."""
        self._fill()
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """Put back what was taken out for something that does not count."""
        self._left = min(self._burst, self._left + 1)

    def _fill(self) -> None:
        now = self._clock.monotonic()
        self._left = min(self._burst, self._left + (now - self._filled_at) * self._per_second)
        self._filled_at = now
