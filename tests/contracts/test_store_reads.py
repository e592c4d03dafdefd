"""Read marks: whose they are, and what is counted behind one."""

import pytest

from threadline.errors import NotFound
from threadline.records import Author
from threadline.scopes import EndUser
from threadline.store.contract import Reader, Transaction
from threadline.store.contract_reads import ReadMark

from .conftest import MINE, SYSTEM, THEIRS, Bench

ANN, BOB = EndUser(MINE.tenant_id, "ann"), EndUser(MINE.tenant_id, "bob")


async def test_marks_are_kept_for_each_person(bench: Bench) -> None:
    """The last one counts; own words add to it, also where there was none; nobody sees another one's."""
    first, second = await bench.thread(end_user_id="ann"), await bench.thread(end_user_id="ann")
    threads = [first.id, second.id]

    async def write(transaction: Transaction) -> None:
        await transaction.mark_read(MINE, ReadMark(first.id, "ann", 9, 9))
        await transaction.mark_read(ANN, ReadMark(first.id, "ann", 5, 3))
        await transaction.note_own(ANN, first.id, "ann")
        await transaction.note_own(MINE, second.id, "ann")
        await transaction.mark_read(MINE, ReadMark(second.id, "bob", 1, 1))
        for scope, error in ((BOB, NotFound), (THEIRS, NotFound)):
            with pytest.raises(error):
                await transaction.mark_read(scope, ReadMark(first.id, "ann", 0, 0))
        with pytest.raises(NotFound):
            await transaction.mark_read(ANN, ReadMark(first.id, "bob", 0, 0))

    await bench.write(write)

    async def read(reader: Reader) -> None:
        assert await reader.read_marks(ANN, "ann", threads) == {first.id: 4, second.id: 1}
        assert await reader.read_marks(MINE, "ann", threads[:1]) == {first.id: 4}
        assert await reader.read_marks(MINE, "bob", threads) == {second.id: 1}
        assert await reader.read_marks(ANN, "bob", threads) == {}
        assert await reader.read_marks(THEIRS, "ann", threads) == {}
        assert await reader.read_marks(MINE, "ann", []) == {}

    await bench.store.read(SYSTEM, read)


async def test_what_comes_behind_is_counted_without_ones_own(bench: Bench) -> None:
    """People's and assistants' messages, by whomever, but instructions and one's own."""
    thread = await bench.thread(end_user_id="ann")
    authors = [Author("user", "ann"), Author("agent"), Author("user", "bob"), Author("system"), Author("user")]
    roles = {"user": "user", "agent": "assistant", "system": "system"}

    async def write(transaction: Transaction) -> None:
        for seq, author in enumerate(authors, 1):
            message = bench.message(thread.id, seq=seq, author=author, role=roles[author.type])
            await transaction.insert_message(MINE, message)

    await bench.write(write)

    async def read(reader: Reader) -> list[int]:
        return [await reader.others_behind(MINE, thread.id, seq, "ann") for seq in range(6)]

    assert await bench.store.read(SYSTEM, read) == [3, 3, 2, 1, 1, 0]
