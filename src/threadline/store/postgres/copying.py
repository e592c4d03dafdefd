"""A PostgreSQL database as either end of a copy.

As a target it has a table of its own, `copy_progress`, for as long as the copy is not whole. It says up to where each
table is copied, and keeps servers out (`schema.refuse_half_copy`).
"""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self

from threadline.errors import StoreRefused
from threadline.store.copying.contract import Batch, Position
from threadline.store.copying.tables import TABLES, TENANTS, THREADS, Kind, Table, bytes_of
from threadline.store.postgres.operator import become_engine, close, connect, live_nodes, refusals, shown
from threadline.store.postgres.schema import (
    COPY_PROGRESS,
    MIGRATION_LOCK,
    has_roles,
    migrate,
    raise_walls,
    steps,
    version_of,
)

BATCH_ROWS_MAX = 2000
BATCH_ROWS_FIRST = 100
BATCH_BYTES = 2_000_000
"""What one round trip reads: about as much as one commit of the target takes. Rows differ by a factor of a million, so
how many that are is learnt from those before."""

COPY_LOCK = 0x74686463  # "thdc"
"""Two copies into one database would each think that the other's rows are foreign."""

_SECRET = "signing_secret"  # noqa: S105 - the name of a row
_ORIGIN = " origin"
"""Where the rows come from, in the table of positions: no table has a name with a space in it."""

_TYPES: dict[Kind, str] = {"text": "text", "int": "bigint", "bytes": "bytea"}


class _PostgresRows:
    """What source and target have in common: a connection, and rows that are read from it."""

    def __init__(self, dsn: str) -> None:
        self.origin = shown(dsn)
        self._dsn = dsn
        self._connection: Any = None
        self._has_roles = False

    async def close(self) -> None:
        """Close the connection."""
        await close(self._connection)

    async def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        with refusals(self._dsn):
            async with self._connection.transaction():
                await become_engine(self._connection, self._has_roles)
                return int(await self._connection.fetchval(f"SELECT count(*) FROM {table.name}"))

    async def batches(self, table: Table, after: Position | None = None) -> AsyncIterator[Batch]:
        """Yield a table's rows from a position on, in the order of its key."""
        statement = _reading(table, after is not None)
        names = list(table.columns)
        places = [names.index(name) for name in table.key]
        with refusals(self._dsn):
            async with self._connection.transaction():
                await become_engine(self._connection, self._has_roles)
                cursor = await self._connection.cursor(statement, *(after or ()))
                count = BATCH_ROWS_FIRST
                while rows := await cursor.fetch(count):
                    batch = [tuple(row) for row in rows]
                    yield Batch(batch, [rows[-1][place] for place in places])
                    size = sum(map(bytes_of, batch)) // len(batch) + 1
                    count = max(1, min(BATCH_ROWS_MAX, BATCH_BYTES // size))


class PostgresSource(_PostgresRows):
    """A database to copy from: one snapshot, which only reads."""

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """Connect.

        Raises:
            StoreRefused: no connection, not of this program's version, or in use by nodes.
        """
        self = cls(dsn)
        self._connection = await connect(dsn, is_read_only=True)
        try:
            with refusals(dsn):
                await self._begin()
        except BaseException:
            await close(self._connection)
            raise
        return self

    async def secret(self) -> bytes | None:
        """Return the signing secret, where there is one."""
        with refusals(self._dsn):
            async with self._connection.transaction():
                await become_engine(self._connection, self._has_roles)
                found = await self._connection.fetchval("SELECT value FROM installation WHERE name = $1", _SECRET)
        return None if found is None else bytes(found)

    async def _begin(self) -> None:
        version, newest = await version_of(self._connection), steps()[-1].number
        if version != newest:
            raise StoreRefused(
                f"The database {self.origin} has version {version}, this program's is {newest}: "
                "`threadline db migrate` first."
            )
        self._has_roles = await has_roles(self._connection)
        if nodes := await live_nodes(self._connection):
            raise StoreRefused(_in_use(self.origin, nodes))
        # All that is read from here on is of one moment; the inner transactions are savepoints in it.
        await self._connection.transaction(isolation="repeatable_read", readonly=True).start()


class PostgresTarget(_PostgresRows):
    """A database to copy into."""

    @classmethod
    async def open(cls, dsn: str, restart: bool = False) -> Self:
        """Connect, migrate, and keep other copies out; with `restart` empty what a broken copy has left.

        Raises:
            StoreRefused: no connection, not allowed, newer than this program, or another copy is under way.
        """
        self = cls(dsn)
        self._connection = await connect(dsn, synchronous_commit="off")
        try:
            with refusals(dsn):
                if not await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", COPY_LOCK):
                    raise StoreRefused(f"Another copy into {self.origin} is under way.")
                # Before anything is changed: a foreign installation is not even migrated.
                await self._refuse_foreign()
                await migrate(self._connection)
                self._has_roles = await raise_walls(self._connection)
                if restart:
                    await self._empty()
        except BaseException:
            await close(self._connection)
            raise
        return self

    async def begin(self, origin: str) -> None:
        """Make room for a copy, or take up one that was broken off. Raises StoreRefused."""
        with refusals(self._dsn):
            async with self._connection.transaction():
                # Whoever migrates holds this lock too, and then looks whether a copy is under way.
                await self._connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
                if await self._is_half_copy():
                    await self._refuse_other_origin(origin)
                else:
                    await self._refuse_foreign(_NAMES)
                    await self._connection.execute(
                        f"CREATE TABLE {COPY_PROGRESS} (name text PRIMARY KEY, position text NOT NULL)"
                    )
                    await self._note(_ORIGIN, origin)

    async def position(self, table: Table) -> Position | None:
        """Return how far the copy of a table is; None where it has not begun."""
        with refusals(self._dsn):
            found = await self._connection.fetchval(f"SELECT position FROM {COPY_PROGRESS} WHERE name = $1", table.name)
        if found is None:
            return None
        position: Position = json.loads(found)
        return position

    async def store(self, table: Table, batch: Batch) -> None:
        """Store a batch and its position, both or neither."""
        columns = dict(zip(table.columns, map(list, zip(*batch.rows, strict=True)), strict=True))
        with refusals(self._dsn):
            async with self._connection.transaction():
                await self._note(table.name, json.dumps(batch.position))
                # Not COPY: that is refused where row-level security is on.
                await become_engine(self._connection, self._has_roles)
                for statement, names in _WRITING[table.name]:
                    await self._connection.execute(statement, *(columns[name] for name in names))

    async def finish(self, secret: bytes | None) -> None:
        """Store the signing secret, and let servers in."""
        with refusals(self._dsn):
            async with self._connection.transaction():
                # Synced like any commit of a node, and with it all that was committed before.
                await self._connection.execute("SET LOCAL synchronous_commit = on")
                await self._connection.execute(f"DROP TABLE {COPY_PROGRESS}")
                await become_engine(self._connection, self._has_roles)
                if secret is not None:
                    await self._connection.execute(
                        "INSERT INTO installation (name, value) VALUES ($1, $2) "
                        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                        _SECRET,
                        secret,
                    )
            # Autovacuum would come to it within minutes; the first requests come at once.
            await self._connection.execute(f"ANALYZE {', '.join([*(table.name for table in TABLES), 'heads'])}")

    async def _is_half_copy(self) -> bool:
        return await self._connection.fetchval("SELECT to_regclass($1)", COPY_PROGRESS) is not None

    async def _note(self, name: str, position: str) -> None:
        await self._connection.execute(
            f"INSERT INTO {COPY_PROGRESS} (name, position) VALUES ($1, $2) "
            "ON CONFLICT (name) DO UPDATE SET position = excluded.position",
            name,
            position,
        )

    async def _refuse_other_origin(self, origin: str) -> None:
        begun = await self._connection.fetchval(f"SELECT position FROM {COPY_PROGRESS} WHERE name = $1", _ORIGIN)
        if begun != origin:
            raise StoreRefused(
                f"{self.origin} has an unfinished copy of {begun}. Finish that one, or begin anew with --restart."
            )

    async def _refuse_foreign(self, names: Sequence[str] = (TENANTS.name,)) -> None:
        """Refuse a database that nodes use, or that has rows in these tables."""
        if nodes := await live_nodes(self._connection):
            raise StoreRefused(_in_use(self.origin, nodes))
        is_empty = await self._connection.fetchval("SELECT to_regclass($1)", TENANTS.name) is None
        if is_empty or await self._is_half_copy():
            return
        async with self._connection.transaction():
            await become_engine(self._connection, await has_roles(self._connection))
            taken = [name for name in names if await self._connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {name})")]
            await self._connection.execute("RESET ROLE")
        if taken:
            raise StoreRefused(
                f"{self.origin} has an installation in it already (rows in {', '.join(taken)}). Copy into an empty "
                "database."
            )

    async def _empty(self) -> None:
        async with self._connection.transaction():
            if not await self._is_half_copy():
                return
            await self._connection.execute(f"TRUNCATE {', '.join(_NAMES)}")
            await self._connection.execute(f"DROP TABLE {COPY_PROGRESS}")


_NAMES = [*(table.name for table in TABLES), "heads"]


def _reading(table: Table, is_resumed: bool) -> str:
    columns = ", ".join("head_seq" if (table, name) == (THREADS, "seq") else name for name in table.columns)
    source = table.name
    if table is THREADS:
        source = "threads JOIN heads ON head_tenant_id = tenant_id AND head_thread_id = id"
    key = ", ".join(table.key)
    marks = ", ".join(f"${number}" for number in range(1, len(table.key) + 1))
    where = f"WHERE ({key}) > ({marks})" if is_resumed else ""
    return f"SELECT {columns} FROM {source} {where} ORDER BY {key}"


def _inserting(name: str, columns: dict[str, Kind], given: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return an INSERT of many rows, a list for each column, and which of the table's values it takes."""
    arrays = ", ".join(f"${number}::{_TYPES[kind]}[]" for number, kind in enumerate(columns.values(), start=1))
    return f"INSERT INTO {name} ({', '.join(columns)}) SELECT * FROM unnest({arrays})", given


def _writing(table: Table) -> list[tuple[str, tuple[str, ...]]]:
    if table is not THREADS:
        return [_inserting(table.name, table.columns, tuple(table.columns))]
    rest = {name: kind for name, kind in table.columns.items() if name != "seq"}
    heads: dict[str, Kind] = {"head_tenant_id": "text", "head_thread_id": "text", "head_seq": "int"}
    return [
        _inserting("threads", rest, tuple(rest)),
        _inserting("heads", heads, ("tenant_id", "id", "seq")),
    ]


_WRITING = {table.name: _writing(table) for table in TABLES}


def _in_use(where: str, nodes: list[str]) -> str:
    return (
        f"{where} is in use by {len(nodes)} running node{'' if len(nodes) == 1 else 's'} ({', '.join(nodes)}). Stop "
        "them first. One that was killed counts as running until its lease ends."
    )
