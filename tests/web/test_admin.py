"""The operator's routes: exact sums of what attempts have cost, for the installation or for one tenant."""

from decimal import Decimal

import pytest

from support.installation import make_key
from threadline.api.web.prices import cost_of
from threadline.store.contract_usage import UsageSum

from .conftest import Installation


@pytest.fixture(scope="module")
def operator(installation: Installation) -> str:
    """An operator's key."""
    return make_key(installation.data, role="operator")


def total(installation: Installation, key: str, by: str = "end_user", **query: str) -> dict[str | None, dict[str, int]]:
    """Return the lines of a sum by their keys."""
    answer = installation.api("GET", "/v1/admin/usage", key, params={"by": by, **query})
    assert answer.status_code == 200, answer.text
    return {line["key"]: line for line in answer.json()["data"]}


def test_usage_is_the_sum_of_the_runs(installation: Installation, operator: str) -> None:
    """What the sums say is what the runs say, for each person; a deleted thread has cost what it has cost."""
    expected = dict.fromkeys(("uma", "ute"), 0)
    for person, sends in (("uma", 2), ("ute", 1)):
        thread_id = installation.api("POST", "/v1/threads", json={"end_user_id": person}).json()["id"]
        for _ in range(sends):
            body = {"content": "count", "stream": False}
            run = installation.api("POST", f"/v1/threads/{thread_id}/messages", json=body).json()["run"]
            expected[person] += run["usage"]["output_tokens"]
        if person == "ute":
            installation.api("DELETE", f"/v1/threads/{thread_id}")
    for key in (installation.admin, operator):
        lines = total(installation, key)
        assert {person: lines[person]["output_tokens"] for person in expected} == expected
        assert lines["uma"]["attempts"] == lines["uma"]["known"] == 2
        # The demo model has no price: that is not for nothing, it is not known.
        assert lines["uma"]["cost_usd"] is None
    assert total(installation, installation.admin, "model")["demo/count-3@max"]["attempts"] >= 3
    assert total(installation, installation.admin, since="2020-01-01", until="2020-02-01") == {}
    (day,) = total(installation, installation.admin, "day")
    assert day is not None
    assert len(day) == 10


def test_a_tenant_sees_its_own(installation: Installation, operator: str) -> None:
    """An admin of another tenant finds nothing of this one, neither sums nor its name."""
    foreign = make_key(installation.data, tenant="other", role="admin")
    thread_id = installation.api("POST", "/v1/threads", json={"end_user_id": "zoe"}).json()["id"]
    installation.api("POST", f"/v1/threads/{thread_id}/messages", json={"content": "x", "stream": False})
    assert "zoe" not in total(installation, foreign)
    assert len(total(installation, operator, "tenant")) >= 1

    def names(key: str) -> set[str]:
        return {tenant["name"] for tenant in installation.api("GET", "/v1/admin/tenants", key).json()["data"]}

    assert names(foreign) == {"other"}
    assert names(installation.admin) == {"default"}
    assert names(operator) == {"default", "other"}


def test_who_may_ask(installation: Installation, operator: str) -> None:
    """Server keys and people may not; `live` is the operator's alone; a session says that it asks as one."""
    for path in ("/v1/admin/usage", "/v1/admin/tenants", "/v1/admin/live"):
        assert installation.api("GET", path).status_code == 403
        assert installation.api("GET", path, operator).status_code == 200
        browser = installation.signed_in()
        assert browser.get(path).status_code == 403
        assert browser.get(path, headers={"x-threadline-role": "operator"}).status_code == 200
    assert installation.api("GET", "/v1/admin/live", installation.admin).status_code == 403
    assert installation.api("GET", "/v1/admin/usage?by=colour", operator).status_code == 422
    assert installation.api("GET", "/v1/admin/usage?since=yesterday", operator).status_code == 422


def test_live_counts(installation: Installation, operator: str) -> None:
    """Runs that ended and commits that were made are in it."""
    thread_id = installation.api("POST", "/v1/threads").json()["id"]
    installation.api("POST", f"/v1/threads/{thread_id}/messages", json={"content": "x", "stream": False})
    live = installation.api("GET", "/v1/admin/live", operator).json()
    assert live["ended"]["completed"] >= 1
    assert live["commit_seconds"]["count"] >= 1
    assert live["first_token_seconds"]["p50"] is not None


def used(model: str, known: int = 2, **tokens: int | None) -> UsageSum:
    """Return a sum."""
    given = {"input_tokens": 2000, "output_tokens": 200, "cached_input_tokens": None, "reasoning_tokens": None}
    return UsageSum("k", model, 2, known, **{**given, **tokens})


def test_prices() -> None:
    """A known model costs what its list says, cached tokens less; what is not known has no cost."""
    full = cost_of(used("openai/gpt-4o"))
    assert full == Decimal("0.007")
    cached = cost_of(used("openai/gpt-4o", cached_input_tokens=2000))
    assert cached is not None
    assert 0 < cached < full
    assert cost_of(used("nobody/gpt-4o")) is None
    assert cost_of(used("openai/no-such-model-at-all")) is None
    assert cost_of(used("openai/gpt-4o", known=0, input_tokens=None, output_tokens=None)) is None
    assert cost_of(used("plain")) is None
