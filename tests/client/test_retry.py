"""When to try again: pure, with a clock and a chance that the test holds."""

import pytest

from threadline.client.errors import (
    APIError,
    ConnectionLost,
    NotFound,
    Problem,
    RateLimited,
    ShuttingDown,
    ThreadlineError,
    Timeout,
    UnexpectedAnswer,
)
from threadline.client.retry import Attempts, Backoff, Outage, Repeat, may_repeat

LATEST = Backoff(seconds_first=1.0, seconds_max=8.0, random=lambda: 1.0)
BROKEN = ConnectionLost("broke")
REFUSED = ConnectionLost("refused", never_sent=True)


def api_error(
    status: int, kind: type[APIError] = APIError, *, retryable: bool = True, after: float | None = None
) -> APIError:
    return kind(Problem(status=status, code="c", title="T", retryable=retryable, retry_after_seconds=after))


class Clock:
    """Time that stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_pauses_double_up_to_the_ceiling() -> None:
    """The longest possible pause doubles with each failure, and stops at the maximum, also after a thousand."""
    assert [LATEST.seconds(attempt) for attempt in (1, 2, 3, 4, 5, 1000)] == [1, 2, 4, 8, 8, 8]


def test_jitter_is_full() -> None:
    """A pause may be anything from nothing to the ceiling, on top of what the server asked for."""
    earliest = Backoff(seconds_first=1.0, seconds_max=8.0, random=lambda: 0.0)
    assert earliest.seconds(5) == 0.0
    assert earliest.seconds(5, at_least=3.0) == 3.0
    assert LATEST.seconds(1, at_least=3.0) == 4.0
    assert len({Backoff().seconds(3) for _ in range(50)}) > 25


@pytest.mark.parametrize(
    ("error", "always", "if_refused"),
    [
        (REFUSED, True, True),
        (BROKEN, True, False),
        (ConnectionLost("ours", retryable=False), False, False),
        (Timeout("late"), True, False),
        (api_error(503), True, True),
        (api_error(429), True, True),
        (api_error(500), True, False),
        (api_error(502), True, False),
        (api_error(503, retryable=False), False, False),
        (api_error(409), False, False),
        (api_error(404), False, False),
        (UnexpectedAnswer("x"), False, False),
    ],
)
def test_what_may_be_sent_twice(error: ThreadlineError, always: bool, if_refused: bool) -> None:
    """The table of the retry rule: which failure is worth a second try, of a request that may or must not run twice."""
    assert may_repeat(error, Repeat.ALWAYS) is always
    assert may_repeat(error, Repeat.IF_REFUSED) is if_refused
    assert may_repeat(error, Repeat.NEVER) is False


def test_attempts_end() -> None:
    """After the last retry the error itself is raised."""
    attempts = Attempts(Repeat.ALWAYS, LATEST, retries_max=2)
    assert [attempts.pause_after(BROKEN), attempts.pause_after(BROKEN)] == [1, 2]
    with pytest.raises(ConnectionLost) as caught:
        attempts.pause_after(BROKEN)
    assert caught.value is BROKEN


def test_attempts_do_not_wait_for_minutes() -> None:
    """A server that asks for more patience than a caller has is obeyed by not asking it again."""
    attempts = Attempts(Repeat.ALWAYS, LATEST, retries_max=2)
    with pytest.raises(RateLimited):
        attempts.pause_after(api_error(429, RateLimited, after=61))
    assert attempts.pause_after(api_error(429, RateLimited, after=60)) == 62


def test_a_deletion_that_is_gone_after_a_break_was_ours() -> None:
    """That nothing is found means success only when an earlier try may have got through."""
    gone = NotFound(Problem(status=404, code="not_found", title="Not found"))
    attempts = Attempts(Repeat.ALWAYS, LATEST, retries_max=5)
    assert not attempts.show_deleted(gone)
    attempts.pause_after(REFUSED)
    attempts.pause_after(api_error(503))
    assert not attempts.show_deleted(gone)
    attempts.pause_after(BROKEN)
    assert attempts.show_deleted(gone)
    assert not attempts.show_deleted(BROKEN)


def test_an_outage_ends_when_its_budget_does() -> None:
    """A stream gives up when the next pause would pass the budget, counted from the first failure."""
    clock = Clock()
    outage = Outage(LATEST, seconds_max=10.0, clock=clock)
    assert outage.pause_after(BROKEN) == 1
    clock.now += 7.9
    assert outage.pause_after(BROKEN) == 2
    clock.now += 0.2
    with pytest.raises(ConnectionLost, match=r"gave up after 8.1 s without progress; last: broke") as caught:
        outage.pause_after(BROKEN)
    assert caught.value.__cause__ is BROKEN


def test_progress_starts_the_budget_again() -> None:
    """After progress neither the pauses nor the budget remember the trouble before."""
    clock = Clock()
    outage = Outage(LATEST, seconds_max=10.0, clock=clock)
    for _ in range(20):
        assert outage.pause_after(BROKEN) == 1
        clock.now += 6
        assert outage.pause_after(BROKEN) == 2
        outage.over()
        assert outage.attempt == 0


def test_an_outage_raises_what_waiting_cannot_mend() -> None:
    """A refusal, and a wish for more time than there is, are raised as they are."""
    outage = Outage(LATEST, seconds_max=10.0, clock=Clock())
    for error in (api_error(404, NotFound), api_error(429, RateLimited, after=3600)):
        with pytest.raises(APIError) as caught:
            outage.pause_after(error)
        assert caught.value is error
    assert outage.pause_after(api_error(503, ShuttingDown, after=2)) == 4


def test_the_servers_retry_time_asks_for_more_patience_never_for_less() -> None:
    """The `retry:` of a stream raises the first pause, within our own maximum."""
    for seconds_first, pause in ((0.0, 1.0), (0.5, 1.0), (3.0, 3.0), (900.0, 8.0)):
        outage = Outage(LATEST, seconds_max=100.0, clock=Clock())
        assert outage.pause_after(BROKEN, seconds_first=seconds_first) == pause
