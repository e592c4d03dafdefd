"""Tells one thread as an audit: who said what, what was called, who agreed to it, what it gave, what it all cost.

Made of the log, in its order, and of the rows of the tool calls. Runs stand where they end.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from threadline.cli.stored import StoredThreads
from threadline.content import Block, TextBlock, ToolResultBlock, ToolUseBlock, plain_text
from threadline.events import MessageCompleted, MessageCreated, RunCancelled, RunCompleted, RunExpired, RunFailed
from threadline.ids import ThreadId
from threadline.records import Author, Message, Run, Usage
from threadline.tool_calls import ToolCall

OUTPUT_CHARS = 600
"""How much of an input or output is shown; all of it is in the audit list of the API, and in an export."""


async def report(threads: StoredThreads, thread_id: ThreadId) -> AsyncIterator[str]:
    """Yield the report line by line. Raises CommandRefused."""
    thread = await threads.thread(thread_id)
    calls = {call.tool_use_id: call for call in await threads.calls(thread_id)}
    runs: list[Run] = []
    yield f"{thread.id}  {thread.title or '(untitled)'}  created {thread.created_at}, end user {thread.end_user_id}"
    async for entries in threads.log(thread_id, 0, thread.seq):
        for entry in entries:
            match entry.event:
                case MessageCreated(message=message):
                    for line in _said(message):
                        yield line
                case MessageCompleted(message=message):
                    for line in _answered(message, calls):
                        yield line
                case RunCompleted(run=run) | RunFailed(run=run) | RunCancelled(run=run) | RunExpired(run=run):
                    runs.append(run)
                    for line in _ended(run):
                        yield line
                case _:
                    pass
    yield ""
    for line in _sums(runs, list(calls.values())):
        yield line


def _said(message: Message) -> Iterator[str]:
    yield ""
    yield f"{message.created_at}  {_who(message.author)} says ({message.id}):"
    yield from _indented(plain_text(message.content) or f"({len(message.content)} blocks without text)", 2)


def _answered(message: Message, calls: Mapping[str, ToolCall]) -> Iterator[str]:
    yield ""
    status = "" if message.status == "complete" else f", {message.status}"
    yield f"{message.created_at}  {_who(message.author)} answers with {message.model} ({message.id}{status}):"
    for block in message.content:
        yield from _block(block, calls)


def _block(block: Block, calls: Mapping[str, ToolCall]) -> Iterator[str]:
    match block:
        case TextBlock(text=text) if text:
            yield from _indented(text, 2)
        case ToolUseBlock(id=tool_use_id) if tool_use_id in calls:
            yield from _called(calls[tool_use_id])
        case ToolUseBlock(name=name, input=value):
            yield f"  calls {name}({_json(value)})"
        case ToolResultBlock(tool_use_id=tool_use_id, content=output) if tool_use_id not in calls:
            yield f"    gave {_json(output)}"
        case _:
            pass


def _called(call: ToolCall) -> Iterator[str]:
    kind = call.kind or "no such tool"
    yield f"  calls {call.name} [{kind}] with {_json(call.input)}"
    yield f"    asked {call.requested_at}, round {call.round}, idempotency key {call.id}"
    if call.is_approved is not None and call.decided_by is not None:
        verb = "agreed" if call.is_approved else "refused"
        why = f": {call.reason}" if call.reason else ""
        yield f"    {_who(call.decided_by)} {verb} {call.decided_at}{why}"
    if call.started_at is not None:
        tries = "" if call.attempt == 1 else f", try {call.attempt} of the same call"
        yield f"    begun {call.started_at}{tries}"
    outcome = "an error" if call.is_error else "a result"
    yield f"    {call.status} {call.ended_at or ''} with {outcome}: {_json(call.output)}"


def _ended(run: Run) -> Iterator[str]:
    why = f" ({run.error.code}: {run.error.message})" if run.error else ""
    agent = f", agent {run.agent_id} version {run.agent_version}" if run.agent_id else ""
    yield f"  {run.id} {run.status}{why}, {run.model}{agent}"
    for attempt in run.attempts:
        ended = f"ended by {attempt.error.code}" if attempt.error else "ended"
        yield f"    attempt {attempt.attempt}: {attempt.started_at}, {ended} {attempt.ended_at}, {_cost(attempt.usage)}"


def _sums(runs: Sequence[Run], calls: Sequence[ToolCall]) -> Iterator[str]:
    attempts = [attempt for run in runs for attempt in run.attempts]
    known = [attempt.usage for attempt in attempts if attempt.usage is not None]
    read = sum(usage.input_tokens or 0 for usage in known)
    written = sum(usage.output_tokens or 0 for usage in known)
    unknown = len(attempts) - len(known)
    note = f"; of {unknown} attempts the cost is not known" if unknown else ""
    failed = sum(bool(call.is_error) for call in calls)
    yield f"{len(runs)} runs, {len(attempts)} attempts, {read} tokens read, {written} written{note}"
    yield f"{len(calls)} tool calls, {failed} of them with an error"


def _who(author: Author) -> str:
    name = author.name or author.id
    return f"{author.type} {name}" if name else author.type


def _cost(usage: Usage | None) -> str:
    if usage is None:
        return "cost not known"
    read, written = (_count(usage.input_tokens), _count(usage.output_tokens))
    return f"{read} tokens read, {written} written" + (" (estimated)" if usage.source == "estimated" else "")


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else str(tokens)


def _json(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= OUTPUT_CHARS else f"{text[:OUTPUT_CHARS]}… ({len(text)} characters)"


def _indented(text: str, spaces: int) -> Iterator[str]:
    for line in text.splitlines():
        yield " " * spaces + line
