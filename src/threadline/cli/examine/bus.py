"""The bus: there, and the right one for what the settings want."""

import asyncio

from threadline.cli.examine.finding import Finding, error, ok, warning
from threadline.errors import SettingsRefused, StoreRefused
from threadline.settings import Settings

PING_SECONDS = 10.0
"""A Redis that is well answers in a millisecond, and in seconds where its machine is busy."""


def bus(settings: Settings) -> list[Finding]:
    """Check the bus, unless it is the database itself, which is checked as such."""
    try:
        address = settings.bus_address
    except SettingsRefused as refused:
        return [error(refused.detail, "docs/reference/settings.md says what a bus may be.")]
    if address == "memory":
        return _memory(settings)
    if address.startswith("redis"):
        return [_redis(address)]
    return [] if address == settings.database else [_postgres(address)]


def _memory(settings: Settings) -> list[Finding]:
    if not settings.is_postgres:
        return []
    return [
        warning(
            "The bus is within this process: readers on another node hear of new words by its slow poll only.",
            "Leave --bus out, unless there is one node.",
        )
    ]


def _redis(address: str) -> Finding:
    from redis import Redis, RedisError

    where = _shown(address)
    try:
        with Redis.from_url(address, socket_timeout=PING_SECONDS, socket_connect_timeout=PING_SECONDS) as client:
            client.ping()
    except (RedisError, OSError, ValueError) as problem:
        return error(
            f"The bus {where} does not answer: {problem}.",
            "Start it, or mend the address in --bus. Without it nodes work, and hear of each other by slow polls only.",
        )
    return ok(f"The bus {where} answers.")


def _postgres(address: str) -> Finding:
    from threadline.store.postgres.facts import hears

    where = _shown(address)
    advice = "Mend the address in --bus. A pooler cannot carry LISTEN: the bus needs PostgreSQL's own address."
    try:
        if asyncio.run(hears(address)):
            return ok(f"The bus {where} works.")
    except StoreRefused as refused:
        return error(f"The bus does not work: {refused.detail}", advice)
    return error(f"What is notified through the bus {where} does not arrive.", advice)


def _shown(address: str) -> str:
    scheme, mark, rest = address.partition("://")
    place = rest.partition("?")[0]
    return f"{scheme}{mark}{place.rpartition('@')[2]}"
