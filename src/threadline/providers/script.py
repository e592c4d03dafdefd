"""The little language in which the scripted provider is told what to do.

A script is a list of steps, each a struct with one verb; `Performance` turns them into actions: chunks to give out,
time to wait, a failure to raise. Pure; the provider does the waiting.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from threadline.content import ReasoningBlock, TextBlock, ToolResultBlock, storable
from threadline.errors import (
    ContextTooLong,
    ProviderAuth,
    ProviderFailure,
    ProviderOverloaded,
    ProviderRateLimited,
    ProviderRefused,
    ProviderTimeout,
)
from threadline.providers.contract import (
    Chunk,
    FinishChunk,
    FinishReason,
    Prompt,
    ProviderPartChunk,
    ReasoningChunk,
    SignatureChunk,
    TextChunk,
    ToolCallChunk,
    ToolInputChunk,
    UsageChunk,
)
from threadline.providers.history import CallIds
from threadline.records import Usage

FAILURES: Final[Mapping[str, type[ProviderFailure]]] = {
    kind.code: kind
    for kind in (
        ContextTooLong,
        ProviderAuth,
        ProviderFailure,
        ProviderOverloaded,
        ProviderRateLimited,
        ProviderRefused,
        ProviderTimeout,
    )
}

_INPUT_PIECE_CHARS: Final = 8
_VERBS: Final = ("say", "think", "sign", "part", "call", "stall", "fail", "cut", "usage", "finish")
_TOKEN: Final = re.compile(r"\s*\S+|\s+\Z")


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a script: exactly one verb. `scripted.py` says what each does."""

    say: str | None = None
    think: str | None = None
    sign: str | None = None
    part: str | None = None
    call: str | None = None
    stall: bool | float | None = None
    fail: str | None = None
    cut: bool | None = None
    usage: Usage | None = None
    finish: FinishReason | None = None
    # of say, think and call
    pace: float | None = None
    # of call
    input: Any = {}
    # of fail
    message: str = ""
    retry_after: float | None = None
    times: int | None = None

    def verbs(self) -> list[str]:
        """Return the verbs that are set."""
        return [name for name in _VERBS if getattr(self, name) is not None]


class Script(Struct, frozen=True, forbid_unknown_fields=True):
    """What `demo/script` and `demo/role` are given."""

    steps: list[Step]


class Emit(Struct, frozen=True):
    """Chunks to give out, so many a second; 0 is as fast as it goes."""

    chunks: Sequence[Chunk]
    pace: float = 0.0


class Wait(Struct, frozen=True):
    """Seconds of silence; None for ever."""

    seconds: float | None


class Fail(Struct, frozen=True):
    """The end of the call."""

    failure: ProviderFailure


Action = Emit | Wait | Fail


def read_script(text: str) -> list[Step]:
    """Read the steps that a message asks for.

    Raises:
        ProviderRefused: it is no script.
    """
    try:
        steps = msgspec.json.decode(text, type=Script).steps
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ProviderRefused(
            f"demo/script reads the last message, and demo/role its instructions, as a script in JSON: {error}"
        ) from error
    for number, step in enumerate(steps, start=1):
        if len(step.verbs()) != 1:
            raise ProviderRefused(f"Step {number} of the script has {len(step.verbs())} verbs; it needs one.")
        if step.fail is not None and step.fail not in FAILURES:
            raise ProviderRefused(f"Step {number} of the script fails with none of: {', '.join(FAILURES)}.")
    return steps


def tokens(text: str) -> list[str]:
    """Cut text into words, each with the space before it. Joined they are the text."""
    return _TOKEN.findall(text)


class Performance:
    """One answer being played."""

    def __init__(
        self, steps: Sequence[Step], prompt: Prompt, pace: float, is_over: Callable[[str, int, int], bool]
    ) -> None:
        """`is_over(run_id, position, times)` says whether the failure at that step has happened often enough."""
        self._steps = steps
        self._prompt = prompt
        self._pace = pace
        self._is_over = is_over
        self._ids = CallIds(prompt)
        self._blocks = 0
        self._kind: type[TextChunk] | type[ReasoningChunk] | None = None
        self._said = 0
        self._thought = 0
        self._usage: Usage | None = None

    def actions(self) -> Iterator[Action]:
        """Yield what to do, up to the end of this answer."""
        for position in range(self._resume_at(), len(self._steps)):
            step = self._steps[position]
            yield from self._do(step, position)
            if step.finish is not None:
                yield self._end(step.finish)
                return
            if step.call is not None and not self._calls_at(position + 1):
                yield self._end("tool_use")
                return
        yield self._end("stop")

    def _resume_at(self) -> int:
        """Return the step behind the calls whose results are there."""
        answered = 0
        for message in self._prompt.messages:
            if message.role == "user" and any(isinstance(block, TextBlock) for block in message.content):
                answered = 0
            answered += sum(isinstance(block, ToolResultBlock) for block in message.content)
        for position, step in enumerate(self._steps):
            if not answered:
                return position
            answered -= step.call is not None
        return len(self._steps)

    def _calls_at(self, position: int) -> bool:
        return position < len(self._steps) and self._steps[position].call is not None

    def _do(self, step: Step, position: int) -> Iterator[Action]:
        pace = self._pace if step.pace is None else step.pace
        match step.verbs()[0]:
            case "say":
                yield Emit(self._words(TextChunk, step.say or ""), pace)
            case "think":
                yield Emit(self._words(ReasoningChunk, step.think or ""), pace)
            case "sign":
                yield Emit([SignatureChunk(self._block_of(ReasoningChunk), step.sign or "")])
            case "part":
                yield Emit([ProviderPartChunk(self._new_block(), storable(step.part or ""))])
            case "call":
                yield Emit(self._call(step), pace)
            case "stall" if step.stall is not False:
                yield Wait(None if step.stall is True else step.stall)
            case "fail" if step.times is None or not self._is_over(self._prompt.run_id, position, step.times):
                extra = {} if step.retry_after is None else {"retry_after_seconds": step.retry_after}
                yield Fail(FAILURES[step.fail or ""](storable(step.message), **extra))
            case "cut" if step.cut:
                yield Fail(ProviderFailure("The answer of demo was cut off before its end."))
            case "usage":
                self._usage = step.usage
                yield Emit([UsageChunk(self._counted())])

    def _words(self, kind: type[TextChunk] | type[ReasoningChunk], text: str) -> list[Chunk]:
        words = tokens(storable(text))
        self._said += len(words)
        self._thought += len(words) if kind is ReasoningChunk else 0
        block = self._block_of(kind)
        return [kind(block, word) for word in words]

    def _call(self, step: Step) -> list[Chunk]:
        block = self._new_block()
        text = msgspec.json.encode(step.input).decode()
        pieces = [text[at : at + _INPUT_PIECE_CHARS] for at in range(0, len(text), _INPUT_PIECE_CHARS)]
        self._said += len(pieces)
        begun = ToolCallChunk(block, self._ids.unique(None), step.call or "")
        return [begun, *(ToolInputChunk(block, piece) for piece in pieces)]

    def _block_of(self, kind: type[TextChunk] | type[ReasoningChunk]) -> int:
        """Return the block that goes on, or the next one where the kind changes."""
        if self._kind is not kind:
            self._new_block()
            self._kind = kind
        return self._blocks - 1

    def _new_block(self) -> int:
        self._blocks += 1
        self._kind = None
        return self._blocks - 1

    def _end(self, reason: FinishReason) -> Action:
        return Emit([UsageChunk(self._counted()), FinishChunk(reason)])

    def _counted(self) -> Usage:
        """Return what this answer has cost, if a token is a word."""
        if self._usage is not None:
            return self._usage
        read = len(tokens(self._prompt.instructions or ""))
        for message in self._prompt.messages:
            for block in message.content:
                if isinstance(block, TextBlock | ReasoningBlock):
                    read += len(tokens(block.text))
        return Usage(input_tokens=read, output_tokens=self._said, reasoning_tokens=self._thought)
