"""The demo provider: exact, repeatable, and as quick or slow as it is told."""

import asyncio
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.waiting import PATIENCE_SECONDS
from threadline.content import TextBlock, ToolResultBlock, ToolUseBlock
from threadline.errors import ProviderRefused
from threadline.providers.contract import FinishChunk, Prompt, PromptMessage
from threadline.providers.script import FAILURES, tokens
from threadline.providers.scripted import CATALOGUE, WELCOME, ScriptedProvider
from threadline.records import Usage

from .reading import asking, outline, read, read_failing, said, text_of, usage_of


def script(*steps: dict[str, Any]) -> str:
    """Write a script as the user would."""
    return msgspec.json.encode({"steps": steps}).decode()


async def say(model: str, text: str = "hello", **more: Any) -> str:
    """Return what a model says."""
    return text_of(await read(ScriptedProvider(), asking(text, model=model, **more)))


@pytest.mark.parametrize("count", [0, 1, 500])
async def test_counting_loses_nothing(count: int) -> None:
    """The words are numbered, so that a reader can tell whether one is missing."""
    assert await say(f"count-{count}@max") == " ".join(f"w{number}" for number in range(count))


async def test_every_model_of_the_catalogue_is_there() -> None:
    """Each name in the list is a model, says something or fails as it announces, and has a line that describes it."""
    for name, description in CATALOGUE.items():
        assert ScriptedProvider.has_model(name)
        assert ScriptedProvider.has_model(f"{name}@7")
        assert description.endswith(".")
    assert await say("threadline@max") == WELCOME
    assert await say("echo@max", "  back to\nme ") == "  back to\nme "
    assert outline(await read(ScriptedProvider(), asking(model="reasoning@max")))[0][1] == "reasoning"
    chunks, failure = await read_failing(ScriptedProvider(), asking(model="cut-3@max"))
    assert (text_of(chunks), failure.code) == ("w0 w1 w2", "provider_error")
    for code in FAILURES:
        assert (await read_failing(ScriptedProvider(), asking(model=f"fail-{code}")))[1].code == code


@pytest.mark.parametrize(
    "name", ["", "gpt", "count", "count-", "count-x", "count-123456", "echo@", "echo@fast", "fail-x", "@5"]
)
def test_other_names_are_no_models(name: str) -> None:
    """A slip in the name is told before a run begins."""
    assert not ScriptedProvider.has_model(name)


def test_the_welcome_shows_what_markdown_can_do() -> None:
    """A first look at the product has headings, a list, code, a table, and says that it is a demo and what to set."""
    for sign in ("# ", "## ", "1. ", "```sh", "|---|", "> ", "**demo model**", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        assert sign in WELCOME


async def test_a_role_is_played_whatever_is_said() -> None:
    """An agent's part stands in its instructions, so people may talk to it in ordinary words."""
    part = script({"say": "To be."}, {"call": "skull", "input": {}})
    assert await say("role@max", "Good evening", instructions=part) == "To be."
    assert await say("role@max", "And now?", instructions=part + "\n\nAlso here: Ophelia.") == "To be."
    with pytest.raises(ProviderRefused, match="instructions"):
        await say("role", "Good evening")


@settings(deadline=None)
@given(st.text())
def test_words_joined_are_the_text(text: str) -> None:
    """Cutting into tokens loses no letter and no space."""
    assert "".join(tokens(text)) == text


async def test_the_pace_is_kept() -> None:
    """Fifty tokens at 500 a second take no less than a tenth of a second."""
    began = time.monotonic()
    await say("count-51@500")
    assert time.monotonic() - began > 0.095


async def test_the_first_token_does_not_wait() -> None:
    """A slow model begins at once."""
    stream = ScriptedProvider().stream(asking(model="count-9@0.001"))
    first = await asyncio.wait_for(anext(stream), PATIENCE_SECONDS)
    assert text_of(list(first)) == "w0"
    await stream.aclose()


async def test_the_same_prompt_gives_the_same_chunks() -> None:
    """On every node, and on every try."""
    prompt = asking(script({"think": "a"}, {"say": "b c"}, {"call": "x"}), model="script@max")
    assert await read(ScriptedProvider(), prompt) == await read(ScriptedProvider(), prompt)


async def test_every_step() -> None:
    """All verbs that do not end an answer, in one."""
    steps = [
        {"think": "hm hm", "pace": 1000},
        {"sign": "seal"},
        {"part": "[1]"},
        {"say": "a"},
        {"stall": 0.01},
        {"stall": False},
        {"cut": False},
        {"say": " b"},
        {"usage": {"input_tokens": 1, "output_tokens": 2}},
        {"finish": "refusal"},
        {"say": "never"},
    ]
    chunks = await read(ScriptedProvider(), asking(script(*steps), model="script@max"))
    assert outline(chunks) == [
        (0, "reasoning", "hm hm"),
        (0, "signature", "seal"),
        (1, "part", "[1]"),
        (2, "text", "a b"),
        ("finish", "refusal"),
    ]
    assert usage_of(chunks) == Usage(1, 2)


async def test_calls_go_on_where_their_results_are() -> None:
    """A script with two rounds of tools takes three prompts: each goes on behind the calls that are answered."""
    steps = [{"say": "one"}, {"call": "a"}, {"call": "b"}, {"say": "two"}, {"call": "c"}, {"say": "three"}]
    provider = ScriptedProvider()
    answer: list[Any] = []
    seen: list[str] = []
    while True:
        messages = [said("user", TextBlock(script(*steps)))]
        messages += [said("assistant", *answer)] if answer else []
        chunks = await read(provider, Prompt("script@max", messages, run_id="run_1"))
        seen.append(text_of(chunks))
        if chunks[-1] != FinishChunk("tool_use"):
            break
        for line in chunks:
            if hasattr(line, "tool_use_id"):
                answer += [ToolUseBlock(line.tool_use_id, line.name, {}), ToolResultBlock(line.tool_use_id, "ok")]
    assert seen == ["one", "two", "three"]
    assert [block.id for block in answer if isinstance(block, ToolUseBlock)] == ["call_1_0", "call_1_1", "call_1_2"]


async def test_results_of_earlier_questions_do_not_count() -> None:
    """A new question begins its script at the beginning."""
    history: list[PromptMessage] = [
        said("user", TextBlock("before")),
        said("assistant", ToolUseBlock("x", "a", {}), ToolResultBlock("x", "ok")),
    ]
    prompt = asking(script({"call": "a"}, {"say": "done"}), model="script@max", history=history)
    assert (await read(ScriptedProvider(), prompt))[-1] == FinishChunk("tool_use")


async def test_a_failure_may_pass() -> None:
    """`times` lets it pass from then on, for that run; another run has its own count."""
    provider = ScriptedProvider()
    steps = script({"fail": "provider_overloaded", "times": 2, "message": "busy", "retry_after": 3}, {"say": "ok"})
    prompt = asking(steps, model="script@max")
    for _ in range(2):
        _, failure = await read_failing(provider, prompt)
        assert (failure.code, failure.detail) == ("provider_overloaded", "busy")
        assert failure.extra["retry_after_seconds"] == 3
    assert text_of(await read(provider, prompt)) == "ok"
    await read_failing(provider, asking(steps, model="script@max", run_id="run_2"))


async def test_the_script_is_the_last_thing_the_user_said() -> None:
    """Nothing earlier plays a part."""
    history = [said("user", TextBlock(script({"say": "old"}))), said("assistant", TextBlock("old"))]
    assert await say("script@max", script({"say": "new"}), history=history) == "new"


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "{}",
        '{"steps": [{}]}',
        '{"steps": [{"say": "a", "think": "b"}]}',
        '{"steps": [{"shout": "a"}]}',
        '{"steps": [{"fail": "not_a_code"}]}',
        '{"steps": ' + "[" * 5000,
    ],
)
async def test_what_is_no_script_is_refused(text: str) -> None:
    """A slip in a script is told with a reason, and not played in part."""
    chunks, failure = await read_failing(ScriptedProvider(), asking(text, model="script"))
    assert chunks == []
    assert isinstance(failure, ProviderRefused)
    assert "script" in failure.detail


async def test_usage_counts_words() -> None:
    """What an answer costs can be computed by a test: a token is a word."""
    chunks = await read(ScriptedProvider(), asking("one two", model="echo@max", instructions="be kind now"))
    assert usage_of(chunks) == Usage(5, 2, None, 0)


async def test_a_hundred_at_full_speed_share_the_loop() -> None:
    """As fast as it goes still lets others have their turn."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(others())
    await say("count-10000@max")
    task.cancel()
    assert turns > 100
