"""How nudges are written on a wire: the sender's name, then `thread:seq` for each, within the size of one message.

Whispers: a tilde, the sender's name, then a JSON list of `[thread, text]`.
"""

from collections.abc import Iterable, Iterator

import msgspec

from threadline.bus.contract import Nudge, Whisper
from threadline.ids import ThreadId
from threadline.limits import WHISPER_BYTES_MAX

MESSAGE_BYTES_MAX = 7_900
"""PostgreSQL refuses a NOTIFY of 8,000 bytes and more."""

_WHISPERED = "~"

_encode = msgspec.json.Encoder().encode


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


def to_whispered(sender: str, whispers: Iterable[Whisper]) -> Iterator[str]:
    """Yield messages that hold all of the whispers, in their order."""
    head = f"{_WHISPERED}{sender} "
    parts: list[str] = []
    size = len(head)
    for whisper in whispers:
        part = _encode([whisper.thread_id, whisper.text]).decode()
        assert len(whisper.text.encode()) <= WHISPER_BYTES_MAX, "cut by whoever says it"
        # With its comma or bracket. Escapes may make it longer than the text, but never too long for one message.
        if parts and size + len(part.encode()) + 2 > MESSAGE_BYTES_MAX:
            yield f"{head}[{','.join(parts)}]"
            parts, size = [], len(head)
        parts.append(part)
        size += len(part.encode()) + 2
    if parts:
        yield f"{head}[{','.join(parts)}]"


def is_whispered(message: str) -> bool:
    """Say whether a message holds whispers, and no nudges."""
    return message.startswith(_WHISPERED)


def from_whispered(message: str, listener: str) -> list[Whisper]:
    """Return the whispers of a message: none where `listener` sent it itself, and none of what is not one."""
    sender, _, body = message.removeprefix(_WHISPERED).partition(" ")
    if sender == listener:
        return []
    try:
        pairs = msgspec.json.decode(body, type=list[tuple[str, str]])
    except msgspec.MsgspecError:
        return []
    return [Whisper(ThreadId(thread_id), text) for thread_id, text in pairs]
