"""Pulls the plug of a server at one exact step: imported by Python itself when this folder is in PYTHONPATH.

`PLUG=7:before` kills the process when it is about to make its seventh commit, `PLUG=7:after` when that commit is on
disk and nobody has been shown anything of it.
"""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class Plug:
    """Counts commits, and is pulled at one of them."""

    def __init__(self, plug: str) -> None:
        number, _, self._moment = plug.partition(":")
        self._left = int(number)

    def before(self) -> None:
        """A commit is about to be made."""
        self._left -= 1
        if self._left == 0 and self._moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self) -> None:
        """A commit was made."""
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def install(plug: Plug) -> None:
    """Count commits from here on, on whichever store."""
    from threadline.store.postgres.connections import Connections
    from threadline.store.sqlite.store import SqliteStore

    commit = SqliteStore._commit
    begin = Connections.transaction
    call = Connections.call

    def counted(self: SqliteStore, *arguments: Any) -> Any:
        plug.before()
        committed = commit(self, *arguments)
        plug.after()
        return committed

    class Counted:
        """A connection whose COMMIT is counted."""

        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

        async def execute(self, statement: str, *arguments: Any) -> Any:
            if statement != "COMMIT":
                return await self._connection.execute(statement, *arguments)
            plug.before()
            done = await self._connection.execute(statement)
            plug.after()
            return done

    @asynccontextmanager
    async def begun(self: Connections, *arguments: Any) -> AsyncIterator[Any]:
        async with begin(self, *arguments) as connection:
            yield Counted(connection)

    async def called(self: Connections, *arguments: Any) -> Any:
        plug.before()
        done = await call(self, *arguments)
        plug.after()
        return done

    SqliteStore._commit = counted  # type: ignore[method-assign]
    Connections.transaction = begun  # type: ignore[method-assign]
    Connections.call = called  # type: ignore[method-assign]


if plug := os.environ.get("PLUG"):
    install(Plug(plug))
