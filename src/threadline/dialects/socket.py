"""Event to WebSocket frame (RFC 6455): the same JSON as everywhere, one text frame for each.

Pure. What a server sends is not masked, so the frame of an entry is the same bytes for every socket: it is made once.
Sockets therefore do without compression, which would be different bytes for each of them.
"""

from typing import Any

import msgspec

from threadline.dialects.native import data
from threadline.events import Entry
from threadline.ids import ThreadId

_TEXT = b"\x81"

_encode = msgspec.json.Encoder().encode


def frame(entry: Entry) -> bytes:
    """Return the entry as a text frame."""
    known = entry.frames.get("socket")
    if known is None:
        known = entry.frames["socket"] = text(data(entry))
    return known


def caught_up(thread_id: ThreadId, seq: int) -> bytes:
    """Return the frame that ends the replay of a thread. It is no event of the log."""
    return message({"type": "caught_up", "seq": seq, "thread_id": thread_id})


def message(value: Any) -> bytes:
    """Return anything else that is said over a socket as a text frame."""
    return text(_encode(value))


def text(payload: bytes) -> bytes:
    """Return a whole text frame, unmasked, with the shortest form of its length."""
    size = len(payload)
    if size < 126:
        return b"%b%c%b" % (_TEXT, size, payload)
    if size < 65536:
        return b"%b\x7e%b%b" % (_TEXT, size.to_bytes(2, "big"), payload)
    return b"%b\x7f%b%b" % (_TEXT, size.to_bytes(8, "big"), payload)
