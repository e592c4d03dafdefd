"""Runs a script on an installation's store beside (or without) a running server, from a command."""

import asyncio
from typing import Any, TypeVar, cast

from threadline.clock import Clock
from threadline.settings import Settings
from threadline.store.contract import ReadScript, Script
from threadline.store.sqlite.store import SqliteStore

T = TypeVar("T")


def write(settings: Settings, clock: Clock, script: Script[T]) -> T:
    """Commit one script. Raises what it raises, StoreRefused and Unavailable."""

    async def run() -> T:
        store = await _opened(settings, clock)
        try:
            outcome = (await store.commit([], [script])).outcomes[0]
        finally:
            await store.close()
        if outcome.error is not None:
            raise outcome.error
        value: Any = outcome.value
        return cast(T, value)

    return asyncio.run(run())


def read(settings: Settings, clock: Clock, script: ReadScript[T]) -> T:
    """Run one reading script. Raises what it raises, StoreRefused and Unavailable."""

    async def run() -> T:
        store = await _opened(settings, clock)
        try:
            return await store.read(script)
        finally:
            await store.close()

    return asyncio.run(run())


async def _opened(settings: Settings, clock: Clock) -> SqliteStore:
    path = settings.database_path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = SqliteStore(path, clock)
    await store.open()
    return store
