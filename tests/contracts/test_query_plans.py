"""No query of branches, forks, sidebars, rooms and agents reads a table as a whole, on either database."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest

from threadline.agent_records import AgentId, TeamId
from threadline.engine.branches import heads, read_branch
from threadline.engine.fork import Fork, fork_thread
from threadline.engine.members import Invitation, add_member, find_member, remove_member, update_member
from threadline.engine.reads import as_seen
from threadline.engine.state import snapshot
from threadline.errors import NotFound
from threadline.ids import MessageId, ThreadId
from threadline.records import Message
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Reader, ThreadQuery, Transaction
from threadline.store.contract_agents import AgentQuery
from threadline.store.contract_branches import BranchQuery
from threadline.store.contract_reads import ReadMark

from .conftest import MINE, SYSTEM, Bench

_STEPS = {"walk", "below", "top", "needed", "page", "CONSTANT"}
"""What a query has made itself, and may read to its end."""

_LISTS = {"threads", "agents", "teams"}

PERSON = EndUser(MINE.tenant_id, "ann")
NOW_MS = 1_800_000_000_000

Verb = Callable[[Any, Scope, ThreadId, Message], Awaitable[Any]]


class Explained:
    """Statements that are explained before they are run."""

    def __init__(self, sql: Any) -> None:
        self._sql = sql
        self._is_postgres = type(sql).__name__ == "PostgresStatements"
        self.whole: list[str] = []
        self.count = 0

    async def one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Return the first row."""
        await self._explain(sql, values)
        return await self._sql.one(sql, values)

    async def every(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Return all rows."""
        await self._explain(sql, values)
        return await self._sql.every(sql, values)

    async def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Change something."""
        await self._explain(sql, values)
        changed: int = await self._sql.run(sql, values)
        return changed

    async def _explain(self, sql: str, values: Sequence[Any]) -> None:
        self.count += 1
        if self._is_postgres:
            # Where there is any other way, an empty table is not read from end to end either.
            await self._sql.every("SELECT set_config('enable_seqscan', 'off', true)")
            (row,) = await self._sql.every(f"EXPLAIN (FORMAT JSON) {sql}", values)
            found = _whole_on_postgres(msgspec.json.decode(row[0])[0]["Plan"])
        else:
            found = _whole_on_sqlite([row[3] for row in await self._sql.every(f"EXPLAIN QUERY PLAN {sql}", values)])
        self.whole += [f"{each}: {sql}" for each in found]


def _whole_on_sqlite(steps: Sequence[str]) -> list[str]:
    scans = [match for step in steps if (match := re.match(r"SCAN (\w+|\(.*?\)|\d+)", step))]
    # All rows of a tenant are a list where they are shown as one, and else as good as a whole table.
    tenants = [match for step in steps if (match := re.fullmatch(r"SEARCH (\w+) USING .*\(tenant_id=\?\)", step))]
    whole = [match for match in scans if match[1] not in _STEPS and not match[1][0].isdigit()]
    return [match.string for match in (*whole, *(each for each in tenants if each[1] not in _LISTS))]


def _whole_on_postgres(plan: dict[str, Any]) -> list[str]:
    found = [] if "Relation Name" not in plan else [f"{plan['Node Type']} of {plan['Relation Name']}"]
    if plan["Node Type"] == "Bitmap Heap Scan" or "Index Cond" in plan:
        found = []
    elif plan["Node Type"] == "Bitmap Index Scan":
        found = [f"{plan['Node Type']} of {plan['Index Name']}"]
    elif plan["Node Type"] == "ModifyTable":
        found = []
    return found + [each for below in plan.get("Plans", ()) for each in _whole_on_postgres(below)]


async def _page(reader: Reader, scope: Scope, thread_id: ThreadId, leaf: Message) -> None:
    for descending in (True, False):
        await read_branch(reader, scope, thread_id, leaf.id, descending, leaf.parent_id, 20)


async def _unread(reader: Reader, scope: Scope, thread_id: ThreadId, leaf: Message) -> None:
    listed = await reader.threads(scope, ThreadQuery(end_user_id="ann", limit=20))
    await as_seen(reader, scope, "ann", listed)
    await reader.read_marks(scope, "ann", [thread_id])


async def _touched(reader: Reader, scope: Scope, thread_id: ThreadId, leaf: Message) -> None:
    await reader.touched(SYSTEM, [thread_id])


async def _agents(reader: Reader, scope: Scope, thread_id: ThreadId, leaf: Message) -> None:
    for query in (AgentQuery(limit=20), AgentQuery(handles=["unit"], limit=1)):
        await reader.agents(scope, query)
    for name in ("unit", "agt_1"):
        with pytest.raises(NotFound):
            await reader.agent(scope, name)
    with pytest.raises(NotFound):
        await reader.agent_versions(scope, AgentId("agt_1"), None, 20)


async def _teams(reader: Reader, scope: Scope, thread_id: ThreadId, leaf: Message) -> None:
    await reader.teams(scope, None, 20)
    with pytest.raises(NotFound):
        await reader.team(scope, TeamId("team_1"))


async def _members(reader: Reader, scope: Scope, thread_id: ThreadId, leaf: Message) -> None:
    await reader.members(scope, thread_id)
    await reader.role(scope, thread_id)
    await reader.hops(scope, thread_id, leaf.id)
    await reader.members_of_agent(scope, AgentId("agt_1"), ThreadId(""), 20)


READS: dict[str, Verb] = {
    "page": _page,
    "path": lambda reader, scope, thread_id, leaf: reader.branch(scope, thread_id, BranchQuery(leaf.id, limit=2000)),
    "heads": lambda reader, scope, thread_id, leaf: heads(reader, scope, thread_id, None, 20),
    "siblings": lambda reader, scope, thread_id, leaf: reader.siblings(scope, thread_id, [leaf]),
    "newest leaf": lambda reader, scope, thread_id, leaf: reader.newest_leaf(scope, thread_id, leaf.id),
    "branch size": lambda reader, scope, thread_id, leaf: reader.branch_size(scope, thread_id, leaf.id),
    "state": lambda reader, scope, thread_id, leaf: snapshot(reader, scope, thread_id, 50),
    "sidebar": _unread,
    "touched": _touched,
    "others behind": lambda reader, scope, thread_id, leaf: reader.others_behind(scope, thread_id, 0, "ann"),
    "agents": _agents,
    "teams": _teams,
    "members": _members,
}


async def _explained(bench: Bench, verb: Verb, scope: Scope, thread_id: ThreadId, leaf: Message) -> Explained:
    async def script(transaction: Transaction) -> Explained:
        sql = Explained(transaction._sql)  # type: ignore[attr-defined]
        transaction._sql = sql  # type: ignore[attr-defined]
        await verb(transaction, scope, thread_id, leaf)
        return sql

    found: Explained = await bench.write(script)
    return found


async def _room(bench: Bench) -> tuple[ThreadId, Message, ThreadId]:
    """Return a thread with members and two branches, the end of one, and a fork of it."""
    thread = await bench.thread(end_user_id="ann")
    parent: MessageId | None = None
    leaf: Message | None = None
    for seq in range(1, 6):
        leaf = bench.message(thread.id, seq=seq, parent=parent)
        await bench.write(lambda transaction, leaf=leaf: transaction.insert_message(MINE, leaf))
        parent = leaf.id if seq != 3 else parent
    assert leaf is not None, "just stored"
    point = leaf.id

    async def script(transaction: Transaction) -> ThreadId:
        await add_member(transaction, MINE, thread.id, Invitation(end_user_id="bob"), bench.ids, NOW_MS)
        forked = await fork_thread(transaction, MINE, thread.id, Fork(message_id=point), bench.ids, NOW_MS)
        return forked.id

    return thread.id, leaf, await bench.write(script)


@pytest.mark.parametrize("scope", [MINE, PERSON], ids=["key", "token"])
@pytest.mark.parametrize("name", READS)
async def test_no_read_goes_through_a_whole_table(bench: Bench, name: str, scope: Scope) -> None:
    """Whatever is asked is found by an index: also across a fork, and for a person as for a key."""
    thread_id, leaf, fork_id = await _room(bench)
    for place in (thread_id, fork_id) if scope == MINE else (thread_id,):
        explained = await _explained(bench, READS[name], scope, place, leaf)
        assert explained.count > 0
        assert explained.whole == []


async def test_no_change_goes_through_a_whole_table(bench: Bench) -> None:
    """Forks, read marks, and who takes part: found by an index to be changed, too."""
    thread_id, leaf, _ = await _room(bench)

    async def change(transaction: Any, scope: Scope, thread_id: ThreadId, leaf: Message) -> None:
        await fork_thread(transaction, scope, thread_id, Fork(message_id=leaf.id), bench.ids, NOW_MS)
        await transaction.mark_read(scope, ReadMark(thread_id, "ann", 3, 2))
        await transaction.note_own(scope, thread_id, "ann")
        await add_member(transaction, scope, thread_id, Invitation(end_user_id="cid"), bench.ids, NOW_MS)
        await update_member(transaction, scope, thread_id, "cid", {"role": "viewer"})
        await find_member(transaction, scope, thread_id, "bob")
        await remove_member(transaction, scope, thread_id, "bob")

    assert (await _explained(bench, change, PERSON, thread_id, leaf)).whole == []


async def test_a_whole_table_would_be_noticed(bench: Bench) -> None:
    """Else the tests above say nothing."""
    thread_id, leaf, _ = await _room(bench)

    async def whole(transaction: Any, scope: Scope, thread_id: ThreadId, leaf: Message) -> None:
        await transaction._sql.every("SELECT id FROM messages WHERE role = ?", ("user",))
        await transaction._sql.every("SELECT count(*) FROM members", ())

    assert len((await _explained(bench, whole, MINE, thread_id, leaf)).whole) == 2
