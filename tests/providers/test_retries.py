"""When a call is tried again."""

import random

import pytest

from threadline.errors import ProviderAuth, ProviderFailure, ProviderOverloaded, ProviderRateLimited
from threadline.providers.failures import QuotaExhausted
from threadline.providers.retries import RetryPolicy

POLICY = RetryPolicy()


def test_the_wait_doubles_and_is_drawn_by_lot() -> None:
    """Full jitter: anything from nothing to 0.5, 1, 2 seconds, so that clients do not come back together."""
    source = random.Random(7)
    for done, most in enumerate((0.5, 1.0, 2.0)):
        waits = [POLICY.wait_seconds(ProviderOverloaded(), done, source) for _ in range(200)]
        assert all(wait is not None and 0 <= wait <= most for wait in waits)
        assert max(wait for wait in waits if wait is not None) > 0.9 * most
        assert min(wait for wait in waits if wait is not None) < 0.1 * most


def test_the_wait_has_a_cap() -> None:
    """However many retries are allowed, none waits longer than the cap."""
    policy = RetryPolicy(retries_max=50)
    waits = [policy.wait_seconds(ProviderFailure(), 40, random.Random(seed)) for seed in range(100)]
    assert all(wait is not None and wait <= policy.backoff_seconds_max for wait in waits)


def test_retries_end() -> None:
    """After three retries the failure is told."""
    assert POLICY.wait_seconds(ProviderFailure(), 2, random.Random(1)) is not None
    assert POLICY.wait_seconds(ProviderFailure(), 3, random.Random(1)) is None


@pytest.mark.parametrize("failure", [ProviderAuth(), QuotaExhausted()])
def test_what_will_not_pass_is_not_tried_again(failure: ProviderFailure) -> None:
    """A wrong key stays wrong, and an empty account stays empty."""
    assert POLICY.wait_seconds(failure, 0, random.Random(1)) is None


def test_a_vendor_that_names_a_time_is_believed() -> None:
    """Never earlier than asked, and only a little later."""
    wait = POLICY.wait_seconds(ProviderRateLimited(retry_after_seconds=7.0), 0, random.Random(1))
    assert wait is not None
    assert 7.0 <= wait <= 7.5


def test_a_vendor_that_wants_too_much_time_is_not_waited_for() -> None:
    """Beyond half a minute the person is told instead."""
    assert POLICY.wait_seconds(ProviderRateLimited(retry_after_seconds=30.0), 0, random.Random(1)) is not None
    assert POLICY.wait_seconds(ProviderRateLimited(retry_after_seconds=30.1), 0, random.Random(1)) is None
