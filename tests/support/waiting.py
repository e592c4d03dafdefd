"""Waiting for a condition, never for a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 90.0
"""Long enough for two cores that are busy with much else; only a broken server takes it."""


async def until(condition: Callable[[], Awaitable[T]], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Ask again and again until the answer is truthy, and return it."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + seconds, 0.005
    while not (found := await condition()):
        if loop.time() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} seconds")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    return found


def patience(seconds: float = PATIENCE_SECONDS) -> asyncio.Timeout:
    """Return a deadline for a block that must not hang."""
    return asyncio.timeout(seconds)
