"""What only PostgreSQL has: deltas are appended as the engine's role, and a connection that goes back belongs to nobody."""

from support.databases import MakePostgres
from support.postgres import USER
from threadline.store.contract import DeltaRow
from threadline.store.postgres.store import PostgresStore

OWNER = "plain_owner"
DELTA = DeltaRow("ten_1", "thr_1", "run_1", "msg_1", 1, 0, "text", "word")  # type: ignore[arg-type]


async def test_an_append_takes_the_engines_role_for_one_statement(make_postgres: MakePostgres) -> None:
    """Row-level security lets the append through, and no connection of the pool keeps the role that did it."""
    # A server of its own: roles belong to a whole server, and this owner has to be the one who makes ours.
    server = make_postgres()
    server.start()
    server.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE")
    server.execute(f"CREATE DATABASE owned OWNER {OWNER}")
    store = PostgresStore(server.url("owned").replace(f"//{USER}@", f"//{OWNER}@"))
    await store.open()
    try:
        assert store.has_roles
        server.execute("INSERT INTO heads VALUES ('ten_1', 'thr_1', 0)", "owned")
        server.execute("INSERT INTO leases VALUES ('ten_1', 'run_1', 'thr_1', 'node_1', 1)", "owned")
        assert (await store.commit([DELTA, DELTA], [])).seqs == [1, 2]
        assert (await store.commit([DELTA], [])).seqs == [3]
        async with store._connections.bare() as connection:
            assert await connection.fetchval("SELECT current_user") == OWNER
    finally:
        await store.close()
