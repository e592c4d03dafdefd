"""When a call that has not spoken yet is tried again, and after how long.

Pure: says how long to wait; the caller owns the waiting, the randomness and the count.
"""

from random import Random

from msgspec import Struct

from threadline.errors import ProviderFailure


class RetryPolicy(Struct, frozen=True):
    """Exponential backoff with full jitter; a vendor that names a time is believed, up to a cap.

    Three retries in at most 0.5 + 1 + 2 seconds carry a person over a hiccup. What lasts longer is the run's to say.
    A vendor that wants more than half a minute is not waited for: the person would rather know.
    """

    retries_max: int = 3
    backoff_seconds: float = 0.5
    backoff_seconds_max: float = 8.0
    retry_after_seconds_max: float = 30.0

    def wait_seconds(self, failure: ProviderFailure, retries_done: int, source: Random) -> float | None:
        """Return how long to wait before the next try; None when there is to be none."""
        if not failure.retryable or retries_done >= self.retries_max:
            return None
        jitter = source.uniform(0, min(self.backoff_seconds * 2**retries_done, self.backoff_seconds_max))
        asked: float | None = failure.extra.get("retry_after_seconds")
        if asked is None:
            return jitter
        if asked > self.retry_after_seconds_max:
            return None
        # Never earlier than asked, and not everybody at the same moment either.
        return asked + jitter
