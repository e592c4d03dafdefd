"""The tools of the simulation, and what they have done to the world outside, which no crash undoes."""

import asyncio
from collections import Counter
from typing import Any

from msgspec import Struct

from threadline.tools.contract import Call, Result, SourceKind

from .world import World


class Deed(Struct):
    """What a tool has done, once, under the key that it was given. `output` is None until it is done."""

    name: str
    key: str
    run_id: str
    output: str | None = None


class Outside:
    """The world outside."""

    def __init__(self, world: World, begun: Counter[tuple[str, str]]) -> None:
        """`begun` says how often the store was told that a call begins, by its run and its tool_use_id."""
        self.world = world
        self.deeds: list[Deed] = []
        self._begun = begun

    def do(self, deed: Deed, call: Call) -> None:
        """Let something be done, which nobody may do who has not said so."""
        self.deeds.append(deed)
        self.world.tell("deed", deed.name, call.idempotency_key, call.attempt)
        if self._begun[call.run_id, call.tool_use_id] < call.attempt:
            self.world.blame(f"{call.name} {call.idempotency_key} is made, and nobody has committed that it begins")


class SimTool:
    """A tool of all nodes. Whatever it does it has done at once; its answer takes a while, and may never come."""

    description = "A tool."
    input_schema: dict[str, Any] = {"type": "object"}  # noqa: RUF012 - the contract has an attribute here
    timeout_seconds = 4.0

    def __init__(self, outside: Outside, name: str, kind: SourceKind = "python", asks: bool = False) -> None:
        self.name = name
        self.kind = kind
        self.is_idempotent = name == "look"
        self._outside = outside
        self._asks = asks

    def needs_approval(self, input: Any) -> bool:
        """Whether a person has to agree."""
        return self._asks

    async def call(self, call: Call) -> Result:
        """Do it, and say so after a while."""
        deed = Deed(self.name, call.idempotency_key, call.run_id)
        self._outside.do(deed, call)
        dice = self._outside.world.chance(f"tool {call.idempotency_key} {call.attempt}")
        await asyncio.sleep(dice.choice((0.0, 0.01, 0.3, 2.0, 60.0 if self.name == "pay" else 1.0)))
        deed.output = f"{self.name} {len(self._outside.deeds)}"
        return Result(deed.output, is_error=dice.random() < 0.1)


def tools_of(outside: Outside) -> list[SimTool]:
    """Return the tools of a node: one that may be tried again, one that may not, one that asks, one of the clients'."""
    return [
        SimTool(outside, "look"),
        SimTool(outside, "pay"),
        SimTool(outside, "launch", asks=True),
        SimTool(outside, "phone", kind="client"),
    ]


NAMES = ("look", "pay", "launch", "phone")
EFFECTS = ("pay", "launch")
"""What nobody may do twice."""
