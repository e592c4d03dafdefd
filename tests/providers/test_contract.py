"""What every provider promises, whichever vendor is behind it: one suite, three implementations."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import msgspec
import pytest

from support.waiting import PATIENCE_SECONDS
from threadline.clock import ManualClock
from threadline.content import ReasoningBlock, ToolResultBlock, ToolUseBlock, storable
from threadline.errors import ProviderFailure
from threadline.providers.contract import (
    Chunk,
    FinishChunk,
    Prompt,
    PromptMessage,
    Provider,
    ReasoningChunk,
    TextChunk,
    ToolCallChunk,
    ToolInputChunk,
    UsageChunk,
)
from threadline.providers.registry import Registry
from threadline.providers.scripted import ScriptedProvider

from .conftest import MakeProvider
from .reading import asking, outline, read, read_failing, said, text_of, usage_of
from .speech import ANTHROPIC_ERRORS, OPENAI_ERRORS, Step, anthropic_stream, openai_stream
from .vendor import Answer, Vendor

CODES = sorted(OPENAI_ERRORS)


@dataclass
class Stage:
    """A provider that says what it is told."""

    provider: Provider
    told: Callable[[list[Step], Sequence[PromptMessage]], Prompt]

    def prompt(self, *steps: Step, history: Sequence[PromptMessage] = ()) -> Prompt:
        """Tell it what to say; returns the prompt that makes it say so."""
        return self.told(list(steps), history)

    async def play(self, *steps: Step) -> list[Chunk]:
        """Let it say the steps, and read them."""
        return await read(self.provider, self.prompt(*steps))


def _scripted() -> Stage:
    def told(steps: list[Step], history: Sequence[PromptMessage]) -> Prompt:
        return asking(msgspec.json.encode({"steps": steps}).decode(), model="script@max", history=history)

    return Stage(ScriptedProvider("demo"), told)


def _remote(kind: str, vendor: Vendor, make_provider: MakeProvider) -> Stage:
    errors, speak = (OPENAI_ERRORS, openai_stream) if kind == "openai" else (ANTHROPIC_ERRORS, anthropic_stream)

    def told(steps: list[Step], history: Sequence[PromptMessage]) -> Prompt:
        if "fail" in steps[0]:
            status, name = errors[steps[0]["fail"]]
            body = msgspec.json.encode({"error": {"type": name, "message": "no"}})
            vendor.play(Answer([body], status=status, content_type="application/json"))
        elif steps[-1] == {"stall": True}:
            vendor.play(Answer([b"".join(speak([*steps[:-1], {"cut": True}]))], ending="hang"))
        else:
            vendor.play(Answer(speak(steps)))
        return asking(history=history)

    return Stage(make_provider(kind, retries=0), told)


@pytest.fixture(params=["scripted", "openai", "anthropic"])
def stage(request: pytest.FixtureRequest, vendor: Vendor, make_provider: MakeProvider) -> Stage:
    """Every implementation in its turn."""
    return _scripted() if request.param == "scripted" else _remote(request.param, vendor, make_provider)


async def test_words_arrive_in_order_and_a_finish_comes_last(stage: Stage) -> None:
    """The text is the vendor's, to the letter; the last chunk is the only finish."""
    text = "Grüße, 世界! \U0001f600 | tab\t, line\n, end. "
    chunks = await stage.play({"say": text})
    assert text_of(chunks) == text
    assert chunks[-1] == FinishChunk("stop")
    assert sum(isinstance(chunk, FinishChunk) for chunk in chunks) == 1


async def test_every_token_stays_a_chunk_of_its_own(stage: Stage) -> None:
    """What the vendor sent apart is not glued together here: joining is the batch's business."""
    chunks = await stage.play({"say": "one two three"})
    assert [chunk.text for chunk in chunks if isinstance(chunk, TextChunk)] == ["one", " two", " three"]


async def test_blocks_are_numbered_from_zero_in_order_of_appearance(stage: Stage) -> None:
    """Reasoning, text and a tool call are three blocks, without a gap."""
    chunks = await stage.play({"think": "hm hm"}, {"say": "well"}, {"call": "clock", "input": {"zone": "UTC"}})
    assert outline(chunks) == [
        (0, "reasoning", "hm hm"),
        (1, "text", "well"),
        (2, "call clock", ""),
        (2, "input", '{"zone":"UTC"}'),
        ("finish", "tool_use"),
    ]


async def test_calls_asked_together_keep_apart(stage: Stage) -> None:
    """Two calls of one answer have their own blocks, ids and inputs."""
    chunks = await stage.play({"call": "first", "input": {"n": 1}}, {"call": "second", "input": {"n": 2}})
    assert outline(chunks) == [
        (0, "call first", ""),
        (0, "input", '{"n":1}'),
        (1, "call second", ""),
        (1, "input", '{"n":2}'),
        ("finish", "tool_use"),
    ]
    assert len(_call_ids(chunks)) == 2


async def test_a_call_without_input_has_an_empty_object(stage: Stage) -> None:
    """The input's text is always JSON, so that nobody has to ask what nothing means."""
    chunks = await stage.play({"call": "now"})
    assert (0, "input", "{}") in outline(chunks)


async def test_ids_of_calls_stand_once_in_a_conversation(stage: Stage) -> None:
    """The second step of a tool loop does not repeat an id of the first, even where the vendor does."""
    steps: list[Step] = [{"call": "now"}, {"call": "now"}]
    first = await stage.play(*steps)
    done = [
        block
        for call_id in _call_ids(first)
        for block in (ToolUseBlock(call_id, "now", {}), ToolResultBlock(call_id, "12:00"))
    ]
    # The scripted provider goes on behind the calls that are answered; two new ones make it ask again.
    history = [said("user", *asking("time?").messages[-1].content), said("assistant", *done)]
    second = await read(stage.provider, stage.prompt(*steps, history=history))
    assert len(_call_ids(first) | _call_ids(second)) == 4


async def test_usage_is_told_and_comes_from_the_provider(stage: Stage) -> None:
    """Money is counted: an answer that ended says what it cost."""
    usage = usage_of(await stage.play({"say": "a b c d e"}))
    assert usage is not None
    assert usage.source == "provider"
    assert usage.output_tokens == 5
    assert usage.input_tokens


@pytest.mark.parametrize("code", CODES)
async def test_failing_before_the_first_word(stage: Stage, code: str) -> None:
    """Each way to fail has our code, and no chunk comes before it."""
    chunks, failure = await read_failing(stage.provider, stage.prompt({"fail": code}))
    assert failure.code == code
    assert [chunk for chunk in chunks if not isinstance(chunk, UsageChunk)] == []


@pytest.mark.parametrize("code", CODES)
async def test_failing_in_mid_answer_keeps_the_words_before_it(stage: Stage, code: str) -> None:
    """What was said before a failure is given out, also when both came in one read."""
    chunks, failure = await read_failing(stage.provider, stage.prompt({"say": "so far so good"}, {"fail": code}))
    assert text_of(chunks) == "so far so good"
    assert failure.code == code


async def test_an_answer_that_is_cut_is_a_failure(stage: Stage) -> None:
    """A stream that just ends is not taken for a whole answer."""
    with pytest.raises(ProviderFailure, match="cut") as caught:
        await stage.play({"say": "half an"}, {"cut": True})
    assert (caught.value.code, caught.value.retryable) == ("provider_error", True)


async def test_length_is_told(stage: Stage) -> None:
    """An answer that ran into its limit says so."""
    chunks = await stage.play({"say": "and then"}, {"finish": "length"})
    assert chunks[-1] == FinishChunk("length")


async def test_a_stalled_answer_can_be_cancelled(stage: Stage) -> None:
    """Stop works while the vendor is silent: the reader does not wait for a byte that never comes."""
    began = asyncio.Event()

    async def reader() -> None:
        async with aclosing(stage.provider.stream(stage.prompt({"say": "wait"}, {"stall": True}))) as stream:
            async for _ in stream:
                began.set()

    task = asyncio.create_task(reader())
    await asyncio.wait_for(began.wait(), PATIENCE_SECONDS)
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, PATIENCE_SECONDS)


async def test_a_reader_may_leave_in_the_middle(stage: Stage) -> None:
    """Closing the iterator after some words ends it at once, and the provider still answers the next prompt."""
    async with aclosing(stage.provider.stream(stage.prompt({"say": "a b c"}, {"stall": True}))) as stream:
        async for _ in stream:
            break
    assert text_of(await stage.play({"say": "again"})) == "again"


async def test_closing_is_not_the_end(stage: Stage) -> None:
    """`close` may come twice, and a provider that was closed opens again when it is asked."""
    await stage.provider.close()
    assert text_of(await stage.play({"say": "one"})) == "one"
    await stage.provider.close()
    await stage.provider.close()
    assert text_of(await stage.play({"say": "two"})) == "two"


async def test_text_that_no_database_takes_is_made_storable(stage: Stage) -> None:
    """NUL and a lone surrogate become U+FFFD, where a reader sees that something stood there."""
    chunks = await stage.play({"think": "c\x00"}, {"say": "a\x00b"}, {"call": "x", "input": {"d": "\x00"}})
    assert text_of(chunks) == "a\ufffdb"
    for chunk in chunks:
        if isinstance(chunk, TextChunk | ReasoningChunk | ToolInputChunk):
            assert storable(chunk.text) == chunk.text


async def test_a_foreign_history_is_taken(stage: Stage) -> None:
    """A thread may change its vendor: tool calls and thoughts of others do not stop this one from answering."""
    history = [
        said("assistant", ReasoningBlock("hm", signature="x", provider="other"), ToolUseBlock("weird id!", "now", [])),
        said("system", *asking("be brief").messages[-1].content),
    ]
    prompt = stage.prompt({"say": "fine"}, history=history)
    assert text_of(await read(stage.provider, prompt)) == "fine"


async def test_ten_answers_at_once_do_not_mix(stage: Stage) -> None:
    """Each stream has its own state."""
    prompt = stage.prompt({"say": " ".join(f"w{number}" for number in range(100))})
    answers = await asyncio.gather(*(read(stage.provider, prompt) for _ in range(10)))
    assert {text_of(chunks) for chunks in answers} == {" ".join(f"w{number}" for number in range(100))}


async def test_providers_close_together() -> None:
    """The registry closes all of them, opened or not."""
    registry = Registry(
        [], {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}, clock=ManualClock(), source=random.Random()
    )
    await registry.close()


def _call_ids(chunks: Sequence[Chunk]) -> set[str]:
    return {chunk.tool_use_id for chunk in chunks if isinstance(chunk, ToolCallChunk)}
