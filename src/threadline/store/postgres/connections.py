"""The connections of one node to PostgreSQL: their settings, their roles, and what their errors mean.

Requests run as the role `threadline_app`, which row-level security confines to the one tenant that the transaction was
opened for; the engine's work that crosses tenants runs as `threadline_engine`. Both are set for the transaction only
(`SET LOCAL`), so that a connection that goes back to the pool belongs to nobody.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg

from threadline.errors import Unavailable
from threadline.hosts import Hosts
from threadline.scopes import Scope, System

APP_ROLE = "threadline_app"
ENGINE_ROLE = "threadline_engine"
TENANT_SETTING = "threadline.tenant"

CONNECTIONS_MAX = 12
ACQUIRE_SECONDS = 5.0
"""How long a request waits for a free connection before it is told to come again."""

CONNECT_SECONDS = 4.0
"""How long connecting may take, over all servers of the address: within what a request waits."""

COMMAND_SECONDS = 10.0
"""After this long without an answer a connection is given up: its server is gone without a word."""

SESSION = {
    "application_name": "threadline",
    # Each statement sees what was committed before it: locking a row and then reading behind the lock depends on it,
    # whatever else is the default of this database.
    "default_transaction_isolation": "read committed",
    # Our statements are small: compiling one costs more than running it.
    "jit": "off",
    # A node that is stopped in the middle of a transaction may not keep a thread locked for the others.
    "idle_in_transaction_session_timeout": "5000",
    "lock_timeout": "3000",
    "statement_timeout": "9000",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.PostgresSystemError,
    asyncpg.PostgresIOError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""The database is away, full, read-only (a replica before it is promoted), or did not answer in time."""

MET_ANOTHER = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.UniqueViolationError,
)
"""Two transactions wanted the same thing. The one that is run again sees what the other one has done."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


class Connections:
    """A pool. `has_roles` says whether the two roles are there, and with them row-level security."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.has_roles = False
        self._hosts = Hosts(dsn)
        self._pool: Any = None

    async def open(self) -> None:
        """Connect. Raises Unavailable where nobody answers, and what asyncpg raises where we are not wanted."""
        # No floor: the pool would look after it by itself while the database is away, and tell of each failure.
        self._pool = await asyncpg.create_pool(
            self.dsn,
            min_size=0,
            max_size=CONNECTIONS_MAX,
            command_timeout=COMMAND_SECONDS,
            timeout=ACQUIRE_SECONDS,
            server_settings=SESSION,
            connect=self._connect,
            reset=_nothing,
        )
        async with self.bare():
            pass

    async def close(self) -> None:
        """Close. Whatever is under way has ended or is cut off."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(ACQUIRE_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def bare(self) -> AsyncIterator[Any]:
        """Lend a connection without a transaction. Raises Unavailable."""
        with unavailable_where_gone():
            async with self._lent() as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self, scope: Scope | System, mode: str = "") -> AsyncIterator[Any]:
        """Lend a connection within a transaction, which the caller commits; what is not committed is undone."""
        async with self._lent() as connection:
            try:
                await connection.execute(f"BEGIN {mode}; {self._role(scope)}")
                yield connection
            except (asyncio.CancelledError, TimeoutError):
                # Rolling back would wait once more for a server that has not answered; it rolls back by itself.
                _break_off(connection)
                raise
            except BaseException:
                await _roll_back(connection)
                raise
            await _roll_back(connection)

    async def _connect(self, dsn: str, **options: Any) -> Any:
        return await self._hosts.connect(lambda one: asyncpg.connect(one, **options), CONNECT_SECONDS)

    async def call(self, system: System, function: str, values: Sequence[Any]) -> Any:
        """Call a function, committed, and return its value: one round trip where a transaction of ours takes three.

        `function` is written with its parameters `$1`, `$2` … . Raises what asyncpg raises.
        """
        if not self.has_roles:
            statement = f"SELECT {function}"
        else:
            # The role is taken before the function is planned, and ends with the statement, as SET LOCAL does.
            statement = (
                f"WITH taken AS MATERIALIZED (SELECT set_config('role', '{ENGINE_ROLE}', true)) "
                f"SELECT {function} FROM taken"
            )
        async with self._lent() as connection:
            return await connection.fetchval(statement, *values)

    def _role(self, scope: Scope | System) -> str:
        if not self.has_roles:
            return ""
        if isinstance(scope, System):
            return f"SET LOCAL ROLE {ENGINE_ROLE}"
        assert _PLAIN_ID.fullmatch(scope.tenant_id), "ids are made here and are plain"
        return f"SET LOCAL ROLE {APP_ROLE}; SELECT set_config('{TENANT_SETTING}', '{scope.tenant_id}', true)"

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Any]:
        connection = await self._pool.acquire(timeout=ACQUIRE_SECONDS)
        try:
            yield connection
        except TimeoutError:
            # The server is gone without a word; so are the other connections to it, and each would wait as long again.
            _break_off(connection)
            await self._pool.expire_connections()
            raise
        except asyncio.CancelledError:
            # In the middle of a statement, perhaps: nobody can use it any more.
            _break_off(connection)
            raise
        finally:
            await self._pool.release(connection)


@contextmanager
def unavailable_where_gone() -> Iterator[None]:
    """Turn the errors of a database that is away into `Unavailable`."""
    try:
        yield
    except GONE as error:
        raise Unavailable(f"The database does not answer: {str(error) or type(error).__name__}.") from error
    except asyncpg.InterfaceError as error:
        # A connection that is closed, or that the pool took back when it broke, or a pool that is closing.
        if "clos" not in str(error) and "released back" not in str(error):
            raise
        raise Unavailable("The connection to the database is closed.") from error


async def _roll_back(connection: Any) -> None:
    if _is_broken(connection) or not connection.is_in_transaction():
        return
    try:
        await connection.execute("ROLLBACK")
    except BaseException:
        _break_off(connection)
        raise


def _break_off(connection: Any) -> None:
    if not _is_broken(connection):
        connection.terminate()


def _is_broken(connection: Any) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        # The pool takes a connection back in the moment in which it breaks; what we hold then answers nothing any more.
        return True


async def _nothing(connection: Any) -> None:
    """Reset nothing: every setting is set for its transaction only, and a round trip is saved."""
