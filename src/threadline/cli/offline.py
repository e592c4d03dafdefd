"""Runs a script on an installation's store beside (or without) a running server, from a command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from threadline.clock import Clock
from threadline.errors import StoreRefused
from threadline.opening import make_store
from threadline.scopes import Scope, System
from threadline.settings import Settings
from threadline.store.contract import ReadScript, Script, Store, Write

T = TypeVar("T")

CONNECT_SECONDS = 10.0
"""How long a command waits for a database that does not answer."""


def write(settings: Settings, clock: Clock, scope: Scope | System, script: Script[T]) -> T:
    """Commit one script. Raises what it raises, StoreRefused and Unavailable."""

    async def run() -> T:
        store = await _opened(settings, clock)
        try:
            outcome = (await store.commit([], [Write(scope, script)])).outcomes[0]
        finally:
            await store.close()
        if outcome.error is not None:
            raise outcome.error
        value: Any = outcome.value
        return cast(T, value)

    return asyncio.run(run())


def read(settings: Settings, clock: Clock, scope: Scope | System, script: ReadScript[T]) -> T:
    """Run one reading script. Raises what it raises, StoreRefused and Unavailable."""

    async def run() -> T:
        async with reading(settings, clock) as store:
            return await store.read(scope, script)

    return asyncio.run(run())


@asynccontextmanager
async def reading(settings: Settings, clock: Clock) -> AsyncIterator[Store]:
    """Open a store that is there already, for several reads. Raises StoreRefused."""
    # Whoever wants to read and has mistyped the folder is not helped by an empty database in it.
    if not settings.is_postgres and not settings.database_path.exists():
        raise StoreRefused(
            f"There is no Threadline database at {settings.database_path}. --data says in which folder to look; "
            "`threadline serve` and `threadline keys create` make a new one."
        )
    store = await _opened(settings, clock)
    try:
        yield store
    finally:
        await store.close()


async def _opened(settings: Settings, clock: Clock) -> Store:
    if not settings.is_postgres:
        settings.database_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = make_store(settings, clock, CONNECT_SECONDS)
    await store.open()
    return store
