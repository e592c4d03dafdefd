"""What an agent hears of a conversation: the branch in order, with names in front where several talk."""

from collections.abc import Sequence

from threadline.content import plain_text
from threadline.ids import MessageId
from threadline.records import Message


def heard_by(agent_id: str | None, branch: Sequence[Message], question: MessageId) -> list[str]:
    """Return the words of a branch as an agent hears them.

    Where it has spoken last itself, what it is to answer stands behind that once more.
    """
    said = [message for message in branch if any(getattr(block, "text", " ") for block in message.content)]
    people = {message.author.id for message in said if message.role == "user"}
    agents = {message.author.id for message in said if message.role == "assistant"} | {agent_id}
    is_room = len(people) > 1 or len(agents - {None}) > 1
    if is_room:
        # Others are heard, and nobody hears what they do.
        said = [message for message in said if _is_own(message, agent_id) or plain_text(message.content)]
    if said and _is_own(said[-1], agent_id):
        said += [message for message in said if message.id == question]
    return [_words(message, is_room and not _is_own(message, agent_id)) for message in said]


def _is_own(message: Message, agent_id: str | None) -> bool:
    return message.role == "assistant" and message.author.id in (None, agent_id)


def _words(message: Message, is_named: bool) -> str:
    text = plain_text(message.content)
    name = message.author.name or message.author.id or "Somebody"
    return f"{name}: {text}" if text and is_named else text
