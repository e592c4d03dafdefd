"""The one shape of a conversation, cut into the turns that vendors take.

Our assistant message holds everything that happened in one answer: words, tool calls and their results, in order. Every
vendor wants the results apart from the calls, behind them and in one piece. What the two adapters do alike is here.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from threadline.content import Base64Source, Block, FileBlock, ToolResultBlock, ToolUseBlock
from threadline.providers.contract import Prompt, PromptMessage

TurnRole = Literal["user", "assistant", "system", "tool"]

_TEXT_FILE = re.compile(r"text/.+|application/(json|xml|yaml|x-yaml|toml|javascript|x-sh|sql|.+\+json|.+\+xml)")


class Turn(Struct, frozen=True):
    """What one side said without a break. A `tool` turn holds nothing but results."""

    role: TurnRole
    blocks: Sequence[Block]


def turns(messages: Iterable[PromptMessage]) -> Iterator[Turn]:
    """Cut messages where results stand: behind the calls of one turn come all their results, in the order of the calls.

    That is also where the results go that came later, or in another order: calls that ran together end as they like.
    """
    for message in messages:
        results = {block.tool_use_id: block for block in message.content if isinstance(block, ToolResultBlock)}
        said: list[Block] = []
        for block in message.content:
            if not isinstance(block, ToolResultBlock):
                said.append(block)
            elif any(isinstance(earlier, ToolUseBlock) for earlier in said):
                yield from _closed(message, said, results)
                said = []
        yield from _closed(message, said, results)


def _closed(message: PromptMessage, said: list[Block], results: Mapping[str, ToolResultBlock]) -> Iterator[Turn]:
    if said:
        yield Turn(message.role, said)
    if found := [results[call.id] for call in said if isinstance(call, ToolUseBlock) and call.id in results]:
        yield Turn("tool", found)


class CallIds:
    """Gives every tool call of an answer an id that stands once in the conversation.

    Some servers give none, or count from 0 in every answer. What is made up instead is the same on every try, and
    counted through the whole conversation: the second step of a tool loop may not repeat the ids of the first.
    """

    def __init__(self, prompt: Prompt) -> None:
        blocks = [block for message in prompt.messages for block in message.content]
        self._taken = {block.id for block in blocks if isinstance(block, ToolUseBlock)}
        self._run = prompt.run_id.removeprefix("run_")

    def unique(self, call_id: str | None) -> str:
        """Return the vendor's id if it can stand, else another."""
        position = len(self._taken)
        while not call_id or call_id in self._taken:
            call_id = f"call_{self._run}_{position}"
            position += 1
        self._taken.add(call_id)
        return call_id


def fitting_call_id(call_id: str, form: re.Pattern[str]) -> str:
    """Return the id itself if it has the form that this vendor takes, else one of that form made from it."""
    if form.fullmatch(call_id):
        return call_id
    return hashlib.sha256(call_id.encode()).hexdigest()[:9]


def result_text(result: ToolResultBlock) -> str:
    """Return a tool's answer as the text that a model reads."""
    content: Any = result.content
    return content if isinstance(content, str) else msgspec.json.encode(content).decode()


def is_text(media_type: str) -> bool:
    """Whether files of this type are text, which goes as text."""
    return _TEXT_FILE.fullmatch(media_type) is not None


def file_text(block: FileBlock) -> str | None:
    """Return the text of a file that is text; None for all others. Models read text, and few take other documents."""
    source = block.source
    if not isinstance(source, Base64Source) or not is_text(source.media_type):
        return None
    try:
        return base64.b64decode(source.data).decode("utf-8", "replace")
    except ValueError:  # No base64 after all; the vendor may say so.
        return None
