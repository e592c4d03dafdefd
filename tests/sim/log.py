"""The program's log becomes part of the trace; what only a fault of ours can cause is a breach."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadline.engine import pack, rooms, schedule
from threadline.journal import append, lease, tail

from .world import World

BREACHES = {"run_supervisor_failed", "run_failed_unforeseen"}


class _Log:
    def __init__(self, world: World) -> None:
        self._world = world

    def info(self, event: str, **fields: Any) -> None:
        self._world.tell("log", event, fields)
        if event in BREACHES and not self._world.is_over:
            self._world.blame(f"{event}: {fields}")

    warning = error = exception = info


@contextmanager
def recorded(world: World) -> Iterator[None]:
    """Write the log of the rooms into the trace while the caller's block runs."""
    loud = (append, lease, pack, rooms, schedule, tail)
    before = [room.log for room in loud]
    for room in loud:
        room.log = _Log(world)
    try:
        yield
    finally:
        for room, log in zip(loud, before, strict=True):
            room.log = log
