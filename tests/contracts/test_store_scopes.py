"""Promise 8 in the store: each verb, for everybody who may not, answers as if there were nothing."""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from msgspec import Struct, structs

from threadline.errors import NotFound
from threadline.events import ThreadUpdated
from threadline.ids import KeyId, RunId, ThreadId
from threadline.records import Message
from threadline.room_records import Hop, Member, MemberId
from threadline.scopes import EndUser, Scope, System
from threadline.store.contract import (
    AttemptRow,
    KeyRow,
    MessageQuery,
    Reader,
    RunRow,
    SendRow,
    ThreadQuery,
    ThreadRow,
    ToolCallQuery,
    Transaction,
)
from threadline.store.contract_branches import BranchQuery
from threadline.store.contract_reads import ReadMark

from .conftest import MINE, NOW, SYSTEM, THEIRS, Bench, a_call


class Things(Struct):
    """What ann of the tenant `MINE` has."""

    thread: ThreadRow
    attempt: AttemptRow
    message: Message
    run: RunRow
    key: KeyRow
    member: Member


@pytest.fixture
async def things(bench: Bench) -> Things:
    """Ann's thread with everything in it that a scope protects."""
    thread = await bench.thread(end_user_id="ann", external_id="e")
    attempt = await bench.attempt(thread)
    message = bench.message(thread.id, seq=1)
    key = KeyRow(KeyId(bench.ids.make("key")), MINE.tenant_id, "mine", "", "server", b"hash", NOW)

    member = Member(
        id=MemberId(bench.ids.make("mem")), thread_id=thread.id, end_user_id="cid", role="member", created_at=NOW
    )

    async def script(transaction: Transaction) -> tuple[ThreadRow, RunRow]:
        await transaction.append(MINE, thread.id, ThreadUpdated({"title": "t"}), None)
        await transaction.insert_message(MINE, message)
        await transaction.insert_tool_calls(MINE, [a_call(thread.id, seq=1)])
        await transaction.insert_send(MINE, _send(bench, thread.id, "k"))
        await transaction.insert_tenant(SYSTEM, MINE.tenant_id, "mine", NOW)
        await transaction.insert_tenant(SYSTEM, THEIRS.tenant_id, "theirs", NOW)
        await transaction.insert_key(MINE, key)
        await transaction.insert_member(MINE, member)
        return await transaction.thread(MINE, thread.id), await transaction.run(MINE, attempt.run_id)

    row, run = await bench.write(script)
    return Things(row, attempt, message, run, key, member)


def _send(bench: Bench, thread_id: ThreadId, key: str) -> SendRow:
    return SendRow(MINE.tenant_id, thread_id, "ann", key, b"print", bench.ids.message(), None, NOW)


Call = Callable[[Any, Scope, Things, Bench], Awaitable[Any]]

# Each verb that takes a scope and names somebody's thing. A new verb fails below until it stands here.
NAMING: dict[str, Call] = {
    "thread": lambda store, scope, things, _: store.thread(scope, things.thread.thread.id),
    "head": lambda store, scope, things, _: store.head(scope, things.thread.thread.id),
    "message": lambda store, scope, things, _: store.message(scope, things.message.id),
    "messages": lambda store, scope, things, _: store.messages(scope, things.thread.thread.id, MessageQuery()),
    "message_of": lambda store, scope, things, _: store.message_of(scope, things.thread.thread.id, things.message.id),
    "branch": lambda store, scope, things, _: store.branch(
        scope, things.thread.thread.id, BranchQuery(things.message.id)
    ),
    "leads_to": lambda store, scope, things, _: store.leads_to(
        scope, things.thread.thread.id, things.message.id, things.message.id
    ),
    "newest_leaf": lambda store, scope, things, _: store.newest_leaf(scope, things.thread.thread.id, things.message.id),
    "branch_size": lambda store, scope, things, _: store.branch_size(scope, things.thread.thread.id, things.message.id),
    "insert_fork": lambda store, scope, things, _: store.insert_fork(
        scope, things.thread.thread.id, structs.replace(things.message, thread_id=ThreadId("thr_source"))
    ),
    "others_behind": lambda store, scope, things, _: store.others_behind(scope, things.thread.thread.id, 0, "ann"),
    "mark_read": lambda store, scope, things, _: store.mark_read(scope, ReadMark(things.thread.thread.id, "ann", 1, 1)),
    "note_edited_title": lambda store, scope, things, _: store.note_edited_title(scope, things.thread.thread.id),
    "note_own": lambda store, scope, things, _: store.note_own(scope, things.thread.thread.id, "ann"),
    "siblings": lambda store, scope, things, _: store.siblings(scope, things.thread.thread.id, [things.message]),
    "leaves": lambda store, scope, things, _: store.leaves(scope, things.thread.thread.id, None, 10),
    "run": lambda store, scope, things, _: store.run(scope, things.attempt.run_id),
    "open_runs": lambda store, scope, things, _: store.open_runs(scope, things.thread.thread.id),
    "tool_calls": lambda store, scope, things, _: store.tool_calls(scope, things.thread.thread.id, ToolCallQuery()),
    "calls_of_run": lambda store, scope, things, _: store.calls_of_run(
        scope, things.thread.thread.id, things.attempt.run_id
    ),
    "insert_tool_calls": lambda store, scope, things, _: store.insert_tool_calls(
        scope, [a_call(things.thread.thread.id, seq=2)]
    ),
    "save_tool_calls": lambda store, scope, things, _: store.save_tool_calls(
        scope, [a_call(things.thread.thread.id, seq=1)]
    ),
    "send": lambda store, scope, things, _: store.send(scope, things.thread.thread.id, "ann", "k"),
    "whole_events": lambda store, scope, things, _: store.whole_events(scope, things.thread.thread.id, 0, 10),
    "log": lambda store, scope, things, _: store.log(scope, things.thread.thread.id, 0, 10),
    "save_thread": lambda store, scope, things, _: store.save_thread(scope, things.thread),
    "delete_thread": lambda store, scope, things, _: store.delete_thread(scope, things.thread.thread.id, NOW),
    "insert_message": lambda store, scope, things, bench: store.insert_message(
        scope, bench.message(things.thread.thread.id, seq=2)
    ),
    "save_message": lambda store, scope, things, _: store.save_message(scope, things.message),
    "insert_run": lambda store, scope, things, bench: store.insert_run(scope, _new_run(scope, things, bench)),
    "save_run": lambda store, scope, things, _: store.save_run(scope, things.run),
    "insert_send": lambda store, scope, things, bench: store.insert_send(scope, _new_send(scope, things, bench)),
    "append": lambda store, scope, things, _: store.append(
        scope, things.thread.thread.id, ThreadUpdated({"title": "mine now"}), None
    ),
    "append_all": lambda store, scope, things, _: store.append_all(
        scope, things.thread.thread.id, [ThreadUpdated({"title": "mine now"})], None
    ),
    "next_seq": lambda store, scope, things, _: store.next_seq(scope, things.thread.thread.id),
    "members": lambda store, scope, things, _: store.members(scope, things.thread.thread.id),
    "role": lambda store, scope, things, _: store.role(scope, things.thread.thread.id),
    "require_writer": lambda store, scope, things, _: store.require_writer(scope, things.thread.thread.id),
    "insert_member": lambda store, scope, things, bench: store.insert_member(
        scope, structs.replace(things.member, id=MemberId(bench.ids.make("mem")), end_user_id="dan")
    ),
    "save_member": lambda store, scope, things, _: store.save_member(scope, things.member),
    "drop_member": lambda store, scope, things, _: store.drop_member(scope, things.thread.thread.id, things.member.id),
    "hops": lambda store, scope, things, _: store.hops(scope, things.thread.thread.id, things.message.id),
    "insert_hop": lambda store, scope, things, bench: store.insert_hop(
        scope,
        Hop(
            thread_id=things.thread.thread.id,
            run_id=bench.ids.run(),
            root_message_id=things.message.id,
            caller="agt_1",
            called="agt_2",
        ),
    ),
    "revoke_key": lambda store, scope, things, _: store.revoke_key(scope, things.key.id, NOW),
}
# Verbs that name nothing of anybody's: they look, or put, within the scope that they are given.
# Those of agents and teams are tried in test_store_agents.py, those of tools in the tests of tools.
ELSEWHERE = {
    *("agent", "agents", "agent_version", "agent_versions", "team", "teams", "team_members", "team_member"),
    *("insert_agent", "save_agent", "delete_agent", "insert_team", "save_team", "delete_team"),
    *("put_team_member", "drop_team_member", "insert_rename", "members_of_agent"),
    *("tool", "tools", "insert_tool", "save_tool", "delete_tool"),
}
# Those of files are tried in test_store_files.py and test_store_uploads.py.
ELSEWHERE |= {"files", "give_up_file"}
ELSEWHERE |= {"file", "begin_file", "finish_file", "use_file", "share_files", "upload", "note_upload"}
# Those of browsers are tried in test_store_web.py.
ELSEWHERE |= {"begin_session", "insert_session", "end_session", "shares", "insert_share", "revoke_share"}
# Those of operators are tried in test_store_usage.py and test_store_figures.py.
ELSEWHERE |= {"usage", "figures", "queue_of"}
WITHIN = {"threads", "read_marks", "thread_by_external_id", "keys", "insert_thread", "insert_key"}


def _new_run(scope: Scope, things: Things, bench: Bench) -> RunRow:
    run = structs.replace(things.run.run, id=bench.ids.run())
    return structs.replace(things.run, tenant_id=scope.tenant_id, run=run)


def _new_send(scope: Scope, things: Things, bench: Bench) -> SendRow:
    return structs.replace(_send(bench, things.thread.thread.id, "new"), tenant_id=scope.tenant_id)


STRANGERS: dict[str, Scope] = {
    "another tenant": THEIRS,
    "another person": EndUser(MINE.tenant_id, "bob"),
    "a namesake of another tenant": EndUser(THEIRS.tenant_id, "ann"),
    "a token for other threads": EndUser(MINE.tenant_id, "ann", frozenset({ThreadId("thr_other")})),
    "a token for no threads": EndUser(MINE.tenant_id, "ann", frozenset()),
}


def test_every_verb_with_a_scope_is_tried_here() -> None:
    """A verb that somebody adds to the contract has to be added to this file before anything is green again."""
    scoped, crossing = set(), set()
    for name, verb in inspect.getmembers(Transaction, inspect.isfunction):
        if not name.startswith("_"):
            first = list(inspect.signature(verb).parameters.values())[1]
            (crossing if first.annotation is System else scoped).add(name)
    assert scoped == NAMING.keys() | WITHIN | ELSEWHERE
    assert not scoped & crossing


@pytest.mark.parametrize("verb", NAMING)
async def test_a_stranger_finds_nothing(bench: Bench, things: Things, verb: str) -> None:
    """Reading and writing verbs alike raise NotFound for whoever may not reach the thing, and change nothing."""
    before = await _everything(bench, things)
    for who, scope in STRANGERS.items():
        # Keys belong to a tenant, not to an end user: `access/` and `api/keys.py` let only admin keys near them.
        if verb == "revoke_key" and scope.tenant_id == MINE.tenant_id:
            continue
        assert await _is_refused(bench, things, verb, scope), f"{verb} for {who}"
        assert await _everything(bench, things) == before, f"{verb} for {who}"


@pytest.mark.parametrize("verb", NAMING)
async def test_who_may_gets_it(bench: Bench, things: Things, verb: str) -> None:
    """The same calls go through for the tenant, for the person, and for a token that names the thread."""
    thread_id = things.thread.thread.id
    named = EndUser(MINE.tenant_id, "ann", frozenset({thread_id}))

    async def taken_back(scope: Scope, transaction: Transaction) -> None:
        await NAMING[verb](transaction, scope, things, bench)
        raise _TakenBack

    # What one of them has changed the next one would not find.
    for scope in (MINE, named):
        with pytest.raises(_TakenBack):
            await bench.write(partial(taken_back, scope))
    await bench.write(lambda transaction: NAMING[verb](transaction, EndUser(MINE.tenant_id, "ann"), things, bench))


async def test_a_deleted_thread_is_no_thread(bench: Bench, things: Things) -> None:
    """From the commit of its deletion on, everything in a thread is gone, for reading and for writing, for all."""
    await bench.write(lambda transaction: transaction.delete_thread(MINE, things.thread.thread.id, NOW))
    tried = sorted(NAMING.keys() - {"log", "revoke_key"})
    assert [verb for verb in tried if not await _is_refused(bench, things, verb, MINE)] == []


async def test_a_deleted_threads_log_is_owed_to_its_readers(bench: Bench, things: Things) -> None:
    """Whoever was reading gets the last event; strangers still get nothing."""
    thread_id = things.thread.thread.id
    await bench.write(lambda transaction: transaction.delete_thread(MINE, thread_id, NOW))
    assert len(await bench.log(thread_id)) == 1
    for scope in STRANGERS.values():
        with pytest.raises(NotFound):
            await bench.store.read(SYSTEM, lambda reader, scope=scope: reader.log(scope, thread_id, 0, 10))


@pytest.mark.parametrize("who", STRANGERS)
async def test_lists_hold_nothing_of_others(bench: Bench, things: Things, who: str) -> None:
    """No list, no filter and no external id leads a stranger to somebody else's thread."""
    scope = STRANGERS[who]

    async def script(reader: Reader) -> list[Any]:
        found: list[Any] = []
        for query in (ThreadQuery(), ThreadQuery(end_user_id="ann"), ThreadQuery(q="")):
            found += await reader.threads(scope, query)
        by_name = [await reader.thread_by_external_id(scope, person, "e") for person in ("ann", "bob", None)]
        return [*found, *filter(None, by_name)]

    assert await bench.store.read(SYSTEM, script) == []


async def test_a_row_belongs_to_the_scope_that_stores_it(bench: Bench, things: Things) -> None:
    """A row of one tenant put in with another tenant's scope is a programmer's error, and is not stored."""
    rows: list[Callable[[Transaction], Awaitable[None]]] = [
        lambda transaction: transaction.insert_thread(THEIRS, things.thread),
        lambda transaction: transaction.insert_run(THEIRS, things.run),
        lambda transaction: transaction.insert_send(THEIRS, _send(bench, things.thread.thread.id, "new")),
        lambda transaction: transaction.insert_key(THEIRS, things.key),
    ]
    for script in rows:
        with pytest.raises(AssertionError, match="belongs to the scope"):
            await bench.write(script)


async def test_the_system_finds_whose_a_thing_is(bench: Bench, things: Things) -> None:
    """Operators' look-ups cross tenants, and find nothing deleted and nothing unknown."""
    thread_id, run_id = things.thread.thread.id, things.attempt.run_id

    async def script(reader: Reader) -> list[Any]:
        return [
            await reader.locate_thread(SYSTEM, thread_id),
            await reader.locate_run(SYSTEM, run_id),
            await reader.locate_thread(SYSTEM, ThreadId("thr_none")),
            await reader.locate_run(SYSTEM, RunId("run_none")),
        ]

    assert await bench.store.read(SYSTEM, script) == [MINE.tenant_id, MINE.tenant_id, None, None]
    await bench.write(lambda transaction: transaction.delete_thread(MINE, thread_id, NOW))
    assert (await bench.store.read(SYSTEM, script))[0] is None


class _TakenBack(Exception):
    """Raised in a script that is to leave nothing behind."""


async def _is_refused(bench: Bench, things: Things, verb: str, scope: Scope) -> bool:
    try:
        await bench.write(lambda transaction: NAMING[verb](transaction, scope, things, bench))
    except NotFound:
        return True
    return False


async def _everything(bench: Bench, things: Things) -> list[Any]:
    """Return all that the owner can see."""
    thread_id = things.thread.thread.id

    async def script(reader: Reader) -> list[Any]:
        return [
            await reader.thread(MINE, thread_id),
            await reader.messages(MINE, thread_id, MessageQuery()),
            await reader.open_runs(MINE, thread_id),
            await reader.log(MINE, thread_id, 0, 100),
            await reader.send(MINE, thread_id, "ann", "new"),
            await reader.keys(MINE),
            await reader.members(MINE, thread_id),
            await reader.threads(THEIRS, ThreadQuery()),
        ]

    return await bench.store.read(SYSTEM, script)
