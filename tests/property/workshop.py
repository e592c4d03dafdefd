"""The tools of the property tests, and what they have done: it outlives the nodes, as the world outside does."""

import asyncio
from typing import Any

from threadline.tools.contract import Call, Result, SourceKind

NAMES = ("quick", "slow", "again", "asked", "mine", "nothing")
"""Done at once; done late; done late and idempotent; with approval; the client's own; and a name without a tool."""


class Workshop:
    """What has been done. `effects` are (thread, idempotency key, name) in order; while it is shut the late ones wait."""

    def __init__(self) -> None:
        self.effects: list[tuple[str, str, str]] = []
        self.is_shut = False

    def tools(self) -> list["Handiwork"]:
        """Return the tools of one node."""
        return [Handiwork(self, name) for name in NAMES[:-1]]


class Handiwork:
    """One of the tools."""

    description = "Does something."
    timeout_seconds = 60.0

    def __init__(self, shop: Workshop, name: str) -> None:
        self.name = name
        self.kind: SourceKind = "client" if name == "mine" else "python"
        self.is_idempotent = name == "again"
        self.input_schema: dict[str, Any] = {"type": "object"}
        self._shop = shop

    def needs_approval(self, input: Any) -> bool:
        """Ask for the one that is asked for."""
        return self.name == "asked"

    async def call(self, call: Call) -> Result:
        """Take effect, and say so, at once or late."""
        assert self.kind != "client", "the client's own"
        self._shop.effects.append((call.thread_id, call.idempotency_key, self.name))
        while self._shop.is_shut and self.name in ("slow", "again"):
            await asyncio.sleep(0.001)
        return Result(f"{self.name} is done")
