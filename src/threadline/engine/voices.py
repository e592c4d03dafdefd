"""Who said what, as a model is shown it where several people or agents have spoken. Pure.

Vendors know two sides. Everything that somebody else has said is the other side, with the name in front; what the
answering agent has said is its own, as ever. Where one person talks with one agent, nothing has a name in front.
"""

from collections.abc import Sequence

from threadline.agent_records import Agent
from threadline.content import Block, TextBlock, plain_text
from threadline.providers.contract import PromptMessage
from threadline.records import Message

_OTHERS = "Several people and agents take part in this conversation. What others say begins with their name."


def has_several(history: Sequence[Message], agent: Agent | None) -> bool:
    """Whether more than one person, or more than one agent, has a part in what is answered."""
    people = {message.author.id for message in history if message.role == "user"}
    agents = {message.author.id for message in history if message.role == "assistant"} | {agent.id if agent else None}
    # Who has no name may be anybody: answers that were moved in, or given before an agent was there.
    return len(people) > 1 or len(agents - {None}) > 1


def heard(message: Message, content: list[Block], agent: Agent | None) -> PromptMessage | None:
    """Return a message as the answering agent hears it among several; `content` is what is shown of it.

    None is an answer of another agent without a word in it.
    """
    author = message.author
    is_other = message.role == "assistant" and author.id is not None and author.id != (agent.id if agent else None)
    if message.role == "user":
        return PromptMessage("user", _named(_name(message), content))
    if is_other:
        # Its tools and its thoughts are its own: others have heard its words.
        words = plain_text(content)
        return PromptMessage("user", _named(_name(message), [TextBlock(text=words)])) if words else None
    return PromptMessage(message.role, content)


def told_of_others(instructions: str | None, agent: Agent | None) -> str:
    """Return the instructions with what an agent has to know of a conversation among several."""
    who = f" You are {_one_line(agent.name)} (@{agent.handle})." if agent is not None else ""
    told = f"{_OTHERS}{who} Begin your own words without a name."
    return told if instructions is None else f"{instructions}\n\n{told}"


def _name(message: Message) -> str:
    return _one_line(message.author.name or message.author.id or "Somebody")


def _one_line(name: str) -> str:
    # A name with a line feed in it could say things in somebody else's.
    return " ".join(name.split()) or "Somebody"


def _named(name: str, content: list[Block]) -> list[Block]:
    for place, block in enumerate(content):
        if isinstance(block, TextBlock):
            return [*content[:place], TextBlock(text=f"{name}: {block.text}"), *content[place + 1 :]]
    return [TextBlock(text=f"{name}:"), *content]
