"""Event to frame for a stream of many threads: the native frame, whose `id` names the thread as well. Pure."""

from typing import Any

import msgspec

from threadline.dialects.native import data
from threadline.events import Entry, event_type
from threadline.ids import ThreadId

_encode = msgspec.json.Encoder().encode


def frame(entry: Entry) -> bytes:
    """Return the entry as an SSE frame: `id: THREAD:SEQ`, `event`, `data`."""
    known = entry.frames.get("sidebar")
    if known is None:
        head = f"id: {entry.thread_id}:{entry.seq}\nevent: {event_type(entry.event)}\n"
        known = entry.frames["sidebar"] = b"%bdata: %b\n\n" % (head.encode(), data(entry))
    return known


def caught_up(thread_id: ThreadId, seq: int) -> bytes:
    """Return the frame that ends the replay of a thread. It is no event of the log, so it has no id."""
    return message("caught_up", {"type": "caught_up", "seq": seq, "thread_id": thread_id})


def message(kind: str, value: dict[str, Any]) -> bytes:
    """Return a frame of something that is in no log."""
    return told(kind, _encode(value))


def told(kind: str, payload: bytes) -> bytes:
    """Return a frame of JSON that is encoded already."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), payload)
