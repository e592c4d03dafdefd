"""What a browser's session may do with the powers of a key, when it says so: all that the operator's pages need."""

import uuid
from typing import Any

import httpx
import pytest

from support.installation import make_key

from .conftest import Installation

WRITES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "/v1/keys": ({"name": "made in a browser"}, {}),
    "/v1/tools": (
        {"name": "locate", "kind": "client", "description": "Where.", "input_schema": {"type": "object"}},
        {"description": "Where one is."},
    ),
    "/v1/agents": ({"handle": "helper"}, {"name": "Helper"}),
}
"""Of each kind: what makes one, and what changes it, where it can be changed."""


def powers(installation: Installation, role: str) -> httpx.Client:
    """Return a browser that asks with the powers of such a key."""
    browser = installation.signed_in(f"{role}-{uuid.uuid4()}", role)
    browser.headers["x-threadline-role"] = role
    return browser


@pytest.mark.parametrize("role", ["admin", "operator"])
@pytest.mark.parametrize("path", WRITES)
def test_keys_tools_and_agents_are_managed_from_a_browser(installation: Installation, role: str, path: str) -> None:
    """Made, listed, changed, taken away; and by its person alone, without the powers, nothing of it."""
    made_of, changes = WRITES[path]
    browser = powers(installation, role)
    made = browser.post(path, json=made_of)
    assert made.status_code == 201, made.text
    one = f"{path}/{made.json()['id']}"
    assert made.json()["id"] in [each["id"] for each in browser.get(path).json()["data"]]
    if changes:
        assert browser.get(one).status_code == 200
        changed = browser.patch(one, json=changes)
        assert (changed.status_code, changed.json() | changes) == (200, changed.json())
    person = {"x-threadline-role": "end_user"}
    assert browser.delete(one, headers=person).status_code == 403
    assert browser.delete(one).status_code == 204
    gone = {each["id"]: each for each in browser.get(path).json()["data"]}.get(made.json()["id"])
    assert gone is None or gone["revoked_at"] is not None


@pytest.mark.parametrize("role", ["admin", "operator"])
def test_a_run_is_stopped_from_a_browser(installation: Installation, role: str) -> None:
    """Any of its tenant for an admin, any at all for an operator; its person alone stops none of others."""
    browser, person = powers(installation, role), {"x-threadline-role": "end_user"}
    foreign = make_key(installation.data, tenant="other")
    for key in (installation.key, foreign):
        thread_id = installation.api("POST", "/v1/threads", key, json={"end_user_id": "zed"}).json()["id"]
        body = {"content": "x", "background": True, "model": "demo/count-9999@5"}
        run_id = installation.api("POST", f"/v1/threads/{thread_id}/messages", key, json=body).json()["run"]["id"]
        path = f"/v1/runs/{run_id}/cancel"
        assert browser.post(path, json={}, headers=person).status_code == 404
        stopped = browser.post(path, json={"wait": True})
        if key == foreign and role == "admin":
            assert stopped.status_code == 404
            assert installation.api("GET", f"/v1/runs/{run_id}", key).json()["status"] != "cancelled"
            installation.api("POST", path, key, json={})
        else:
            assert stopped.json()["status"] == "cancelled"
