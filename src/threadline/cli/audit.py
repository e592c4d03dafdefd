"""Tells one thread as an audit: who said what, what was called, who agreed to it, what it gave, what it all cost.

Made of the log, in its order, and of the rows of the tool calls. Runs stand where they end.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import structs

from threadline.api.web.prices import cost_of_attempt
from threadline.cli.stored import StoredThreads
from threadline.content import Block, TextBlock, ToolResultBlock, ToolUseBlock, plain_text
from threadline.engine.audit import Answered, Ended, Part, Said, Spent, Sums, parts, sums_of
from threadline.ids import ThreadId
from threadline.records import Author, Message, Usage
from threadline.tool_calls import ToolCall

OUTPUT_CHARS = 600
"""How much of an input or output is shown; all of it is in the audit list of the API, and in an export."""


async def report(threads: StoredThreads, thread_id: ThreadId) -> AsyncIterator[str]:
    """Yield the report line by line. Raises CommandRefused."""
    thread = await threads.thread(thread_id)
    calls = {call.tool_use_id: call for call in await threads.calls(thread_id)}
    told: list[Part] = []
    yield f"{thread.id}  {thread.title or '(untitled)'}  created {thread.created_at}, end user {thread.end_user_id}"
    async for entries in threads.log(thread_id, 0, thread.seq):
        for part in parts(entries, calls, cost_of_attempt):
            told.append(_light(part))
            for line in _told(part, calls):
                yield line
    yield ""
    for line in _sums(sums_of(told)):
        yield line


def _light(part: Part) -> Part:
    """Return what the sums need of a part: a long thread's words are not kept for them."""
    if isinstance(part, Ended):
        return part
    return structs.replace(part, message=structs.replace(part.message, content=[]))


def _told(part: Part, calls: Mapping[str, ToolCall]) -> Iterator[str]:
    match part:
        case Said(message=message):
            yield from _said(message)
        case Answered(message=message):
            yield from _answered(message, calls)
        case Ended():
            yield from _ended(part)


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


def _ended(part: Ended) -> Iterator[str]:
    run = part.run
    why = f" ({run.error.code}: {run.error.message})" if run.error else ""
    agent = f", agent {run.agent_id} version {run.agent_version}" if run.agent_id else ""
    yield f"  {run.id} {run.status}{why}, {run.model}{agent}"
    for attempt, spent in zip(run.attempts, part.costs, strict=True):
        ended = f"ended by {attempt.error.code}" if attempt.error else "ended"
        times = f"{attempt.started_at}, {ended} {attempt.ended_at}"
        yield f"    attempt {attempt.attempt}: {times}, {_cost(attempt.usage, spent)}"


def _sums(sums: Sums) -> Iterator[str]:
    unknown = sums.attempts - sums.known
    note = f"; of {unknown} attempts the cost is not known" if unknown else ""
    price = "" if sums.cost_usd is None else f", ${sums.cost_usd}"
    read, written = sums.input_tokens, sums.output_tokens
    yield f"{sums.runs} runs, {sums.attempts} attempts, {read} tokens read, {written} written{price}{note}"
    yield f"{sums.tool_calls} tool calls, {sums.failed_tool_calls} of them with an error"


def _who(author: Author) -> str:
    name = author.name or author.id
    return f"{author.type} {name}" if name else author.type


def _cost(usage: Usage | None, spent: Spent) -> str:
    if usage is None:
        return "cost not known"
    read, written = (_count(usage.input_tokens), _count(usage.output_tokens))
    price = "" if spent.cost_usd is None else f", ${spent.cost_usd}"
    return f"{read} tokens read, {written} written" + (" (estimated)" if usage.source == "estimated" else "") + price


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else str(tokens)


def _json(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= OUTPUT_CHARS else f"{text[:OUTPUT_CHARS]}… ({len(text)} characters)"


def _indented(text: str, spaces: int) -> Iterator[str]:
    for line in text.splitlines():
        yield " " * spaces + line
