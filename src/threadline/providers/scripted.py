"""The provider that needs no vendor: `demo/…`. Shows what a stream looks like, and plays any vendor's part in tests.

What it says follows from the model's name and the last message of the user, and from nothing else, except that it does
not ask again for tools whose results are there. `CATALOGUE` lists the models. Each takes a pace behind an `@`, which is
in tokens a second: `demo/echo@10`; `@0` and `@max` are as fast as it goes.

`demo/script` reads the user's message as JSON, `{"steps": […]}`, and `demo/role` its instructions, so that an agent can
have a part in a conversation of ordinary words. Both do one step after the other:

    {"say": "text", "pace": 50}           words; `pace` is optional
    {"think": "text", "pace": 50}         reasoning; {"sign": "seal"} then signs it
    {"part": "[1, 2]"}                    a part that only this provider understands, as JSON text
    {"call": "get_weather", "input": {}}  asks for a tool; calls in a row are asked together, and end the answer. The
                                          steps behind them are done when the results are there
    {"stall": true} or {"stall": 2.5}     says nothing for ever, or for so many seconds
    {"fail": "provider_overloaded", "message": "…", "retry_after": 1, "times": 2}
                                          fails with that code; `times` lets it pass from then on, counted by run
    {"cut": true}                         ends as a broken connection does
    {"usage": {"output_tokens": 7}}       what it says it has cost
    {"finish": "length"}                  ends with that reason
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from json import JSONDecoder
from typing import Final, assert_never

from threadline.content import plain_text
from threadline.providers.contract import Chunk, Prompt
from threadline.providers.script import FAILURES, Emit, Fail, Performance, Step, Wait, read_script

DEFAULT_MODEL: Final = "threadline"
DEFAULT_PACE: Final = 40.0
"""Tokens a second: a little faster than one reads, so that the stream is seen."""

BURST_TOKENS: Final = 64
"""As fast as it goes still lets others have their turn, after so many tokens."""

FAILURES_REMEMBERED_MAX: Final = 1000
"""Failures that are counted for `times`; beyond it the oldest are forgotten."""

CATALOGUE: Final[Mapping[str, str]] = {
    "threadline": "Says hello in Markdown, and how to configure a real model.",
    "reasoning": "Thinks aloud before it answers.",
    "echo": "Repeats the last message.",
    "count-500": "Counts: w0 w1 w2 …; any number of tokens.",
    "stall-20": "Counts so many tokens, then says nothing more.",
    "cut-20": "Counts so many tokens, then the connection breaks.",
    "fail-provider_overloaded": "Fails at once, with any provider_… code or context_too_long.",
    "script": "Does what the last message says, step by step, in JSON.",
    "role": "Does what its instructions say, step by step, in JSON: an agent with a part to play.",
}

FOR_TESTS: Final = frozenset({"stall-20", "cut-20", "fail-provider_overloaded", "script", "role"})
"""Those of the catalogue that nobody would choose to talk to."""

_COUNTED: Final = re.compile(r"(count|stall|cut)-(\d{1,5})")
_PACE: Final = re.compile(r"\d{1,7}(\.\d{1,3})?")

THOUGHTS: Final = """\
The user has written something. I am a demo model, so I do not know what it means. The kind thing to do is to say \
hello, to say what I am, and to show a few headings, a list, a table and some code on the way.\
"""

WELCOME: Final = """\
# Hello from Threadline

You are talking to the **demo model**. There is no language model behind it: it says the same to everybody, so that \
you can see an answer arrive. Reload the page while it is still coming, or open it a second time, and nothing will be \
missing.

## What just happened

1. Your message and this answer were written down *before* you were told so.
2. Every word reaches the disk before it reaches you.
3. Close the tab now, and the answer goes on without you.

## Put a real model behind it

Set a key and start the server again:

```sh
export OPENAI_API_KEY=…        # or ANTHROPIC_API_KEY=…
threadline serve
```

| you have | you set |
|---|---|
| a key of OpenAI | `OPENAI_API_KEY` |
| a key of Anthropic | `ANTHROPIC_API_KEY` |
| vLLM, llama.cpp, Ollama | `OPENAI_BASE_URL`, such as `http://localhost:11434/v1` |
| several of them | `[providers.NAME]` in `threadline.toml` |

> Until then, `demo/echo` repeats what you say, and `demo/count-500@200` counts to 500 at 200 tokens a second.
"""


class ScriptedProvider:
    """A `Provider` that plays. The same prompt gives the same chunks, on every node and every try."""

    def __init__(self, name: str = "demo") -> None:
        self.name = name
        self._failed: dict[tuple[str, int], int] = {}

    @staticmethod
    def has_model(model: str) -> bool:
        """Say whether there is a model of this name."""
        base, at, pace = model.partition("@")
        if at and _pace(pace) is None:
            return False
        kind, _, code = base.partition("-")
        return base in CATALOGUE or bool(_COUNTED.fullmatch(base)) or (kind == "fail" and code in FAILURES)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Sequence[Chunk], None]:
        """Play the part that the model's name, or the script, asks for."""
        base, _, written = prompt.model.partition("@")
        pace = _pace(written)
        steps = _steps(base, prompt)
        performance = Performance(steps, prompt, DEFAULT_PACE if pace is None else pace, self._has_failed)
        for action in performance.actions():
            match action:
                case Emit(chunks=chunks, pace=pace):
                    loop = asyncio.get_running_loop()
                    began, given = loop.time(), 0
                    while given < len(chunks):
                        if given:
                            await asyncio.sleep(max(0.0, began + given / pace - loop.time()) if pace else 0)
                        due = _due(loop.time() - began, pace, given)
                        yield chunks[given : given + due]
                        given += due
                case Wait(seconds=seconds):
                    await _silence(seconds)
                case Fail(failure=failure):
                    raise failure
                case _:
                    assert_never(action)

    async def close(self) -> None:
        """Nothing is open."""

    def _has_failed(self, run_id: str, position: int, times: int) -> bool:
        """Say whether that step has failed often enough; if not, count this failure."""
        done = self._failed.get((run_id, position), 0)
        if done >= times:
            return True
        while len(self._failed) >= FAILURES_REMEMBERED_MAX:
            del self._failed[next(iter(self._failed))]
        self._failed[run_id, position] = done + 1
        return False


def _steps(base: str, prompt: Prompt) -> list[Step]:
    """Return the script behind a model's name, without its pace."""
    if counted := _COUNTED.fullmatch(base):
        kind, count = counted[1], int(counted[2])
        numbers = Step(say=" ".join(f"w{number}" for number in range(count)))
        return {"count": [numbers], "stall": [numbers, Step(stall=True)], "cut": [numbers, Step(cut=True)]}[kind]
    if base.startswith("fail-"):
        return [Step(fail=base.removeprefix("fail-"), message="The demo model was asked to fail.")]
    match base:
        case "script":
            return read_script(_last_words(prompt))
        case "role":
            return read_script(_first_value(prompt.instructions or ""))
        case "echo":
            return [Step(say=_last_words(prompt))]
        case "reasoning":
            return [Step(think=THOUGHTS), Step(say=WELCOME)]
        case _:
            return [Step(say=WELCOME)]


def _first_value(text: str) -> str:
    """Return the JSON value that a text begins with: what is said of the room stands behind an agent's instructions."""
    try:
        return text[: JSONDecoder().raw_decode(text)[1]]
    except ValueError:
        return text


def _last_words(prompt: Prompt) -> str:
    """Return the last thing that the user said in words."""
    said = (plain_text(list(message.content)) for message in reversed(prompt.messages) if message.role == "user")
    return next(filter(None, said), "")


async def _silence(seconds: float | None) -> None:
    if seconds is None:
        await asyncio.Event().wait()  # Nobody sets it.
    else:
        await asyncio.sleep(seconds)


def _due(elapsed: float, pace: float, given: int) -> int:
    """Return how many tokens to give out now: one, and all that have come due while we were late."""
    return max(1, int(elapsed * pace) + 1 - given) if pace else BURST_TOKENS


def _pace(written: str) -> float | None:
    """Read the pace behind the `@`; None if there is none, or none that makes sense."""
    if written == "max":
        return 0.0
    return float(written) if _PACE.fullmatch(written) else None
