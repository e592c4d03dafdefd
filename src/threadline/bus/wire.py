"""How nudges are written on a wire: the sender's name, then `thread:seq` for each, within the size of one message."""

from collections.abc import Iterable, Iterator

from threadline.bus.contract import Nudge
from threadline.ids import ThreadId

MESSAGE_BYTES_MAX = 7_900
"""PostgreSQL refuses a NOTIFY of 8,000 bytes and more."""


def to_messages(sender: str, nudges: Iterable[Nudge]) -> Iterator[str]:
    """Yield messages that hold all of the nudges, in their order. Ids are plain ASCII without spaces and colons."""
    words, size = [sender], len(sender)
    for nudge in nudges:
        word = f"{nudge.thread_id}:{nudge.seq}"
        if size + 1 + len(word) > MESSAGE_BYTES_MAX:
            yield " ".join(words)
            words, size = [sender], len(sender)
        words.append(word)
        size += 1 + len(word)
    if len(words) > 1:
        yield " ".join(words)


def from_message(message: str, listener: str) -> list[Nudge]:
    """Return the nudges of a message: none where `listener` sent it itself, and none of what is not a nudge.

    Others may write to the same channel; what they write wakes nobody and breaks nothing.
    """
    sender, *words = message.split(" ")
    if sender == listener:
        return []
    pairs = (word.rpartition(":") for word in words)
    return [Nudge(ThreadId(name), int(seq)) for name, _, seq in pairs if name and seq.isascii() and seq.isdecimal()]
