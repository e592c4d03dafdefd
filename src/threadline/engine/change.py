"""Changes the fields of a thread: the row, and the event that tells of it, in one transaction."""

from typing import Any

from msgspec import structs

from threadline.events import ThreadUpdated
from threadline.ids import ThreadId
from threadline.records import Thread
from threadline.scopes import Scope
from threadline.store.contract import Transaction


async def change_thread(transaction: Transaction, scope: Scope, thread_id: ThreadId, changed: dict[str, Any]) -> Thread:
    """Change a thread's fields; what is as it was is no event. Raises NotFound."""
    row = await transaction.thread(scope, thread_id)
    changed = {name: value for name, value in changed.items() if getattr(row.thread, name) != value}
    if changed:
        thread = structs.replace(row.thread, **changed)
        await transaction.save_thread(scope, structs.replace(row, thread=thread))
        await transaction.append(scope, thread_id, ThreadUpdated(changed), None)
    return (await transaction.thread(scope, thread_id)).thread
