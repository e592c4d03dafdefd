"""Commits on PostgreSQL when something comes in between: a lost connection, another node, a taken thread."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from support.proxy import Cut, CuttingProxy
from support.waiting import PATIENCE_SECONDS
from threadline.errors import LeaseLost, Unavailable
from threadline.events import ThreadUpdated
from threadline.journal.lease import require_lease
from threadline.records import Thread
from threadline.store.contract import LATER, AttemptRow, DeltaRow, ThreadRow, Transaction, Write
from threadline.store.postgres import connections
from threadline.store.postgres import store as store_module
from threadline.store.postgres.store import PostgresStore

from .conftest import MINE, NODE, NOW, SYSTEM, Bench
from .kits import PostgresKit


@pytest.fixture
async def bench(postgres_kit: PostgresKit) -> Bench:
    """A PostgreSQL store with a bench before it."""
    return Bench(postgres_kit, await postgres_kit.open())


@pytest.fixture
async def proxy(postgres_kit: PostgresKit) -> AsyncIterator[CuttingProxy]:
    """A network that can be cut."""
    proxy = CuttingProxy(postgres_kit.server.port)
    await proxy.open()
    yield proxy
    await proxy.close()


@pytest.fixture
async def far(postgres_kit: PostgresKit, bench: Bench, proxy: CuttingProxy) -> AsyncIterator[PostgresStore]:
    """The same database, behind that network."""
    address = postgres_kit.server.url(postgres_kit.database)
    store = PostgresStore(address.replace(f":{postgres_kit.server.port}/", f":{proxy.port}/"))
    await store.open()
    yield store
    await store.close()


def tells(thread: Thread, title: str) -> Write[int]:
    """Return a script that appends an event."""

    async def script(transaction: Transaction) -> int:
        return await transaction.append(MINE, thread.id, ThreadUpdated({"title": title}), None)

    return Write(MINE, script)


def the_append_of(store: PostgresStore) -> bytes:
    """Return what a store says in the moment in which words are stored, one statement and commit, and nowhere else."""
    return store._writer_id.encode()


async def texts(bench: Bench, thread: Thread) -> list[str]:
    """Return what the log says, and see that it is without a hole."""
    log = await bench.log(thread.id)
    assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
    assert await bench.head(thread.id) == len(log)
    return [getattr(entry.event, "text", "") or entry.event.thread["title"] for entry in log]  # type: ignore[union-attr]


@asynccontextmanager
async def holding(kit: PostgresKit, thread: Thread) -> AsyncIterator[asyncpg.Connection]:
    """Be somebody else who has a thread, as a script of another node has."""
    other = await asyncpg.connect(kit.server.url(kit.database))
    try:
        async with other.transaction():
            await other.execute("SELECT 1 FROM heads WHERE head_thread_id = $1 FOR UPDATE", thread.id)
            yield other
    finally:
        await other.close()


async def wait_until_somebody_waits(kit: PostgresKit) -> None:
    """Sleep until a statement of this database waits for a lock."""
    question = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await asyncio.to_thread(kit.execute, question):
            await asyncio.sleep(0.005)


async def test_a_script_whose_commit_was_stored_but_not_answered_is_stored_once(
    bench: Bench, far: PostgresStore, proxy: CuttingProxy
) -> None:
    """The connection is lost between the commit and its answer: the caller hears that it is stored, and it is, once."""
    thread = await bench.thread()
    proxy.cut_at(b"COMMIT", Cut.BEFORE_THE_CLIENT_HEARS)
    (outcome,) = (await far.commit([], [tells(thread, "once")])).outcomes
    assert proxy.cuts == 1
    assert (outcome.value, outcome.error) == (1, None)
    assert [entry.seq for entry in outcome.entries] == [1]
    assert await texts(bench, thread) == ["once"]


async def test_a_script_whose_commit_never_arrived_is_not_stored(
    bench: Bench, far: PostgresStore, proxy: CuttingProxy
) -> None:
    """Lost before the server heard of it: the caller hears that nothing is stored, and nothing is."""
    thread = await bench.thread()
    proxy.cut_at(b"COMMIT", Cut.BEFORE_THE_SERVER_HEARS)
    with pytest.raises(Unavailable):
        await far.commit([], [tells(thread, "never")])
    assert proxy.cuts == 1
    assert await texts(bench, thread) == []
    assert (await far.commit([], [tells(thread, "later")])).outcomes[0].value == 1


async def test_whatever_became_of_a_commit_is_what_is_said(
    bench: Bench, far: PostgresStore, proxy: CuttingProxy
) -> None:
    """Cut right behind the commit, ten times: each time what is in the log is what the caller was told."""
    thread = await bench.thread()
    stored = []
    for place in range(10):
        proxy.cut_at(b"COMMIT", Cut.AT_ONCE)
        try:
            await far.commit([], [tells(thread, str(place))])
        except Unavailable:
            continue
        stored.append(str(place))
    assert proxy.cuts == 10
    assert await texts(bench, thread) == stored


async def test_all_connections_are_lost_in_the_moment_of_their_commits(
    bench: Bench, far: PostgresStore, proxy: CuttingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To ask what became of it takes a connection: whoever asks has given his own back before."""
    monkeypatch.setattr(connections, "CONNECTIONS_MAX", 1)
    # Whoever kept his own while he asks for another would be told that there is none, again and again.
    monkeypatch.setattr(connections, "ACQUIRE_SECONDS", 20.0)
    narrow = PostgresStore(far._connections.dsn)
    await narrow.open()
    thread = await bench.thread()
    proxy.cut_at(b"COMMIT", Cut.BEFORE_THE_CLIENT_HEARS)
    assert (await narrow.commit([], [tells(thread, "once")])).outcomes[0].value == 1
    await narrow.close()
    assert await texts(bench, thread) == ["once"]


@pytest.mark.parametrize("cut", Cut)
async def test_words_are_neither_lost_nor_doubled_by_a_lost_connection(
    bench: Bench, far: PostgresStore, proxy: CuttingProxy, cut: Cut
) -> None:
    """The same words come again in front of the next ones, as the journal does it, and have the numbers that they got."""
    thread, other = await bench.thread(), await bench.thread()
    attempt, second = await bench.attempt(thread), await bench.attempt(other)
    first = [bench.delta(attempt, "a"), bench.delta(second, "x"), bench.delta(attempt, "b")]
    proxy.cut_at(the_append_of(far), cut)
    with pytest.raises(Unavailable):
        await far.commit(first, [])
    assert proxy.cuts == 1
    # Somebody else goes on meanwhile: numbers that are given now are behind those that were given then, if any were.
    await bench.append(other.id)
    more = [bench.delta(attempt, "c"), bench.delta(second, "y")]
    seqs = (await far.commit([*first, *more], [])).seqs
    assert seqs[3:] == [LATER, LATER]
    assert (seqs[0], seqs[2]) == (1, 2)
    # A batch that was still on its way may have met somebody else on that thread, and then that word comes again too.
    later = [row for row, seq in zip(first, seqs, strict=False) if seq == LATER]
    assert later in ([], [first[1]])
    assert (await far.commit([*later, *more], [])).seqs[-2:] == [3, 3]
    assert await texts(bench, thread) == ["a", "b", "c"]
    assert sorted(await texts(bench, other)) == ["t", "x", "y"]
    if not later:
        assert (await bench.log(other.id))[int(seqs[1] or 0) - 1].event.text == "x"  # type: ignore[union-attr]


async def test_a_first_batch_that_comes_again_waits_for_its_first_life(postgres_kit: PostgresKit, bench: Bench) -> None:
    """Its writer has no row yet to find it by; without one both lives would give numbers, and the words be there twice."""
    thread = await bench.thread()
    await bench.attempt(thread)
    address = postgres_kit.server.url(postgres_kit.database)
    first, again = await asyncpg.connect(address), await asyncpg.connect(address)
    (source,) = await first.fetch("SELECT tenant_id, thread_id, run_id, epoch FROM leases")
    values = ("a new writer", 1, *([value] for value in source), [1], [0], [0], ["once"])
    append = "SELECT append_deltas($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    try:
        async with first.transaction():
            given = await first.fetchval(append, *values)
            answer = asyncio.get_running_loop().create_task(again.fetchval(append, *values))
            await wait_until_somebody_waits(postgres_kit)
        assert await answer == given == [1]
    finally:
        await first.close()
        await again.close()
    assert await texts(bench, thread) == ["once"]


async def test_words_are_lost_on_the_way_many_times_and_stored_once(
    bench: Bench, far: PostgresStore, proxy: CuttingProxy
) -> None:
    """However often it takes, and wherever the connection breaks."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    said = []
    for place, cut in enumerate([*Cut] * 3):
        rows = [bench.delta(attempt, f"{place}{letter}") for letter in "ab"]
        for again in (cut, Cut.AT_ONCE):
            proxy.cut_at(the_append_of(far), again)
            with pytest.raises(Unavailable):
                await far.commit(rows, [])
        assert (await far.commit(rows, [])).seqs == [2 * place + 1, 2 * place + 2]
        said += [row.text for row in rows]
    assert await texts(bench, thread) == said


async def test_words_for_a_thread_that_somebody_has_come_later(postgres_kit: PostgresKit, bench: Bench) -> None:
    """Nobody waits for a script: its thread's words are handed in again, those of other threads are stored at once."""
    thread, other = await bench.thread(), await bench.thread()
    attempt, second = await bench.attempt(thread), await bench.attempt(other)
    rows = [bench.delta(attempt, "a"), bench.delta(second, "x"), bench.delta(attempt, "b"), bench.delta(second, "y")]
    async with holding(postgres_kit, thread):
        assert await bench.say(*rows) == [LATER, 1, LATER, 2]
        assert await bench.say(rows[0], rows[2]) == [LATER, LATER]
    assert await bench.say(rows[0], rows[2]) == [1, 2]
    assert await texts(bench, thread) == ["a", "b"]
    assert await texts(bench, other) == ["x", "y"]


def _takes_over(attempt: AttemptRow, epoch: int) -> Any:
    async def script(transaction: Transaction) -> None:
        row = await transaction.run(MINE, attempt.run_id)
        await transaction.take_lease(SYSTEM, row, NODE, epoch)

    return script


async def test_a_takeover_that_commits_while_old_words_wait_is_seen_by_them(
    postgres_kit: PostgresKit, bench: Bench
) -> None:
    """The batch began before the takeover was committed and asks for the epoch behind it: nothing of the old is stored."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread, epoch=1)
    writer = bench.store._writer_id  # type: ignore[attr-defined]
    await bench.say(bench.delta(attempt, "before"))
    # The batch is stopped where it has begun and has asked for nothing yet: at its writer's own row.
    gate = await asyncpg.connect(postgres_kit.server.url(postgres_kit.database))
    async with gate.transaction():
        await gate.execute("SELECT 1 FROM writers WHERE id = $1 FOR UPDATE", writer)
        late = asyncio.get_running_loop().create_task(bench.say(bench.delta(attempt, "late", epoch=1)))
        await wait_until_somebody_waits(postgres_kit)
        await bench.write(_takes_over(attempt, 2))
    await gate.close()
    assert await late == [None]
    assert await texts(bench, thread) == ["before"]
    assert await bench.say(bench.delta(attempt, "new", epoch=2)) == [2]


async def test_while_a_takeover_is_on_its_way_old_words_are_not_stored(postgres_kit: PostgresKit, bench: Bench) -> None:
    """Whoever takes a run over has its thread: old words are told to come again, and are refused then."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread, epoch=1)
    async with holding(postgres_kit, thread) as taker:
        await taker.execute("UPDATE leases SET epoch = 2 WHERE run_id = $1", attempt.run_id)
        assert await bench.say(bench.delta(attempt, "old", epoch=1)) == [LATER]
    assert await bench.say(bench.delta(attempt, "old", epoch=1)) == [None]
    assert await texts(bench, thread) == []


async def test_a_script_of_the_old_epoch_waits_for_the_takeover_and_is_refused(
    postgres_kit: PostgresKit, bench: Bench
) -> None:
    """The end of a run, written by whoever has lost it: it looks at the fence behind the lock, not before it."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread, epoch=1)

    async def ends(transaction: Transaction) -> int:
        await require_lease(transaction, attempt.run_id, 1)
        return await transaction.append(MINE, thread.id, ThreadUpdated({"title": "old"}), None)

    async with holding(postgres_kit, thread) as taker:
        late = asyncio.get_running_loop().create_task(bench.write(ends))
        await wait_until_somebody_waits(postgres_kit)
        await taker.execute("UPDATE leases SET epoch = 2 WHERE run_id = $1", attempt.run_id)
    with pytest.raises(LeaseLost):
        await late
    assert await texts(bench, thread) == []


async def test_behind_a_takeover_no_old_word_is_ever_stored(postgres_kit: PostgresKit, bench: Bench) -> None:
    """A hundred takeovers in a storm of old and new words: the words of an epoch stand before the next one's takeover."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread, epoch=1)
    nodes = [PostgresStore(postgres_kit.server.url(postgres_kit.database)) for _ in range(2)]
    current, taken, stored = 1, {}, 0

    async def takes(transaction: Transaction) -> int:
        row = await transaction.run(MINE, attempt.run_id)
        await transaction.take_lease(SYSTEM, row, NODE, current + 1)
        return await transaction.append(MINE, thread.id, ThreadUpdated({"title": "t"}), None)

    async def storm(node: PostgresStore) -> None:
        nonlocal stored
        await node.open()
        while current < 100:
            # A node that was overtaken does not know it yet.
            words = [bench.delta(attempt, "w", epoch=epoch) for epoch in (current, current + 1)]
            stored += any((await node.commit(words, [])).seqs)
        await node.close()

    async def until_words_are_stored() -> None:
        known = stored
        while stored == known:
            await asyncio.sleep(0)

    storms = [asyncio.get_running_loop().create_task(storm(node)) for node in nodes]
    while current < 100:
        taken[current + 1] = await bench.write(takes)
        current += 1
        if current % 5 == 0 and current < 100:
            # However slow the nodes are beside the one that takes over.
            await until_words_are_stored()
    await asyncio.gather(*storms)
    found = postgres_kit.execute("SELECT epoch, min(seq), max(seq) FROM deltas GROUP BY epoch ORDER BY epoch")
    for epoch, first, last in found:
        assert taken.get(epoch, 0) < first  # type: ignore[operator]
        assert last < taken.get(epoch + 1, last + 1)  # type: ignore[operator]
    assert len(found) > 10


async def test_scripts_on_one_thread_come_one_after_the_other(postgres_kit: PostgresKit, bench: Bench) -> None:
    """What a script has read of a thread stays true while it writes, however many nodes write at once."""
    thread = await bench.thread()
    nodes = [PostgresStore(postgres_kit.server.url(postgres_kit.database)) for _ in range(3)]
    for node in nodes:
        await node.open()

    async def counts(transaction: Transaction) -> None:
        head = await transaction.head(MINE, thread.id)
        await asyncio.sleep(0)
        await transaction.append(MINE, thread.id, ThreadUpdated({"title": str(head)}), None)

    done = await asyncio.gather(*(node.commit([], [Write(MINE, counts)]) for node in nodes for _ in range(15)))
    assert [one.outcomes[0].error for one in done] == [None] * 45
    assert await texts(bench, thread) == [str(place) for place in range(45)]
    for node in nodes:
        await node.close()


async def test_words_and_scripts_of_many_nodes_leave_no_hole(postgres_kit: PostgresKit, bench: Bench) -> None:
    """Three nodes, each with answers of its own, all in the same two threads: dense, each word once, each in order."""
    threads = [await bench.thread() for _ in range(2)]
    nodes = [PostgresStore(postgres_kit.server.url(postgres_kit.database)) for _ in range(3)]

    async def speak(node: PostgresStore, name: str) -> None:
        await node.open()
        attempts = [await bench.attempt(thread) for thread in threads]
        for place in range(30):
            pending: list[DeltaRow] = [bench.delta(attempt, f"{name}{place}") for attempt in attempts]
            while pending:
                seqs = (await node.commit(pending, [])).seqs
                assert None not in seqs
                pending = [row for row, seq in zip(pending, seqs, strict=True) if seq == LATER]
            await node.commit([], [tells(threads[place % 2], name)])
        await node.close()

    await asyncio.gather(*(speak(node, name) for node, name in zip(nodes, "xyz", strict=True)))
    for thread in threads:
        said = await texts(bench, thread)
        for name in "xyz":
            own = [text for text in said if text.startswith(name) and text != name]
            assert own == [f"{name}{place}" for place in range(30)]
        assert len(said) == 3 * 30 + 3 * 15


@pytest.mark.parametrize("error", [asyncpg.SerializationError, asyncpg.DeadlockDetectedError])
async def test_a_script_that_has_met_another_is_run_again(bench: Bench, error: type[Exception]) -> None:
    """From its beginning, with nothing left of the first time; the caller hears nothing of it."""
    thread = await bench.thread()
    runs = 0

    async def script(transaction: Transaction) -> int:
        nonlocal runs
        runs += 1
        seq = await transaction.append(MINE, thread.id, ThreadUpdated({"title": str(runs)}), None)
        if runs < 3:
            raise error
        return seq

    assert await bench.write(script) == 1
    assert await texts(bench, thread) == ["3"]


async def test_a_real_deadlock_is_dissolved(bench: Bench) -> None:
    """Two scripts that want two threads in opposite orders: both are stored in the end."""
    first, second = await bench.thread(), await bench.thread()
    both_have_one = asyncio.Barrier(2)
    tries = 0

    def wants(one: Thread, other: Thread) -> Write[None]:
        is_first_time = True

        async def script(transaction: Transaction) -> None:
            nonlocal is_first_time, tries
            tries += 1
            await transaction.append(MINE, one.id, ThreadUpdated({"title": "t"}), None)
            if is_first_time:
                is_first_time = False
                await both_have_one.wait()
            await transaction.append(MINE, other.id, ThreadUpdated({"title": "t"}), None)

        return Write(MINE, script)

    done = await asyncio.gather(
        bench.store.commit([], [wants(first, second)]), bench.store.commit([], [wants(second, first)])
    )
    assert [one.outcomes[0].error for one in done] == [None, None]
    assert tries == 3
    assert [len(await texts(bench, thread)) for thread in (first, second)] == [2, 2]


async def test_who_cannot_get_a_thread_is_told_so_in_time(
    postgres_kit: PostgresKit, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever keeps a thread longer than anybody may is not waited for for ever, and nothing is stored."""
    monkeypatch.setitem(connections.SESSION, "lock_timeout", "50")
    monkeypatch.setattr(store_module, "TRIES_SECONDS", 0.1)
    monkeypatch.setattr(store_module, "TRIES_MAX", 1_000_000)
    await bench.reopen()
    thread = await bench.thread()
    async with holding(postgres_kit, thread), asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(Unavailable, match="too busy"):
            await bench.append(thread.id)
    assert await bench.append(thread.id) == 1


async def test_words_that_can_never_be_stored_are_an_outage_and_not_an_endless_loop(
    postgres_kit: PostgresKit, bench: Bench
) -> None:
    """A row where none may be: the writer hears of it, and goes on when somebody has mended it."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    row = f"('{MINE.tenant_id}', '{thread.id}', 1, 'run_x', 1, 0, 0, 'x')"
    postgres_kit.execute(
        f"INSERT INTO deltas (tenant_id, thread_id, seq, run_id, epoch, block, kind, text) VALUES {row}"
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(Unavailable):
            await bench.say(bench.delta(attempt, "a"))
    postgres_kit.execute("DELETE FROM deltas WHERE run_id = 'run_x'")
    assert await bench.say(bench.delta(attempt, "a")) == [1]


async def test_a_row_that_is_there_already_is_the_scripts_own_error(bench: Bench) -> None:
    """Tried again, since whoever put it there may have been quicker; in the end it is no outage but a mistake."""
    thread = await bench.thread()
    message = bench.message(thread.id, seq=1)
    tries = 0

    async def script(transaction: Transaction) -> None:
        nonlocal tries
        tries += 1
        await transaction.insert_message(MINE, message)

    await bench.write(script)
    committed = await bench.store.commit([], [Write(MINE, script), tells(thread, "next")])
    assert isinstance(committed.outcomes[0].error, asyncpg.UniqueViolationError)
    assert committed.outcomes[1].value == 1
    assert tries == 1 + store_module.UNIQUE_TRIES_MAX


async def test_who_was_second_sees_what_the_first_has_stored(postgres_kit: PostgresKit, bench: Bench) -> None:
    """Two sends with one name at once: the second one is run again, finds the row, and may answer with it."""
    made = []

    async def finds_or_makes(transaction: Transaction) -> Any:
        found = await transaction.thread_by_external_id(MINE, None, "e")
        if found is not None:
            return found.thread.id
        await asyncio.sleep(0.05)
        fields = {"metadata": {}, "created_at": NOW, "last_activity_at": NOW}
        thread = Thread(id=bench.ids.thread(), seq=0, end_user_id=None, external_id="e", **fields)
        await transaction.insert_thread(MINE, ThreadRow(MINE.tenant_id, thread))
        made.append(thread.id)
        return thread.id

    done = await asyncio.gather(*(bench.store.commit([], [Write(MINE, finds_or_makes)]) for _ in range(5)))
    assert len({one.outcomes[0].value for one in done}) == 1
    assert done[0].outcomes[0].value in made
    assert postgres_kit.count("threads") == 1


async def test_a_mistake_in_a_script_is_its_own(bench: Bench) -> None:
    """What the database refuses for any other reason is no outage: the others of the commit are stored."""
    thread = await bench.thread()

    async def breaks(transaction: Transaction) -> None:
        await transaction._sql.run("SELECT nothing FROM nowhere")  # type: ignore[attr-defined]

    committed = await bench.store.commit([], [Write(MINE, breaks), tells(thread, "next")])
    assert isinstance(committed.outcomes[0].error, asyncpg.UndefinedTableError)
    assert committed.outcomes[1].value == 1


async def test_whatever_is_the_default_of_the_database_its_locks_are_read_behind(
    postgres_kit: PostgresKit, bench: Bench
) -> None:
    """A database that is set to a stricter isolation would read an old epoch behind its lock: ours is set by us."""
    name = postgres_kit.database
    postgres_kit.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    await bench.reopen()
    thread = await bench.thread()
    done = await asyncio.gather(*(bench.store.commit([], [tells(thread, "t")]) for _ in range(20)))
    assert [one.outcomes[0].error for one in done] == [None] * 20

    async def level(transaction: Transaction) -> str:
        row = await transaction._sql.one("SHOW transaction_isolation")  # type: ignore[attr-defined]
        return str(row[0])

    assert await bench.write(level) == "read committed"


async def test_what_a_writer_has_stored_is_known_for_as_long_as_he_may_come_back(bench: Bench) -> None:
    """A node that is stopped in a commit and wakes up after ages stores no word twice: known, or refused."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread, epoch=1)
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, NODE, 10.0))
    store: Any = bench.store
    assert await bench.say(bench.delta(attempt, "once")) == [1]

    async def sweep() -> int:
        gone: int = await bench.write(lambda transaction: transaction.sweep_nodes(SYSTEM, 500.0))
        return gone

    async def wake_up() -> list[int | None]:
        # He has not heard of his last commit, and sends it again.
        store._batch -= 1
        return await bench.say(bench.delta(attempt, "once"))

    bench.advance(1000.0)
    assert (await sweep(), bench.count("writers")) == (0, 1)
    assert await wake_up() == [1]
    await bench.write(_takes_over(attempt, 2))
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, NODE, 10.0))
    assert (await sweep(), bench.count("writers")) == (1, 0)
    assert await wake_up() == [None]
    assert await texts(bench, thread) == ["once"]
    assert await bench.say(bench.delta(attempt, "twice", epoch=2)) == [2]
