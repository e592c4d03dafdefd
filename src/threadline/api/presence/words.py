"""What nodes whisper to each other about who is where. Another version's words are passed over."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from threadline.bus.contract import Whisper
from threadline.ids import ThreadId
from threadline.limits import WHISPER_BYTES_MAX

Status = Literal["online", "away"]


class Here(Struct, frozen=True, tag="here"):
    """These people are with this node, each with a status; null for somebody who has gone."""

    node: str
    people: list[tuple[str, Status | None]]


class Asked(Struct, frozen=True, tag="asked"):
    """Somebody on this node begins to listen: say who is there."""

    node: str


class Typed(Struct, frozen=True, tag="typed"):
    """Somebody is typing, or has stopped."""

    end_user_id: str
    is_typing: bool


Word = Here | Asked | Typed

PERSON_BYTES = 24
"""What stands around an id in `Here`."""

_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[Word] = msgspec.json.Decoder(Word)


def whisper(thread_id: ThreadId, word: Word) -> Whisper:
    """Return a word for the bus."""
    return Whisper(thread_id, _encode(word).decode())


def whispers_of(thread_id: ThreadId, node: str, people: Iterable[tuple[str, Status | None]]) -> Iterator[Whisper]:
    """Yield `Here` for any number of people, each short enough for the bus."""
    pending: list[tuple[str, Status | None]] = []
    room = size = WHISPER_BYTES_MAX - 100
    for person in people:
        weight = len(_encode(person[0])) + PERSON_BYTES
        if pending and weight > size:
            yield whisper(thread_id, Here(node, pending))
            pending, size = [], room
        pending.append(person)
        size -= weight
    if pending:
        yield whisper(thread_id, Here(node, pending))


def word_of(said: Whisper) -> Word | None:
    """Return what was whispered; None where it is no word of ours."""
    try:
        return _decoder.decode(said.text)
    except msgspec.MsgspecError:
        return None
