"""Promise 8 from outside: every route of the OpenAPI document, asked by everybody who may not."""

import re

import httpx
import pytest

from support import asking

from .conftest import Scene

PUBLIC = {"/healthz", "/readyz", "/metrics"}
# What to send to a route that takes a body. A new route with a body fails here until it is listed.
BODIES: dict[tuple[str, str], object] = {
    ("POST", "/v1/threads"): {},
    ("PATCH", "/v1/threads/{thread_id}"): {"title": "mine"},
    ("POST", "/v1/threads/{thread_id}/messages"): {"content": "hi", "background": True},
    ("POST", "/v1/runs/{run_id}/cancel"): {},
    ("PUT", "/v1/threads/{thread_id}/read"): {"end_user_id": "ann"},
    ("POST", "/v1/threads/{thread_id}/fork"): {"message_id": "msg_00000000000000000000000000"},
    ("POST", "/v1/messages/{message_id}/regenerate"): {"background": True},
    ("PATCH", "/v1/runs/{run_id}"): {"position": 1},
    ("POST", "/v1/runs/{run_id}/approvals"): {"tool_use_id": "x", "approve": True},
    ("POST", "/v1/runs/{run_id}/tool_results"): {"tool_use_id": "x", "output": 1},
    ("POST", "/v1/tokens"): {"end_user_id": "ann"},
    ("POST", "/v1/keys"): {"name": "mine"},
    ("POST", "/v1/threads/{thread_id}/members"): {"end_user_id": "dan"},
    ("PATCH", "/v1/threads/{thread_id}/members/{member_id}"): {"role": "owner"},
    ("POST", "/v1/agents"): {"handle": "mine"},
    ("PATCH", "/v1/agents/{agent_id}"): {"name": "mine"},
    ("POST", "/v1/teams"): {"name": "mine"},
    ("PATCH", "/v1/teams/{team_id}"): {"name": "mine"},
    ("PUT", "/v1/teams/{team_id}/members/{end_user_id}"): {},
    ("POST", "/v1/files"): {},
    ("POST", "/v1/files/{file_id}/link"): {},
    ("POST", "/v1/threads/{thread_id}/share"): {},
    ("POST", "/v1/tools"): {"name": "mine", "kind": "client", "input_schema": {"type": "object"}},
    ("PATCH", "/v1/tools/{tool}"): {"description": "mine"},
}
# Routes without an id: they answer about whoever asks. Everything else must name somebody's thing.
OWN_ONLY = {
    "/v1/threads",
    "/v1/tokens",
    "/v1/keys",
    "/v1/models",
    "/v1/agents",
    "/v1/teams",
    "/v1/tools",
    "/v1/stream",
    "/v1/session",
    "/v1/admin/live",
    "/v1/admin/runs",
    "/v1/admin/tenants",
    "/v1/admin/threads",
    "/v1/admin/usage",
    "/v1/files",
}
UNKNOWN = {
    "thread_id": "thr_00000000000000000000000000",
    "run_id": "run_00000000000000000000000000",
    "message_id": "msg_00000000000000000000000000",
    "key_id": "key_00000000000000000000000000",
    "agent_id": "agt_00000000000000000000000000",
    "team_id": "team_00000000000000000000000000",
    "end_user_id": "nobody",
    "share_id": "shr_00000000000000000000000000",
    "member_id": "nobody",
    "file_id": "file_00000000000000000000000000",
    "tool": "tool_00000000000000000000000000",
}


def routes(scene: Scene) -> list[tuple[str, str]]:
    """Return (method, path template) of every route of the running server."""
    document = asking.get(scene.url + "/openapi.json").json()
    found = [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]
    assert len(found) >= 18
    return found


def ask(scene: Scene, method: str, template: str, key: str | None, ids: dict[str, str]) -> httpx.Response:
    """Ask a route, with ids filled in."""
    names = set(re.findall(r"{(\w+)}", template))
    assert names <= ids.keys(), f"this test does not know how to fill {template}"
    path = template.format(**ids)
    body = BODIES.get((method, template))
    if method in ("POST", "PATCH", "PUT"):
        assert body is not None, f"this test does not know what to send to {method} {template}"
    return scene.ask(method, path, key, **({"json": body} if body is not None else {}))


def theirs(scene: Scene) -> dict[str, str]:
    """Return the ids of somebody's things."""
    return {
        "thread_id": scene.thread_id,
        "run_id": scene.run_id,
        "message_id": scene.message_id,
        "key_id": scene.key_id,
        "agent_id": scene.agent_id,
        "team_id": scene.team_id,
        "share_id": scene.share_id,
        "end_user_id": "cid",
        "member_id": "cid",
        "tool": scene.tool_id,
        "file_id": scene.file_id,
    }


def without_detail(response: httpx.Response) -> tuple[int, object]:
    """Return what an answer says, as far as a stranger could tell two answers apart."""
    return response.status_code, response.json()


def test_without_a_key_nothing_answers(scene: Scene) -> None:
    """Every route but the health ones is 401 without a key, with a forged key, and with a forged token."""
    for method, template in routes(scene):
        if template in PUBLIC:
            assert ask(scene, method, template, None, theirs(scene)).status_code == 200
            continue
        for key in (None, "tl_00000000000000000000000000_forged", "eyJhbGciOiJub25lIn0.e30."):
            response = ask(scene, method, template, key, theirs(scene))
            assert response.status_code == 401, (method, template, key)
            assert response.json()["code"] == "unauthorized"
            assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("who", ["foreign", "foreign_admin", "other_person", "other_thread_only"])
def test_somebody_elses_id_is_like_no_id(scene: Scene, who: str) -> None:
    """Whoever may not see a thing gets the same answer as for a thing that does not exist: status and body."""
    key = getattr(scene, who)
    asked = 0
    for method, template in routes(scene):
        if template in PUBLIC or template in OWN_ONLY:
            assert "{" not in template
            continue
        asked += 1
        foreign = ask(scene, method, template, key, theirs(scene))
        unknown = ask(scene, method, template, key, UNKNOWN)
        assert without_detail(foreign) == without_detail(unknown), (method, template)
        assert foreign.status_code in (403, 404), (method, template, foreign.text)
    assert asked >= 11
    # And nothing happened to it.
    thread = scene.ask("GET", f"/v1/threads/{scene.thread_id}", scene.owner).json()
    assert thread["title"] is None
    assert thread["message_count"] == 2
    assert scene.ask("GET", f"/v1/tools/{scene.tool_id}", scene.owner).json()["description"] == "theirs"
    assert scene.ask("GET", f"/v1/files/{scene.file_id}/content", scene.owner).status_code == 200


@pytest.mark.parametrize("who", ["foreign", "other_person"])
def test_lists_show_only_ones_own(scene: Scene, who: str) -> None:
    """Nobody finds somebody else's thread in a list, also not by asking for their end user."""
    key = getattr(scene, who)
    for path in (
        "/v1/threads",
        "/v1/threads?end_user_id=ann",
        "/v1/threads?q=",
        "/v1/files",
        "/v1/files?end_user_id=ann",
    ):
        assert scene.ask("GET", path, key).json()["data"] == []
    unknown = scene.ask("GET", f"/v1/files?thread_id={UNKNOWN['thread_id']}", key)
    theirs_ = scene.ask("GET", f"/v1/files?thread_id={scene.thread_id}", key)
    assert without_detail(theirs_) == without_detail(unknown)
    assert unknown.status_code == 404


def test_a_token_reaches_no_control_plane(scene: Scene) -> None:
    """An end user's token is 403 for keys and tokens, also for its own tenant's."""
    for method, path, body in [
        ("GET", "/v1/keys", None),
        ("POST", "/v1/keys", {"name": "x"}),
        ("DELETE", f"/v1/keys/{scene.key_id}", None),
        ("POST", "/v1/tokens", {"end_user_id": "ann"}),
        ("POST", "/v1/teams", {"name": "x"}),
        ("PATCH", f"/v1/teams/{scene.team_id}", {"name": "x"}),
        ("DELETE", f"/v1/teams/{scene.team_id}", None),
        ("PUT", f"/v1/teams/{scene.team_id}/members/bob", {}),
        ("DELETE", f"/v1/teams/{scene.team_id}/members/cid", None),
        ("GET", "/v1/tools", None),
        ("POST", "/v1/tools", {"name": "x", "kind": "client", "input_schema": {"type": "object"}}),
        ("GET", f"/v1/tools/{scene.tool_id}", None),
        ("GET", f"/v1/tools/{scene.tool_id}/definitions", None),
        ("PATCH", f"/v1/tools/{scene.tool_id}", {"description": "x"}),
        ("DELETE", f"/v1/tools/{scene.tool_id}", None),
    ]:
        response = scene.ask(method, path, scene.other_person, json=body)
        assert response.status_code == 403, (method, path)
        assert response.json()["code"] == "forbidden"


def test_a_server_key_manages_no_keys(scene: Scene) -> None:
    """Keys are an admin's business; an admin makes no operators."""
    assert scene.ask("GET", "/v1/keys", scene.owner).status_code == 403
    assert scene.ask("POST", "/v1/keys", scene.admin, json={"role": "operator"}).status_code == 403


def test_a_limited_token_reads_its_threads_only(scene: Scene) -> None:
    """A token that names threads lists and opens those, and not the same person's other ones."""
    listed = scene.ask("GET", "/v1/threads", scene.other_thread_only).json()["data"]
    assert len(listed) == 1
    assert listed[0]["id"] != scene.thread_id
    assert scene.ask("GET", f"/v1/threads/{listed[0]['id']}", scene.other_thread_only).status_code == 200
