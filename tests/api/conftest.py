"""A real server with a thread, a run and a key in it, and everybody who may ask for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from support import asking
from support.installation import make_key
from support.server import Server


@dataclass(frozen=True)
class Scene:
    """One tenant's things, and credentials of others."""

    url: str
    owner: str
    admin: str
    foreign: str
    foreign_admin: str
    other_person: str
    other_thread_only: str
    thread_id: str
    run_id: str
    message_id: str
    key_id: str
    agent_id: str
    team_id: str
    share_id: str
    tool_id: str
    file_id: str

    def ask(self, method: str, path: str, key: str | None, **options: object) -> httpx.Response:
        """Send a request with a credential."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return asking.request(method, self.url + path, headers=headers, **options)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Start the server and set the scene."""
    data = Path(tmp_path_factory.mktemp("scoping")) / "data"
    owner, admin = make_key(data), make_key(data, role="admin")
    foreign, foreign_admin = make_key(data, tenant="other"), make_key(data, tenant="other", role="admin")
    server = Server(data, {"THREADLINE_DEFAULT_MODEL": "demo/count-3@max"}).start()
    try:
        with asking.client(base_url=server.url, headers={"x-api-key": owner}) as client:
            thread = client.post("/v1/threads", json={"end_user_id": "ann"}).json()["id"]
            other = client.post("/v1/threads", json={"end_user_id": "ann"}).json()["id"]
            file = client.post("/v1/files?end_user_id=ann", content=b"hers", headers={"content-type": "text/plain"})
            content = [{"type": "file", "source": {"type": "file", "file_id": file.json()["id"]}}]
            sent = client.post(f"/v1/threads/{thread}/messages", json={"content": content, "model": "demo/count-3@max"})

            def token(person: str, **more: object) -> str:
                return client.post("/v1/tokens", json={"end_user_id": person, **more}).json()["token"]

            scene = Scene(
                url=server.url,
                owner=owner,
                admin=admin,
                foreign=foreign,
                foreign_admin=foreign_admin,
                other_person=token("bob"),
                other_thread_only=token("ann", thread_ids=[other]),
                thread_id=thread,
                run_id=sent.json()["run"]["id"],
                message_id=sent.json()["reply"]["id"],
                key_id="",
                agent_id=client.post("/v1/agents", json={"handle": "helper", "owner": "cid"}).json()["id"],
                share_id=client.post(f"/v1/threads/{thread}/share").json()["id"],
                team_id=client.post("/v1/teams", json={"name": "t"}).json()["id"],
                tool_id="",
                file_id=file.json()["id"],
            )
            client.put(f"/v1/teams/{scene.team_id}/members/cid", json={}).raise_for_status()
            client.post(f"/v1/threads/{thread}/members", json={"end_user_id": "cid"}).raise_for_status()
            made = scene.ask("POST", "/v1/keys", admin, json={"name": "spare"}).json()
            hook = {"name": "hook", "kind": "client", "description": "theirs", "input_schema": {"type": "object"}}
            tool = scene.ask("POST", "/v1/tools", owner, json=hook).json()
        yield Scene(**{**scene.__dict__, "key_id": made["id"], "tool_id": tool["id"]})
        assert server.faults() == []
    finally:
        server.stop()
