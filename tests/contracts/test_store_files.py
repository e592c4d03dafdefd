"""Files in the store: whose they are, who sees them through threads, and which nobody needs any more."""

from typing import Any

import pytest
from msgspec import structs

from threadline.errors import FileInUse, NotFound, Unavailable
from threadline.file_records import File, FileId, FileQuery, FileRow, FileState
from threadline.ids import TenantId, ThreadId
from threadline.records import Thread
from threadline.room_records import Member, MemberId
from threadline.scopes import EndUser, Scope, Tenant
from threadline.store.contract import Reader, Transaction

from .conftest import MINE, NOW, SYSTEM, THEIRS, Bench

LATER = "2027-01-01T00:00:00.000Z"
ANN, BOB = EndUser(MINE.tenant_id, "ann"), EndUser(MINE.tenant_id, "bob")


async def upload(
    bench: Bench, person: str | None, scope: Tenant = MINE, name: str = "a", state: str = "ready"
) -> FileId:
    """Store a file whose bytes are there."""
    file = File(
        id=FileId(bench.ids.make("file")),
        name=name,
        media_type="text/plain",
        size=3,
        sha256="0" * 64,
        end_user_id=person,
        created_at=NOW,
    )
    row = FileRow(tenant_id=scope.tenant_id, file=file, state="pending", touched_at=NOW)

    async def script(transaction: Transaction) -> None:
        assert await transaction.begin_file(scope, row) == "pending"
        if state == "ready":
            await transaction.finish_file(scope, file.id, NOW)
            assert await transaction.begin_file(scope, row) == "ready"
            assert structs.asdict(await transaction.file(scope, file.id)) == structs.asdict(file)

    await bench.write(script)
    return file.id


async def sees(bench: Bench, scope: Scope, file_id: FileId) -> bool:
    """Say whether a file is there for somebody."""

    async def script(reader: Reader) -> bool:
        try:
            return (await reader.file(scope, file_id)).id == file_id
        except NotFound:
            return False

    return await bench.store.read(scope, script)


async def use(bench: Bench, scope: Scope, thread: Thread, file_id: FileId, now: str = NOW) -> bool:
    """Put a file into a thread. Returns whether that was possible."""

    async def script(transaction: Transaction) -> bool:
        try:
            await transaction.use_file(scope, thread.id, file_id, now)
        except NotFound:
            return False
        return True

    return await bench.write(script)


async def sweep(bench: Bench, before: str = LATER) -> list[tuple[TenantId, FileId]]:
    """Give up what nobody needs."""
    return await bench.write(lambda transaction: transaction.dying_files(SYSTEM, before, 100))


async def test_a_file_is_its_owners_until_a_thread_has_it(bench: Bench) -> None:
    """Then it is everybody's who reaches the thread: its end user, who takes part, and nobody else, of no other tenant."""
    hers, key_s = await upload(bench, "ann"), await upload(bench, None)
    for scope, seen in ((MINE, {hers, key_s}), (ANN, {hers}), (BOB, set()), (THEIRS, set())):
        assert {it for it in (hers, key_s) if await sees(bench, scope, it)} == seen
    of_bob, theirs = await bench.thread(end_user_id="bob"), await bench.thread(scope=THEIRS)
    assert not await use(bench, ANN, of_bob, hers)
    assert not await use(bench, BOB, of_bob, hers)
    assert not await use(bench, THEIRS, theirs, hers)
    assert await use(bench, MINE, of_bob, hers)
    assert await use(bench, MINE, of_bob, hers)
    assert await sees(bench, BOB, hers)
    cem = EndUser(MINE.tenant_id, "cem")
    assert not await sees(bench, cem, hers)
    member = Member(id=MemberId("mem_1"), thread_id=of_bob.id, end_user_id="cem", created_at=NOW)
    await bench.write(lambda transaction: transaction.insert_member(MINE, member))
    assert await sees(bench, cem, hers)
    await bench.write(lambda transaction: transaction.delete_thread(MINE, of_bob.id, NOW))
    assert not await sees(bench, cem, hers)
    assert not await sees(bench, BOB, hers)
    assert await sees(bench, ANN, hers)


async def test_a_token_for_some_threads_sees_files_in_them_only(bench: Bench) -> None:
    """And what its person has uploaded and not used yet: it has to be able to send that."""
    one, two = await bench.thread(end_user_id="ann"), await bench.thread(end_user_id="ann")
    in_one, in_two, unused = [await upload(bench, "ann") for _ in range(3)]
    assert await use(bench, ANN, one, in_one)
    assert await use(bench, ANN, two, in_two)
    limited = EndUser(MINE.tenant_id, "ann", frozenset({one.id}))
    assert [await sees(bench, limited, it) for it in (in_one, in_two, unused)] == [True, False, True]
    assert not await sees(bench, EndUser(MINE.tenant_id, "ann", frozenset()), in_one)


async def test_bytes_on_their_way_are_no_file_yet(bench: Bench) -> None:
    """Nobody sees or uses it until they are there."""
    coming = await upload(bench, "ann", state="pending")
    assert not await sees(bench, MINE, coming)
    assert not await use(bench, MINE, await bench.thread(), coming)


async def test_only_what_nobody_needs_is_swept(bench: Bench) -> None:
    """Not what a thread has, not what somebody has wanted since; half uploads too; and a swept file is gone at once."""
    thread = await bench.thread(end_user_id="ann")
    used, unused, half = [await upload(bench, "ann", state=it) for it in ("ready", "ready", "pending")]
    assert await use(bench, ANN, thread, used)
    assert await sweep(bench, NOW) == []
    dying = {(MINE.tenant_id, unused), (MINE.tenant_id, half)}
    assert set(await sweep(bench)) == dying
    assert not await sees(bench, MINE, unused)
    assert not await use(bench, MINE, thread, unused)
    # Whoever crashed before their bytes were removed finds them again.
    assert set(await sweep(bench)) == dying
    await bench.write(lambda transaction: transaction.drop_files(SYSTEM, [*dying, (MINE.tenant_id, used)]))
    assert await sweep(bench) == []
    assert await sees(bench, ANN, used)


async def test_what_is_being_removed_is_not_taken_in_again_before_it_is_gone(bench: Bench) -> None:
    """Its bytes would be removed under it: whoever uploads it again is told to come back."""
    file_id = await upload(bench, "ann")
    assert await sweep(bench) == [(MINE.tenant_id, file_id)]

    async def again(transaction: Transaction) -> FileState | str:
        file = File(id=file_id, name=None, media_type="a/b", size=1, sha256="", end_user_id="ann", created_at=NOW)
        row = FileRow(tenant_id=MINE.tenant_id, file=file, state="pending", touched_at=NOW)
        try:
            return await transaction.begin_file(MINE, row)
        except Unavailable:
            return "come back"

    assert await bench.write(again) == "come back"
    await bench.write(lambda transaction: transaction.drop_files(SYSTEM, [(MINE.tenant_id, file_id)]))
    assert await bench.write(again) == "pending"


async def test_a_fork_has_the_files_of_its_source(bench: Bench) -> None:
    """Of threads that one reaches; they stay when the source goes."""
    source, fork = await bench.thread(end_user_id="bob"), await bench.thread(end_user_id="bob")
    file_id = await upload(bench, None)
    assert await use(bench, MINE, source, file_id)

    async def share(scope: Scope) -> bool:
        async def script(transaction: Transaction) -> bool:
            try:
                await transaction.share_files(scope, fork.id, source.id)
            except NotFound:
                return False
            return True

        return await bench.write(script)

    assert [await share(it) for it in (ANN, THEIRS, BOB)] == [False, False, True]
    await bench.write(lambda transaction: transaction.delete_thread(MINE, source.id, NOW))
    assert await sees(bench, BOB, file_id)
    while await bench.write(lambda transaction: transaction.sweep_deleted(SYSTEM)):
        pass
    assert await sweep(bench) == []


async def test_files_of_a_deleted_thread_are_swept_after_it(bench: Bench) -> None:
    """The thread's rows go first, its hold on files with them."""
    thread = await bench.thread(end_user_id="ann")
    file_id = await upload(bench, "ann")
    assert await use(bench, ANN, thread, file_id)
    await bench.write(lambda transaction: transaction.delete_thread(MINE, ThreadId(thread.id), NOW))
    while await bench.write(lambda transaction: transaction.sweep_deleted(SYSTEM)):
        assert await sweep(bench) in ([], [(MINE.tenant_id, file_id)])
    assert await sweep(bench) == [(MINE.tenant_id, file_id)]


async def listed(bench: Bench, scope: Scope, **query: Any) -> list[FileId]:
    """Return the ids of files in the order of their list."""
    files = await bench.store.read(scope, lambda reader: reader.files(scope, FileQuery(limit=50, **query)))
    return [file.id for file in files]


async def test_lists_have_what_one_has(bench: Bench) -> None:
    """A person's own, a tenant's all; those of a thread for whoever reaches it; page by page, each once."""
    hers, his, nobodys = [await upload(bench, person) for person in ("ann", "bob", None)]
    theirs = await upload(bench, "ann", THEIRS)
    room = await bench.thread(end_user_id="ann")
    assert await use(bench, MINE, room, his)
    assert await listed(bench, MINE) == [nobodys, his, hers]
    assert await listed(bench, THEIRS) == [theirs]
    assert await listed(bench, ANN) == [hers]
    assert await listed(bench, ANN, end_user_id="bob") == []
    assert await listed(bench, MINE, end_user_id="bob") == [his]
    assert await listed(bench, ANN, thread_id=room.id) == [his]
    for scope in (BOB, THEIRS):
        with pytest.raises(NotFound):
            await listed(bench, scope, thread_id=room.id)
    limited = EndUser(MINE.tenant_id, "ann", frozenset({room.id}))
    assert await listed(bench, limited, thread_id=room.id) == [his]
    assert await listed(bench, MINE, before=(NOW, his)) == [hers]
    assert await listed(bench, MINE, before=(NOW, hers)) == []


async def test_a_file_is_given_up_where_no_thread_has_it(bench: Bench) -> None:
    """It is gone for everybody at once, and the sweep finds it; one in a thread stays, foreign ones are not there."""
    unused, used = await upload(bench, "ann"), await upload(bench, "ann")
    assert await use(bench, MINE, await bench.thread(), used)
    for scope, file_id, refusal in ((MINE, used, FileInUse), (THEIRS, unused, NotFound), (BOB, unused, NotFound)):
        with pytest.raises(refusal):
            await bench.write(lambda it, scope=scope, file_id=file_id: it.give_up_file(scope, file_id, LATER))
    assert await sees(bench, MINE, used)
    await bench.write(lambda transaction: transaction.give_up_file(ANN, unused, LATER))
    assert not await sees(bench, MINE, unused)
    assert await listed(bench, MINE) == [used]
    assert [file_id for _, file_id in await sweep(bench, NOW)] == [unused]
