"""An address with several servers: which they are, in which order they are asked, and how long each may take."""

import asyncio

import pytest

from threadline.hosts import Hosts, one_by_one

TWO = "postgresql://user:pass@one:5432,two:5433/name?ssl=require"


def test_one_server_is_left_as_it_is() -> None:
    """Whatever is said about it, asyncpg reads it."""
    for address in ("postgresql://user@one/name", "postgresql:///name?host=/run/postgresql", "postgresql://[::1]:5/n"):
        assert one_by_one(address) == [address]


def test_of_several_servers_one_that_takes_writes_is_wanted() -> None:
    """Each has the login, the database and the options of all; what the operator wants instead is left."""
    assert one_by_one(TWO) == [
        "postgresql://user:pass@one:5432/name?ssl=require&target_session_attrs=read-write",
        "postgresql://user:pass@two:5433/name?ssl=require&target_session_attrs=read-write",
    ]
    assert one_by_one("postgresql://one,two/name?target_session_attrs=primary") == [
        "postgresql://one/name?target_session_attrs=primary",
        "postgresql://two/name?target_session_attrs=primary",
    ]


async def test_a_silent_server_takes_its_own_time_only_and_is_asked_last_the_next_time() -> None:
    """Nobody answers at the first one: the second one is reached all the same, and from then on at once."""
    asked: list[str] = []

    async def connect(address: str) -> str:
        asked.append(address)
        if "@one" in address:
            await asyncio.Event().wait()
        return address

    hosts = Hosts(TWO)
    one, two = one_by_one(TWO)
    assert await hosts.connect(connect, 0.1) == two
    assert await hosts.connect(connect, 0.1) == two
    assert asked == [one, two, two]


async def test_where_no_server_is_the_last_one_says_why() -> None:
    """All of them are asked."""
    asked: list[str] = []

    async def connect(address: str) -> str:
        asked.append(address)
        raise OSError(f"not {len(asked)}")

    with pytest.raises(OSError, match="not 2"):
        await Hosts(TWO).connect(connect, 10)
    assert asked == one_by_one(TWO)
