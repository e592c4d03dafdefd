"""The vendors' own SDKs agree: our requests are of their types, and what we test our decoders with is of theirs too."""

from typing import Any

import anthropic.types as anthropic_types
import msgspec
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import TypeAdapter

from threadline.content import (
    Base64Source,
    FileBlock,
    ImageBlock,
    ProviderBlock,
    ReasoningBlock,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from threadline.providers.anthropic import AnthropicAdapter
from threadline.providers.contract import Prompt
from threadline.providers.failures import Failures
from threadline.providers.openai import OpenAIAdapter

from .reading import said
from .speech import anthropic_stream, openai_stream
from .vendor import Answer, Vendor

STEPS: list[dict[str, Any]] = [{"think": "hm"}, {"say": "Hello you"}, {"call": "now", "input": {"zone": "UTC"}}]

PROMPT = Prompt(
    "model",
    [
        said("system", TextBlock("be brief")),
        said(
            "user",
            TextBlock("look"),
            ImageBlock(UrlSource("https://x.test/a.png")),
            ImageBlock(Base64Source("image/png", "iVBO")),
            FileBlock(Base64Source("application/pdf", "JVBE"), "a.pdf"),
        ),
        said(
            "assistant",
            ReasoningBlock("hm", signature="s", provider="anthropic"),
            ProviderBlock("anthropic", '{"type":"redacted_thinking","data":"x"}'),
            TextBlock("I'll see."),
            ToolUseBlock("call_1", "now", {"zone": "UTC"}),
            ToolResultBlock("call_1", {"time": "12:00"}, is_error=True),
            TextBlock("No."),
        ),
        said("system", TextBlock("be kind")),
        said("user", TextBlock("thanks")),
    ],
    instructions="You help.",
    max_output_tokens=3000,
    temperature=0.5,
    tools=[{"name": "now", "description": "Time.", "input_schema": {"type": "object"}}],
    run_id="run_1",
)


def strictly(kind: Any, body: bytes) -> None:
    """Check a request body against an SDK's type, which forbids fields that it does not know."""
    TypeAdapter(kind).validate_json(body, strict=True, extra="forbid")


@pytest.mark.parametrize("base_url", ["https://api.openai.com/v1", "https://api.mistral.ai/v1"])
def test_openai_takes_our_request(base_url: str) -> None:
    """The body is of the SDK's own type, for a conversation with everything in it."""
    strictly(CompletionCreateParamsStreaming, OpenAIAdapter("openai", base_url, Failures("x")).request(PROMPT).body)


@pytest.mark.parametrize("thinking", [None, 2000])
def test_anthropic_takes_our_request(thinking: int | None) -> None:
    """The body is of the SDK's own type, with its own sealed parts in it, thinking or not."""
    adapter = AnthropicAdapter("anthropic", "http://x", Failures("x"), thinking_budget_tokens=thinking)
    # The SDK speaks API version 2026-10-21, which knows no temperature any more; ours does.
    prompt = msgspec.structs.replace(PROMPT, temperature=None)
    strictly(anthropic_types.message_create_params.MessageCreateParamsStreaming, adapter.request(prompt).body)


def test_openai_sends_what_we_test_with() -> None:
    """The events of our fake vendor are of the SDK's own type."""
    for event in openai_stream(STEPS)[:-1]:
        ChatCompletionChunk.model_validate_json(event.removeprefix(b"data: "), strict=True)


def test_anthropic_sends_what_we_test_with() -> None:
    """And so are those in Anthropic's form."""
    kind: TypeAdapter[Any] = TypeAdapter(anthropic_types.RawMessageStreamEvent)
    for event in anthropic_stream(STEPS):
        data = event.split(b"data: ", 1)[1]
        if msgspec.json.decode(data)["type"] != "ping":
            kind.validate_json(data, strict=True)


async def test_the_sdks_read_our_vendor_as_we_do(vendor: Vendor) -> None:
    """The same bytes say the same to the vendors' own clients."""
    vendor.play(Answer(openai_stream(STEPS)), Answer(anthropic_stream(STEPS)))
    async with AsyncOpenAI(base_url=f"{vendor.url}/v1", api_key="k") as client:
        stream = await client.chat.completions.create(model="m", messages=[], stream=True)
        words = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    assert "".join(words) == "Hello you"
    async with AsyncAnthropic(base_url=vendor.url, api_key="k") as claude:
        message = {"role": "user", "content": "x"}
        async with claude.messages.stream(model="m", max_tokens=9, messages=[message]) as events:  # type: ignore[list-item]
            whole = await events.get_final_message()
    assert [block.type for block in whole.content] == ["thinking", "text", "tool_use"]
    assert whole.content[2].input == {"zone": "UTC"}  # type: ignore[union-attr]
