"""A connection for the operator's commands: for one hand at a time, and as patient as a long piece of work needs.

A node's settings are made for small statements; a command reads whole tables, and must not be cut for taking its time.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from threadline.errors import StoreRefused
from threadline.hosts import Hosts
from threadline.store.postgres.connections import ENGINE_ROLE

CONNECT_SECONDS = 10.0
LOCK_SECONDS = 30
"""How long a command waits for somebody else's lock. Nodes hold theirs for milliseconds."""

SERVER_VERSION_MIN = 14
"""The oldest PostgreSQL that the statements are tested with."""

SETTINGS = {
    "application_name": "threadline db",
    "jit": "off",
    "lock_timeout": str(LOCK_SECONDS * 1000),
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "tcp_keepalives_idle": "10",
}

_NOT_REACHED = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


async def connect(dsn: str, is_read_only: bool = False, **settings: str) -> Any:
    """Return a connection. Raises StoreRefused with a sentence that says what to mend."""
    try:
        with refusals(dsn):
            connection = await Hosts(dsn).connect(
                lambda address: asyncpg.connect(address, server_settings={**SETTINGS, **settings}), CONNECT_SECONDS
            )
            if is_read_only:
                # Not from the start: of several servers the one is looked for that takes writes.
                await connection.execute("SET default_transaction_read_only = on")
            return connection
    except ValueError as error:
        raise StoreRefused(f"{shown(dsn)} is no address of a PostgreSQL database: {error}.") from error


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Any]:
    """Lend a connection. Raises StoreRefused."""
    connection = await connect(dsn)
    try:
        with refusals(dsn):
            yield connection
    finally:
        await close(connection)


async def close(connection: Any) -> None:
    """Close a connection, also one that is lost."""
    try:
        await connection.close(timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()


@contextmanager
def refusals(dsn: str) -> Iterator[None]:
    """Turn what PostgreSQL and its driver raise into a StoreRefused, which never says a password."""
    where = shown(dsn)
    try:
        yield
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise StoreRefused(f"{where} does not take this user and password: {error}.") from error
    except asyncpg.InvalidCatalogNameError as error:
        raise StoreRefused(f"{where}: {error}. `createdb` makes it.") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise StoreRefused(
            f"This user may not do that in {where}: {error}. The user that migrates needs to own the database, or "
            "GRANT CREATE, USAGE ON SCHEMA public."
        ) from error
    except _NOT_REACHED as error:
        raise StoreRefused(f"There is no connection to {where}: {str(error) or type(error).__name__}.") from error
    except asyncpg.PostgresError as error:
        raise StoreRefused(f"{where} cannot be used: {error}.") from error


def shown(dsn: str) -> str:
    """Return an address as it may be shown: without user, password and parameters."""
    parts = urlsplit(dsn)
    return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"


async def become_engine(connection: Any, has_roles: bool) -> None:
    """See every tenant's rows until the end of this transaction: row-level security holds for owners, too.

    Of a user who inherits the rights of his roles it would be true anyhow; not every one does.
    """
    if has_roles:
        await connection.execute(f"SET LOCAL ROLE {ENGINE_ROLE}")


async def live_nodes(connection: Any) -> list[str]:
    """Return the nodes that have said lately that they live, by the database's clock."""
    if await connection.fetchval("SELECT to_regclass('nodes')") is None:
        return []
    rows = await connection.fetch("SELECT id FROM nodes WHERE live_until > clock_timestamp() ORDER BY id")
    return [row[0] for row in rows]
