"""What makes titles, with a provider and a thread that nobody foresaw: the others get theirs, and the node lives."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import structs

from threadline.bus.memory import MemoryBus
from threadline.clock import ManualClock
from threadline.content import TextBlock
from threadline.engine import title
from threadline.engine.title import Titler
from threadline.ids import ThreadId
from threadline.journal.append import Journal
from threadline.journal.window import Windows
from threadline.observe import Metrics
from threadline.providers.contract import Chunk, Prompt
from threadline.records import Message, Thread
from threadline.scopes import Tenant
from threadline.store.contract import Reader, ThreadRow, Transaction

from .conftest import MINE, Bench

LATER = "2026-01-01T00:00:01.000Z"


class Broken:
    """A provider with a fault of its own."""

    def stream(self, prompt: Prompt) -> AsyncIterator[Sequence[Chunk]]:
        """Fail in a way that no contract names."""
        raise ZeroDivisionError(prompt.model)


@asynccontextmanager
async def titler_of(bench: Bench, model: str) -> AsyncIterator[Titler]:
    """Make titles in the store of this bench, by a real writer."""
    clock, metrics = ManualClock(), Metrics()
    journal = Journal(bench.store, MemoryBus(), Windows(), clock, metrics, gather_seconds=0.0)
    writer = asyncio.create_task(journal.run())
    try:
        yield Titler(bench.store, journal, lambda name: (Broken(), name), clock, metrics, model)  # type: ignore[arg-type]
    finally:
        journal.close()
        await writer


async def an_exchange(bench: Bench, question: str) -> Thread:
    """Store a thread with a question and its answer."""
    thread = await bench.thread()
    asked = bench.message(thread.id, 1, content=[TextBlock(question)])
    answer = bench.message(thread.id, 2, asked.id, role="assistant", content=[TextBlock("Since it is.")])

    async def script(transaction: Transaction) -> None:
        await transaction.insert_message(MINE, asked)
        await transaction.insert_message(MINE, answer)
        whole = structs.replace(thread, message_count=2, last_activity_at=LATER, tip_message_id=answer.id)
        await transaction.save_thread(MINE, ThreadRow(MINE.tenant_id, whole))

    await bench.write(script)
    return thread


async def title_of(bench: Bench, thread: Thread) -> str | None:
    """Read a title from the store."""

    async def script(reader: Reader) -> str | None:
        return (await reader.thread(MINE, thread.id)).thread.title

    found: str | None = await bench.store.read(MINE, script)
    return found


async def test_a_provider_with_a_fault_leaves_the_first_words(bench: Bench) -> None:
    """Whatever it raises."""
    thread = await an_exchange(bench, "Why is the sky blue?")
    async with titler_of(bench, "broken/x") as titler:
        await titler.look()
    assert await title_of(bench, thread) == "Why is the sky blue?"


async def test_a_thread_that_cannot_be_titled_stands_in_nobodys_way(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is put off, so that it is not looked at again and again; the others get their titles in the same look."""
    bad, good = await an_exchange(bench, "bad"), await an_exchange(bench, "good")
    looked: list[ThreadId] = []
    beginning = title._beginning

    async def faulty(reader: Reader, scope: Tenant, thread_id: ThreadId) -> Sequence[Message]:
        looked.append(thread_id)
        if thread_id == bad.id:
            raise LookupError("what is stored of it")
        found: Any = await beginning(reader, scope, thread_id)
        return list(found)

    monkeypatch.setattr(title, "_beginning", faulty)
    async with titler_of(bench, "") as titler:
        await titler.look()
        await titler.look()
    assert await title_of(bench, good) == "good"
    assert await title_of(bench, bad) is None
    assert sorted(looked) == sorted([bad.id, good.id])
