"""A data folder with keys in it, made once and copied for every server."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import SystemRandom
from typing import Literal, TypeVar

from threadline.access import keys
from threadline.access.sessions import make_link
from threadline.cli.offline import write
from threadline.clock import SystemClock
from threadline.errors import StoreRefused, Unavailable
from threadline.ids import IdMaker
from threadline.settings import Settings
from threadline.store.contract import Script, Transaction

from .waiting import PATIENCE_SECONDS

T = TypeVar("T")

Role = Literal["server", "admin", "operator"]

_CLOCK = SystemClock()
_IDS = IdMaker(_CLOCK, SystemRandom())


def make_sign_in_code(data: Path, person: str = "operator", role: str = "operator") -> str:
    """Do what `threadline link` does; returns the code of the link."""

    async def script(transaction: Transaction) -> str:
        return await make_link(transaction, _IDS, _CLOCK, person, role)

    return _written(Settings(data=str(data)), script)


def make_key(data: Path, tenant: str = "default", role: Role = "server", database: str = "") -> str:
    """Do what `threadline keys create` does, without the second that a new process takes. Returns the secret."""

    async def script(transaction: Transaction) -> keys.Key:
        return await keys.create_key(transaction, tenant, "", role, _IDS, _CLOCK)

    made = _written(Settings(data=str(data), database=database), script)
    assert made.secret is not None
    return made.secret


def _written(settings: Settings, script: Script[T]) -> T:
    """Commit a script, and try again where a server on a slow disk lets nobody else write for so long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        # In a thread of its own: the caller may be within an event loop.
        with ThreadPoolExecutor(1) as thread:
            try:
                return thread.submit(write, settings, _CLOCK, keys.KEYS, script).result()
            except (StoreRefused, Unavailable):
                if time.monotonic() > deadline:
                    raise
