"""What every store promises, whichever database it stands on."""

from typing import Any

import pytest
from msgspec import structs

from threadline.access.keys import Role
from threadline.errors import NotFound
from threadline.events import MessageDelta, ThreadUpdated
from threadline.ids import KeyId
from threadline.scopes import EndUser, Scope
from threadline.store.contract import AttemptRow, KeyRow, MessageQuery, SendRow, ThreadQuery, Write
from threadline.store.packing import pack_of

from .conftest import MINE, NODE, NOW, SYSTEM, THEIRS, Bench


def appending(thread_id: Any, title: str, scope: Scope = MINE) -> Any:
    """Return a script that appends one event."""

    async def script(transaction: Any) -> int:
        return await transaction.append(scope, thread_id, ThreadUpdated({"title": title}), None)

    return script


async def log_of(bench: Bench, thread_id: Any, after: int = 0, upto: int = 10_000) -> list[Any]:
    """Read a thread's log."""
    return await bench.store.read(SYSTEM, lambda reader: _log(reader, thread_id, after, upto))


async def _log(reader: Any, thread_id: Any, after: int, upto: int) -> list[Any]:
    return await reader.log(MINE, thread_id, after, upto)


async def test_seqs_are_dense_and_survive_a_restart(bench: Bench) -> None:
    """Promise 2: 1, 2, 3 … in the transaction that stores, over deltas and events, also after opening again."""
    thread = await bench.thread()
    assert await bench.write(appending(thread.id, "a")) == 1
    attempt = await bench.attempt(thread)
    committed = await bench.store.commit([bench.delta(attempt, "x"), bench.delta(attempt, "y")], [])
    assert committed.seqs == [2, 3]
    assert await bench.write(appending(thread.id, "b")) == 4
    await bench.reopen()
    assert (await bench.store.commit([bench.delta(attempt, "z")], [])).seqs == [5]
    assert await bench.write(appending(thread.id, "c")) == 6
    assert [entry.seq for entry in await log_of(bench, thread.id)] == [1, 2, 3, 4, 5, 6]


async def test_deltas_come_before_the_scripts_of_their_batch(bench: Bench) -> None:
    """The end of a run, in the same batch as its last words, is numbered after them."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    committed = await bench.store.commit([bench.delta(attempt, "last")], [Write(MINE, appending(thread.id, "end"))])
    assert committed.seqs == [1]
    assert committed.outcomes[0].value == 2
    assert [entry.seq for entry in committed.outcomes[0].entries] == [2]


async def test_a_script_that_raises_is_undone_alone(bench: Bench) -> None:
    """The others of the batch are stored, and its seqs are given out again."""
    thread = await bench.thread()

    async def breaks(transaction: Any) -> None:
        await transaction.append(MINE, thread.id, ThreadUpdated({"title": "never"}), None)
        raise ValueError("on purpose")

    committed = await bench.store.commit(
        [], [Write(MINE, script) for script in (appending(thread.id, "a"), breaks, appending(thread.id, "b"))]
    )
    assert [outcome.value for outcome in committed.outcomes] == [1, None, 2]
    assert isinstance(committed.outcomes[1].error, ValueError)
    assert [entry.event.thread["title"] for entry in await log_of(bench, thread.id)] == ["a", "b"]


async def test_an_undone_script_leaves_a_live_thread_its_number(bench: Bench) -> None:
    """Also where deltas move the head: a script that is undone leaves no hole behind it."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)

    async def breaks(transaction: Any) -> None:
        await transaction.append(MINE, thread.id, ThreadUpdated({"title": "never"}), None)
        raise LookupError("on purpose")

    await bench.store.commit([bench.delta(attempt, "a")], [Write(MINE, breaks)])
    assert (await bench.store.commit([bench.delta(attempt, "b")], [])).seqs == [2]


async def test_the_fence_refuses_an_older_epoch_and_leaves_no_hole(bench: Bench) -> None:
    """A zombie writes nothing; the others of its batch are stored and numbered without it."""
    thread, other = await bench.thread(), await bench.thread()
    attempt, second = await bench.attempt(thread, epoch=2), await bench.attempt(other)
    rows = [
        bench.delta(attempt, "new"),
        bench.delta(attempt, "old", epoch=1),
        bench.delta(second, "other"),
        bench.delta(attempt, "newer"),
    ]
    assert (await bench.store.commit(rows, [])).seqs == [1, None, 1, 2]
    assert [entry.event.text for entry in await log_of(bench, thread.id)] == ["new", "newer"]


async def test_without_a_lease_nothing_is_written(bench: Bench) -> None:
    """Ending a lease ends the writing at once."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    await bench.write(lambda transaction: transaction.drop_lease(SYSTEM, attempt.run_id))
    assert (await bench.store.commit([bench.delta(attempt, "late")], [])).seqs == [None]


async def test_an_epoch_only_rises(bench: Bench) -> None:
    """Taking a lease with an epoch that somebody has already had is a programmer's error."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread, epoch=3)

    async def script(transaction: Any) -> None:
        row = await transaction.run(MINE, attempt.run_id)
        await transaction.take_lease(SYSTEM, row, NODE, 3)

    with pytest.raises(AssertionError):
        await bench.write(script)


async def close(bench: Bench, attempt: AttemptRow, last_seq: int) -> None:
    """Close an attempt."""

    async def script(transaction: Any) -> None:
        row = await transaction.run(MINE, attempt.run_id)
        await transaction.close_attempt(SYSTEM, row, attempt.epoch, last_seq)

    await bench.write(script)


async def pack(bench: Bench, attempt: AttemptRow, is_last: bool) -> None:
    """Pack what is stored of an attempt, and prune."""

    async def script(transaction: Any) -> int:
        current = await transaction.unpacked_attempt(SYSTEM, attempt)
        deltas = await transaction.deltas(SYSTEM, current)
        made = pack_of(attempt.run_id, attempt.message_id, attempt.epoch, deltas)
        await transaction.insert_pack(SYSTEM, attempt, made, is_last=is_last)
        return await transaction.prune_deltas(SYSTEM)

    await bench.write(script)


async def test_packing_changes_nothing_that_a_reader_sees(bench: Bench) -> None:
    """Promise 3: every cursor gives the same entries before and after packing, in parts and whole."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)
    for words in ("Zwölf", " Boxkämpfer", "\n", "🥊", "x" * 500):
        await bench.store.commit([bench.delta(attempt, words)], [])
    before = [await log_of(bench, thread.id, after) for after in range(6)]
    await pack(bench, attempt, is_last=False)
    assert [await log_of(bench, thread.id, after) for after in range(6)] == before
    await bench.store.commit([bench.delta(attempt, "more", block=1)], [])
    await bench.write(appending(thread.id, "end"))
    before = [await log_of(bench, thread.id, after) for after in range(8)]
    await close(bench, attempt, 7)
    await pack(bench, attempt, is_last=True)
    assert [await log_of(bench, thread.id, after) for after in range(8)] == before
    await bench.reopen()
    assert [await log_of(bench, thread.id, after) for after in range(8)] == before
    assert await bench.store.read(SYSTEM, lambda reader: reader.unpacked_attempts(SYSTEM)) == []


async def test_pruning_keeps_what_somebody_still_needs(bench: Bench) -> None:
    """A finished answer's deltas go only when no unfinished one lies before them."""
    slow_thread, quick_thread = await bench.thread(), await bench.thread()
    slow = await bench.attempt(slow_thread)
    await bench.store.commit([bench.delta(slow, "still here")], [])
    quick = await bench.attempt(quick_thread)
    await bench.store.commit([bench.delta(quick, "done"), bench.delta(slow, "too")], [])
    await bench.write(appending(quick_thread.id, "end"))
    await close(bench, quick, 2)
    await pack(bench, quick, is_last=True)
    assert [entry.event.text for entry in await log_of(bench, slow_thread.id)] == ["still here", "too"]
    assert isinstance((await log_of(bench, quick_thread.id))[0].event, MessageDelta)


@pytest.mark.parametrize("packed", [(), (0,), (1,), (0, 1)])
async def test_words_stay_in_the_message_that_they_were_said_in(bench: Bench, packed: tuple[int, ...]) -> None:
    """A later attempt of a run may write into another message: neither takes the other's words, whichever is packed."""
    thread = await bench.thread()
    first = await bench.attempt(thread)
    await bench.store.commit([bench.delta(first, "before")], [])

    async def go_on(transaction: Any) -> AttemptRow:
        row = await transaction.run(MINE, first.run_id)
        seq = await transaction.append(MINE, thread.id, ThreadUpdated({"title": "in between"}), None)
        await transaction.close_attempt(SYSTEM, row, first.epoch, seq)
        await transaction.take_lease(SYSTEM, row, NODE, 2)
        message_id = bench.ids.message()
        made = AttemptRow(MINE.tenant_id, thread.id, first.run_id, message_id, 2, seq + 1)
        await transaction.open_attempt(SYSTEM, made)
        return made

    second = await bench.write(go_on)
    await bench.store.commit([bench.delta(second, "behind")], [])
    await bench.write(appending(thread.id, "end"))
    await close(bench, second, 4)
    # Looked at by somebody who has found it open, a while ago.
    unpacked = await bench.store.read(SYSTEM, lambda reader: reader.deltas(SYSTEM, first))
    assert [(seq, delta.text) for seq, delta in unpacked] == [(1, "before")]
    for place in packed:
        await pack(bench, (first, second)[place], is_last=True)
    said = [entry.event for entry in await log_of(bench, thread.id) if isinstance(entry.event, MessageDelta)]
    assert [(delta.message_id, delta.text) for delta in said] == [
        (first.message_id, "before"),
        (second.message_id, "behind"),
    ]


@pytest.mark.parametrize(
    "scope",
    [
        THEIRS,
        EndUser(MINE.tenant_id, "bob"),
        EndUser(THEIRS.tenant_id, "ann"),
        EndUser(MINE.tenant_id, "ann", frozenset()),
    ],
)
async def test_a_foreign_thing_is_no_thing(bench: Bench, scope: Scope) -> None:
    """Promise 8: every reading and writing verb answers a foreign scope as if there were nothing."""
    thread = await bench.thread(end_user_id="ann", external_id="e")
    attempt = await bench.attempt(thread)
    message = bench.message(thread.id, seq=1)
    await bench.write(lambda transaction: transaction.insert_message(MINE, message))
    reads = [
        lambda reader: reader.thread(scope, thread.id),
        lambda reader: reader.head(scope, thread.id),
        lambda reader: reader.message(scope, message.id),
        lambda reader: reader.messages(scope, thread.id, MessageQuery()),
        lambda reader: reader.run(scope, attempt.run_id),
        lambda reader: reader.open_runs(scope, thread.id),
        lambda reader: reader.log(scope, thread.id, 0, 10),
    ]
    for read in reads:
        with pytest.raises(NotFound):
            await bench.store.read(SYSTEM, read)
    assert await bench.store.read(SYSTEM, lambda reader: reader.threads(scope, ThreadQuery())) == []
    if scope != MINE and scope.tenant_id == THEIRS.tenant_id:
        assert await bench.store.read(SYSTEM, lambda reader: reader.thread_by_external_id(scope, "ann", "e")) is None
        assert await bench.store.read(SYSTEM, lambda reader: reader.keys(scope)) == []
        with pytest.raises(NotFound):
            await bench.write(appending(thread.id, "mine now", scope))


async def test_threads_are_listed_pinned_first_then_latest(bench: Bench) -> None:
    """Pages by keyset: no thread is skipped or repeated, and filters apply."""
    made = []
    for place in range(7):
        thread = await bench.thread(title=f"Number {place}", pinned=place == 2, archived=place == 5)
        moment = f"2026-01-01T00:00:0{place}.000Z"

        async def script(transaction: Any, thread: Any = thread, moment: str = moment) -> None:
            row = await transaction.thread(MINE, thread.id)
            await transaction.save_thread(
                MINE, structs.replace(row, thread=structs.replace(row.thread, last_activity_at=moment))
            )

        await bench.write(script)
        made.append(thread.id)
    expected = [made[place] for place in (2, 6, 5, 4, 3, 1, 0)]
    found: list[Any] = []
    after = None
    while True:
        query = ThreadQuery(after=after, limit=2)
        page = await bench.store.read(SYSTEM, lambda reader, query=query: reader.threads(MINE, query))
        if not page:
            break
        found += [thread.id for thread in page]
        after = (page[-1].pinned, page[-1].last_activity_at, page[-1].id)
    assert found == expected
    archived = await bench.store.read(SYSTEM, lambda reader: reader.threads(MINE, ThreadQuery(archived=True)))
    assert [thread.id for thread in archived] == [made[5]]
    named = await bench.store.read(SYSTEM, lambda reader: reader.threads(MINE, ThreadQuery(q="BER 3")))
    assert [thread.id for thread in named] == [made[3]]


async def test_a_run_is_claimable_when_its_owner_is_gone(bench: Bench) -> None:
    """Leases hold for as long as their node renews, by the store's clock."""
    thread = await bench.thread()
    attempt = await bench.attempt(thread)

    async def claimable() -> list[Any]:
        return [row.run.id for row in await bench.store.read(SYSTEM, lambda reader: reader.claimable(SYSTEM))]

    assert await claimable() == [attempt.run_id]
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, NODE, 10))
    assert await claimable() == []
    assert (await bench.store.read(SYSTEM, lambda reader: reader.lease(SYSTEM, attempt.run_id))).is_live
    bench.advance(11)
    assert await claimable() == [attempt.run_id]
    await bench.write(lambda transaction: transaction.renew_node(SYSTEM, NODE, 10))
    assert await claimable() == []


async def test_sends_are_remembered_and_forgotten(bench: Bench) -> None:
    """A key belongs to (tenant, end user, thread), and goes when its time has come."""
    thread = await bench.thread()
    row = SendRow(MINE.tenant_id, thread.id, "ann", "key", b"print", bench.ids.message(), None, NOW)
    await bench.write(lambda transaction: transaction.insert_send(MINE, row))

    async def find(scope: Scope, end_user_id: str, key: str) -> Any:
        return await bench.store.read(SYSTEM, lambda reader: reader.send(scope, thread.id, end_user_id, key))

    assert await find(MINE, "ann", "key") == row
    assert await find(MINE, "bob", "key") is None
    assert await find(MINE, "ann", "other") is None
    with pytest.raises(NotFound):
        await find(THEIRS, "ann", "key")
    assert await bench.write(lambda transaction: transaction.sweep_sends(SYSTEM, NOW)) == 0
    assert await bench.write(lambda transaction: transaction.sweep_sends(SYSTEM, "2026-01-01T00:00:00.001Z")) == 1
    assert await find(MINE, "ann", "key") is None


async def test_a_deleted_thread_is_gone_at_once_and_swept_later(bench: Bench) -> None:
    """404 from the commit on; its rows go in batches, and nobody else's with them."""
    thread, other = await bench.thread(), await bench.thread()
    for place in range(5):
        await bench.write(appending(thread.id, str(place)), appending(other.id, str(place)))
    await bench.attempt(thread)
    await bench.write(lambda transaction: transaction.delete_thread(MINE, thread.id, NOW))
    with pytest.raises(NotFound):
        await bench.store.read(SYSTEM, lambda reader: reader.thread(MINE, thread.id))
    for _ in range(20):
        if not await bench.write(lambda transaction: transaction.sweep_deleted(SYSTEM)):
            break
    else:
        raise AssertionError("the sweep does not end")
    assert await bench.store.read(SYSTEM, lambda reader: reader.heads(SYSTEM, [thread.id, other.id])) == {other.id: 5}
    assert await bench.store.read(SYSTEM, lambda reader: reader.unpacked_attempts(SYSTEM)) == []
    assert len(await log_of(bench, other.id)) == 5


async def test_keys_are_found_listed_and_revoked(bench: Bench) -> None:
    """Revoking is seen by the next look, and only one's own keys can be revoked."""
    role: Role = "server"
    row = KeyRow(KeyId(bench.ids.make("key")), MINE.tenant_id, "mine", "n", role, b"hash", NOW)

    async def script(transaction: Any) -> None:
        await transaction.insert_tenant(SYSTEM, MINE.tenant_id, "mine", NOW)
        await transaction.insert_key(MINE, row)

    await bench.write(script)
    assert await bench.store.read(SYSTEM, lambda reader: reader.key_by_id(SYSTEM, row.id)) == row
    assert await bench.store.read(SYSTEM, lambda reader: reader.tenant_by_name(SYSTEM, "mine")) == MINE.tenant_id
    with pytest.raises(NotFound):
        await bench.write(lambda transaction: transaction.revoke_key(THEIRS, row.id, NOW))
    await bench.write(lambda transaction: transaction.revoke_key(MINE, row.id, NOW))
    await bench.write(lambda transaction: transaction.revoke_key(MINE, row.id, "later"))
    found = await bench.store.read(SYSTEM, lambda reader: reader.keys(MINE))
    assert [key.revoked_at for key in found] == [NOW]


async def test_a_read_is_one_snapshot(bench: Bench) -> None:
    """What is committed while a script reads is not seen by it."""
    thread = await bench.thread()
    await bench.write(appending(thread.id, "a"))

    async def script(reader: Any) -> tuple[int, int]:
        first = await reader.head(MINE, thread.id)
        return first, len(await reader.log(MINE, thread.id, 0, 10))

    assert await bench.store.read(SYSTEM, script) == (1, 1)
