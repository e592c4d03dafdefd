"""Reads a stretch of a thread's log: whole events, packs and live deltas, merged by seq."""

import apsw

from threadline.events import Entry, Event, MessageDelta, decode_event
from threadline.ids import MessageId, RunId, TenantId, ThreadId
from threadline.store.contract import Pack
from threadline.store.packing import KINDS, decode_marks, deltas_of


def read_log(
    connection: apsw.Connection,
    tenant_id: TenantId,
    thread_id: ThreadId,
    after: int,
    upto: int,
    bytes_max: int | None = None,
) -> list[Entry]:
    """Return the entries with `after` < seq <= `upto`, in order and without a hole; fewer where they are large."""
    found: dict[int, tuple[RunId | None, Event]] = {}
    key = (tenant_id, thread_id)
    upto = _add_events(connection, key, after, upto, found, bytes_max)
    _add_packs(connection, key, after, upto, found)
    _add_deltas(connection, key, after, upto, found)
    entries = [Entry(thread_id, seq, *found[seq]) for seq in sorted(found)]
    # What the write door promised, checked where it is read: a hole here would be a lost word.
    assert all(entry.seq == after + 1 + place for place, entry in enumerate(entries)), "the log has a hole"
    return entries


def _add_events(
    connection: apsw.Connection,
    key: tuple[TenantId, ThreadId],
    after: int,
    upto: int,
    found: dict[int, tuple[RunId | None, Event]],
    bytes_max: int | None,
) -> int:
    """Add the whole events, up to `bytes_max` and one more. Returns up to which seq that is."""
    rows = connection.execute(
        "SELECT seq, run_id, body FROM events WHERE tenant_id = ? AND thread_id = ? AND seq > ? AND seq <= ? "
        "ORDER BY seq",
        (*key, after, upto),
    )
    size = 0
    for seq, run_id, body in rows:
        found[seq] = (run_id, decode_event(body.encode()))
        size += len(body)
        # Deltas need no bound of their own: they are said again in the event that completes their message.
        if bytes_max is not None and size > bytes_max:
            return int(seq)
    return upto


def _add_packs(
    connection: apsw.Connection,
    key: tuple[TenantId, ThreadId],
    after: int,
    upto: int,
    found: dict[int, tuple[RunId | None, Event]],
) -> None:
    rows = connection.execute(
        "SELECT run_id, message_id, epoch, marks, text FROM packs "
        "WHERE tenant_id = ? AND thread_id = ? AND last_seq > ? AND first_seq <= ?",
        (*key, after, upto),
    )
    for run_id, message_id, epoch, marks, text in rows:
        pack = Pack(run_id, message_id, epoch, decode_marks(marks), text)
        for seq, delta in deltas_of(pack, after, upto):
            found[seq] = (run_id, delta)


def _add_deltas(
    connection: apsw.Connection,
    key: tuple[TenantId, ThreadId],
    after: int,
    upto: int,
    found: dict[int, tuple[RunId | None, Event]],
) -> None:
    attempts: list[tuple[RunId, MessageId, int, int, int]] = list(
        connection.execute(
            "SELECT run_id, message_id, delta_floor, max(first_seq - 1, ?), min(coalesce(last_seq, ?), ?) "
            "FROM unpacked_attempts "
            "WHERE tenant_id = ? AND thread_id = ? AND first_seq <= ? AND (last_seq IS NULL OR last_seq > ?)",
            (after, upto, upto, *key, upto, after),
        )
    )
    for run_id, message_id, floor, before, last in attempts:
        # Its own only: a later attempt of the run, packed or not, may write into another message.
        rows = connection.execute(
            "SELECT seq, block, kind, text FROM deltas WHERE id >= ? AND run_id = ? AND seq > ? AND seq <= ?",
            (floor, run_id, before, last),
        )
        for seq, block, kind, text in rows:
            found[seq] = (run_id, MessageDelta(message_id, block, KINDS[kind], text))
