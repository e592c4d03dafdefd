"""From a vendor's bytes to chunks, as far as all vendors are alike.

Comes in: bytes. Goes out: chunks, by way of the vendor's own decoder, which says what an event means. Its typed decoder
refuses some JSON that a person would still understand: half a surrogate pair in an escape, a byte that is no UTF-8, a
raw line break in a string. That is read leniently here. Words are kept wherever they can be.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from threadline.content import storable
from threadline.errors import ProviderFailure
from threadline.providers.contract import (
    Chunk,
    FinishChunk,
    FinishReason,
    ReasoningChunk,
    TextChunk,
    ToolInputChunk,
    UsageChunk,
)
from threadline.providers.failures import Failures
from threadline.providers.sse import EventSplitter, excerpt
from threadline.records import Usage

T = TypeVar("T")
TextKind = type[TextChunk] | type[ReasoningChunk] | type[ToolInputChunk]

# What a typed decoder raises over foreign bytes: no JSON, another shape, no UTF-8, nested without end.
REFUSED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode(body: bytes, kind: type[T], failures: Failures) -> T:
    """Decode what is rare enough to have no decoder of its own. Raises `ProviderFailure` as below."""
    try:
        return msgspec.json.decode(body, type=kind)
    except REFUSED:
        return decode_leniently(body, kind, failures)


def decode_leniently(body: bytes, kind: type[T], failures: Failures) -> T:
    """Decode what the strict decoder refused. The strings in it may hold lone surrogates.

    Raises:
        ProviderFailure: it is not JSON, or JSON of another form.
    """
    try:
        value = json.loads(body.decode("utf-8", "replace"), strict=False)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]  # Gemini wraps its errors so.
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError) as error:
        raise failures.garbage(excerpt(body)) from error


def is_json(body: bytes) -> bool:
    """Say whether this is a whole JSON value, rather than half of one."""
    try:
        json.loads(body.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def is_done_mark(body: bytes) -> bool:
    """Say whether this is OpenAI's last word."""
    return body.lstrip().startswith(b"[DONE]")


def as_any(body: bytes) -> Any:
    """Decode JSON of any form; None if it is none."""
    try:
        return msgspec.json.decode(body)
    except REFUSED:
        return None


class AnswerDecoder:
    """What the decoders of all vendors share: one answer, from bytes to chunks.

    A vendor's decoder says what an event means, in `_take`, and what is still to be said at the end, in `_closing`.
    """

    def __init__(self, failures: Failures) -> None:
        self.is_whole = False
        self.is_done = False
        self.failure: ProviderFailure | None = None
        self._failures = failures
        self._events = EventSplitter()
        self._halves: dict[int, tuple[TextKind, str]] = {}
        self._usage: Usage | None = None
        self._usage_told: Usage | None = None

    def feed(self, data: bytes) -> Sequence[Chunk]:
        """Return what these bytes of the stream say. What comes before a failure is said too; see `failure`."""
        chunks: list[Chunk] = []
        try:
            for name, body in self._events.feed(data):
                if self.is_done:
                    break
                self._take(name, body, chunks)
            if self._events.trouble is not None:
                raise self._failures.garbage(self._events.trouble)
        except ProviderFailure as failure:
            # An answer that is whole is not lost to what follows it.
            self.is_done = self.is_whole
            self.failure = None if self.is_whole else failure
        if self._usage is not self._usage_told:
            self._tell_usage(chunks)
        return chunks

    def feed_whole(self, body: bytes) -> Sequence[Chunk]:
        """Return what an answer says that came as one JSON object although a stream was asked for."""
        chunks: list[Chunk] = []
        self._take_whole(body, chunks)
        self.is_done = True
        return chunks

    def end(self) -> Sequence[Chunk]:
        """Return the last chunks. A stream that ends before its answer did was cut."""
        chunks: list[Chunk] = []
        for name, body in self._events.rest():
            if not self.is_done and (is_json(body) or is_done_mark(body)):
                self._take(name, body, chunks)
        if not self.is_whole and not self.is_done:
            raise self._failures.cut()
        chunks += [kind(block, storable(half)) for block, (kind, half) in self._halves.items()]
        reason = self._closing(chunks)
        if self._usage is not self._usage_told:
            self._tell_usage(chunks)
        chunks.append(FinishChunk(reason))
        return chunks

    def _take(self, name: bytes, body: bytes, chunks: list[Chunk]) -> None:
        """Add what one event says. Raises `ProviderFailure`, also where the vendor reports one."""
        raise NotImplementedError

    def _take_whole(self, body: bytes, chunks: list[Chunk]) -> None:
        """Add what a whole answer says."""
        raise NotImplementedError

    def _closing(self, chunks: list[Chunk]) -> FinishReason:
        """Add what is still to be said, and return why the answer ended."""
        raise NotImplementedError

    def _add(self, kind: TextKind, block: int, text: str, chunks: list[Chunk], lenient: bool = False) -> None:
        """Add text that can be stored. Only what was decoded leniently may hold lone surrogates."""
        if lenient or "\x00" in text or self._halves:
            text = self._joined(kind, block, text)
        if text:
            chunks.append(kind(block, text))

    def _joined(self, kind: TextKind, block: int, text: str) -> str:
        """Return what can be given out of `text`. A character whose surrogates come in two deltas is put together."""
        if block in self._halves:
            text = self._halves.pop(block)[1] + text
        if text and "\ud800" <= text[-1] <= "\udbff":
            self._halves[block] = (kind, text[-1])
            text = text[:-1]
        return storable(text)

    def _tell_usage(self, chunks: list[Chunk]) -> None:
        # Some servers repeat it with every token; once for each read is plenty.
        assert self._usage is not None
        self._usage_told = self._usage
        chunks.append(UsageChunk(self._usage))
