"""Every implementation of the store, one after the other; and a bench to put rows on."""

import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from support.postgres import PostgresServer
from threadline.clock import ManualClock
from threadline.content import TextBlock
from threadline.events import DeltaKind, Entry, Event, MessageDelta, MessageSuperseded, ThreadUpdated
from threadline.ids import IdMaker, MessageId, NodeId, RunId, TenantId, ThreadId
from threadline.records import Author, Message, Run, RunOptions, Thread
from threadline.scopes import System, Tenant
from threadline.store.contract import AttemptRow, DeltaRow, Reader, RunRow, Store, ThreadRow, Transaction, Write
from threadline.store.packing import pack_of
from threadline.tool_calls import ToolCall

from .kits import PostgresKit, SqliteKit, StoreKit

MINE = Tenant(TenantId("tnt_mine"))
THEIRS = Tenant(TenantId("tnt_theirs"))
SYSTEM = System("a test")
NODE = NodeId("node_1")
NOW = "2026-01-01T00:00:00.000Z"


@pytest.fixture(autouse=True)
def _patient(patient_stores: None) -> None:
    """Tests of impatience say themselves how little of it they have."""


@pytest.fixture
async def sqlite_kit(tmp_path: Path) -> AsyncIterator[SqliteKit]:
    """A SQLite file, not open yet."""
    kit = SqliteKit(tmp_path)
    yield kit
    await kit.close()


@pytest.fixture
async def postgres_kit(
    postgres: PostgresServer,
    migrated: str,
) -> AsyncIterator[PostgresKit]:
    """A PostgreSQL database with its schema, not open yet."""
    kit = PostgresKit(postgres, postgres.create_database(template=migrated))
    yield kit
    await kit.close()
    postgres.drop_database(kit.database)


@pytest.fixture(params=["sqlite", "postgres"])
def kit(request: pytest.FixtureRequest) -> StoreKit:
    """One kind of store, not open yet."""
    kit: StoreKit = request.getfixturevalue(f"{request.param}_kit")
    return kit


@pytest.fixture
async def store(kit: StoreKit) -> Store:
    """An open, empty store."""
    return await kit.open()


def a_call(thread_id: ThreadId, seq: int, **fields: object) -> ToolCall:
    """Return a call that was just asked for."""
    given = {
        "id": f"call_{seq}",
        "thread_id": thread_id,
        "run_id": RunId("run_1"),
        "message_id": MessageId("msg_1"),
        "tool_use_id": f"toolu_{seq}",
        "seq": seq,
        "round": 1,
        "block": seq,
        "result_block": seq + 10,
        "name": "weather",
        "kind": "python",
        "input": {"city": ["Zürich", None, 1.5]},
        "status": "requested",
        "requested_at": NOW,
        **fields,
    }
    return ToolCall(**given)  # type: ignore[arg-type]


class Bench:
    """An open store, and short ways to put rows into it."""

    def __init__(self, kit: StoreKit, store: Store) -> None:
        self._kit = kit
        self.store = store
        self.ids = IdMaker(ManualClock(), random.Random(1))

    def advance(self, seconds: float) -> None:
        """Let time pass for those who hold leases."""
        self._kit.advance(seconds)

    def count(self, table: str) -> int:
        """Count the rows of a table, from outside."""
        return self._kit.count(table)

    async def reopen(self) -> None:
        """Do what a restart does."""
        self.store = await self._kit.reopen()

    async def write(self, *scripts: Any) -> Any:
        """Commit scripts together; return what the last one returned, or raise its error."""
        outcome = (await self.store.commit([], [Write(SYSTEM, script) for script in scripts])).outcomes[-1]
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    async def thread(self, scope: Tenant = MINE, **fields: Any) -> Thread:
        """Store a thread that nothing has happened in."""
        given = {"end_user_id": None, "metadata": {}, "created_at": NOW, "last_activity_at": NOW, **fields}
        thread = Thread(id=self.ids.thread(), seq=0, **given)
        await self.write(lambda transaction: transaction.insert_thread(scope, ThreadRow(scope.tenant_id, thread)))
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

    def delta(
        self, attempt: AttemptRow, text: str, epoch: int | None = None, block: int = 0, kind: DeltaKind = "text"
    ) -> DeltaRow:
        """Make a delta of an attempt."""
        return DeltaRow(
            attempt.tenant_id,
            attempt.thread_id,
            attempt.run_id,
            attempt.message_id,
            attempt.epoch if epoch is None else epoch,
            block,
            kind,
            text,
        )

    async def say(self, *deltas: DeltaRow) -> list[int | None]:
        """Commit deltas alone; return their seqs."""
        return (await self.store.commit(deltas, [])).seqs

    async def append(self, thread_id: ThreadId, event: Event | None = None) -> int:
        """Append one event, by default a change of title."""
        said = event if event is not None else ThreadUpdated({"title": "t"})
        seq: int = await self.write(lambda transaction: transaction.append(MINE, thread_id, said, None))
        return seq

    async def log(self, thread_id: ThreadId, after: int = 0, upto: int = 1_000_000) -> list[Entry]:
        """Read a stretch of a thread's log, by default all of it."""

        async def script(reader: Reader) -> list[Entry]:
            return await reader.log(MINE, thread_id, after, upto)

        return await self.store.read(SYSTEM, script)

    async def head(self, thread_id: ThreadId) -> int:
        """Read a thread's head; what the poll behind the bus sees must be the same."""

        async def script(reader: Reader) -> int:
            head = await reader.head(MINE, thread_id)
            assert await reader.heads(SYSTEM, [thread_id]) == {thread_id: head}
            return head

        return await self.store.read(SYSTEM, script)

    async def close_attempt(self, attempt: AttemptRow) -> AttemptRow:
        """Write an event that ends an attempt, and close it. Returns it closed."""

        async def script(transaction: Transaction) -> int:
            event = MessageSuperseded(attempt.message_id, attempt.epoch + 1)
            seq = await transaction.append(MINE, attempt.thread_id, event, attempt.run_id)
            row = await transaction.run(MINE, attempt.run_id)
            await transaction.close_attempt(SYSTEM, row, attempt.epoch, seq)
            return seq

        return structs.replace(attempt, last_seq=await self.write(script))

    async def pack(
        self, attempt: AttemptRow, deltas: Sequence[tuple[int, MessageDelta]], is_last: bool, prune: bool = True
    ) -> None:
        """Store a pack of these deltas, and prune."""

        async def script(transaction: Transaction) -> None:
            made = pack_of(attempt.run_id, attempt.message_id, attempt.epoch, deltas)
            await transaction.insert_pack(SYSTEM, attempt, made, is_last=is_last)
            if prune:
                await transaction.prune_deltas(SYSTEM)

        await self.write(script)

    async def deltas(self, attempt: AttemptRow) -> list[tuple[int, MessageDelta]]:
        """Read the unpacked deltas of an attempt."""

        async def script(reader: Reader) -> list[tuple[int, MessageDelta]]:
            current = await reader.unpacked_attempt(SYSTEM, attempt)
            return [] if current is None else await reader.deltas(SYSTEM, current)

        return await self.store.read(SYSTEM, script)

    def message(self, thread_id: ThreadId, seq: int, parent: MessageId | None = None, **fields: Any) -> Message:
        """Make a person's message."""
        given = {
            "role": "user",
            "author": Author("user"),
            "content": [TextBlock("hi")],
            "status": "complete",
            "metadata": {},
            **fields,
        }
        return Message(
            id=MessageId(self.ids.make("msg")),
            thread_id=thread_id,
            seq=seq,
            parent_id=parent,
            created_at=NOW,
            **given,
        )


@pytest.fixture
async def bench(kit: StoreKit, store: Store) -> Bench:
    """An open, empty store with a bench before it."""
    return Bench(kit, store)
