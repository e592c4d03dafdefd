"""The PostgreSQL database: reachable, recent, safe, roomy, and able to wake nodes."""

import asyncio
from collections.abc import Iterator

from threadline.cli.examine.finding import Finding, error, ok, warning
from threadline.cli.terminal import counted, size
from threadline.clock import Clock
from threadline.errors import StoreRefused
from threadline.settings import Settings
from threadline.store.postgres.connections import APP_ROLE, CONNECTIONS_MAX, ENGINE_ROLE
from threadline.store.postgres.facts import Facts, facts
from threadline.store.postgres.operator import SERVER_VERSION_MIN, shown
from threadline.store.postgres.schema import newest_version

CONNECTIONS_PER_NODE = CONNECTIONS_MAX + 1
"""The pool, and the bus."""

CLOCK_WORTH_SAYING_MS = 1000
"""Nothing depends on the difference; who compares log files wants to know of more than this."""


def postgres(settings: Settings, clock: Clock) -> tuple[list[Finding], str | None]:
    """Check the database. Returns also when somebody last said something."""
    try:
        found = asyncio.run(facts(settings.database, clock))
    except StoreRefused as refused:
        return [error(refused.detail, "Mend the address in --database, or start the server.")], None
    where = shown(settings.database)
    findings = [
        *_server(where, found),
        *_schema(where, found),
        *_walls(found),
        *_pooler(found),
        *_listening(settings, found),
        *_connections(settings, found),
        *_durability(found),
        *_vacuum(found),
        _clock(found),
    ]
    return findings, found.last_activity_at


def _server(where: str, found: Facts) -> Iterator[Finding]:
    what = f"The database {where} answers: PostgreSQL {found.server_name}, {size(found.bytes)}"
    if found.server_version < SERVER_VERSION_MIN * 10000:
        yield error(f"{what}.", f"Threadline needs PostgreSQL {SERVER_VERSION_MIN} or newer.")
    elif found.is_replica:
        yield error(f"{what}, a read-only replica.", "Give --database the address of the primary.")
    else:
        used = f", {counted(len(found.nodes), 'node')} on it" if found.nodes else ""
        yield ok(f"{what}{used}.")


def _schema(where: str, found: Facts) -> Iterator[Finding]:
    newest = newest_version()
    if found.is_half_copy:
        yield error(
            f"{where} has a half of an installation in it: a copy that has not come to its end.",
            "Run the same `threadline db copy` again; it goes on where it was.",
        )
    elif found.schema_version == 0:
        yield ok("There is no Threadline in it yet; `threadline serve` makes it.")
    elif found.schema_version > newest:
        yield warning(
            f"The database has version {found.schema_version}; this program knows versions up to {newest}.",
            "That is so in the middle of an upgrade. Upgrade this program too.",
        )
    elif found.schema_version < newest:
        yield warning(
            f"The database has version {found.schema_version}, this program's is {newest}.",
            "`threadline db backup FILE`, then `threadline db migrate`; or just start a node, which migrates too.",
        )
    else:
        yield ok(f"The database has version {found.schema_version}.")
    if found.unfinished_backfills:
        yield warning(
            f"An upgrade has left work on old rows: {', '.join(found.unfinished_backfills)}.",
            "`threadline db migrate` does it while nodes go on working.",
        )


def _walls(found: Facts) -> Iterator[Finding]:
    if found.has_walls and found.has_roles:
        yield ok("Row-level security is on: PostgreSQL itself keeps tenants apart.")
        return
    missing = [role for role in (APP_ROLE, ENGINE_ROLE) if role not in found.roles]
    made = "".join(f"CREATE ROLE {role} NOLOGIN; " for role in missing)
    user = '"' + found.user.replace('"', '""') + '"'
    grant = f"GRANT {APP_ROLE}, {ENGINE_ROLE} TO {user};"
    if found.schema_version == 0:
        yield ok("Row-level security is turned on with the first start, where this user may make roles.")
        return
    if found.has_roles:
        yield warning("Row-level security is off, though its roles are there.", "`threadline db migrate` turns it on.")
        return
    yield warning(
        "Row-level security is off: this user may not make its two roles. Threadline keeps tenants apart by itself; "
        "this would be the second wall.",
        f"As an administrator of PostgreSQL: `{made}{grant}` Then `threadline db migrate`, and restart the nodes.",
    )


def _pooler(found: Facts) -> Iterator[Finding]:
    if found.refused_settings is not None:
        yield error(
            f"Something stands between here and PostgreSQL that does not pass on a node's settings "
            f"({found.refused_settings}): a pooler such as pgbouncer.",
            f"Give --database PostgreSQL's own address. A node has a pool of its own, of {CONNECTIONS_MAX} "
            "connections at most.",
        )


def _listening(settings: Settings, found: Facts) -> Iterator[Finding]:
    is_the_bus = settings.bus in ("", "postgres", settings.database)
    if found.hears is None or not is_the_bus:
        return
    if found.hears:
        yield ok("LISTEN and NOTIFY work: nodes wake each other through the database.")
        return
    yield error(
        "LISTEN does not work through this address: a pooler that hands connections on after each transaction "
        "(pgbouncer with pool_mode = transaction) loses what is notified.",
        "Give --database PostgreSQL's own address, or at least the bus: --bus postgresql://… or --bus redis://….",
    )


def _connections(settings: Settings, found: Facts) -> Iterator[Finding]:
    allowed = found.connections_max - found.connections_reserved
    others = max(len(found.nodes) - settings.workers, 0)
    wanted = (settings.workers + others) * CONNECTIONS_PER_NODE
    nodes = f"{counted(settings.workers, 'node')} here" + (f" and {others} elsewhere" if others else "")
    what = (
        f"{nodes} may take {wanted} connections; PostgreSQL allows {allowed}, and {found.connections_used} are in use"
    )
    if wanted > allowed:
        yield error(f"{what}.", f"Raise max_connections to {wanted + found.connections_reserved + 10}, or run fewer.")
    elif wanted > allowed * 0.8:
        yield warning(f"{what}.", "Raise max_connections before there are more nodes; backups and people need some.")
    else:
        yield ok(f"{what}.")


def _durability(found: Facts) -> Iterator[Finding]:
    for name, value in (("fsync", "off"), ("full_page_writes", "off")):
        if found.settings.get(name) == value:
            yield warning(
                f"{name} is off: after a power cut the whole database may be unreadable.",
                f"`ALTER SYSTEM SET {name} = on`.",
            )
    if found.settings.get("synchronous_commit") == "off":
        yield warning(
            "synchronous_commit is off: after a crash of PostgreSQL words that clients have seen may be gone, and a "
            "cursor may be given out twice.",
            f'`ALTER DATABASE "{found.database}" SET synchronous_commit = on`.',
        )


def _vacuum(found: Facts) -> Iterator[Finding]:
    if "off" in (found.settings.get("autovacuum"), found.settings.get("track_counts")):
        yield warning(
            "autovacuum is off: the table of live deltas grows without end, and with it every query.",
            "`ALTER SYSTEM SET autovacuum = on; ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf();`",
        )


def _clock(found: Facts) -> Finding:
    ahead = found.clock_ahead_ms
    if abs(ahead) < CLOCK_WORTH_SAYING_MS:
        return ok("The database's clock agrees with this machine's.")
    which = "before" if ahead > 0 else "behind"
    return ok(f"The database's clock is {abs(ahead) / 1000:,.1f} s {which} this machine's. Nothing depends on it.")
