"""Rooms in the store: who takes part in a thread reaches it, and nobody else does."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec import structs

from threadline.agent_records import AgentId
from threadline.errors import Forbidden, NameTaken, NotFound
from threadline.events import ThreadUpdated
from threadline.ids import ThreadId
from threadline.records import Thread
from threadline.room_records import Hop, Member, MemberId, MemberRole, Rename
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Reader, ThreadQuery, Transaction

from .conftest import MINE, NOW, SYSTEM, THEIRS, Bench

ANN, BOB, CID = (EndUser(MINE.tenant_id, person) for person in ("ann", "bob", "cid"))


def a_member(bench: Bench, thread: Thread, end_user_id: str, role: MemberRole = "member", **fields: Any) -> Member:
    """Return somebody who takes part."""
    made = MemberId(bench.ids.make("mem"))
    return Member(id=made, thread_id=thread.id, end_user_id=end_user_id, role=role, created_at=NOW, **fields)


async def join(bench: Bench, thread: Thread, end_user_id: str, role: MemberRole = "member", **fields: Any) -> Member:
    """Let somebody take part."""
    member = a_member(bench, thread, end_user_id, role, **fields)
    await bench.write(lambda transaction: transaction.insert_member(MINE, member))
    return member


async def listed(bench: Bench, scope: Scope, **fields: Any) -> list[ThreadId]:
    """Return the threads that somebody's list has."""
    found = await bench.store.read(scope, lambda reader: reader.threads(scope, ThreadQuery(**fields)))
    return [thread.id for thread in found]


async def test_members_come_back_as_they_went_in(bench: Bench) -> None:
    """In the order of their coming, after a restart, and after a change."""
    thread = await bench.thread(end_user_id="ann")
    person = await join(bench, thread, "bob", "viewer", handle="bob", name="Bøb", invited_by="ann")
    agent = structs.replace(
        a_member(bench, thread, ""), end_user_id=None, agent_id="agt_1", handle="helper", reply_policy="mention"
    )
    await bench.write(lambda transaction: transaction.insert_member(MINE, agent))
    await bench.reopen()
    assert await bench.store.read(SYSTEM, lambda reader: reader.members(BOB, thread.id)) == [person, agent]
    changed = structs.replace(person, handle=None, name="B", role="member")
    await bench.write(lambda transaction: transaction.save_member(MINE, changed))
    assert await bench.store.read(SYSTEM, lambda reader: reader.members(ANN, thread.id)) == [changed, agent]
    await bench.write(lambda transaction: transaction.drop_member(MINE, thread.id, person.id))
    assert await bench.store.read(SYSTEM, lambda reader: reader.members(MINE, thread.id)) == [agent]


async def test_one_place_and_one_handle_each(bench: Bench) -> None:
    """Nobody comes twice, and nobody is called what another one is called; in another thread they may."""
    thread, other = await bench.thread(), await bench.thread()
    await join(bench, thread, "bob", handle="b")
    for twice in (a_member(bench, thread, "bob"), a_member(bench, thread, "cid", handle="b")):
        with pytest.raises(NameTaken):
            await bench.write(lambda transaction, twice=twice: transaction.insert_member(MINE, twice))
    cid = await join(bench, thread, "cid")
    with pytest.raises(NameTaken):
        await bench.write(lambda transaction: transaction.save_member(MINE, structs.replace(cid, handle="b")))
    await join(bench, other, "bob", handle="b")


async def test_a_role_is_what_one_may_do(bench: Bench) -> None:
    """Keys and the thread's own end user are owners; everybody else is what he was invited as."""
    thread = await bench.thread(end_user_id="ann")
    await join(bench, thread, "bob", "viewer")

    async def script(reader: Reader) -> list[MemberRole]:
        return [await reader.role(scope, thread.id) for scope in (MINE, ANN, BOB)]

    assert await bench.store.read(SYSTEM, script) == ["owner", "owner", "viewer"]
    with pytest.raises(NotFound):
        await bench.store.read(SYSTEM, lambda reader: reader.role(CID, thread.id))


WRITES: dict[str, Callable[[Transaction, Scope, Thread], Awaitable[Any]]] = {
    "append": lambda store, scope, thread: store.append(scope, thread.id, ThreadUpdated({"title": "x"}), None),
    "append_all": lambda store, scope, thread: store.append_all(
        scope, thread.id, [ThreadUpdated({"title": "x"})], None
    ),
    "delete": lambda store, scope, thread: store.delete_thread(scope, thread.id, NOW),
    "drop": lambda store, scope, thread: store.drop_member(scope, thread.id, MemberId("mem_1")),
}


@pytest.mark.parametrize("verb", WRITES)
async def test_a_viewer_reads_and_writes_nothing(bench: Bench, verb: str) -> None:
    """Whatever would change the thread is refused, in words; a member's goes through."""
    thread = await bench.thread(end_user_id="ann")
    await join(bench, thread, "bob", "viewer")
    assert (await bench.store.read(SYSTEM, lambda reader: reader.thread(BOB, thread.id))).thread.id == thread.id
    with pytest.raises(Forbidden):
        await bench.write(lambda transaction: WRITES[verb](transaction, BOB, thread))
    await join(bench, thread, "cid")
    if verb != "drop":
        await bench.write(lambda transaction: WRITES[verb](transaction, CID, thread))


async def test_who_is_removed_reaches_nothing_more(bench: Bench) -> None:
    """From the same transaction on."""
    thread = await bench.thread(end_user_id="ann")
    member = await join(bench, thread, "bob")

    async def script(transaction: Transaction) -> None:
        await transaction.thread(BOB, thread.id)
        await transaction.drop_member(MINE, thread.id, member.id)
        with pytest.raises(NotFound):
            await transaction.thread(BOB, thread.id)

    await bench.write(script)
    with pytest.raises(NotFound):
        await bench.store.read(SYSTEM, lambda reader: reader.log(BOB, thread.id, 0, 10))


async def test_a_list_has_the_rooms_that_one_is_in(bench: Bench) -> None:
    """One's own and the others' in one order, page by page, each once; and nobody else's."""
    mine = [await bench.thread(end_user_id="bob", last_activity_at=f"2026-01-0{day}T00:00:00.000Z") for day in (1, 3)]
    theirs = [await bench.thread(end_user_id="ann", last_activity_at=f"2026-01-0{day}T00:00:00.000Z") for day in (2, 4)]
    for thread in theirs:
        await join(bench, thread, "bob")
    await join(bench, mine[0], "bob", "owner")
    expected = [theirs[1].id, mine[1].id, theirs[0].id, mine[0].id]
    assert await listed(bench, BOB) == expected
    assert await listed(bench, MINE, end_user_id="bob") == expected
    assert await listed(bench, BOB, limit=3) == expected[:3]
    assert await listed(bench, BOB, after=(False, "2026-01-03T00:00:00.000Z", mine[1].id)) == expected[2:]
    assert await listed(bench, BOB, archived=True) == []
    assert await listed(bench, CID) == []
    assert await listed(bench, EndUser(THEIRS.tenant_id, "bob")) == []
    assert await listed(bench, EndUser(MINE.tenant_id, "bob", frozenset({theirs[0].id}))) == [theirs[0].id]


async def test_a_narrow_token_reaches_no_other_room(bench: Bench) -> None:
    """It names threads, and a room that it does not name is none of its business."""
    thread = await bench.thread(end_user_id="ann")
    await join(bench, thread, "bob")
    narrow = EndUser(MINE.tenant_id, "bob", frozenset({ThreadId("thr_other")}))
    with pytest.raises(NotFound):
        await bench.store.read(SYSTEM, lambda reader: reader.thread(narrow, thread.id))
    named = EndUser(MINE.tenant_id, "bob", frozenset({thread.id}))
    await bench.store.read(SYSTEM, lambda reader: reader.thread(named, thread.id))


async def test_members_go_with_their_thread(bench: Bench) -> None:
    """A deleted thread is nobody's room, and its rows are swept."""
    thread = await bench.thread(end_user_id="ann")
    await join(bench, thread, "bob")
    await bench.write(lambda transaction: transaction.delete_thread(MINE, thread.id, NOW))
    with pytest.raises(NotFound):
        await bench.store.read(SYSTEM, lambda reader: reader.members(MINE, thread.id))
    assert await listed(bench, BOB) == []
    while await bench.write(lambda transaction: transaction.sweep_deleted(SYSTEM)):
        pass
    rows = await bench.write(lambda transaction: transaction._sql.every("SELECT 1 FROM members"))
    assert list(rows) == []


async def test_calls_are_counted_from_a_persons_message(bench: Bench) -> None:
    """Those that one message has led to, and nobody else's; they go with their thread."""
    thread = await bench.thread()
    first, second = bench.ids.message(), bench.ids.message()
    hops = [
        Hop(thread_id=thread.id, run_id=bench.ids.run(), root_message_id=root, caller="agt_1", called="agt_2")
        for root in (first, first, second)
    ]

    async def script(transaction: Transaction) -> None:
        for hop in hops:
            await transaction.insert_hop(MINE, hop)

    await bench.write(script)
    assert await bench.store.read(SYSTEM, lambda reader: reader.hops(MINE, thread.id, first)) == hops[:2]
    await bench.write(lambda transaction: transaction.delete_thread(MINE, thread.id, NOW))
    while await bench.write(lambda transaction: transaction.sweep_deleted(SYSTEM)):
        pass
    assert list(await bench.write(lambda transaction: transaction._sql.every("SELECT 1 FROM hops"))) == []


async def test_renames_stand_until_rooms_have_heard_of_them(bench: Bench) -> None:
    """In order, over a restart; and the rooms of an agent are found, page by page, within their tenant."""
    agent = AgentId("agt_1")
    names = {"old_handle": "a", "new_handle": "b", "old_name": "A", "new_name": "B"}
    renames = [Rename(tenant_id=MINE.tenant_id, agent_id=agent, version=number, **names) for number in (2, 3)]
    for rename in reversed(renames):
        await bench.write(lambda transaction, rename=rename: transaction.insert_rename(MINE, rename))
    rooms = []
    for _ in range(3):
        thread = await bench.thread()
        member = structs.replace(a_member(bench, thread, ""), end_user_id=None, agent_id=agent, handle="a")
        await bench.write(lambda transaction, member=member: transaction.insert_member(MINE, member))
        rooms.append(member)
    rooms.sort(key=lambda member: member.thread_id)
    await bench.reopen()

    async def look(reader: Reader) -> list[Any]:
        first = await reader.members_of_agent(MINE, agent, ThreadId(""), 2)
        rest = await reader.members_of_agent(MINE, agent, first[-1].thread_id, 2)
        foreign = await reader.members_of_agent(THEIRS, agent, ThreadId(""), 2)
        return [await reader.renames(SYSTEM, 10), [*first, *rest], foreign]

    assert await bench.store.read(SYSTEM, look) == [renames, rooms, []]
    await bench.write(lambda transaction: transaction.drop_rename(SYSTEM, renames[0]))
    assert await bench.store.read(SYSTEM, lambda reader: reader.renames(SYSTEM, 10)) == renames[1:]
