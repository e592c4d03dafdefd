"""A token, stop 7 of 8: an entry becomes a frame. Before: `journal/tail.py`; next: `api/sse.py`.

Pure: the same entry is the same bytes, on every replay and on every node. An entry is encoded once, and the frame is
shared by all of its readers.
"""

import msgspec

from threadline.events import Entry, MessageDelta, encode_event, event_type

RETRY = b"retry: 1000\n\n"
"""How soon a browser's EventSource comes back, in milliseconds. Sent once, at the start of a stream."""

HEARTBEAT = b": heartbeat\n\n"

_encode = msgspec.json.Encoder().encode


def frame(entry: Entry) -> bytes:
    """Return the entry as an SSE frame: `id`, `event`, `data`."""
    known = entry.frames.get("native")
    if known is None:
        known = entry.frames["native"] = _delta(entry) if isinstance(entry.event, MessageDelta) else _event(entry)
    return known


def caught_up(seq: int) -> bytes:
    """Return the frame that ends the replay. It is no event of the log, so it has no id."""
    return b'event: caught_up\ndata: {"type":"caught_up","seq":%d}\n\n' % seq


def data(entry: Entry) -> bytes:
    """Return the entry's JSON alone: `type`, `seq` and `thread_id`, then what the event carries."""
    if isinstance(entry.event, MessageDelta):
        return _delta_data(entry, entry.event).encode()
    body = encode_event(entry.event)
    head = b'{"type":%b' % _encode(event_type(entry.event))
    assert body.startswith(head), "an event's type is its first field"
    return b'%b,"seq":%d,"thread_id":"%b"%b' % (head, entry.seq, entry.thread_id.encode(), body[len(head) :])


def _event(entry: Entry) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (entry.seq, event_type(entry.event).encode(), data(entry))


def _delta(entry: Entry) -> bytes:
    # The one frame that there are thousands of: written out, without a detour over the event's own JSON.
    assert isinstance(entry.event, MessageDelta), "asked for by the caller"
    return f"id: {entry.seq}\nevent: message.delta\ndata: {_delta_data(entry, entry.event)}\n\n".encode()


def _delta_data(entry: Entry, delta: MessageDelta) -> str:
    return (
        f'{{"type":"message.delta","seq":{entry.seq},"thread_id":"{entry.thread_id}","message_id":"{delta.message_id}",'
        f'"block":{delta.block},"kind":"{delta.kind}","text":{_encode(delta.text).decode()}}}'
    )
