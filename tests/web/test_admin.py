"""The operator's routes: exact sums of what attempts have cost, for the installation or for one tenant."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from support import asking
from support.installation import make_key
from support.waiting import PATIENCE_SECONDS
from threadline.api.web.prices import cost_of
from threadline.store.contract_usage import UsageSum

from .conftest import Installation


@pytest.fixture(scope="module")
def operator(installation: Installation) -> str:
    """An operator's key."""
    return make_key(installation.data, role="operator")


def wait_until(condition: Callable[[], bool]) -> None:
    """Ask again and again until it is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


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
    # Around midnight there are two.
    assert {len(day or "") for day in total(installation, installation.admin, "day")} == {10}


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
    """Server keys and people may not; a session says that it asks as an operator."""
    for path in ("/v1/admin/usage", "/v1/admin/tenants", "/v1/admin/live"):
        assert installation.api("GET", path).status_code == 403
        assert installation.api("GET", path, operator).status_code == 200
        browser = installation.signed_in()
        assert browser.get(path).status_code == 403
        assert browser.get(path, headers={"x-threadline-role": "operator"}).status_code == 200
    assert installation.api("GET", "/v1/admin/usage?by=colour", operator).status_code == 422
    assert installation.api("GET", "/v1/admin/usage?since=yesterday", operator).status_code == 422


def test_live_is_the_installation_for_operators_and_the_tenant_for_admins(
    installation: Installation, operator: str
) -> None:
    """What ran is counted for its tenant and for all, also by minutes; another tenant's admin sees none of it."""
    stranger = make_key(installation.data, tenant="other", role="admin")
    thread_id = installation.api("POST", "/v1/threads").json()["id"]
    for model in ("demo/count-3@max", "demo/fail-provider_overloaded"):
        body = {"content": "x", "stream": False, "model": model}
        run = installation.api("POST", f"/v1/threads/{thread_id}/messages", json=body).json()["run"]
    code = run["error"]["code"]

    def live(key: str) -> dict[str, Any]:
        answer = installation.api("GET", "/v1/admin/live?minutes=60&history=60", key)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    # It looks at itself once a second at most.
    wait_until(lambda: code in live(operator)["failures"])
    for key in (operator, installation.admin):
        found = live(key)
        assert found["ended"]["completed"] >= 1
        assert found["failures_by_provider"]["demo"][code] >= 1
        assert found["first_token_seconds"]["p99"] >= found["first_token_seconds"]["p50"] > 0
        assert found["running"] == found["queued"] == found["waiting"] == 0
        assert len(found["history"]) == 60
        assert sum(minute["started"] for minute in found["history"]) == found["started"]
    assert live(operator)["commit_seconds"]["count"] >= 1
    (node,) = live(operator)["nodes"]
    assert node["started"] == live(operator)["started"]
    assert live(installation.admin)["commit_seconds"] is None
    assert live(installation.admin)["nodes"] == []
    foreign = live(stranger)
    assert (foreign["started"], foreign["ended"], foreign["failures"], foreign["tokens"]) == (0, {}, {}, {})


def test_live_shows_what_runs_and_who_reads(installation: Installation, operator: str) -> None:
    """A running answer, one that waits behind it, and whoever reads are seen at once, and not by other tenants."""
    stranger = make_key(installation.data, tenant="other", role="admin")
    thread_id = installation.api("POST", "/v1/threads").json()["id"]
    path = f"/v1/threads/{thread_id}/messages"
    headers = {"authorization": f"Bearer {installation.key}"}
    with asking.stream("GET", f"{installation.url}/v1/threads/{thread_id}/events", headers=headers):
        runs = [
            installation.api(
                "POST", path, json={"content": "x", "background": True, "model": "demo/count-9999@50"}
            ).json()
            for _ in range(2)
        ]

        def seen(key: str) -> tuple[int, ...]:
            live = installation.api("GET", "/v1/admin/live", key).json()
            return tuple(live[name] for name in ("running", "queued", "readers"))

        wait_until(lambda: seen(operator) == seen(installation.admin) == (1, 1, 1))
        wait_until(lambda: installation.api("GET", "/v1/admin/live", operator).json()["throughput"] > 0)
        assert seen(stranger) == (0, 0, 0)
        assert open_runs(installation, installation.admin) == [sent["run"]["id"] for sent in runs]
        assert open_runs(installation, stranger) == []
        for sent in reversed(runs):
            installation.api("POST", f"/v1/runs/{sent['run']['id']}/cancel")
    wait_until(lambda: seen(operator) == (0, 0, 0))


def open_runs(installation: Installation, key: str) -> list[str]:
    """Return the runs that have not ended, from pages of one, each behind the one before."""
    found: list[str] = []
    where = "/v1/admin/runs?limit=1"
    page = installation.api("GET", where, key).json()
    while True:
        found += [run["run_id"] for run in page["data"]]
        assert bool(page["next_cursor"]) is page["has_more"]
        if not page["has_more"]:
            return found
        page = installation.api("GET", f"{where}&cursor={page['next_cursor']}", key).json()


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


def test_threads_are_listed_by_what_goes_on_in_them(installation: Installation, operator: str) -> None:
    """Those of a tenant, running, waiting, failed, or of a person; another tenant's are for operators who name it."""
    foreign = make_key(installation.data, tenant="other", role="admin")
    ids = {}
    for state, model in (("running", "demo/count-9999@5"), ("failed", "demo/fail-provider_error"), ("fine", None)):
        ids[state] = installation.api("POST", "/v1/threads", json={"end_user_id": f"lou-{state}"}).json()["id"]
        body = {"content": "x", "model": model, "background": state == "running"}
        installation.api("POST", f"/v1/threads/{ids[state]}/messages", json=body)

    def listed(key: str, **query: str) -> list[str]:
        answer = installation.api("GET", "/v1/admin/threads", key, params={"limit": "200", **query})
        assert answer.status_code == 200, answer.text
        return [thread["id"] for thread in answer.json()["data"] if thread["id"] in ids.values()]

    for key in (installation.admin, operator):
        assert sorted(listed(key)) == sorted(ids.values())
        for state in ("running", "failed"):
            assert listed(key, state=state) == [ids[state]]
        assert listed(key, state="waiting") == []
        assert listed(key, end_user_id="lou-fine") == [ids["fine"]]
    first = installation.api("GET", "/v1/admin/threads?limit=1", operator).json()
    second = installation.api("GET", f"/v1/admin/threads?limit=1&cursor={first['next_cursor']}", operator).json()
    assert first["data"][0]["id"] != second["data"][0]["id"]
    tenants = {row["name"]: row["id"] for row in installation.api("GET", "/v1/admin/tenants", operator).json()["data"]}
    assert listed(foreign) == []
    assert len(listed(operator, tenant=tenants["default"])) == 3
    assert listed(operator, tenant=tenants["other"]) == []
    for path in ("threads", "usage"):
        for key, tenant in ((foreign, tenants["default"]), (operator, "tnt_nobody")):
            refused = installation.api("GET", f"/v1/admin/{path}?tenant={tenant}", key)
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    browser = installation.signed_in()
    assert browser.get("/v1/admin/threads").status_code == 403
    headers = {"x-threadline-role": "admin"}
    runs = browser.get(f"/v1/threads/{ids['running']}/state", headers=headers).json()["runs"]
    stopped = browser.post(f"/v1/runs/{runs[0]['id']}/cancel", json={"wait": True}, headers=headers)
    assert stopped.json()["status"] == "cancelled"


def test_usage_is_narrowed(installation: Installation, operator: str) -> None:
    """To a tenant, a person, a model; what was said on behalf of nobody is asked for by an empty person."""
    for person in ("ned", None):
        thread_id = installation.api("POST", "/v1/threads", json={"end_user_id": person}).json()["id"]
        installation.api("POST", f"/v1/threads/{thread_id}/messages", json={"content": "x"})
    for key in (installation.admin, operator):
        assert list(total(installation, key, end_user_id="ned")) == ["ned"]
        assert list(total(installation, key, end_user_id="")) == [None]
        assert total(installation, key, end_user_id="ned", model="demo/echo") == {}
        assert list(total(installation, key, "day", end_user_id="ned", model="demo/count-3@max"))
    tenants = {row["name"]: row["id"] for row in installation.api("GET", "/v1/admin/tenants", operator).json()["data"]}
    assert total(installation, operator, tenant=tenants["other"], end_user_id="ned") == {}
    assert list(total(installation, operator, tenant=tenants["default"], end_user_id="ned")) == ["ned"]


@pytest.mark.parametrize(
    "day", ["2026-02-30", "2026-99-01", "20260131", "2026-W01-1", "\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0661"]
)
def test_what_is_no_day_is_refused(installation: Installation, operator: str, day: str) -> None:
    """It would be a sum of nothing."""
    for name in ("since", "until"):
        refused = installation.api("GET", "/v1/admin/usage", operator, params={name: day})
        assert (refused.status_code, refused.json()["pointer"]) == (422, f"/query/{name}")


def test_the_audit_tells_all_of_it_page_by_page(installation: Installation, operator: str) -> None:
    """Who said what, how each run ended and what it has cost; the pages are the whole, and people get none of it."""
    thread_id = installation.api("POST", "/v1/threads", json={"end_user_id": "ann"}).json()["id"]
    for model in ("demo/count-3@max", "demo/fail-provider_error", "demo/count-5@max"):
        installation.api("POST", f"/v1/threads/{thread_id}/messages", json={"content": "go on", "model": model})
    path = f"/v1/threads/{thread_id}/audit"
    whole = installation.api("GET", path).json()
    kinds = [part["type"] for part in whole["data"]]
    assert kinds == ["said", "answered", "ended"] * 3
    assert [part["run"]["status"] for part in whole["data"][2::3]] == ["completed", "failed", "completed"]
    assert {part["message"]["author"]["id"] for part in whole["data"][::3]} == {"ann"}
    runs = [part["run"] for part in whole["data"][2::3]]
    spent = sum(run["usage"]["output_tokens"] for run in runs if run["usage"])
    assert (whole["sums"]["runs"], whole["sums"]["attempts"], whole["sums"]["output_tokens"]) == (3, 3, spent)
    assert [each["cost_usd"] for part in whole["data"][2::3] for each in part["costs"]] == [None] * 3
    assert (whole["has_more"], whole["thread"]["id"]) == (False, thread_id)
    found: list[Any] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = installation.api("GET", path, operator, params=query).json()
        found += page["data"]
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    assert found == whole["data"]
    assert installation.signed_in("ann").get(path).status_code == 403
    assert installation.signed_in("ann").get(path, headers={"x-threadline-role": "admin"}).status_code == 200
    assert installation.api("GET", path, installation.foreign).status_code == 404
