"""A wish to stop is a durable row: it holds although the process that took it has died."""

import json
import sqlite3
import time
from pathlib import Path

from support import asking
from support.installation import make_key
from support.server import Server


def test_a_wish_to_stop_outlives_the_process(tmp_path: Path) -> None:
    """A run that was cancelled and then lost its process is not attempted again: what it said is completed."""
    data = tmp_path / "data"
    key = make_key(data)
    server = Server(data).start()
    try:
        with asking.client(base_url=server.url, headers={"x-api-key": key}) as client:
            thread = client.post("/v1/threads").json()["id"]
            sent = client.post(
                f"/v1/threads/{thread}/messages",
                json={"content": "x", "model": "demo/count-9999@50", "background": True},
            ).json()
            while "w3" not in json.dumps(client.get(f"/v1/threads/{thread}/state").json()["messages"]):
                time.sleep(0.02)
            server.kill9()
        wish(data, sent["run"]["id"])
        server.start()
        with asking.client(base_url=server.url, headers={"x-api-key": key}) as client:
            while not (run := client.get(f"/v1/runs/{sent['run']['id']}").json())["ended_at"]:
                time.sleep(0.02)
            assert (run["status"], run["attempt"]) == ("cancelled", 1)
            reply = client.get(f"/v1/threads/{thread}/messages").json()["data"][0]
            assert reply["status"] == "cancelled"
            assert reply["content"][0]["text"].startswith("w0 w1 w2 w3")
    finally:
        server.stop()


def wish(data: Path, run_id: str) -> None:
    """Store the wish as a dying server has: the commit was made, and nothing after it."""
    connection = sqlite3.connect(data / "threadline.db")
    with connection:
        changed = connection.execute(
            "UPDATE runs SET cancel_requested_at = '2026-01-01T00:00:00.000Z' WHERE id = ?", (run_id,)
        )
        assert changed.rowcount == 1
    connection.close()
