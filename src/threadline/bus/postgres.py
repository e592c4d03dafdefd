"""The bus on PostgreSQL: LISTEN and NOTIFY with ids only, on one connection of its own for each node.

Notifications are tied to a database, so the channel's name need only tell installations apart that share one. A pooler
that hands a connection on after each transaction (pgbouncer) cannot carry LISTEN: give the bus the server's address.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from threadline.bus.remote import ANSWER_SECONDS, RemoteBus, Say
from threadline.hosts import Hosts

SESSION = {"application_name": "threadline bus", "jit": "off"}


class PostgresBus(RemoteBus):
    """One node on the channel `{prefix}_nudges` of a database."""

    def __init__(self, dsn: str, prefix: str) -> None:
        super().__init__()
        self._hosts = Hosts(dsn)
        self._channel = f"{prefix}_nudges"

    @asynccontextmanager
    async def _connected(self, hear: Callable[[str], None], lost: Callable[[], None]) -> AsyncIterator[Say]:
        connection = await self._hosts.connect(_connect, ANSWER_SECONDS)
        try:
            connection.add_termination_listener(lambda _: lost())
            await connection.add_listener(self._channel, lambda _connection, _pid, _channel, text: hear(text))

            async def say(message: str) -> None:
                if message:
                    await connection.execute("SELECT pg_notify($1, $2)", self._channel, message)
                else:
                    await connection.execute("SELECT 1")

            yield say
        finally:
            # At once: nothing that was sent waits for an answer, and the server may be gone.
            connection.terminate()


async def _connect(dsn: str) -> Any:
    return await asyncpg.connect(dsn, command_timeout=ANSWER_SECONDS, server_settings=SESSION)
