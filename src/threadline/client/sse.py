"""Server-sent events: bytes in, frames out, without any I/O.

Follows the WHATWG algorithm ("Parsing an event stream"): LF, CR and CRLF end a line, one leading BOM is skipped,
comments carry nothing, several `data` lines make one text, an `id` with NUL in it is ignored, and a frame that is not
closed by an empty line before the stream ends never happened. That last rule is what makes resuming exact: a frame
that was cut in the middle is not seen, its id is not kept, and the next connection brings it whole.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from threadline.client.errors import UnexpectedAnswer

# The longest frame of the contract is a whole message with files in it. A server that never ends a line must not
# eat the memory of its client.
FRAME_BYTES_MAX = 64 * 1024 * 1024

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class Frame(Struct, frozen=True):
    """One dispatched event. `last_event_id` is the stream's, as of this frame: a frame without an id inherits it."""

    event: str
    data: str
    last_event_id: str


class SSEParser:
    """Takes the body in pieces of any size and gives the frames that each piece completes.

    `retry_ms` is the last reconnection time that the server named, in milliseconds, or None.
    """

    __slots__ = ("_after_cr", "_at_start", "_data", "_event", "_id", "_line", "_size", "retry_ms")

    def __init__(self) -> None:
        self.retry_ms: int | None = None
        self._line: list[bytes] = []
        self._data: list[str] = []
        self._event = ""
        self._id = ""
        self._size = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """Yield the frames that `chunk` completes.

        Raises `UnexpectedAnswer` when a frame grows beyond `FRAME_BYTES_MAX`.
        """
        for line in self._lines(chunk):
            if not line:
                frame = self._dispatch()
                if frame is not None:
                    yield frame
            else:
                self._take(line)

    def _lines(self, chunk: bytes) -> Iterator[bytes]:
        """Cut into lines. The pieces of an unfinished line are kept apart: joining them each time would be O(n²)."""
        if self._after_cr and chunk.startswith(b"\n"):
            self._after_cr = False
            chunk = chunk[1:]
        if not chunk:
            return
        self._after_cr = chunk.endswith(b"\r")
        *ended, rest = _LINE_END.split(chunk)
        for piece in ended:
            self._hold(piece)
            line = b"".join(self._line)
            self._line.clear()
            yield self._without_bom(line)
        self._hold(rest)

    def _without_bom(self, line: bytes) -> bytes:
        if self._at_start:
            self._at_start = False
            return line.removeprefix(_BOM)
        return line

    def _hold(self, piece: bytes) -> None:
        self._line.append(piece)
        self._size += len(piece)
        if self._size > FRAME_BYTES_MAX:
            raise UnexpectedAnswer(f"a frame of the event stream is larger than {FRAME_BYTES_MAX} bytes")

    def _take(self, line: bytes) -> None:
        """Process one line that is not empty."""
        if line.startswith(b":"):
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"data":
                self._data.append(value.decode("utf-8", "replace"))
            case b"event":
                self._event = value.decode("utf-8", "replace")
            case b"id" if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
            case b"retry" if value.isdigit():
                self.retry_ms = int(value)
            case _:
                pass

    def _dispatch(self) -> Frame | None:
        data, event = self._data, self._event
        self._data, self._event, self._size = [], "", 0
        if not data:
            return None
        return Frame(event or "message", "\n".join(data), self._id)
