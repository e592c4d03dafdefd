"""Content blocks: what a message is made of. One closed union for writing, an open one for reading.

Blocks that were read can be sent again: a block of a kind that this version does not know, and unknown fields of one
that it knows, come out as they went in.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from threadline.client.decode import Model, one, plain, prepare, read

TEXT_BLOCK_SEPARATOR = "\n\n"
"""What stands between two text blocks when a message is shown as one text. The server joins them in the same way."""


class TextBlock(Model, frozen=True, kw_only=True):
    """Plain or Markdown text."""

    type: Literal["text"] = "text"
    text: str


class Source(Model, frozen=True, kw_only=True):
    """Where bytes are: `url`, or `media_type` and `data` in base64, or `file_id`. `type`: `url`, `base64`, `file`."""

    type: str
    url: str | None = None
    media_type: str | None = None
    data: str | None = None
    file_id: str | None = None


class ImageBlock(Model, frozen=True, kw_only=True):
    """A picture."""

    type: Literal["image"] = "image"
    source: Source


class FileBlock(Model, frozen=True, kw_only=True):
    """A document."""

    type: Literal["file"] = "file"
    source: Source | None = None
    name: str | None = None


class ReasoningBlock(Model, frozen=True, kw_only=True):
    """What a model thought aloud. `signature` is its vendor's seal, byte for byte."""

    type: Literal["reasoning"] = "reasoning"
    text: str
    signature: str | None = None


class ToolUseBlock(Model, frozen=True, kw_only=True):
    """A model asks for a tool. `input` is any JSON value."""

    type: Literal["tool_use"] = "tool_use"
    id: str
    name: str
    input: Any


class ToolResultBlock(Model, frozen=True, kw_only=True):
    """What the tool answered. `content` is text or any JSON value."""

    type: Literal["tool_result"] = "tool_result"
    tool_use_id: str
    content: Any
    is_error: bool = False


class UnknownBlock(Model, frozen=True, kw_only=True):
    """A block of a kind that this version does not know. All of it but its type is in `extra`."""

    type: str


Block = TextBlock | ImageBlock | FileBlock | ReasoningBlock | ToolUseBlock | ToolResultBlock | UnknownBlock
Content = str | Sequence[Block | Mapping[str, Any]]
"""What may be sent: text, or blocks, as models or as plain JSON objects."""

_KINDS: Mapping[object, type[Block]] = {
    "text": TextBlock,
    "image": ImageBlock,
    "file": FileBlock,
    "reasoning": ReasoningBlock,
    "tool_use": ToolUseBlock,
    "tool_result": ToolResultBlock,
}

prepare(ImageBlock, source=one(Source))
prepare(FileBlock, source=one(Source))


def read_block(raw: object) -> Block:
    """Build a block from decoded JSON. Raises `UnexpectedAnswer` when it is no block."""
    kind = _KINDS.get(raw.get("type"), UnknownBlock) if isinstance(raw, dict) else UnknownBlock
    return read(kind, raw)


def content_json(content: Content) -> object:
    """Return the JSON value of what is to be sent."""
    return content if isinstance(content, str) else plain(content)


def joined_text(blocks: Sequence[Block]) -> str:
    """Join the text blocks that have text in them: what a person reads."""
    return TEXT_BLOCK_SEPARATOR.join(block.text for block in blocks if isinstance(block, TextBlock) and block.text)
