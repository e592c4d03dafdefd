"""Branches: what the recursive queries say is what one would say who has the whole tree before him."""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest
from msgspec import Struct, structs

from threadline.errors import NotFound
from threadline.ids import MessageId, ThreadId
from threadline.records import ForkPoint, Message, Siblings
from threadline.scopes import Scope
from threadline.store.contract import Reader, ThreadRow, Transaction
from threadline.store.contract_branches import BranchQuery

from .conftest import MINE, NOW, SYSTEM, THEIRS, Bench
from .kits import StoreKit

T = TypeVar("T")


class Tree:
    """A thread whose messages hang on each other, in memory and in the store."""

    def __init__(self, bench: Bench, thread_id: ThreadId) -> None:
        self._bench = bench
        self.thread_id = thread_id
        self.messages: dict[MessageId, Message] = {}

    async def grow(self, parent: Message | None, scope: Scope = MINE) -> Message:
        """Add a message behind another one."""
        seq = len(self.messages) + 1
        message = self._bench.message(self.thread_id, seq=seq, parent=parent and parent.id)
        await self._bench.write(lambda transaction: transaction.insert_message(scope, message))
        self.messages[message.id] = message
        return message

    def branch(self, leaf: Message) -> list[Message]:
        """Return what leads from the beginning to a message."""
        above = [] if leaf.parent_id is None else self.branch(self.messages[leaf.parent_id])
        return [*above, leaf]

    def below(self, top: Message) -> list[Message]:
        """Return a message and everything behind it."""
        children = [message for message in self.messages.values() if message.parent_id == top.id]
        return [top, *(one for child in children for one in self.below(child))]

    def family(self, message: Message) -> list[Message]:
        """Return a message and its siblings, in order."""
        return [one for one in self.messages.values() if one.parent_id == message.parent_id]


async def read(bench: Bench, script: Callable[[Reader], Awaitable[T]]) -> T:
    """Read for the engine."""
    return await bench.store.read(SYSTEM, script)  # type: ignore[arg-type]


@pytest.fixture
async def tree(bench: Bench) -> Tree:
    """Forty messages, each behind a random earlier one, some at the beginning."""
    dice = random.Random(7)
    tree = Tree(bench, (await bench.thread()).id)
    for _ in range(40):
        await tree.grow(dice.choice([None, *tree.messages.values()]))
    return tree


async def test_a_branch_is_what_leads_to_its_leaf(bench: Bench, tree: Tree) -> None:
    """In both directions, in one page and in pages of three, from every message."""
    for leaf in tree.messages.values():
        expected = tree.branch(leaf)
        for limit in (100, 3):
            upwards = await pages(bench, tree, leaf, descending=True, limit=limit)
            assert upwards == expected[::-1]
            assert await pages(bench, tree, leaf, descending=False, limit=limit) == expected


async def pages(bench: Bench, tree: Tree, leaf: Message, descending: bool, limit: int) -> list[Message]:
    """Read a branch page by page, until one is empty."""
    found: list[Message] = []
    while True:
        query = BranchQuery(leaf.id, descending, found[-1].id if found else None, limit)
        page = await read(bench, lambda reader, query=query: reader.branch(MINE, tree.thread_id, query))  # type: ignore[misc]
        assert len(page) <= limit
        if not page:
            return found
        found += page


async def test_siblings_are_counted_in_order(bench: Bench, tree: Tree) -> None:
    """Each message that has siblings knows which one of how many it is; the others are left out."""
    messages = list(tree.messages.values())
    found = await read(bench, lambda reader: reader.siblings(MINE, tree.thread_id, messages))
    families = {message.id: [one.id for one in tree.family(message)] for message in messages}
    assert found == {
        message_id: Siblings(family.index(message_id) + 1, len(family))
        for message_id, family in families.items()
        if len(family) > 1
    }
    assert len(found) > 10
    one = messages[-1:]
    again = await read(bench, lambda reader: reader.siblings(MINE, tree.thread_id, one))
    assert again.get(one[0].id) == found.get(one[0].id)
    assert await read(bench, lambda reader: reader.siblings(MINE, tree.thread_id, [])) == {}


async def test_the_newest_leaf_is_the_last_that_came_behind(bench: Bench, tree: Tree) -> None:
    """From every message; a leaf is its own."""
    for message in tree.messages.values():
        found = await read(
            bench,
            lambda reader, message=message: reader.newest_leaf(MINE, tree.thread_id, message.id),  # type: ignore[misc]
        )
        assert found == max(tree.below(message), key=lambda one: one.seq or 0).id


async def test_leads_to_says_what_is_on_a_branch(bench: Bench, tree: Tree) -> None:
    """For every pair."""
    some = list(tree.messages.values())[::3]

    async def script(reader: Reader) -> list[bool]:
        return [await reader.leads_to(MINE, tree.thread_id, one.id, leaf.id) for one in some for leaf in some]

    assert await read(bench, script) == [one in tree.branch(leaf) for one in some for leaf in some]


async def test_leaves_are_listed_newest_first(bench: Bench, tree: Tree) -> None:
    """Every message without one behind it, in pages."""
    parents = {message.parent_id for message in tree.messages.values()}
    expected = [message for message in tree.messages.values() if message.id not in parents][::-1]
    found: list[Message] = []
    while True:
        before = found[-1].seq if found else None
        page = await read(bench, lambda reader, before=before: reader.leaves(MINE, tree.thread_id, before, 4))  # type: ignore[misc]
        if not page:
            break
        found += page
    assert found == expected
    assert len(found) > 8


async def test_a_message_of_another_thread_is_no_message_of_this_one(bench: Bench, tree: Tree) -> None:
    """Neither one of the same tenant, nor one of another, nor one that is not there; and no walk leads out."""
    other = Tree(bench, (await bench.thread()).id)
    elsewhere = await other.grow(None)
    # What no engine writes: a message that hangs on one of another thread.
    astray = await tree.grow(elsewhere)

    async def tries(reader: Reader, message_id: MessageId) -> Sequence[Awaitable[object]]:
        return [
            reader.message_of(MINE, tree.thread_id, message_id),
            reader.branch(MINE, tree.thread_id, BranchQuery(message_id)),
            reader.branch(MINE, tree.thread_id, BranchQuery(astray.id, after=message_id)),
            reader.leads_to(MINE, tree.thread_id, astray.id, message_id),
            reader.newest_leaf(MINE, tree.thread_id, message_id),
        ]

    async def script(reader: Reader) -> None:
        for message_id in (elsewhere.id, MessageId("msg_none")):
            for attempt in await tries(reader, message_id):
                with pytest.raises(NotFound):
                    await attempt
        assert await reader.branch(MINE, tree.thread_id, BranchQuery(astray.id)) == [astray]
        assert not await reader.leads_to(MINE, tree.thread_id, elsewhere.id, astray.id)
        with pytest.raises(NotFound):
            await reader.branch(THEIRS, tree.thread_id, BranchQuery(astray.id))

    await read(bench, script)


async def test_a_transaction_sees_what_it_has_written(bench: Bench) -> None:
    """A script walks over messages that are not committed yet."""
    thread = await bench.thread()
    first = bench.message(thread.id, seq=1)
    second = bench.message(thread.id, seq=2, parent=first.id)

    async def script(transaction: Transaction) -> list[Message]:
        await transaction.insert_message(MINE, first)
        await transaction.insert_message(MINE, second)
        return await transaction.branch(MINE, thread.id, BranchQuery(second.id, descending=False))

    assert await bench.write(script) == [first, second]


class Forked(Struct):
    """A tree, a fork of it in the middle of a branch, and a fork of that one."""

    source: Tree
    branch: list[Message]
    fork: Tree
    deeper: Tree


async def fork_of(bench: Bench, source: ThreadId, point: Message) -> Tree:
    """Fork a thread."""
    thread = structs.replace(await bench.thread(), tip_message_id=point.id, forked_from=ForkPoint(source, point.id))

    async def script(transaction: Transaction) -> None:
        await transaction.save_thread(MINE, ThreadRow(MINE.tenant_id, thread))
        await transaction.insert_fork(MINE, thread.id, point)

    await bench.write(script)
    return Tree(bench, thread.id)


@pytest.fixture
async def forked(bench: Bench) -> Forked:
    """Six messages in a row with a side branch; a fork behind the fourth; a fork of the fork behind its second."""
    source = Tree(bench, (await bench.thread()).id)
    last: Message | None = None
    for _ in range(6):
        last = await source.grow(last)
    branch = list(source.messages.values())
    await source.grow(branch[1])
    fork = await fork_of(bench, source.thread_id, branch[3])
    first = await fork.grow(branch[3])
    second = await fork.grow(first)
    await fork.grow(branch[1])
    deeper = await fork_of(bench, fork.thread_id, second)
    await deeper.grow(second)
    return Forked(source, branch, fork, deeper)


async def branch_of(bench: Bench, tree: Tree, leaf: Message, descending: bool = False) -> list[MessageId]:
    """Read a branch in pages of two."""
    return [message.id for message in await pages(bench, tree, leaf, descending, limit=2)]


async def test_a_fork_has_what_came_before_it(bench: Bench, forked: Forked) -> None:
    """A branch goes on up in the source, through a fork of a fork too, in pages; both directions."""
    own, aside = list(forked.fork.messages.values())[:2], list(forked.fork.messages.values())[2]
    (deepest,) = forked.deeper.messages.values()
    inherited = [message.id for message in forked.branch[:4]]
    expected = [*inherited, own[0].id, own[1].id]
    assert await branch_of(bench, forked.fork, own[1]) == expected
    assert await branch_of(bench, forked.fork, own[1], descending=True) == expected[::-1]
    assert await branch_of(bench, forked.fork, aside) == [*inherited[:2], aside.id]
    assert await branch_of(bench, forked.deeper, deepest) == [*expected, deepest.id]
    for leaf in (forked.branch[0], forked.branch[3]):
        assert (await branch_of(bench, forked.deeper, leaf))[-1] == leaf.id


async def test_a_fork_reaches_nothing_else_of_its_source(bench: Bench, forked: Forked) -> None:
    """Neither what came after, nor a side branch, nor what other forks have said; the source has nothing of it."""
    first = next(iter(forked.fork.messages.values()))
    side = list(forked.source.messages.values())[-1]
    aside = list(forked.fork.messages.values())[2]
    (deepest,) = forked.deeper.messages.values()
    strange = [
        (forked.fork, forked.branch[4]),
        (forked.fork, side),
        (forked.fork, deepest),
        (forked.source, first),
        (forked.source, deepest),
        (forked.deeper, forked.branch[5]),
        (forked.deeper, side),
        (forked.deeper, aside),
    ]

    async def script(reader: Reader) -> None:
        for tree, message in strange:
            with pytest.raises(NotFound):
                await reader.message_of(MINE, tree.thread_id, message.id)
            with pytest.raises(NotFound):
                await reader.branch(MINE, tree.thread_id, BranchQuery(message.id))

    await read(bench, script)


async def test_siblings_leaves_and_sizes_count_what_is_inherited(bench: Bench, forked: Forked) -> None:
    """As a reader of the fork sees it: the side branch of the source is not there, its own one is."""
    first, second, aside = forked.fork.messages.values()
    messages = [*forked.branch[:4], first, second, aside]

    async def script(reader: Reader) -> None:
        fork = forked.fork.thread_id
        places = await reader.siblings(MINE, fork, messages)
        assert places == {forked.branch[2].id: Siblings(1, 2), aside.id: Siblings(2, 2)}
        assert await reader.leaves(MINE, fork, None, 10) == [aside, second]
        assert await reader.leaves(MINE, fork, aside.seq, 10) == [second]
        assert await reader.branch_size(MINE, fork, second.id) == 6
        assert await reader.newest_leaf(MINE, fork, forked.branch[0].id) == aside.id
        assert await reader.newest_leaf(MINE, fork, forked.branch[2].id) == second.id
        assert await reader.newest_leaf(MINE, fork, forked.branch[3].id) == second.id
        assert await reader.leads_to(MINE, fork, forked.branch[2].id, second.id)
        assert not await reader.leads_to(MINE, fork, forked.branch[2].id, aside.id)

    await read(bench, script)


async def test_a_fork_without_a_word_ends_where_it_began(bench: Bench, forked: Forked) -> None:
    """Its one leaf is what it was made from."""
    empty = await fork_of(bench, forked.source.thread_id, forked.branch[2])

    async def script(reader: Reader) -> None:
        assert await reader.leaves(MINE, empty.thread_id, None, 10) == [forked.branch[2]]
        assert await reader.newest_leaf(MINE, empty.thread_id, forked.branch[0].id) == forked.branch[2].id
        assert await reader.newest_leaf(MINE, empty.thread_id, forked.branch[2].id) == forked.branch[2].id

    await read(bench, script)


async def test_what_forks_need_outlives_its_thread(bench: Bench, kit: StoreKit, forked: Forked) -> None:
    """The sweep leaves the inherited messages of a deleted thread until the last fork is gone, and nothing else."""
    (deepest,) = forked.deeper.messages.values()
    expected = await branch_of(bench, forked.deeper, deepest)
    for tree in (forked.source, forked.fork):
        await delete_and_sweep(bench, tree)
        assert await branch_of(bench, forked.deeper, deepest) == expected
    assert kit.count("messages") == 4 + 2 + 1
    assert kit.count("threads") == 3
    await delete_and_sweep(bench, forked.deeper)
    assert [kit.count(table) for table in ("messages", "forks", "threads")] == [0, 0, 0]


async def delete_and_sweep(bench: Bench, tree: Tree) -> None:
    """Delete a thread and sweep until there is nothing to sweep."""
    await bench.append(tree.thread_id)
    await bench.write(lambda transaction: transaction.delete_thread(MINE, tree.thread_id, NOW))
    for _ in range(30):
        if not await bench.write(lambda transaction: transaction.sweep_deleted(SYSTEM)):
            return
    raise AssertionError("the sweep comes to no end")
