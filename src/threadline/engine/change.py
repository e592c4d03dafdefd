"""Begins and changes threads: the row, and the event that tells of it, in one transaction."""

from typing import Any

from msgspec import structs

from threadline.events import ThreadCreated, ThreadUpdated
from threadline.ids import ThreadId
from threadline.records import Thread
from threadline.scopes import Scope
from threadline.store.contract import ThreadRow, Transaction


async def insert_thread(transaction: Transaction, scope: Scope, row: ThreadRow) -> None:
    """Store a new thread with its first event."""
    await transaction.insert_thread(scope, structs.replace(row, thread=structs.replace(row.thread, seq=0)))
    seq = await transaction.append(scope, row.thread.id, ThreadCreated(row.thread), None)
    assert seq == row.thread.seq == 1, "thread.created is the first event"


async def change_thread(transaction: Transaction, scope: Scope, thread_id: ThreadId, changed: dict[str, Any]) -> Thread:
    """Change a thread's fields; what is as it was is no event. Raises NotFound."""
    row = await transaction.thread(scope, thread_id)
    changed = {name: value for name, value in changed.items() if getattr(row.thread, name) != value}
    if changed:
        thread = structs.replace(row.thread, **changed)
        await transaction.save_thread(scope, structs.replace(row, thread=thread))
        await transaction.append(scope, thread_id, ThreadUpdated(changed), None)
    return (await transaction.thread(scope, thread_id)).thread
