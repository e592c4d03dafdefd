"""Reads a stretch of a thread's log: whole events, packs and live deltas, merged by seq."""

from threadline.events import Entry, Event, MessageDelta, decode_event
from threadline.ids import RunId, TenantId, ThreadId
from threadline.store.contract import Pack
from threadline.store.packing import KINDS, decode_marks, deltas_of
from threadline.store.sql.statements import Statements

_Found = dict[int, tuple[RunId | None, Event]]

# The sizes of the events before each one, so that a page may end where it is large; its first event is always in it.
_EVENTS = (
    "SELECT seq, run_id, body, is_within FROM ("
    "SELECT seq, run_id, body, coalesce(sum(octet_length(body)) OVER ("
    "ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) <= ? AS is_within "
    "FROM events WHERE tenant_id = ? AND thread_id = ? AND seq > ? AND seq <= ?) AS sized "
    "ORDER BY seq"
)
_PACKS = (
    "SELECT run_id, message_id, epoch, marks, text FROM packs "
    "WHERE tenant_id = ? AND thread_id = ? AND last_seq > ? AND first_seq <= ?"
)
_DELTAS = (
    "SELECT d.seq, d.run_id, a.message_id, d.block, d.kind, d.text FROM deltas d JOIN unpacked_attempts a "
    "ON a.tenant_id = d.tenant_id AND a.thread_id = d.thread_id AND a.run_id = d.run_id AND a.epoch = d.epoch "
    "WHERE d.tenant_id = ? AND d.thread_id = ? AND d.seq > ? AND d.seq <= ?"
)
_NEWS = (
    "SELECT * FROM unnest(?::text[], ?::bigint[]) AS w(watched_id, after), LATERAL ("
    "SELECT seq, run_id, body, NULL AS message_id, NULL::integer AS block, NULL::smallint AS kind FROM ("
    "SELECT e.seq, e.run_id, e.body FROM threads t JOIN events e ON e.tenant_id = t.tenant_id AND e.thread_id = t.id "
    "WHERE t.id = w.watched_id AND e.seq > w.after ORDER BY e.seq LIMIT ?) AS whole "
    "UNION ALL SELECT seq, run_id, text, message_id, block, kind FROM ("
    "SELECT d.seq, d.run_id, d.text, a.message_id, d.block, d.kind FROM deltas d JOIN unpacked_attempts a "
    "ON a.tenant_id = d.tenant_id AND a.thread_id = d.thread_id AND a.run_id = d.run_id AND a.epoch = d.epoch "
    "WHERE d.thread_id = w.watched_id AND d.seq > w.after ORDER BY d.seq LIMIT ?) AS said"
    ") AS news ORDER BY watched_id, seq"
)
_NO_LIMIT = 2**62


async def read_log(
    sql: Statements, tenant_id: TenantId, thread_id: ThreadId, after: int, upto: int, bytes_max: int | None
) -> list[Entry]:
    """Return the entries with `after` < seq <= `upto`, in order and without a hole; fewer where they are large."""
    found: _Found = {}
    limit = _NO_LIMIT if bytes_max is None else bytes_max
    for seq, run_id, body, is_within in await sql.every(_EVENTS, (limit, tenant_id, thread_id, after, upto)):
        if not is_within:
            # Deltas need no bound of their own: they are said again in the event that completes their message.
            upto = max(found)
            break
        found[seq] = (run_id, decode_event(body.encode()))
    for run_id, message_id, epoch, marks, text in await sql.every(_PACKS, (tenant_id, thread_id, after, upto)):
        pack = Pack(run_id, message_id, epoch, decode_marks(marks), text)
        found.update((seq, (run_id, delta)) for seq, delta in deltas_of(pack, after, upto))
    for seq, run_id, message_id, block, kind, text in await sql.every(_DELTAS, (tenant_id, thread_id, after, upto)):
        found[seq] = (run_id, MessageDelta(message_id, block, KINDS[kind], text))
    entries = [Entry(thread_id, seq, *found[seq]) for seq in sorted(found)]
    # What the write door promised, checked where it is read: a hole here would be a lost word.
    assert all(entry.seq == after + 1 + place for place, entry in enumerate(entries)), "the log has a hole"
    return entries


async def read_news(sql: Statements, positions: dict[ThreadId, int], limit: int) -> list[Entry]:
    """Return what many threads have after their positions, in one statement.

    What is packed already is not in it, and of a thread with more than `limit` only the beginning: whoever finds a gap
    reads the thread's log.
    """
    rows = await sql.every(_NEWS, (list(positions), list(positions.values()), limit, limit))
    entries = []
    for thread_id, _, seq, run_id, body, message_id, block, kind in rows:
        event = decode_event(body.encode()) if kind is None else MessageDelta(message_id, block, KINDS[kind], body)
        entries.append(Entry(thread_id, seq, run_id, event))
    return entries
