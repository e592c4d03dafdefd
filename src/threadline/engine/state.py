"""The state of a thread at its newest seq: rows for what is settled, the log for what is being said.

Rows are exact up to the thread's last event that was not a delta. From there the log is folded, with the same fold that
a client uses, so `events?after=seq` goes on without a gap.
"""

from msgspec import Struct

from threadline.events import Entry, MessageDelta, MessageSuperseded, ToolCompleted, ToolRequested
from threadline.fold import ThreadState
from threadline.ids import ThreadId
from threadline.records import Message, Run, Thread
from threadline.scopes import Scope
from threadline.store.contract import MessageQuery, Reader


class Snapshot(Struct, frozen=True):
    """The fold of the log up to `seq`; `messages` are the latest ones, oldest first."""

    thread: Thread
    messages: list[Message]
    runs: list[Run]
    has_more: bool
    seq: int


async def snapshot(reader: Reader, scope: Scope, thread_id: ThreadId, limit: int) -> Snapshot:
    """Read the state. One consistent snapshot of the store. Raises NotFound."""
    row = await reader.thread(scope, thread_id)
    query = MessageQuery(descending=True, limit=limit + 1)
    messages = (await reader.messages(scope, thread_id, query))[::-1]
    has_more = len(messages) > limit
    messages = messages[-limit:]
    runs = [open_run.run for open_run in await reader.open_runs(scope, thread_id)]
    state = ThreadState(row.thread, messages, runs, row.thread.seq)
    head = await reader.head(scope, thread_id)
    for entry in await reader.log(scope, thread_id, _start_of_live(messages, row.thread.seq), head):
        _replay(state, entry, row.thread.seq)
    thread = state.thread
    assert thread is not None, "read above"
    return Snapshot(thread, state.messages, state.runs, has_more, state.seq)


def _start_of_live(messages: list[Message], settled: int) -> int:
    live = [message.seq for message in messages if message.status == "streaming" and message.seq is not None]
    return min(live, default=settled)


def _replay(state: ThreadState, entry: Entry, settled: int) -> None:
    if entry.seq > settled:
        state.apply(entry)
        return
    # Rows know everything up to here but the text that is not whole yet.
    match entry.event:
        case MessageDelta() | MessageSuperseded() | ToolRequested() | ToolCompleted():
            state.apply_to_message(entry.event)
        case _:
            pass
