"""The history of a thread becomes a prompt. Pure.

What a model is shown is always a well-formed pairing: a tool request without an outcome, from a crash or an old
version, gets a synthetic error result here, on every load.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from threadline.agent_records import Agent, Parameters
from threadline.content import Block, ReasoningBlock, TextBlock, ToolResultBlock, ToolUseBlock
from threadline.engine.voices import has_several, heard, told_of_others
from threadline.ids import MessageId
from threadline.providers.contract import Prompt, PromptMessage
from threadline.records import Message, RunOptions, Thread

T = TypeVar("T")

OUTCOME_UNKNOWN = "The call was interrupted. Whether it took effect is not known."


def build_prompt(
    model: str,
    thread: Thread,
    agent: Agent | None,
    history: Iterable[Message],
    options: RunOptions,
    run_id: str,
    tools: Sequence[dict[str, Any]] = (),
    question_id: MessageId | None = None,
) -> Prompt:
    """Build the prompt for an answer to the last message of `history`, which is oldest first.

    Where the one who answers has spoken last himself, as happens in rooms, the question stands behind that once more:
    vendors answer whoever has spoken last, and take words of their own there for the beginning of the answer.

    What the send asks for comes before what its agent is set to, and that before the thread's instructions.
    """
    set_to = agent.parameters if agent is not None else Parameters()
    instructions = _first(options.instructions, agent.instructions if agent else None, thread.instructions)
    said = [(message, content) for message in history if (content := _shown(message.content))]
    is_among_several = has_several([message for message, _ in said], agent)
    if is_among_several:
        instructions = told_of_others(instructions, agent)

    def shown(message: Message, content: list[Block]) -> PromptMessage | None:
        return heard(message, content, agent) if is_among_several else PromptMessage(message.role, content)

    messages = [each for message, content in said if (each := shown(message, content)) is not None]
    if messages and messages[-1].role == "assistant":
        again = [shown(message, content) for message, content in said if message.id == question_id]
        messages += [each for each in again if each is not None]
    return Prompt(
        model=model,
        messages=messages,
        instructions=instructions,
        max_output_tokens=_first(options.max_output_tokens, set_to.max_output_tokens),
        temperature=_first(options.temperature, set_to.temperature),
        tools=tools,
        tool_choice=options.tool_choice or "auto",
        run_id=run_id,
    )


def paired(content: Sequence[Block]) -> list[Block]:
    """Return the content with an outcome for every tool request, and no outcome without its request."""
    asked = {block.id for block in content if isinstance(block, ToolUseBlock)}
    answered = {block.tool_use_id for block in content if isinstance(block, ToolResultBlock)}
    kept = [block for block in content if not isinstance(block, ToolResultBlock) or block.tool_use_id in asked]
    missing: list[Block] = [
        ToolResultBlock(tool_use_id=block.id, content=OUTCOME_UNKNOWN, is_error=True)
        for block in content
        if isinstance(block, ToolUseBlock) and block.id not in answered
    ]
    return [*kept, *missing]


def _first(*wanted: T | None) -> T | None:
    # None is not said; an empty text or a 0 is.
    return next((value for value in wanted if value is not None), None)


def _shown(content: Sequence[Block]) -> list[Block]:
    # An answer that was stopped at once has nothing to say, and vendors refuse empty messages.
    return paired([block for block in content if not _is_empty(block)])


def _is_empty(block: Block) -> bool:
    match block:
        case TextBlock():
            return not block.text
        case ReasoningBlock():
            return not block.text and block.signature is None
        case _:
            return False
