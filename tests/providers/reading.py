"""Ways to read an answer in a test."""

from collections.abc import Sequence
from contextlib import aclosing

from threadline.content import Block, TextBlock
from threadline.errors import ProviderFailure
from threadline.providers.contract import (
    Chunk,
    FinishChunk,
    Prompt,
    PromptMessage,
    Provider,
    ProviderPartChunk,
    ReasoningChunk,
    SignatureChunk,
    TextChunk,
    ToolCallChunk,
    ToolInputChunk,
    UsageChunk,
)
from threadline.records import Usage


def asking(text: str = "hello", *, model: str = "m", history: Sequence[PromptMessage] = (), **more: object) -> Prompt:
    """Return a prompt in which the user says `text` after `history`."""
    messages = [*history, PromptMessage("user", [TextBlock(text)])]
    return Prompt(**{"model": model, "messages": messages, "run_id": "run_1", **more})  # type: ignore[arg-type]


def said(role: str, *blocks: Block) -> PromptMessage:
    """Return a message of the history."""
    return PromptMessage(role, blocks)  # type: ignore[arg-type]


async def read(provider: Provider, prompt: Prompt) -> list[Chunk]:
    """Read an answer to its end."""
    chunks: list[Chunk] = []
    async with aclosing(provider.stream(prompt)) as stream:
        async for some in stream:
            assert some, "an empty batch"
            chunks += some
    return chunks


async def read_failing(provider: Provider, prompt: Prompt) -> tuple[list[Chunk], ProviderFailure]:
    """Read an answer that fails. Returns what came before, and the failure."""
    chunks: list[Chunk] = []
    try:
        async with aclosing(provider.stream(prompt)) as stream:
            async for some in stream:
                chunks += some
    except ProviderFailure as failure:
        return chunks, failure
    raise AssertionError(f"it did not fail, it said: {text_of(chunks)}")


def text_of(chunks: Sequence[Chunk]) -> str:
    """Return what was said."""
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


def usage_of(chunks: Sequence[Chunk]) -> Usage | None:
    """Return the usage that counts: the last."""
    return next((chunk.usage for chunk in reversed(chunks) if isinstance(chunk, UsageChunk)), None)


def outline(chunks: Sequence[Chunk]) -> list[tuple[int | str, ...]]:
    """Return blocks as (number, kind, text), whatever pieces they came in; then the reason of the end."""
    blocks: dict[tuple[int, str], str] = {}
    found: list[tuple[int | str, ...]] = []
    for chunk in chunks:
        match chunk:
            case TextChunk(block, text):
                key = (block, "text")
            case ReasoningChunk(block, text):
                key = (block, "reasoning")
            case SignatureChunk(block, text):
                key = (block, "signature")
            case ProviderPartChunk(block, text):
                key = (block, "part")
            case ToolCallChunk(block, _, name):
                key, text = (block, f"call {name}"), ""
            case ToolInputChunk(block, text):
                key = (block, "input")
            case FinishChunk(reason):
                found.append(("finish", reason))
                continue
            case UsageChunk():
                continue
        blocks[key] = blocks.get(key, "") + text
    return [(*key, text) for key, text in blocks.items()] + found
