"""A send happens once (promise 5): what an Idempotency-Key was used for, and what the same request became before."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from threadline.clock import rfc3339
from threadline.errors import IdempotencyMismatch
from threadline.records import Message
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Reader, RunRow, SendRow, ThreadRow, Transaction


class Once(Protocol):
    """A request that may come with an Idempotency-Key."""

    @property
    def key(self) -> str | None:
        """The key, where there is one."""
        ...

    def fingerprint(self) -> bytes:
        """Return a hash of everything that makes the request what it is, and of nothing about its delivery."""
        ...


class Accepted(Struct, frozen=True):
    """What a send became. `first_seq` is that of the run's (or, without one, the message's) first event.

    `others` answer it too, behind `run`: in a room several agents may.
    """

    message: Message
    run: RunRow | None
    first_seq: int
    is_replay: bool
    stopping: RunRow | None = None
    "The run that was asked to stop for this one."
    others: Sequence[RunRow] = ()

    @property
    def runs(self) -> list[RunRow]:
        """All runs that answer."""
        return [] if self.run is None else [self.run, *self.others]


async def earlier(reader: Reader, scope: Scope, row: ThreadRow, once: Once) -> Accepted | None:
    """Return what the same request became before. Raises IdempotencyMismatch where it was another one."""
    if once.key is None:
        return None
    found = await reader.send(scope, row.thread.id, sender(scope, row), once.key)
    if found is None:
        return None
    if found.fingerprint != once.fingerprint():
        raise IdempotencyMismatch
    if found.run_id is None:
        message = await reader.message(scope, found.message_id)
        assert message.seq is not None, "stored without a run means stored in the history"
        return Accepted(message, None, message.seq, is_replay=True)
    run = await reader.run(scope, found.run_id)
    if found.message_id == run.run.input_message_id:
        message = await input_of(reader, scope, run)
    else:
        # In a room a run that waited already reads this message too; it stands in the history.
        message = await reader.message(scope, found.message_id)
    others = [await reader.run(scope, run_id) for run_id in (found.run_ids or ())[1:]]
    return Accepted(message, run, run.first_seq, is_replay=True, others=others)


async def remember(
    transaction: Transaction, scope: Scope, row: ThreadRow, once: Once, accepted: Accepted, now_ms: int
) -> None:
    """Write down what the request became, where it has a key."""
    if once.key is None:
        return
    send = SendRow(
        tenant_id=row.tenant_id,
        thread_id=row.thread.id,
        end_user_id=sender(scope, row),
        key=once.key,
        fingerprint=once.fingerprint(),
        message_id=accepted.message.id,
        run_id=accepted.run.run.id if accepted.run else None,
        created_at=rfc3339(now_ms),
        run_ids=[row.run.id for row in accepted.runs] if accepted.others else None,
    )
    await transaction.insert_send(scope, send)


async def input_of(reader: Reader, scope: Scope, row: RunRow) -> Message:
    """Return a run's question, whether it waits with the run or stands in the history."""
    return row.run.input or await reader.message_of(scope, row.run.thread_id, row.run.input_message_id)


def sender(scope: Scope, row: ThreadRow) -> str:
    """Return the end user for whom somebody sends, or nothing."""
    # A server key acts for the thread's end user, so the same key from the browser and from the server is one key.
    return scope.end_user_id if isinstance(scope, EndUser) else row.thread.end_user_id or ""
