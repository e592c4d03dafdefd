"""The state of a thread at its newest seq: rows for what is settled, the log for what is being said.

Rows are exact up to the thread's last event that was not a delta. From there the log is folded, with the same fold that
a client uses, so `events?after=seq` goes on without a gap.
"""

from collections.abc import Sequence

from msgspec import Struct, structs

from threadline.events import Entry, MessageDelta, MessageSuperseded, ToolCompleted, ToolRequested
from threadline.fold import ThreadState
from threadline.ids import ThreadId
from threadline.records import Message, Run, Thread
from threadline.room_records import Member
from threadline.scopes import Scope
from threadline.store.contract import Reader, ThreadRow
from threadline.store.contract_branches import BranchQuery


class Snapshot(Struct, frozen=True):
    """The fold of the log up to `seq`; `messages` are the latest ones of the active branch, oldest first."""

    thread: Thread
    messages: Sequence[Message]
    runs: list[Run]
    has_more: bool
    seq: int
    members: list[Member] = []


async def snapshot(reader: Reader, scope: Scope, thread_id: ThreadId, limit: int) -> Snapshot:
    """Read the state. One consistent snapshot of the store. Raises NotFound."""
    row = await reader.thread(scope, thread_id)
    messages: list[Message] = []
    if row.thread.tip_message_id is not None:
        query = BranchQuery(row.thread.tip_message_id, limit=limit + 1)
        messages = (await reader.branch(scope, thread_id, query))[::-1]
    has_more = len(messages) > limit
    messages = messages[-limit:]
    runs = [open_run.run for open_run in await reader.open_runs(scope, thread_id)]
    members = await reader.members(scope, thread_id)
    state = await _live(reader, scope, row, messages, runs, members)
    thread = state.thread
    assert thread is not None, "read above"
    return Snapshot(thread, state.messages, state.runs, has_more, state.seq, state.members)


async def with_words(
    reader: Reader, scope: Scope, thread_id: ThreadId, messages: Sequence[Message]
) -> Sequence[Message]:
    """Return messages of a thread with the text so far of the one in progress. Raises NotFound."""
    if all(message.status != "streaming" for message in messages):
        return messages
    row = await reader.thread(scope, thread_id)
    state = await _live(reader, scope, row, messages, [])
    live = {message.id: message for message in state.known}
    return [live[message.id] for message in messages]


async def _live(
    reader: Reader,
    scope: Scope,
    row: ThreadRow,
    messages: Sequence[Message],
    runs: Sequence[Run],
    members: Sequence[Member] = (),
) -> ThreadState:
    """Return the state at the head of the log: what the rows say, and what was said since."""
    settled = row.thread.seq
    # The row of an answer in progress holds what the next attempt would keep of it; the log has all of it.
    messages = [structs.replace(each, content=[]) if each.status == "streaming" else each for each in messages]
    state = ThreadState(row.thread, messages, runs, settled, members)
    head = await reader.head(scope, row.thread.id)
    for entry in await reader.log(scope, row.thread.id, _start_of_live(messages, settled), head):
        _replay(state, entry, settled)
    return state


def _start_of_live(messages: Sequence[Message], settled: int) -> int:
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
