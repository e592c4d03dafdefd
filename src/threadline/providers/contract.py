"""A token, stop 1 of 8: vendor's bytes become chunks. Before: the vendor; next: `engine/turn.py`.

Every provider is one class with `stream`. What it raises is a `ProviderFailure` of `errors.py`, whatever its vendor's
error looked like. It retries by itself, but only before the first chunk: after it, a word may have been seen.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from msgspec import Struct

from threadline.content import Block, FileBlock, ImageBlock, Source
from threadline.records import ToolChoice, Usage

FinishReason = Literal["stop", "length", "tool_use", "refusal", "other"]


class TextChunk(Struct, frozen=True, gc=False):
    """More text of block number `block`. Blocks count from 0 in one answer."""

    block: int
    text: str


class ReasoningChunk(Struct, frozen=True, gc=False):
    """More reasoning of block number `block`."""

    block: int
    text: str


class SignatureChunk(Struct, frozen=True):
    """The vendor's seal on reasoning block `block`, whole or the next part of it; kept byte for byte.

    May be all there is of its block: some vendors seal a thought that they do not show.
    """

    block: int
    signature: str


class ProviderPartChunk(Struct, frozen=True):
    """A whole part that only this vendor understands; `data` is its JSON text, byte for byte."""

    block: int
    data: str


class ToolCallChunk(Struct, frozen=True):
    """The model begins to ask for tool `name`; its input follows."""

    block: int
    tool_use_id: str
    name: str


class ToolInputChunk(Struct, frozen=True, gc=False):
    """More of the JSON text of a tool's input. A call that was given nothing has the text `{}`, never no text."""

    block: int
    text: str


class UsageChunk(Struct, frozen=True):
    """What the answer has cost so far. A later one replaces an earlier one."""

    usage: Usage


class FinishChunk(Struct, frozen=True):
    """The answer is whole. Always the last chunk; a stream that ends without it was cut."""

    reason: FinishReason


Chunk = (
    TextChunk
    | ReasoningChunk
    | SignatureChunk
    | ProviderPartChunk
    | ToolCallChunk
    | ToolInputChunk
    | UsageChunk
    | FinishChunk
)


class PromptMessage(Struct, frozen=True):
    """One message of the history. An assistant's content may hold tool_use and tool_result blocks, well paired."""

    role: Literal["user", "assistant", "system"]
    content: Sequence[Block]


class Prompt(Struct, frozen=True):
    """All that a model is given.

    Its pictures and files are in forms that its provider takes (`providers/files.py`): inline, at an address, or in the
    vendor's own store, where the `file_id` of a source is the vendor's. `model` is the vendor's own name. Each of
    `tools` is `{name, description, input_schema}`, the last a JSON Schema.
    `run_id` only goes into logs, request ids, and the ids of tool calls whose vendor gives them none.
    """

    model: str
    messages: Sequence[PromptMessage]
    instructions: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    tools: Sequence[dict[str, Any]] = ()
    tool_choice: ToolChoice = "auto"
    run_id: str = ""


def sources_of(prompt: Prompt) -> Iterator[Source]:
    """Yield the sources of the pictures and files in a prompt, oldest first."""
    for message in prompt.messages:
        for block in message.content:
            if isinstance(block, ImageBlock | FileBlock):
                yield block.source


class Provider(Protocol):
    """A vendor's API.

    `name` is the configured one. Reasoning, signatures and parts are stored with it (`ReasoningBlock.provider`,
    `ProviderBlock.provider`), and what is sealed goes back only to the provider of the same name.
    """

    name: str

    def stream(self, prompt: Prompt) -> AsyncGenerator[Sequence[Chunk], None]:
        """Ask the model. Yields what has arrived, at least one chunk a time, in order; the last is a `FinishChunk`.

        Closing the iterator (or cancelling its reader) closes the connection to the vendor.

        Raises:
            ProviderFailure: in one of its subclasses. `ProviderTimeout` is left to the reader, who knows how
                long it wants to wait.
        """
        ...

    async def close(self) -> None:
        """Close the warm connections."""
        ...


Poll = Callable[[], Sequence[Chunk] | None]
"""`Polled.poll` of one answer."""


@runtime_checkable
class Polled(Protocol):
    """What `stream` may return beside being a generator: an answer that can be read without waking anybody.

    At a hundred tokens a second and answer, waking a task for each of them costs more than reading them.
    """

    def poll(self) -> Sequence[Chunk] | None:
        """Return what has arrived since the last read, which may be nothing; never waits and never raises.

        Only while the generator rests, which is after it has yielded and before it is asked again. None: nothing more
        comes this way; ask the generator.
        """
        ...
