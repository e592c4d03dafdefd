"""A database that goes away and comes back: said at once, never waited for for ever, and nothing has to be restarted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest

from support.databases import MakePostgres
from support.postgres import PostgresServer
from threadline.errors import StoreRefused, Unavailable
from threadline.events import ThreadUpdated
from threadline.store.contract import Transaction
from threadline.store.postgres import connections
from threadline.store.postgres import store as store_module
from threadline.store.postgres.store import PostgresStore

from .conftest import MINE, Bench
from .kits import PostgresKit

T = TypeVar("T")

PATIENCE_SECONDS = 180.0
"""Far beyond every timeout of the store, as these tests set them."""


@pytest.fixture
async def server(make_postgres: MakePostgres) -> PostgresServer:
    """A PostgreSQL of the test's own."""
    server = make_postgres()
    await asyncio.to_thread(server.start)
    return server


@pytest.fixture
async def bench(server: PostgresServer) -> AsyncIterator[Bench]:
    """A store on it."""
    kit = PostgresKit(server, "postgres")
    yield Bench(kit, await kit.open())
    await kit.close()


@pytest.fixture
async def impatient(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The same with little patience."""
    monkeypatch.setattr(connections, "COMMAND_SECONDS", 1.0)
    monkeypatch.setattr(connections, "ACQUIRE_SECONDS", 1.0)
    monkeypatch.setattr(store_module, "FATE_SECONDS", 1.0)
    await bench.reopen()
    return bench


async def in_the_end(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until there is an answer: a busy machine may take longer for it than somebody impatient waits."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await ask()
            except Unavailable:
                await asyncio.sleep(0.05)


async def is_out(bench: Bench, thread_id: str) -> None:
    """See that everything says so: reads, scripts and health; more of them at once than there are connections."""

    async def reads() -> None:
        with pytest.raises(Unavailable):
            await bench.log(thread_id)  # type: ignore[arg-type]

    async def writes() -> None:
        with pytest.raises(Unavailable):
            await bench.append(thread_id)  # type: ignore[arg-type]

    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*(one() for _ in range(connections.CONNECTIONS_MAX) for one in (reads, writes)))
        assert not await bench.store.is_healthy()


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_database_that_is_stopped_and_started_again(server: PostgresServer, bench: Bench, how: str) -> None:
    """Everything is refused as long as it is away, and goes on by itself; what was acknowledged is there."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    assert await bench.say(bench.delta(attempt, "before")) == [1]
    # Many connections, all of which will be dead.
    await asyncio.gather(*(bench.append(thread.id) for _ in range(20)))
    await asyncio.to_thread(server.stop if how == "stop" else server.kill)
    await is_out(bench, thread.id)
    with pytest.raises(Unavailable):
        await bench.say(bench.delta(attempt, "held"))
    await asyncio.to_thread(server.start)
    assert await bench.say(bench.delta(attempt, "held")) == [22]
    assert await bench.append(thread.id) == 23
    assert len(await bench.log(thread.id)) == 23


async def test_a_database_that_is_silent(server: PostgresServer, impatient: Bench) -> None:
    """Its connections are open and nobody answers on them: each is given up in time, and new ones work."""
    bench = impatient
    thread = await in_the_end(bench.thread)
    attempt = await in_the_end(lambda: bench.attempt(thread))
    await asyncio.gather(*(in_the_end(lambda: bench.append(thread.id)) for _ in range(20)))
    server.pause()
    try:
        await is_out(bench, thread.id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises(Unavailable):
                await bench.say(bench.delta(attempt, "held"))
    finally:
        server.resume()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await bench.store.is_healthy():
            await asyncio.sleep(0.05)
        while (seqs := await in_the_end(lambda: bench.say(bench.delta(attempt, "held")))) == [0]:
            await asyncio.sleep(0.05)
    log = await in_the_end(lambda: bench.log(thread.id))
    assert [entry.seq for entry in log] == list(range(1, (seqs[0] or 0) + 1))
    assert [entry for entry in log if entry.type == "message.delta"] == [log[(seqs[0] or 0) - 1]]


async def test_closing_does_not_wait_for_a_silent_database(
    server: PostgresServer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that is told to stop stops, and whoever has waited for an answer is told so."""
    thread = await bench.thread()
    monkeypatch.setattr(connections, "ACQUIRE_SECONDS", 1.0)
    server.pause()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reading = asyncio.get_running_loop().create_task(bench.log(thread.id))
            await asyncio.sleep(0.05)
            await bench.store.close()
            with pytest.raises(Unavailable):
                await reading
    finally:
        server.resume()


async def test_a_node_waits_for_a_database_that_is_only_starting(make_postgres: MakePostgres) -> None:
    """Both are started together: the node is there when its database is."""
    server = make_postgres()
    store = PostgresStore(server.url(), connect_seconds=PATIENCE_SECONDS)
    opening = asyncio.get_running_loop().create_task(store.open())
    await asyncio.sleep(0)
    await asyncio.to_thread(server.start)
    await opening
    assert await store.is_healthy()
    await store.close()


async def test_no_database_is_refused_in_words(make_postgres: MakePostgres, server: PostgresServer) -> None:
    """Nobody there, a database of another name, an address that is none: the node does not start, and says why."""
    nobody = make_postgres()
    for address, words in (
        (nobody.url(), "no connection"),
        (server.url("nothing_here"), "nothing_here"),
        ("postgresql://127.0.0.1:not_a_port/x", "cannot be used"),
    ):
        store = PostgresStore(address, connect_seconds=0.0)
        with pytest.raises(StoreRefused, match=words):
            await store.open()
        await store.close()


async def test_a_connection_that_is_cut_takes_its_script_with_it(postgres_kit: PostgresKit) -> None:
    """In the middle of a script: it is told so, nothing of it is stored, and the next one works."""
    bench = Bench(postgres_kit, await postgres_kit.open())
    thread = await bench.thread()

    async def is_cut(transaction: Transaction) -> None:
        await transaction.append(MINE, thread.id, ThreadUpdated({"title": "never"}), None)
        (pid,) = await transaction._sql.one("SELECT pg_backend_pid()")  # type: ignore[attr-defined]
        postgres_kit.execute(f"SELECT pg_terminate_backend({pid}, 10000)")
        await transaction.append(MINE, thread.id, ThreadUpdated({"title": "never"}), None)

    with pytest.raises(Unavailable):
        await bench.write(is_cut)
    assert await bench.append(thread.id) == 1


async def test_a_database_that_only_reads_is_read_and_not_written(postgres_kit: PostgresKit) -> None:
    """A replica before it is promoted, or a service that has run out of its disk: sends are refused, history is shown."""
    bench = Bench(postgres_kit, await postgres_kit.open())
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    await bench.append(thread.id)
    name = postgres_kit.database
    cut = f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"

    def set_to(value: str) -> None:
        postgres_kit.server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
        postgres_kit.server.execute(cut)

    set_to("on")
    await asyncio.sleep(0)
    for writes in (bench.append(thread.id), bench.say(bench.delta(attempt, "held"))):
        with pytest.raises(Unavailable):
            await writes
    assert len(await bench.log(thread.id)) == 1
    assert not await bench.store.is_healthy()
    set_to("off")
    async with asyncio.timeout(PATIENCE_SECONDS):
        # It takes a moment to hear that a connection was cut.
        while not await bench.store.is_healthy():
            await asyncio.sleep(0.01)
    assert await bench.say(bench.delta(attempt, "held")) == [2]


async def test_who_is_told_to_stop_stops(postgres_kit: PostgresKit) -> None:
    """A cancelled read or commit ends as cancelled, wherever it is, and never as an outage that somebody waits out."""
    bench = Bench(postgres_kit, await postgres_kit.open())
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    rows = [bench.delta(attempt, "w")]
    for place in range(150):
        works = (bench.log(thread.id), bench.append(thread.id), bench.store.is_healthy(), bench.say(*rows))
        tasks = [asyncio.get_running_loop().create_task(work) for work in works]
        for _ in range(place % 50):
            await asyncio.sleep(0)
        await asyncio.sleep((place % 7) * 0.0004)
        are_done = [task.done() for task in tasks]
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result, was_done in zip(results, are_done, strict=True):
            assert was_done or isinstance(result, asyncio.CancelledError), repr(result)
