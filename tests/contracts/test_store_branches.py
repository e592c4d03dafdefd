"""Branches: what the recursive queries say is what one would say who has the whole tree before him."""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from threadline.errors import NotFound
from threadline.ids import MessageId, ThreadId
from threadline.records import Message, Siblings
from threadline.scopes import Scope
from threadline.store.contract import Reader, Transaction
from threadline.store.contract_branches import BranchQuery

from .conftest import MINE, SYSTEM, THEIRS, Bench

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
