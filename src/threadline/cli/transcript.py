"""Messages of the store as people read them: on a terminal, and as Markdown. Pure."""

from typing import assert_never

import msgspec

from threadline.cli.terminal import local_time, one_line
from threadline.content import (
    Base64Source,
    Block,
    FileBlock,
    FileSource,
    ImageBlock,
    ProviderBlock,
    ReasoningBlock,
    Source,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from threadline.limits import TITLE_CHARS_MAX
from threadline.records import Message, Thread


def heading(message: Message) -> str:
    """Say in one line who wrote a message, when, and what became of it: `assistant · demo/echo · 2026-01-01 …`."""
    who = message.role if message.author.id is None else f"{message.role} ({message.author.id})"
    parts = [who, *([message.model] if message.model else []), local_time(message.created_at)]
    if message.status != "complete":
        parts.append(message.status)
    return " · ".join(parts)


def body(message: Message) -> str:
    """Return what a message says, its blocks one after the other, and why it failed if it did."""
    parts = [shown for block in message.content if (shown := _shown(block))]
    if message.error is not None:
        parts.append(f"[{message.error.message} ({message.error.code})]")
    return "\n\n".join(parts)


def markdown_head(thread: Thread) -> str:
    """Return how a thread begins as a Markdown document."""
    title = one_line(thread.title or "Untitled thread", TITLE_CHARS_MAX)
    return f"# {title}\n\nThread `{thread.id}`, begun {thread.created_at}.\n"


def markdown_of(message: Message) -> str:
    """Return one message as a section of a Markdown document."""
    return f"\n## {heading(message)}\n\n{body(message)}\n"


def _shown(block: Block) -> str:
    match block:
        case TextBlock():
            return block.text
        case ImageBlock():
            return f"[image: {_source(block.source)}]"
        case FileBlock():
            name = "" if block.name is None else f"{block.name}, "
            return f"[file: {name}{_source(block.source)}]"
        case ReasoningBlock():
            return _quoted("reasoning", block.text) if block.text else ""
        case ToolUseBlock():
            return f"[calls {block.name} {_compact(block.input)}]"
        case ToolResultBlock():
            return f"[{'the tool failed' if block.is_error else 'the tool answered'}: {_compact(block.content)}]"
        case ProviderBlock():
            return ""
        case _:
            assert_never(block)


def _source(source: Source) -> str:
    match source:
        case UrlSource():
            return source.url
        case FileSource():
            return source.file_id
        case Base64Source():
            return f"{source.media_type}, {len(source.data) * 3 // 4} bytes"


def _quoted(title: str, text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in (f"({title})", *text.splitlines()))


def _compact(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
