"""Threadline itself, as its users run it: `threadline serve` on a fresh folder, default settings, full durability.

With `options` it is a node on PostgreSQL (`bench/cluster`).
"""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.child import Child, ChildError, free_port
from bench.peers.peer import Peer, Upstream
from bench.plan import Plan
from bench.wire import Wire, WireError, connected, in_bulk, request_text

KEY_TIMEOUT_S = 60.0
READY_TIMEOUT_S = 60.0
# The whole message comes once more when it is complete: what follows this is not counted as tokens.
END_MARK = "event: message.completed"
DONE_MARK = "event: run.completed"
READY_MARK = "event: caught_up"
FOREIGN = ("THREADLINE_", "OPENAI_", "ANTHROPIC_")


@dataclass(frozen=True)
class Server:
    """A running Threadline: how to reach it, and the folder it keeps."""

    port: int
    key: str
    data: Path
    child: Child

    def wire(self) -> AbstractContextManager[Wire]:
        """Hold a connection with the server key."""
        return connected(self.port, self.key)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask one thing over a connection of its own."""
        with self.wire() as wire:
            return wire.call(method, path, body)

    def request(self, method: str, path: str, body: object = None) -> str:
        """Return one request as it goes over the wire."""
        return request_text(method, path, self.key, body)

    def create_threads(self, count: int) -> list[str]:
        """Create empty threads; return their ids."""
        return in_bulk(self.port, self.key, count, lambda wire, _: new_thread(wire))

    def ask(self, streams: int, model: str) -> list[str]:
        """Create a thread for each stream; return the sends."""
        return [self.send_request(thread, model) for thread in self.create_threads(streams)]

    def send_request(self, thread: str, model: str) -> str:
        """Return a send whose answer is streamed."""
        body = {"content": "go", "model": f"openai/{model}", "stream": True}
        return self.request("POST", f"/v1/threads/{thread}/messages", body)

    def events_request(self, thread: str, after: int | str) -> str:
        """Return a request for the events after a cursor."""
        return self.request("GET", f"/v1/threads/{thread}/events?after={after}")

    def as_peer(self) -> Peer:
        """Return it as one of the peers."""
        return Peer("threadline", self.port, self.child, self.ask, END_MARK)

    def data_bytes(self) -> dict[str, int]:
        """Return the size of every file in its folder."""
        return {
            str(path.relative_to(self.data)): path.stat().st_size
            for path in sorted(self.data.rglob("*"))
            if path.is_file()
        }


def new_thread(wire: Wire) -> str:
    """Create an empty thread; return its id."""
    return str(wire.call("POST", "/v1/threads", {})["id"])


def start_threadline(plan: Plan, upstream: Upstream | None) -> Server:
    """Start it on a new folder; without an upstream it has only its demo model."""
    data = plan.new_folder("threadline")
    key = create_key(plan, data)
    server = spawn(plan, data, key, upstream)
    plan.start(server.child)
    wait_until_ready(server)
    return server


def create_key(plan: Plan, data: Path, options: Sequence[str] = ()) -> str:
    """Make a server key for a folder, or for the database in the options; return its secret."""
    command = [plan.server, "keys", "create", "--role", "server", "--data", str(data), *options]
    made = subprocess.run(command, env=environment(None), capture_output=True, text=True, timeout=KEY_TIMEOUT_S)
    if made.returncode != 0:
        raise ChildError(f"threadline keys create ended with {made.returncode}:\n{made.stderr[-2000:]}")
    return made.stdout.strip()


def spawn(plan: Plan, data: Path, key: str, upstream: Upstream | None, options: Sequence[str] = ()) -> Server:
    """Start the process and return at once; whoever calls this stops it."""
    port = free_port()
    command = [plan.server, "serve", "--port", str(port), "--data", str(data), *options]
    return Server(port, key, data, Child("threadline", command, plan.log("threadline"), environment(upstream)))


def environment(upstream: Upstream | None) -> Mapping[str, str]:
    """Return this process's environment without foreign settings and with the upstream as the OpenAI provider."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    if upstream is not None:
        kept |= {"OPENAI_BASE_URL": f"http://127.0.0.1:{upstream.port}/v1", "OPENAI_API_KEY": "x"}
    return kept


def wait_until_ready(server: Server) -> None:
    """Wait until it says that its store and bus answer."""
    server.child.wait_for_port(server.port)
    give_up_s = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < give_up_s:
        with connected(server.port) as wire:
            status, content = wire.exchange("GET", "/readyz")
        if status == 200:
            return
        time.sleep(0.02)
    raise WireError(f"GET /readyz: {status} {content[:300]!r}")
