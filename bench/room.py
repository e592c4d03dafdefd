"""Room: two hundred people on WebSockets in one thread where five agents answer: what a delivered event costs."""

from typing import Any, Final

import msgspec

from bench.child import Child, ChildError, module
from bench.figure import Figure
from bench.peers.peer import start_upstream
from bench.peers.threadline import Server, start_threadline
from bench.plan import Plan
from bench.sockets import Audience, Heard
from bench.wire import Wire

SOCKETS: Final = 200
AGENTS: Final = 5
# A thread has at most 200 members, agents among them: some people have a second device.
PEOPLE: Final = SOCKETS - AGENTS
RATE: Final = 50


def measure(plan: Plan) -> list[Figure]:
    """Measure five answers to one question, seen by everybody."""
    tokens = plan.of(5, 2) * RATE
    plan.steps(3)
    with plan.step("starting Threadline and furnishing the room"):
        server = start_threadline(plan, start_upstream(plan))
        with server.wire() as wire:
            thread = furnish(wire, tokens)
            keys = [wire.call("POST", "/v1/tokens", {"end_user_id": person(n)})["token"] for n in range(PEOPLE)]
            keys += keys[: SOCKETS - PEOPLE]
    with plan.step(f"opening {SOCKETS} sockets"):
        audience = Audience(port=server.port, thread_id=thread, tokens=keys, answers=AGENTS)
        listeners = plan.start(Listeners(audience, plan))
    with plan.step(f"{AGENTS} agents answer with {tokens} tokens each"):
        heard, used_s = ask(server, thread, listeners)
    plan.keep("room", {"sockets": SOCKETS, "people": PEOPLE, "agents": AGENTS, "heard": heard, "cpu_s": used_s})
    return figures(heard, used_s)


def figures(heard: Heard, used_s: float) -> list[Figure]:
    """Return the figures."""
    name = f"{SOCKETS} sockets, {AGENTS} talking agents"
    return [
        Figure(
            piece="room",
            name=f"CPU per delivered event, {name}",
            value=used_s / max(1, heard.events) * 1e6,
            unit="µs",
            note=f"{heard.events:,} events delivered",
        ),
        Figure(
            piece="room",
            name=f"events lost, doubled or out of order, {name}",
            value=heard.disordered,
            unit="",
            bar=0,
        ),
    ]


def person(number: int) -> str:
    """Return the id of one of the people."""
    return f"person{number}"


def furnish(wire: Wire, tokens: int) -> str:
    """Create a room with its people and with agents that answer everybody; return its id."""
    thread: str = wire.call("POST", "/v1/threads", {"end_user_id": person(0)})["id"]
    for number in range(AGENTS):
        body: dict[str, Any] = {"handle": f"agent{number}", "name": f"Agent {number}", "visibility": "public"}
        body["model"] = f"openai/t{RATE}x{tokens}"
        wire.call("POST", "/v1/agents", body)
        member = {"agent": f"agent{number}", "role": "member", "reply_policy": "all"}
        wire.call("POST", f"/v1/threads/{thread}/members", member)
    for number in range(1, PEOPLE):
        wire.call("POST", f"/v1/threads/{thread}/members", {"end_user_id": person(number), "role": "member"})
    return thread


def ask(server: Server, thread: str, listeners: "Listeners") -> tuple[Heard, float]:
    """Say something; return what everybody heard, and the CPU seconds that it took."""
    used_s = server.child.wait_until_quiet(1.0)
    body = {"content": "What do you all think?", "background": True}
    server.call("POST", f"/v1/threads/{thread}/messages", body)
    heard = msgspec.json.decode(listeners.line(), type=Heard)
    return heard, server.child.wait_until_quiet(2.0) - used_s


class Listeners(Child):
    """The process that holds the sockets."""

    def __init__(self, audience: Audience, plan: Plan) -> None:
        super().__init__("the audience", module("bench.sockets"), plan.log("audience"), piped=True)
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(audience) + b"\n")
        self.process.stdin.flush()
        self.line()

    def line(self) -> bytes:
        """Return the next line that it says."""
        assert self.process.stdout is not None
        # It gives up by itself after a while, which ends its output.
        line = self.process.stdout.readline()
        if not line:
            raise ChildError(f"{self.name} ended:\n{self.log_end()}")
        return line
