"""How far people have read, and how many messages that leaves: counted exactly, in the transaction that changes it."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, structs

from threadline.errors import InvalidRequest, NotFound
from threadline.ids import MessageId, ThreadId
from threadline.records import Thread
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Reader, Transaction
from threadline.store.contract_reads import ReadMark


class Read(Struct, frozen=True, kw_only=True):
    """Up to where somebody has read: a seq, or a message; neither means all there is."""

    seq: int | None = None
    message_id: MessageId | None = None
    end_user_id: str | None = None


class Unread(Struct, frozen=True):
    """How far a person has read a thread, and how many messages of others come behind that."""

    thread_id: ThreadId
    end_user_id: str
    seq: int
    unread_count: int


class SeenThread(Thread, frozen=True, kw_only=True):
    """A thread as one person sees it. `unread_count` is None where nobody in particular looks."""

    unread_count: int | None = None


async def mark_read(transaction: Transaction, scope: Scope, thread_id: ThreadId, read: Read) -> Unread:
    """Store how far somebody has read; also back, to what he wants to see as unread again.

    Raises:
        NotFound: no such thread in this scope.
        InvalidRequest: no such message or person.
    """
    thread = (await transaction.thread(scope, thread_id)).thread
    person = _person(scope, thread, read)
    head = await transaction.next_seq(scope, thread_id) - 1
    seq = min(await _seq(transaction, scope, thread_id, read, head), head)
    unread = await transaction.others_behind(scope, thread_id, seq, person)
    await transaction.mark_read(scope, ReadMark(thread_id, person, seq, thread.message_count - unread))
    return Unread(thread_id, person, seq, unread)


async def as_seen(reader: Reader, scope: Scope, end_user_id: str | None, threads: Sequence[Thread]) -> list[SeenThread]:
    """Return threads with how many of their messages a person has not read: the token's, else the one that is named."""
    person = scope.end_user_id if isinstance(scope, EndUser) else end_user_id
    if person is None:
        return [SeenThread(**_fields(thread)) for thread in threads]
    read = await reader.read_marks(scope, person, [thread.id for thread in threads])
    return [
        SeenThread(**_fields(thread), unread_count=thread.message_count - read.get(thread.id, 0)) for thread in threads
    ]


def _fields(thread: Thread) -> dict[str, Any]:
    return {name: value for name, value in structs.asdict(thread).items() if name != "object"}


def _person(scope: Scope, thread: Thread, read: Read) -> str:
    person = scope.end_user_id if isinstance(scope, EndUser) else read.end_user_id or thread.end_user_id
    if person is None:
        raise InvalidRequest("A key says whose mark it is.", pointer="/end_user_id")
    if read.end_user_id not in (None, person):
        raise InvalidRequest("A token marks for its own end user only.", pointer="/end_user_id")
    return person


async def _seq(reader: Reader, scope: Scope, thread_id: ThreadId, read: Read, head: int) -> int:
    if read.message_id is None:
        return head if read.seq is None else read.seq
    try:
        message = await reader.message_of(scope, thread_id, read.message_id)
    except NotFound as error:
        raise InvalidRequest("There is no such message in this thread.", pointer="/message_id") from error
    # What is inherited stands before everything of the thread itself.
    return message.seq or 0 if message.thread_id == thread_id else 0
