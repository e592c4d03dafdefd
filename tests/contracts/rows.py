"""Rows to put into a store, and the scripts that do it: small enough to be read beside the test that uses them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from msgspec import structs

from threadline.content import TextBlock
from threadline.events import (
    Entry,
    Event,
    MessageCompleted,
    MessageCreated,
    MessageStarted,
    MessageSuperseded,
    RunStarted,
    ThreadCreated,
    ThreadUpdated,
)
from threadline.ids import MessageId, RunId, TenantId, ThreadId
from threadline.records import Author, Message, Run, RunOptions, Thread
from threadline.scopes import EndUser, System, Tenant
from threadline.store.contract import AttemptRow, DeltaRow, Reader, RunRow, SendRow, Store, ThreadRow, Transaction

T = TypeVar("T")

ACME = Tenant(TenantId("tnt_acme"))
OTHER = Tenant(TenantId("tnt_other"))
SYSTEM = System("a test")
NOW = "2026-01-01T00:00:00.000Z"


async def write(store: Store, script: Callable[[Transaction], Awaitable[T]]) -> T:
    """Commit one script alone; return its value or raise its error."""
    outcome = (await store.commit([], [script])).outcomes[0]
    if outcome.error is not None:
        raise outcome.error
    value: Any = outcome.value
    return value


async def say(store: Store, *deltas: DeltaRow) -> list[int | None]:
    """Commit deltas alone; return their seqs."""
    return (await store.commit(deltas, [])).seqs


async def log_of(store: Store, thread_id: str, after: int = 0, upto: int | None = None) -> list[Entry]:
    """Read a thread's log, by default all of it."""

    async def script(reader: Reader) -> list[Entry]:
        end = await reader.head(ACME, ThreadId(thread_id)) if upto is None else upto
        return await reader.log(ACME, ThreadId(thread_id), after, end)

    return await store.read(script)


async def head_of(store: Store, thread_id: str) -> int:
    """Read a thread's head; what the poll behind the bus sees must be the same."""

    async def script(reader: Reader) -> int:
        head = await reader.head(ACME, ThreadId(thread_id))
        assert await reader.heads(SYSTEM, [ThreadId(thread_id)]) == {thread_id: head}
        return head

    return await store.read(script)


def thread(thread_id: str = "thr_1", **fields: Any) -> Thread:
    """Make a thread record."""
    wanted = {"end_user_id": "ann", "metadata": {}, "created_at": NOW, "last_activity_at": NOW, **fields}
    return Thread(id=ThreadId(thread_id), seq=0, **wanted)


def message(message_id: str = "msg_1", thread_id: str = "thr_1", seq: int | None = 2, **fields: Any) -> Message:
    """Make a message record."""
    wanted = {
        "parent_id": None,
        "role": "user",
        "author": Author("user", "ann"),
        "content": [TextBlock("hello")],
        "status": "complete",
        "metadata": {},
        "created_at": NOW,
        **fields,
    }
    return Message(id=MessageId(message_id), thread_id=ThreadId(thread_id), seq=seq, **wanted)


def run(run_id: str = "run_1", thread_id: str = "thr_1", **fields: Any) -> Run:
    """Make a run record."""
    wanted = {
        "status": "queued",
        "model": "demo/x",
        "input": None,
        "input_message_id": MessageId("msg_1"),
        "created_at": NOW,
        **fields,
    }
    return Run(id=RunId(run_id), thread_id=ThreadId(thread_id), **wanted)


def run_row(run_id: str = "run_1", thread_id: str = "thr_1", has_turn: bool = True, **fields: Any) -> RunRow:
    """Make a run with what only the engine needs."""
    return RunRow(ACME.tenant_id, run(run_id, thread_id, **fields), RunOptions(), has_turn=has_turn, first_seq=1)


def attempt_row(
    run_id: str = "run_1", thread_id: str = "thr_1", epoch: int = 1, first_seq: int = 2, message_id: str = "msg_answer"
) -> AttemptRow:
    """Make an attempt that is being written."""
    place = (ACME.tenant_id, ThreadId(thread_id), RunId(run_id), MessageId(message_id))
    return AttemptRow(*place, epoch, first_seq)


def delta(words: str, run_id: str = "run_1", thread_id: str = "thr_1", epoch: int = 1, **fields: Any) -> DeltaRow:
    """Make a delta on its way to the store."""
    return DeltaRow(
        tenant_id=ACME.tenant_id,
        thread_id=ThreadId(thread_id),
        run_id=RunId(run_id),
        message_id=MessageId(fields.pop("message_id", "msg_answer")),
        epoch=epoch,
        block=fields.pop("block", 0),
        kind=fields.pop("kind", "text"),
        text=words,
    )


def send_row(key: str = "k", thread_id: str = "thr_1", **fields: Any) -> SendRow:
    """Make the record of an Idempotency-Key."""
    wanted = {"fingerprint": b"f", "message_id": MessageId("msg_1"), "run_id": None, "created_at": NOW, **fields}
    return SendRow(tenant_id=ACME.tenant_id, thread_id=ThreadId(thread_id), end_user_id="ann", key=key, **wanted)


async def add_thread(
    store: Store, thread_id: str = "thr_1", scope: Tenant | EndUser = ACME, **fields: Any
) -> ThreadRow:
    """Store a thread with its first event."""
    row = ThreadRow(scope.tenant_id, thread(thread_id, **fields))

    async def script(transaction: Transaction) -> None:
        await transaction.insert_thread(scope, row)
        assert await transaction.append(scope, row.thread.id, ThreadCreated(row.thread), None) == 1

    await write(store, script)
    return row


async def append(store: Store, thread_id: str = "thr_1", event: Event | None = None, run_id: str | None = None) -> int:
    """Append one event, by default a change of title."""

    async def script(transaction: Transaction) -> int:
        said = event if event is not None else ThreadUpdated({"title": "t"})
        return await transaction.append(ACME, ThreadId(thread_id), said, None if run_id is None else RunId(run_id))

    return await write(store, script)


async def begin_attempt(
    store: Store, run_id: str = "run_1", thread_id: str = "thr_1", epoch: int = 1, node_id: str = "node_1"
) -> AttemptRow:
    """Give a run an owner and an attempt that is being written. The run is stored with its first attempt."""
    row = run_row(run_id, thread_id)

    async def script(transaction: Transaction) -> AttemptRow:
        if epoch == 1:
            await transaction.insert_run(ACME, row)
        await transaction.take_lease(SYSTEM, row, node_id, epoch)
        await transaction.append(ACME, row.run.thread_id, RunStarted(row.run), row.run.id)
        started = MessageStarted(message("msg_answer", thread_id, role="assistant", status="streaming", content=[]))
        await transaction.append(ACME, row.run.thread_id, started, row.run.id)
        first_seq = await transaction.next_seq(ACME, row.run.thread_id)
        attempt = attempt_row(run_id, thread_id, epoch, first_seq)
        await transaction.open_attempt(SYSTEM, attempt)
        return attempt

    return await write(store, script)


async def end_attempt(store: Store, attempt: AttemptRow, superseded: bool = False) -> AttemptRow:
    """Write the event that ends an attempt, and close it. Returns it closed."""
    row = run_row(attempt.run_id, attempt.thread_id)

    async def script(transaction: Transaction) -> int:
        event: Event = MessageCompleted(message("msg_answer", attempt.thread_id, role="assistant"))
        if superseded:
            event = MessageSuperseded(attempt.message_id, attempt.epoch + 1)
        seq = await transaction.append(ACME, attempt.thread_id, event, attempt.run_id)
        await transaction.close_attempt(SYSTEM, row, attempt.epoch, seq)
        return seq

    return structs.replace(attempt, last_seq=await write(store, script))


def events(entries: Sequence[Entry]) -> list[tuple[int, Event]]:
    """Return what a log says, in a form that compares and prints well."""
    return [(entry.seq, entry.event) for entry in entries]


__all__ = ["MessageCreated"]
