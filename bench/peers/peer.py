"""What the suite needs of anything that it puts load on, and the two plain peers and the upstream, started."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.child import Child, free_port, module
from bench.plan import Plan
from bench.wire import request_text


@dataclass(frozen=True)
class Peer:
    """A running server under test."""

    name: str
    port: int
    child: Child
    ask: Callable[[int, str], list[str]]
    """Prepare this many streams of this model (`t50x400`); return one request for each."""
    end_mark: str = ""
    """In its wire format, where the answer's words are repeated as a whole."""


@dataclass(frozen=True)
class Upstream:
    """The running fake provider."""

    port: int
    child: Child


def start_upstream(plan: Plan) -> Upstream:
    """Start the fake provider; it ends with the plan's current piece."""
    port = free_port()
    command = module("bench.upstream", "--port", str(port), "--tick-us", str(plan.tick_us))
    child = plan.start(Child("the upstream", command, plan.log("upstream")))
    child.wait_for_port(port)
    return Upstream(port, child)


def start_relay(plan: Plan, upstream: Upstream) -> Peer:
    """Start the relay that parses nothing."""

    def ask(streams: int, model: str) -> list[str]:
        body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "go"}]}
        return [request_text("POST", "/v1/chat/completions", body=body)] * streams

    return _start_plain(plan, upstream, "relay", ask)


def start_handmade(plan: Plan, upstream: Upstream) -> Peer:
    """Start the server that people write by hand."""

    def ask(streams: int, model: str) -> list[str]:
        return [request_text("POST", "/chat", body={"content": "go", "model": model})] * streams

    return _start_plain(plan, upstream, "handmade", ask)


def _start_plain(plan: Plan, upstream: Upstream, name: str, ask: Callable[[int, str], list[str]]) -> Peer:
    port = free_port()
    command = module(f"bench.peers.{name}", "--port", str(port), "--upstream", str(upstream.port))
    child = plan.start(Child(f"the {name}", command, plan.log(name)))
    child.wait_for_port(port)
    return Peer(name, port, child, ask)
