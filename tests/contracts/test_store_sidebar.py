"""What a store says about threads in lists: who has to hear of them, and which of some may be seen."""

from collections.abc import Sequence

from threadline.agent_records import AgentId
from threadline.ids import ThreadId
from threadline.room_records import Member, MemberId
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Reader, ThreadQuery, TouchedThread, Transaction

from .conftest import MINE, NOW, SYSTEM, THEIRS, Bench


async def touched(bench: Bench, thread_ids: Sequence[ThreadId]) -> dict[ThreadId, TouchedThread]:
    """Ask for what was touched."""

    async def script(reader: Reader) -> list[TouchedThread]:
        return await reader.touched(SYSTEM, thread_ids)

    return {it.row.thread.id: it for it in await bench.store.read(SYSTEM, script)}


async def test_what_was_touched_comes_with_its_people(bench: Bench) -> None:
    """Of whichever tenant; unknown ids are left out, deleted threads are said to be so."""
    hers = await bench.thread(end_user_id="ann")
    nobodys = await bench.thread()
    theirs = await bench.thread(scope=THEIRS, end_user_id="ann")
    gone = await bench.thread(end_user_id="ann")

    async def delete(transaction: Transaction) -> None:
        await transaction.delete_thread(MINE, gone.id, NOW)

    await bench.write(delete)
    ids = [hers.id, nobodys.id, theirs.id, gone.id]
    found = await touched(bench, [*ids, ThreadId("thr_unknown")])
    assert found.keys() == set(ids)
    assert [found[it].row.tenant_id for it in ids] == [MINE.tenant_id, MINE.tenant_id, THEIRS.tenant_id, MINE.tenant_id]
    assert [found[it].people for it in ids] == [{"ann"}, set(), {"ann"}, {"ann"}]
    assert [found[it].is_deleted for it in ids] == [False, False, False, True]
    assert await touched(bench, []) == {}


async def test_a_room_is_seen_by_all_who_take_part(bench: Bench) -> None:
    """People alone, and those of this thread alone, though it has its id from anywhere."""
    room, other = await bench.thread(end_user_id="ann"), await bench.thread(scope=THEIRS)

    async def invite(transaction: Transaction) -> None:
        for number, (person, agent) in enumerate((("bob", None), ("cem", None), (None, "agt_1"))):
            await transaction.insert_member(
                MINE,
                Member(
                    id=MemberId(f"mem_{number}"),
                    thread_id=room.id,
                    end_user_id=person,
                    agent_id=agent and AgentId(agent),
                    created_at=NOW,
                ),
            )

    await bench.write(invite)
    found = await touched(bench, [room.id, other.id])
    assert [found[it].people for it in (room.id, other.id)] == [{"ann", "bob", "cem"}, set()]


async def test_any_number_of_threads_is_touched_at_once(bench: Bench) -> None:
    """More than fit into one statement: all of them are found."""
    made = [(await bench.thread()).id for _ in range(5)]
    padding = [ThreadId(f"thr_{number}") for number in range(997)]
    assert (await touched(bench, [*made[:2], *padding, *made[2:]])).keys() == set(made)


async def test_a_list_among_some_threads_shows_what_may_be_seen(bench: Bench) -> None:
    """Naming a thread gives nobody a right to it; nothing named is nothing found."""
    hers, his = await bench.thread(end_user_id="ann"), await bench.thread(end_user_id="bob")
    theirs = await bench.thread(scope=THEIRS, end_user_id="ann")
    among = frozenset({hers.id, his.id, theirs.id, ThreadId("thr_unknown")})

    async def listed(scope: Scope, among: frozenset[ThreadId]) -> set[ThreadId]:
        async def script(reader: Reader) -> set[ThreadId]:
            return {thread.id for thread in await reader.threads(scope, ThreadQuery(among=among))}

        return await bench.store.read(scope, script)

    assert await listed(MINE, among) == {hers.id, his.id}
    assert await listed(EndUser(MINE.tenant_id, "ann"), among) == {hers.id}
    assert await listed(EndUser(MINE.tenant_id, "ann", frozenset({his.id})), among) == set()
    assert await listed(THEIRS, among) == {theirs.id}
    assert await listed(MINE, frozenset()) == set()
    assert await listed(MINE, frozenset({his.id})) == {his.id}
