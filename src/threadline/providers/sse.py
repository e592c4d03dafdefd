"""Server-sent events out of raw bytes: cuts what a vendor sends into the data of its events.

Comes in: bytes, cut anywhere, also inside a character or between CR and LF. Goes out: (name, data) pairs, in order.
Nearly every event is one line, `data: {…}`, and is found with two searches and a slice; everything else that the format
allows goes the slower way through `_parse`.
"""

import re
from typing import Final

from threadline.content import storable
from threadline.limits import PROVIDER_LINE_BYTES_MAX

SseEvent = tuple[bytes, bytes]
"""The event's name (empty where it has none) and its data."""

_BOM: Final = b"\xef\xbb\xbf"
_FIELD: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{0,31}")
_EXCERPT_BYTES: Final = 80


def excerpt(data: bytes) -> str:
    """Return the beginning of foreign bytes, for an error message."""
    shown = storable(data[:_EXCERPT_BYTES].decode("utf-8", "replace"))
    return repr(shown) + ("…" if len(data) > _EXCERPT_BYTES else "")


class EventSplitter:
    """Cuts one stream. Keeps the unfinished event between two reads, and never more than one line may hold.

    `trouble` says what is wrong where the bytes are no event stream, or a line never ends; what came before it is still
    given out.
    """

    __slots__ = ("_after_cr", "_begun", "_ends_line", "_held_bytes", "_pieces", "trouble")

    def __init__(self) -> None:
        self.trouble: str | None = None
        self._pieces: list[bytes] = []
        self._held_bytes = 0
        self._begun = False
        self._after_cr = False
        self._ends_line = False

    def feed(self, data: bytes) -> list[SseEvent]:
        """Return the events that these bytes complete."""
        if not data:
            return []
        if not self._begun:
            data = self._without_bom(data)
        if self._after_cr or b"\r" in data:
            data = self._with_line_feeds(data)
        # Pieces are joined only when an event is complete: joining at every read would copy a long event once for
        # each of its pieces.
        if b"\n\n" not in data and not (self._ends_line and data.startswith(b"\n")):
            self._hold(data)
            return []
        blocks = self._take_held(data).split(b"\n\n")
        self._hold(blocks.pop())
        events: list[SseEvent] = []
        for block in blocks:
            if block.startswith(b"data: ") and b"\n" not in block:
                events.append((b"", block[6:]))
            elif block and self.trouble is None:
                self.trouble = _parse(block, events)
        return events

    def rest(self) -> list[SseEvent]:
        """Return what the stream ended with, where its last event lacks the blank line.

        The format says to throw it away, and some servers end without it. Whether it is whole shows when it is decoded.
        """
        events: list[SseEvent] = []
        _parse(self._take_held(b""), events)
        return events

    def _hold(self, piece: bytes) -> None:
        if not piece:
            return
        self._pieces.append(piece)
        self._held_bytes += len(piece)
        self._ends_line = piece.endswith(b"\n")
        if self._held_bytes > PROVIDER_LINE_BYTES_MAX:
            self.trouble = f"a line of more than {PROVIDER_LINE_BYTES_MAX} bytes"
            self._pieces.clear()

    def _take_held(self, data: bytes) -> bytes:
        """Return what was held, with `data` behind it; nothing is held any more."""
        if self._pieces:
            data = b"".join([*self._pieces, data])
            self._pieces.clear()
            self._held_bytes = 0
        self._ends_line = False
        return data

    def _without_bom(self, data: bytes) -> bytes:
        data = self._take_held(data)
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._hold(data)
            return b""
        self._begun = True
        return data.removeprefix(_BOM)

    def _with_line_feeds(self, data: bytes) -> bytes:
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        # A CR ends its line at once; the LF that may follow in the next read belongs to it and is dropped there.
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _parse(block: bytes, events: list[SseEvent]) -> str | None:
    """Read one event line by line. Returns what is wrong with it, if it is none."""
    if block.lstrip()[:1] in (b"{", b"["):
        # Some servers put a bare JSON error into the stream. It is an answer too.
        events.append((b"", block))
        return None
    name = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
        elif field == b"error":
            # llama.cpp once wrote `error: {…}` where others write `event: error`.
            name = b"error"
            data.append(value)
        elif field and not _FIELD.fullmatch(field):
            # Unknown fields are to be ignored, but this is none: words may have been in it.
            return f"no event stream: {excerpt(line)}"
    if data:
        events.append((name, b"\n".join(data)))
    return None
