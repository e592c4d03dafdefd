"""Which answers need a reader, and when they last had one: by the store's clock, over all tenants, told by any node."""

from threadline.ids import ThreadId
from threadline.store.contract import AttemptRow, Attendance, Transaction

from .conftest import MINE, SYSTEM, Bench


async def attendance(bench: Bench) -> list[Attendance]:
    """Read it."""
    return await bench.store.read(SYSTEM, lambda reader: reader.attendance(SYSTEM))


async def silence(bench: Bench) -> float:
    """Return for how long the one answer that needs a reader has had none."""
    (found,) = await attendance(bench)
    return found.silent_seconds


async def expect(bench: Bench, attempt: AttemptRow) -> None:
    """Begin to expect readers."""

    async def script(transaction: Transaction) -> None:
        await transaction.expect_readers(SYSTEM, await transaction.run(MINE, attempt.run_id))

    await bench.write(script)


async def test_an_answer_is_listed_while_it_needs_a_reader(bench: Bench) -> None:
    """From when it is expected to when it is not any more; not the others."""
    thread = await bench.thread()
    attempt, plain = await bench.attempt(thread), await bench.attempt(await bench.thread())
    assert await attendance(bench) == []
    await expect(bench, attempt)
    (found,) = await attendance(bench)
    assert (found.run_id, found.thread_id) == (attempt.run_id, thread.id)
    await bench.write(lambda transaction: transaction.expect_no_readers(SYSTEM, plain.run_id))
    assert len(await attendance(bench)) == 1
    await bench.write(lambda transaction: transaction.expect_no_readers(SYSTEM, attempt.run_id))
    assert await attendance(bench) == []


async def test_the_time_begins_anew_with_each_reader(bench: Bench) -> None:
    """With one of its own thread and with another attempt, not with one of another thread."""
    thread, other = await bench.thread(), await bench.thread()
    attempt = await bench.attempt(thread)
    await expect(bench, attempt)
    bench.advance(5)
    assert await silence(bench) >= 5
    await bench.write(lambda transaction: transaction.note_readers(SYSTEM, [other.id, ThreadId("thr_none")]))
    assert await silence(bench) >= 5
    await bench.write(lambda transaction: transaction.note_readers(SYSTEM, [other.id, thread.id, thread.id]))
    assert await silence(bench) < 5
    bench.advance(5)
    await expect(bench, attempt)
    assert await silence(bench) < 5


async def test_a_deleted_thread_needs_no_readers(bench: Bench) -> None:
    """Its rows go with the others."""
    thread = await bench.thread()
    await expect(bench, await bench.attempt(thread))

    async def script(transaction: Transaction) -> int:
        await transaction.delete_thread(MINE, thread.id, "2026-01-01T00:00:00.000Z")
        gone = 0
        while swept := await transaction.sweep_deleted(SYSTEM):
            gone += swept
        return gone

    assert await bench.write(script) >= 3
    assert await attendance(bench) == []
