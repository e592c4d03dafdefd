"""A durable PostgreSQL and a Redis for one piece of the benchmark: the ones that the tests start, from packages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer

from bench.family import Family
from bench.plan import Plan

SETTINGS: Final[Mapping[str, str]] = {
    # What durability means, written out: the comparison with SQLite rests on it.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "track_wal_io_timing": "on",
    # Vacuuming belongs to the cost of a token. A minute between two looks would put it into one round in five.
    "autovacuum_naptime": "5s",
}
# Not kept for good: live deltas go when their answer is packed, the others are one small row for each thread or node.
PASSING_TABLES: Final = ("deltas", "heads", "leases", "nodes", "writers", "unpacked_attempts")
_KEPT: Final = (
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint AS value FROM pg_class "
    f"WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT IN {PASSING_TABLES}"
)
_WAL: Final = (
    "SELECT wal_bytes::bigint AS bytes, wal_fpi AS pages, w.fsyncs AS syncs, w.fsync_time AS sync_ms "
    "FROM pg_stat_wal, (SELECT sum(fsyncs) AS fsyncs, sum(fsync_time) AS fsync_time FROM pg_stat_io "
    "WHERE object = 'wal') w"
)


class Written(msgspec.Struct, kw_only=True):
    """What a database has written since it was made."""

    wal_bytes: float
    full_pages: float
    """Pages that went to the write-ahead log as a whole, as each does when it is first changed after a checkpoint."""
    syncs: float
    """How often the log was brought to the disk; commits at the same moment share one."""
    sync_ms: float
    """How long that took in all."""
    kept_bytes: float
    """Tables that grow with every answer, with their indexes."""
    commits: float

    def since(self, before: "Written") -> "Written":
        """Return what was added after `before`."""
        pairs = zip(self.__struct_fields__, msgspec.structs.astuple(self), msgspec.structs.astuple(before), strict=True)
        return Written(**{name: now - then for name, now, then in pairs})


@dataclass(frozen=True)
class Database:
    """One database of a running PostgreSQL; the processes are those of the whole server."""

    server: PostgresServer
    name: str
    family: Family

    @property
    def url(self) -> str:
        """Where it is."""
        return self.server.url(self.name)

    def written(self) -> Written:
        """Return what it has written so far. The server must have been quiet for a second to have counted it all."""
        (wal,) = self.server.execute(_WAL, self.name)
        (kept,) = self.server.execute(_KEPT, self.name)
        (done,) = self.server.execute(
            f"SELECT xact_commit AS value FROM pg_stat_database WHERE datname = '{self.name}'", self.name
        )
        return Written(
            wal_bytes=float(wal["bytes"]),
            full_pages=float(wal["pages"]),
            syncs=float(wal["syncs"] or 0),
            sync_ms=float(wal["sync_ms"] or 0),
            kept_bytes=float(kept["value"]),
            commits=float(done["value"]),
        )


def start_postgres(plan: Plan) -> PostgresServer:
    """Start a PostgreSQL that syncs its commits to the disk on which the benchmark's folders are."""
    server = PostgresServer(SETTINGS)
    plan.at_end(server.close)
    server.start()
    return server


def new_database(server: PostgresServer) -> Database:
    """Make an empty database."""
    return Database(server, server.create_database(), Family(server.pid))


def start_redis(plan: Plan) -> RedisServer:
    """Start a Redis that keeps nothing."""
    server = RedisServer()
    plan.at_end(server.close)
    server.start()
    return server
