"""Every implementation of the store, one after the other; and a bench to put rows on."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from threadline.clock import ManualClock
from threadline.content import TextBlock
from threadline.ids import IdMaker, MessageId, NodeId, TenantId, ThreadId
from threadline.records import Author, Message, Run, RunOptions, Thread
from threadline.scopes import System, Tenant
from threadline.store.contract import AttemptRow, DeltaRow, RunRow, Store, ThreadRow, Transaction

from .kits import STORES, StoreKit

MINE = Tenant(TenantId("tnt_mine"))
THEIRS = Tenant(TenantId("tnt_theirs"))
SYSTEM = System("a test")
NODE = NodeId("node_1")
NOW = "2026-01-01T00:00:00.000Z"


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def kit(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StoreKit]:
    """One kind of store, not open yet."""
    kit: StoreKit = request.param(tmp_path)
    yield kit
    await kit.close()


@pytest.fixture
async def store(kit: StoreKit) -> Store:
    """An open, empty store."""
    return await kit.open()


class Bench:
    """An open store, and short ways to put rows into it."""

    def __init__(self, kit: StoreKit, store: Store) -> None:
        self._kit = kit
        self.store = store
        self.clock: ManualClock = kit.clock
        self.ids = IdMaker(self.clock, random.Random(1))

    async def reopen(self) -> None:
        """Do what a restart does."""
        self.store = await self._kit.reopen()

    async def write(self, *scripts: Any) -> Any:
        """Commit scripts together; return what the last one returned, or raise its error."""
        outcome = (await self.store.commit([], scripts)).outcomes[-1]
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    async def thread(self, **fields: Any) -> Thread:
        """Store a thread that nothing has happened in."""
        given = {"end_user_id": None, "metadata": {}, "created_at": NOW, "last_activity_at": NOW, **fields}
        thread = Thread(id=self.ids.thread(), seq=0, **given)
        await self.write(lambda transaction: transaction.insert_thread(MINE, ThreadRow(MINE.tenant_id, thread)))
        return thread

    async def attempt(self, thread: Thread, epoch: int = 1) -> AttemptRow:
        """Store a run that has the turn, and an attempt of it that is being written."""
        run = Run(
            id=self.ids.run(),
            thread_id=thread.id,
            status="running",
            model="demo/x",
            input=None,
            input_message_id=self.ids.message(),
            created_at=NOW,
        )
        row = RunRow(MINE.tenant_id, run, RunOptions(), has_turn=True, first_seq=1)

        async def script(transaction: Transaction) -> AttemptRow:
            await transaction.insert_run(MINE, row)
            await transaction.take_lease(SYSTEM, row, NODE, epoch)
            first_seq = await transaction.next_seq(MINE, thread.id)
            made = AttemptRow(MINE.tenant_id, thread.id, run.id, self.ids.message(), epoch, first_seq)
            await transaction.open_attempt(SYSTEM, made)
            return made

        found: AttemptRow = await self.write(script)
        return found

    def delta(self, attempt: AttemptRow, text: str, epoch: int | None = None, block: int = 0) -> DeltaRow:
        """Make a delta of an attempt."""
        return DeltaRow(
            attempt.tenant_id,
            attempt.thread_id,
            attempt.run_id,
            attempt.message_id,
            attempt.epoch if epoch is None else epoch,
            block,
            "text",
            text,
        )

    def message(self, thread_id: ThreadId, seq: int, **fields: Any) -> Message:
        """Make a person's message."""
        given = {"role": "user", "author": Author("user"), "content": [TextBlock("hi")], "status": "complete", **fields}
        return Message(
            id=MessageId(self.ids.make("msg")),
            thread_id=thread_id,
            seq=seq,
            parent_id=None,
            metadata={},
            created_at=NOW,
            **given,
        )


@pytest.fixture
async def bench(kit: StoreKit, store: Store) -> Bench:
    """An open, empty store with a bench before it."""
    return Bench(kit, store)
