"""Follows a thread's log from another process than the one that writes it, and says each event in one line."""

import asyncio
from collections.abc import AsyncIterator
from typing import assert_never

from threadline.cli.stored import StoredThreads
from threadline.cli.terminal import one_line
from threadline.content import plain_text
from threadline.dialects import native
from threadline.events import (
    Entry,
    Event,
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    MessageCompleted,
    MessageCreated,
    MessageDelta,
    MessageStarted,
    MessageSuperseded,
    RunCancelled,
    RunCompleted,
    RunExpired,
    RunFailed,
    RunQueued,
    RunStarted,
    RunWaiting,
    ThreadCreated,
    ThreadDeleted,
    ThreadUpdated,
    ToolCompleted,
    ToolRequested,
    ToolStarted,
    UnknownEvent,
)
from threadline.ids import ThreadId
from threadline.records import Message, Run

POLL_SECONDS = 0.3
"""No nudge reaches us from the server's process. Three looks a second are live to the eye and nothing to the disk."""

EVENTS_SHOWN_FIRST = 10
LINE_CHARS_MAX = 200
"""Of a line that is no terminal's: it is meant for `grep`. Whoever wants all of an event takes --json."""


async def entries(threads: StoredThreads, thread_id: ThreadId, after: int | None) -> AsyncIterator[Entry]:
    """Yield the entries after the cursor, by default the last few, then the new ones until the thread is deleted.

    Raises CommandRefused.
    """
    head = (await threads.thread(thread_id)).seq
    cursor = max(head - EVENTS_SHOWN_FIRST, 0) if after is None else after
    while True:
        news = await threads.news(thread_id, cursor)
        for entry in news.entries:
            yield entry
            cursor = entry.seq
        if news.is_over:
            return
        if not news.entries:
            await asyncio.sleep(POLL_SECONDS)


def as_json(entry: Entry) -> bytes:
    """Return an entry as it goes over the wire."""
    return native.data(entry)


def as_line(entry: Entry, width: int | None) -> str:
    """Return an entry as a line: its seq, its type, and the gist of it."""
    line = f"{entry.seq:>6}  {entry.type:<18}  "
    return (line + one_line(gist(entry.event), (width or LINE_CHARS_MAX) - len(line))).rstrip()


def gist(event: Event) -> str:
    """Return what an event comes to."""
    match event:
        case ThreadCreated():
            return event.thread.title or ""
        case ThreadUpdated() | ThreadDeleted():
            return ", ".join(f"{name}: {value}" for name, value in event.thread.items())
        case MessageCreated() | MessageStarted() | MessageCompleted():
            return _message(event.message)
        case MessageDelta():
            return f"{event.kind} {event.text!r}"
        case MemberAdded() | MemberUpdated() | MemberRemoved():
            return f"{event.member.end_user_id or event.member.agent_id} ({event.member.role})"
        case MessageSuperseded():
            return f"{event.message_id} emptied by attempt {event.by_attempt}"
        case ToolRequested() | ToolStarted():
            return f"{event.name} {event.input}"
        case ToolCompleted():
            return f"{event.name} {'failed' if event.is_error else 'answered'}: {event.output}"
        case RunQueued() | RunStarted() | RunWaiting() | RunCompleted() | RunFailed() | RunCancelled() | RunExpired():
            return _run(event.run)
        case UnknownEvent():
            return event.body.decode(errors="replace")
        case _:
            assert_never(event)


def _message(message: Message) -> str:
    parts = [message.id, message.role, *([message.status] if message.status != "complete" else [])]
    return " ".join([*parts, plain_text(message.content)])


def _run(run: Run) -> str:
    why = f"{run.error.code}: {run.error.message}" if run.error is not None else ""
    attempt = f"attempt {run.attempt}" if run.attempt > 1 else ""
    return " ".join(part for part in (run.id, run.model, attempt, why) if part)
