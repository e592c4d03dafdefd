"""Content blocks: what a message is made of, whoever wrote it and whichever vendor it came from.

One shape for all vendors: an adapter turns these into its vendor's form and back. What only one vendor understands
(a signature, an encrypted thought) is kept byte for byte and given back to that vendor alone.
"""

import math
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from threadline.limits import CONTENT_BLOCKS_MAX, CONTENT_TEXT_CHARS_MAX, JSON_DEPTH_MAX

Text = Annotated[str, Meta(max_length=CONTENT_TEXT_CHARS_MAX)]
ShortText = Annotated[str, Meta(max_length=1024)]


class TextBlock(Struct, frozen=True, tag_field="type", tag="text", forbid_unknown_fields=True):
    """Plain or Markdown text."""

    text: Text


class UrlSource(Struct, frozen=True, tag_field="type", tag="url", forbid_unknown_fields=True):
    """Bytes that live at an https address."""

    url: Annotated[str, Meta(min_length=1, max_length=8192, pattern="^https?://")]


class Base64Source(Struct, frozen=True, tag_field="type", tag="base64", forbid_unknown_fields=True):
    """Bytes that are carried along."""

    media_type: Annotated[str, Meta(max_length=255, pattern="^[a-z]+/[a-zA-Z0-9.+-]+$")]
    data: Annotated[str, Meta(min_length=1, pattern="^[A-Za-z0-9+/]+={0,2}$")]


class FileSource(Struct, frozen=True, tag_field="type", tag="file", forbid_unknown_fields=True):
    """Bytes that were uploaded before, or moved out of a message because they are many."""

    file_id: Annotated[str, Meta(min_length=1, max_length=64)]


Source = UrlSource | Base64Source | FileSource


class ImageBlock(Struct, frozen=True, tag_field="type", tag="image", forbid_unknown_fields=True):
    """A picture."""

    source: Source


class FileBlock(Struct, frozen=True, tag_field="type", tag="file", forbid_unknown_fields=True, omit_defaults=True):
    """A document."""

    source: Source
    name: ShortText | None = None


class ReasoningBlock(
    Struct, frozen=True, tag_field="type", tag="reasoning", forbid_unknown_fields=True, omit_defaults=True
):
    """What a model thought aloud. `signature` is its vendor's seal, byte for byte; `provider` says whose."""

    text: Text
    signature: str | None = None
    provider: ShortText | None = None


class ToolUseBlock(Struct, frozen=True, tag_field="type", tag="tool_use", forbid_unknown_fields=True):
    """A model asks for a tool. `input` is any JSON value."""

    id: ShortText
    name: ShortText
    input: Any


class ToolResultBlock(Struct, frozen=True, tag_field="type", tag="tool_result", forbid_unknown_fields=True):
    """What the tool answered. `content` is text or any JSON value."""

    tool_use_id: ShortText
    content: Any
    is_error: bool = False


class ProviderBlock(Struct, frozen=True, tag_field="type", tag="provider", forbid_unknown_fields=True):
    """A part that only `provider` understands. `data` is its JSON text, byte for byte."""

    provider: ShortText
    data: str


Block = TextBlock | ImageBlock | FileBlock | ReasoningBlock | ToolUseBlock | ToolResultBlock | ProviderBlock
Content = Annotated[list[Block], Meta(min_length=1, max_length=CONTENT_BLOCKS_MAX)]

PersonBlock = TextBlock | ImageBlock | FileBlock
"""What a person may send. The other kinds only come from models, or from a server that moves history in."""

ContentView = Literal["user", "audit"]


def visible(content: list[Block], view: ContentView, *, keep_places: bool = False) -> list[Block]:
    """Return what a reader of this view is meant to see: a person sees no tool traffic and no vendor seals.

    `keep_places` leaves an empty text where something is not shown: deltas name their block by its place.
    """
    if view == "audit":
        return content
    shown: list[Block] = []
    for block in content:
        match block:
            case ToolUseBlock() | ToolResultBlock() | ProviderBlock():
                if keep_places:
                    shown.append(TextBlock(text=""))
            case ReasoningBlock():
                shown.append(ReasoningBlock(text=block.text))
            case _:
                shown.append(block)
    return shown


def plain_text(content: list[Block]) -> str:
    """Join the text blocks, for a terminal, a title or a search index."""
    return "\n\n".join(block.text for block in content if isinstance(block, TextBlock))


def storable(text: str) -> str:
    """Return foreign text as it can be stored everywhere.

    PostgreSQL refuses NUL in JSON, and a lone surrogate is no UTF-8. Both become U+FFFD, where a reader sees that
    something stood there. Used on what providers say; what people send with either is refused instead.
    """
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def storable_json(value: Any, depth: int = 0) -> Any:
    """Return a foreign JSON value as it can be stored everywhere. Raises ValueError where it nests too deep."""
    if depth > JSON_DEPTH_MAX:
        raise ValueError("nested too deep")
    match value:
        case str():
            return storable(value)
        case list():
            return [storable_json(item, depth + 1) for item in value]
        case dict():
            return {storable(name): storable_json(item, depth + 1) for name, item in value.items()}
        case float() if not math.isfinite(value):
            return None
        case int() if not -(2**63) <= value < 2**64:
            return float(value) if abs(value) < 1e300 else None
        case _:
            return value
