"""What HTTP cannot tell, because it must make no difference there: the rows behind a server, seen and changed."""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import asyncpg

from .server import Server
from .waiting import PATIENCE_SECONDS


def rows(server: Server, statement: str) -> Sequence[Any]:
    """Run one statement on the server's database, whichever that is. Returns its rows."""
    if not server.database:
        # With a busy timeout, since the server may be writing.
        with (
            closing(sqlite3.connect(server.data / "threadline.db", timeout=PATIENCE_SECONDS)) as connection,
            connection,
        ):
            return connection.execute(statement).fetchall()

    async def run() -> list[Any]:
        connection = await asyncpg.connect(server.database)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    # In a thread of its own: the caller may be within an event loop.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()
