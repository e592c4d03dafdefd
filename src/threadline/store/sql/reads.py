"""What people have read, as both dialects say it."""

from collections.abc import Sequence

import msgspec

from threadline.errors import NotFound
from threadline.ids import ThreadId
from threadline.records import Author
from threadline.scopes import EndUser, Scope
from threadline.store.contract_reads import ReadMark
from threadline.store.sql.branches import marks, padded
from threadline.store.sql.statements import Statements

_author = msgspec.json.Decoder(Author)

_MARK = "INSERT INTO reads (tenant_id, thread_id, end_user_id, seq, read_count) VALUES (?, ?, ?, ?, ?) "


class ReadReader:
    """The reading verbs of `store/contract_reads.py`."""

    _sql: Statements

    async def require_thread(self, scope: Scope, thread_id: ThreadId) -> int:
        """Raise NotFound where a thread is unknown, deleted or out of scope."""
        raise NotImplementedError

    async def read_marks(self, scope: Scope, end_user_id: str, thread_ids: Sequence[ThreadId]) -> dict[ThreadId, int]:
        """Return of each of these threads the `read_count` of this person; those without a mark are left out."""
        if not thread_ids or (isinstance(scope, EndUser) and scope.end_user_id != end_user_id):
            return {}
        rows = await self._sql.every(
            "SELECT thread_id, read_count FROM reads WHERE tenant_id = ? AND end_user_id = ? "
            f"AND thread_id IN ({marks(len(thread_ids))})",
            (scope.tenant_id, end_user_id, *padded(thread_ids)),
        )
        return dict(map(tuple, rows))

    async def others_behind(self, scope: Scope, thread_id: ThreadId, seq: int, end_user_id: str) -> int:
        """Return how many messages behind `seq` count and are not this person's own. Raises NotFound."""
        await self.require_thread(scope, thread_id)
        rows = await self._sql.every(
            "SELECT author FROM messages WHERE tenant_id = ? AND thread_id = ? AND seq > ? "
            "AND role IN ('user', 'assistant')",
            (scope.tenant_id, thread_id, seq),
        )
        authors = [_author.decode(row[0]) for row in rows]
        return sum((author.type, author.id) != ("user", end_user_id) for author in authors)


class ReadWriter:
    """The writing verbs of `store/contract_reads.py`."""

    _sql: Statements

    async def require_thread(self, scope: Scope, thread_id: ThreadId) -> int:
        """Raise NotFound where a thread is unknown, deleted or out of scope."""
        raise NotImplementedError

    async def mark_read(self, scope: Scope, mark: ReadMark) -> None:
        """Store how far a person has read. Raises NotFound."""
        await self.require_thread(scope, mark.thread_id)
        if isinstance(scope, EndUser) and scope.end_user_id != mark.end_user_id:
            raise NotFound
        await self._sql.run(
            f"{_MARK} ON CONFLICT (tenant_id, thread_id, end_user_id) "
            "DO UPDATE SET seq = excluded.seq, read_count = excluded.read_count",
            (scope.tenant_id, mark.thread_id, mark.end_user_id, mark.seq, mark.read_count),
        )

    async def note_own(self, scope: Scope, thread_id: ThreadId, end_user_id: str) -> None:
        """Count a message that this person has just written as read by him. Raises NotFound."""
        await self.require_thread(scope, thread_id)
        await self._sql.run(
            f"{_MARK} ON CONFLICT (tenant_id, thread_id, end_user_id) DO UPDATE SET read_count = reads.read_count + 1",
            (scope.tenant_id, thread_id, end_user_id, 0, 1),
        )
