"""The model of the simulation. What it says follows from the question, and every word names the call that it was said in.

So a checker knows for each word of an answer which question and which attempt it belongs to, and that none is missing.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from threadline.content import Block, ToolUseBlock, plain_text
from threadline.errors import ProviderFailure, ProviderOverloaded
from threadline.providers.contract import (
    Chunk,
    FinishChunk,
    Prompt,
    TextChunk,
    ToolCallChunk,
    ToolInputChunk,
    UsageChunk,
)
from threadline.records import Usage

from .world import World


class Plan(Struct, frozen=True):
    """What a question asks for: so many words, at such a pace, and how it goes on then. It is the text of the question.

    `rounds` are the names of the tools that are asked for together, round by round; `calls` are the handles of those
    whom the last word of the answer calls.
    """

    key: str
    words: int
    pace_seconds: float
    then: str = "finish"
    is_polled: bool = False
    rounds: tuple[tuple[str, ...], ...] = ()
    calls: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the question."""
        return msgspec.json.encode(self).decode()


class Call(Struct):
    """One call of the model. `words` are those that the engine has taken."""

    number: int
    run_id: str
    plan: Plan
    history: list[str]
    words: list[str]
    is_finished: bool = False

    @property
    def text(self) -> str:
        """All that was said."""
        return "".join(self.words)


class Model:
    """A `Provider` for all nodes."""

    name = "sim"

    def __init__(self, world: World) -> None:
        self._world = world
        self.calls: list[Call] = []
        self._asked = 0

    def stream(self, prompt: Prompt) -> Any:
        """Answer the last question."""
        history = [plain_text(list(message.content)) for message in prompt.messages]
        plan = _question(history)
        last = prompt.messages[-1]
        if last.role == "assistant" and not any(isinstance(block, ToolUseBlock) for block in last.content):
            self._world.blame(f"{prompt.run_id} is asked with its own words: {history}")
        if last.role == "assistant":
            return self._go_on(plan, prompt.messages[-1].content)
        call = Call(len(self.calls), prompt.run_id, plan, history, [])
        self.calls.append(call)
        self._world.tell("call", call.number, call.run_id, plan.key)
        answer = Answer(self._world, call)
        return answer if plan.is_polled else answer.asked()

    def _go_on(self, plan: Plan, content: Sequence[Block]) -> AsyncGenerator[Sequence[Chunk], None]:
        """Ask for the next round of tools, or for nothing: there is nothing to say to their outcomes."""
        asked, done = sum(isinstance(block, ToolUseBlock) for block in content), 0
        while done < len(plan.rounds) and asked > 0:
            asked -= len(plan.rounds[done])
            done += 1
        self._asked += 1
        return _ask(plan.rounds[done], f"more{self._asked}", 0) if done < len(plan.rounds) else _silence()

    async def close(self) -> None:
        """Nothing is open."""


class Answer:
    """An answer that is on its way, word by word; `Polled`, where the plan says so."""

    def __init__(self, world: World, call: Call) -> None:
        self._world = world
        self._call = call
        self._began = world.now
        self._chunks = self.asked()

    def __aiter__(self) -> AsyncGenerator[Sequence[Chunk], None]:
        """Read as one reads any answer."""
        return self._chunks

    async def aclose(self) -> None:
        """Close the connection to the vendor."""
        await self._chunks.aclose()

    def poll(self) -> Sequence[Chunk] | None:
        """Return what has arrived; None when the end is there."""
        chunks = self._arrived()
        return chunks or (None if self._is_said else ())

    @property
    def _is_said(self) -> bool:
        return len(self._call.words) == self._call.plan.words

    def _arrived(self) -> list[Chunk]:
        call, plan = self._call, self._call.plan
        due = min(plan.words, int((self._world.now - self._began) / plan.pace_seconds + 1e-9))
        words = [f"{plan.key}.{call.number}.{place} " for place in range(len(call.words), due)]
        if words and due == plan.words:
            words[-1] += "".join(f"@{handle} " for handle in plan.calls)
        call.words.extend(words)
        return [TextChunk(0, word) for word in words]

    async def asked(self) -> AsyncGenerator[Sequence[Chunk], None]:
        """Give what there is to whoever waits for it."""
        plan = self._call.plan
        while not self._is_said:
            next_at = self._began + (len(self._call.words) + 1) * plan.pace_seconds
            await asyncio.sleep(max(next_at - self._world.now, 0.0001))
            if chunks := self._arrived():
                yield chunks
        match plan.then:
            case "stall":
                await asyncio.Event().wait()
            case "fail":
                raise ProviderOverloaded("as planned")
            case "cut":
                raise ProviderFailure("as planned")
            case "tool":
                self._call.is_finished = True
                async for chunks in _ask(plan.rounds[0], f"call{self._call.number}", 1, plan.pace_seconds):
                    yield chunks
            case _:
                self._call.is_finished = True
                yield [UsageChunk(Usage(output_tokens=plan.words)), FinishChunk("stop")]


async def _ask(
    names: Sequence[str], mark: str, block: int, pace_seconds: float = 0.05
) -> AsyncGenerator[Sequence[Chunk], None]:
    for place, name in enumerate(names, block):
        yield [ToolCallChunk(place, f"{mark}_{place}", name), ToolInputChunk(place, '{"in": "')]
        await asyncio.sleep(pace_seconds)
        yield [ToolInputChunk(place, 'Paris"}')]
    yield [FinishChunk("tool_use")]


async def _silence() -> AsyncGenerator[Sequence[Chunk], None]:
    yield [FinishChunk("stop")]


def _question(history: list[str]) -> Plan:
    """Return the last thing that was asked. Notes may stand behind it: nobody wants an answer to them.

    Several questions that were merged are one message; the last of them counts.
    """
    for text in reversed(history):
        # In a room somebody's name stands before it, and whom he calls.
        _, brace, rest = text.split("\n\n")[-1].partition("{")
        if brace and (plan := msgspec.json.decode(brace + rest, type=Plan)).then != "note":
            return plan
    raise AssertionError("somebody asked")
