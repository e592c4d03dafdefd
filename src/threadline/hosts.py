"""One PostgreSQL address may name several servers: `postgresql://user@one:5432,two:5432/name`.

Whoever connects tries one after the other, the one that was there last first, and takes the one that takes writes.
asyncpg does so too, but within one time limit for all of them: a first server that has gone without a word would use
all of it, and nobody would ever come to its replica.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from threadline.observe import log

Connection = TypeVar("Connection")

_ATTRIBUTE = "target_session_attrs"


class Hosts:
    """The servers of one address."""

    def __init__(self, address: str) -> None:
        self._addresses = one_by_one(address)

    async def connect(self, connect: Callable[[str], Awaitable[Connection]], seconds: float) -> Connection:
        """Return the first connection that comes about; each server has its share of `seconds`.

        Raises what `connect` raised for the last of them, or TimeoutError.
        """
        *others, last = self._addresses
        share = seconds / len(self._addresses)
        for address in others:
            try:
                return await self._one(connect, address, share)
            except Exception as error:
                # Whatever it is: if it is so for all of them, the last one says so.
                log.debug("database_host_skipped", detail=str(error) or type(error).__name__)
        return await self._one(connect, last, share)

    async def _one(self, connect: Callable[[str], Awaitable[Connection]], address: str, seconds: float) -> Connection:
        async with asyncio.timeout(seconds):
            connection = await connect(address)
        self._addresses.sort(key=lambda other: other != address)
        return connection


def one_by_one(address: str) -> list[str]:
    """Return an address for each server that is named. Where there are several, one that takes writes is wanted."""
    parts = urlsplit(address)
    login, at, hosts = parts.netloc.rpartition("@")
    names = hosts.split(",")
    if len(names) == 1:
        return [address]
    query = parts.query
    if _ATTRIBUTE not in query:
        query = "&".join(filter(None, [query, f"{_ATTRIBUTE}=read-write"]))
    return [urlunsplit((parts.scheme, f"{login}{at}{name}", parts.path, query, "")) for name in names]
