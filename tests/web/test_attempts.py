"""Trying to sign in: bounded by address and in all, and costing nothing to who succeeds."""

import httpx
import pytest

from threadline.api.web.attempts import Attempts
from threadline.clock import ManualClock
from threadline.errors import RateLimited, Unauthorized
from threadline.limits import SIGN_IN_FAILURES_ALL_BURST, SIGN_IN_FAILURES_BURST, SIGN_IN_FAILURES_PER_SECOND

from .conftest import Installation


def fails(attempts: Attempts, address: str) -> bool:
    """Fail to sign in; return whether one was let try."""
    try:
        with attempts.trying(address):
            raise Unauthorized
    except RateLimited:
        return False
    except Unauthorized:
        return True


def burst(attempts: Attempts, address: str) -> int:
    """Fail until one is not let try any more; return how often that was."""
    return next(count for count in range(10_000) if not fails(attempts, address))


@pytest.mark.parametrize(
    ("address", "same", "other"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"),
        ("", "", "unix"),
    ],
)
def test_an_address_has_so_many_failures(address: str, same: str, other: str) -> None:
    """Whoever has used them up waits, with all of his network, and is let in again one by one; others are not held up."""
    clock = ManualClock()
    attempts = Attempts(clock)
    assert burst(attempts, address) == SIGN_IN_FAILURES_BURST
    assert not fails(attempts, same)
    assert fails(attempts, other)
    with pytest.raises(RateLimited) as refused, attempts.trying(address):
        raise AssertionError("let in")
    clock.advance(refused.value.extra["retry_after"])
    assert refused.value.extra["retry_after"] == 1 / SIGN_IN_FAILURES_PER_SECOND
    assert [fails(attempts, address) for _ in range(2)] == [True, False]


def test_success_costs_nothing() -> None:
    """However often."""
    attempts = Attempts(ManualClock())
    for _ in range(SIGN_IN_FAILURES_BURST * 3):
        with attempts.trying("192.0.2.1"):
            pass
    assert burst(attempts, "192.0.2.1") == SIGN_IN_FAILURES_BURST


def test_all_addresses_together_have_a_bound() -> None:
    """A thousand addresses are no way around it; and what was refused in all is not counted against an address."""
    attempts = Attempts(ManualClock())
    tried = sum(fails(attempts, f"198.51.{number // 250}.{number % 250}") for number in range(1000))
    assert tried == SIGN_IN_FAILURES_ALL_BURST


def test_who_fails_too_often_is_told_to_wait(installation: Installation) -> None:
    """By the address that the proxy in front has seen: neither a made-up one before it nor another client's counts."""

    def attempt(way: int, made_up: str, address: str, key: str = "nonsense") -> httpx.Response:
        browser = installation.browser({"origin": installation.url, "x-forwarded-for": f"{made_up}, {address}"})
        if way % 2:
            return browser.post("/sign-in", data={"key": key})
        return browser.get("/sign-in", params={"code": key})

    tries = [attempt(way, f"203.0.113.{way}", "192.0.2.9") for way in range(SIGN_IN_FAILURES_BURST + 10)]
    assert {each.status_code for each in tries[:SIGN_IN_FAILURES_BURST]} == {401}
    refused = next(each for each in tries if each.status_code == 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    assert "Too many attempts" in refused.text
    assert attempt(1, "192.0.2.9", "192.0.2.10", installation.key).status_code == 303
