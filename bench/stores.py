"""One server for a piece that can be measured on either database (`--store`)."""

from collections.abc import Sequence
from typing import Final

from bench.cluster.servers import Database, new_database, start_postgres
from bench.peers.threadline import Server, create_key, spawn, wait_until_ready
from bench.plan import Plan

PIECES: Final = ("sidebar", "branches", "tools")
"""Those that can; the piece `postgres` is the others' counterpart."""


def new_store(plan: Plan) -> Database | None:
    """Start the database that was asked for, where that is a server; it ends with the piece."""
    return new_database(start_postgres(plan)) if plan.store == "postgres" else None


def start_on_store(plan: Plan, options: Sequence[str] = (), database: Database | None = None) -> Server:
    """Start one node on the database that was asked for, or on this one; everything ends with the piece."""
    database = database or new_store(plan)
    where: tuple[str, ...] = ()
    if database is not None:
        where = ("--database", database.url)
        options = ("--bus", "postgres", *options)
    data = plan.new_folder("threadline")
    node = spawn(plan, data, create_key(plan, data, where), None, (*where, *options))
    plan.start(node.child)
    wait_until_ready(node)
    return node


def named(plan: Plan, name: str) -> str:
    """Return the name of a figure with the database that it was measured on, where that is not SQLite."""
    return name if plan.store == "sqlite" else f"{name}, on PostgreSQL"
