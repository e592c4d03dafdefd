"""The verbs of files: what is known of them, who sees them, and which nobody needs any more.

A person sees his own files, and those in threads that he reaches. A token that is for some threads sees those in them,
and what it has uploaded and not used yet.
"""

from collections.abc import Sequence
from typing import Any

from threadline.errors import FileInUse, NotFound, Unavailable
from threadline.file_records import File, FileId, FileQuery, FileRow, FileState
from threadline.ids import TenantId, ThreadId
from threadline.scopes import EndUser, Scope, System
from threadline.store.rows import FILES
from threadline.store.sql.statements import Statements

_COLUMNS = ", ".join(FILES.columns)
_FILES = f"SELECT {_COLUMNS} FROM files WHERE tenant_id = ? AND state = 'ready'"
_FILE = f"{_FILES} AND id = ?"
_USED = "SELECT 1 FROM file_uses WHERE file_uses.tenant_id = files.tenant_id AND file_uses.file_id = files.id"
_REACHED = (
    "SELECT 1 FROM file_uses JOIN threads ON threads.tenant_id = file_uses.tenant_id AND threads.id = thread_id "
    "WHERE file_uses.tenant_id = files.tenant_id AND file_id = files.id AND deleted_at IS NULL "
    "AND (threads.end_user_id = ? OR EXISTS (SELECT 1 FROM members WHERE members.tenant_id = threads.tenant_id "
    "AND members.thread_id = threads.id AND members.end_user_id = ?))"
)
_UNUSED = f"touched_at < ? AND NOT EXISTS ({_USED})"


class FileReader:
    """The reading verbs."""

    _sql: Statements

    async def file(self, scope: Scope, file_id: FileId) -> File:
        """Return a file whose bytes are there. Raises NotFound: unknown and out of scope are the same answer."""
        seen, values = _seen_by(scope)
        row = await self._sql.one(f"{_FILE} AND {seen}", (scope.tenant_id, file_id, *values))
        if row is None:
            raise NotFound
        return FILES.record(row)

    async def files(self, scope: Scope, query: FileQuery) -> list[File]:
        """Return files, newest first. A person's own ones, or those of a thread. Raises NotFound for the thread."""
        seen, values = _seen_by(scope)
        wanted, given = [seen], [scope.tenant_id, *values]
        if query.thread_id is not None:
            await self.require_thread(scope, query.thread_id)
            wanted.append(f"EXISTS ({_USED} AND thread_id = ?)")
            given.append(query.thread_id)
        elif isinstance(scope, EndUser):
            # What others have put into rooms is listed room by room.
            wanted.append("end_user_id = ?")
            given.append(scope.end_user_id)
        if query.end_user_id is not None:
            wanted.append("end_user_id = ?")
            given.append(query.end_user_id)
        if query.before is not None:
            wanted.append("(created_at, id) < (?, ?)")
            given += query.before
        rows = await self._sql.every(
            f"{_FILES} AND {' AND '.join(wanted)} ORDER BY created_at DESC, id DESC LIMIT ?", (*given, query.limit)
        )
        return [FILES.record(row) for row in rows]

    async def require_thread(self, scope: Scope, thread_id: ThreadId) -> int:
        """Raise NotFound where a thread is unknown, deleted or out of scope."""
        raise NotImplementedError


class FileWriter(FileReader):
    """The writing verbs."""

    async def begin_file(self, scope: Scope, row: FileRow) -> FileState:
        """Note that bytes are on their way, or that they were before. Returns the state of the file.

        Raises Unavailable while the same file of before is being removed.
        """
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        columns = f"{_COLUMNS}, tenant_id, state, touched_at"
        values = [*FILES.values(row.file), row.tenant_id, row.state, row.touched_at]
        marks = ", ".join("?" * len(values))
        await self._sql.run(f"INSERT INTO files ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING", values)
        if not await self._touch(scope, row.file.id, row.touched_at):
            raise Unavailable("The same file is being removed at this moment.", retry_after=1)
        found = await self._sql.one(
            "SELECT state FROM files WHERE tenant_id = ? AND id = ?", (row.tenant_id, row.file.id)
        )
        assert found is not None, "touched a moment ago"
        return found[0]  # type: ignore[no-any-return]

    async def finish_file(self, scope: Scope, file_id: FileId, now: str) -> None:
        """Note that the bytes are there. Raises NotFound where it took so long that they were swept."""
        if (
            await self._sql.run(
                "UPDATE files SET state = 'ready', touched_at = ? WHERE tenant_id = ? AND id = ? AND state <> 'dying'",
                (now, scope.tenant_id, file_id),
            )
            != 1
        ):
            raise NotFound

    async def give_up_file(self, scope: Scope, file_id: FileId, now: str) -> None:
        """Begin to remove a file that no thread has. Raises NotFound, and FileInUse where one has it."""
        await self.file(scope, file_id)
        # Its row is ours from here on: whoever is putting it into a thread has done so by now, and is seen below.
        if not await self._touch(scope, file_id, now):
            raise NotFound
        given_up = await self._sql.run(
            f"UPDATE files SET state = 'dying' WHERE tenant_id = ? AND id = ? AND NOT EXISTS ({_USED})",
            (scope.tenant_id, file_id),
        )
        if given_up != 1:
            raise FileInUse

    async def use_file(self, scope: Scope, thread_id: ThreadId, file_id: FileId, now: str) -> None:
        """Note that a thread has a file in it: whoever reaches the thread sees it. Raises NotFound."""
        await self.require_thread(scope, thread_id)
        await self.file(scope, file_id)
        # The row is written to, so that the sweep, which may be looking at it right now, sees that it is wanted.
        if not await self._touch(scope, file_id, now):
            raise NotFound
        await self._sql.run(
            "INSERT INTO file_uses (tenant_id, thread_id, file_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (scope.tenant_id, thread_id, file_id),
        )

    async def share_files(self, scope: Scope, thread_id: ThreadId, source_thread_id: ThreadId) -> None:
        """Note that a thread has all files that another one has. Raises NotFound for either."""
        await self.require_thread(scope, thread_id)
        await self.require_thread(scope, source_thread_id)
        await self._sql.run(
            "INSERT INTO file_uses (tenant_id, thread_id, file_id) "
            "SELECT tenant_id, ?, file_id FROM file_uses WHERE tenant_id = ? AND thread_id = ?",
            (thread_id, scope.tenant_id, source_thread_id),
        )

    async def dying_files(self, system: System, touched_before: str, limit: int) -> list[tuple[TenantId, FileId]]:
        """Give up files that no thread has and nobody has wanted since then. Returns those whose bytes are to go."""
        await self._sql.run(
            f"UPDATE files SET state = 'dying' WHERE state <> 'dying' AND {_UNUSED} AND (tenant_id, id) IN ("
            f"SELECT tenant_id, id FROM files WHERE state <> 'dying' AND {_UNUSED} LIMIT ?)",
            (touched_before, touched_before, limit),
        )
        rows = await self._sql.every("SELECT tenant_id, id FROM files WHERE state = 'dying' LIMIT ?", (limit,))
        return [(tenant_id, file_id) for tenant_id, file_id in rows]

    async def drop_files(self, system: System, files: Sequence[tuple[TenantId, FileId]]) -> None:
        """Forget files whose bytes are gone."""
        for tenant_id, file_id in files:
            await self._sql.run(
                "DELETE FROM files WHERE tenant_id = ? AND id = ? AND state = 'dying'", (tenant_id, file_id)
            )

    async def _touch(self, scope: Scope, file_id: FileId, now: str) -> bool:
        touched = await self._sql.run(
            "UPDATE files SET touched_at = ? WHERE tenant_id = ? AND id = ? AND state <> 'dying'",
            (now, scope.tenant_id, file_id),
        )
        return touched == 1


def _seen_by(scope: Scope) -> tuple[str, list[Any]]:
    if not isinstance(scope, EndUser):
        return "true", []
    person = scope.end_user_id
    if scope.thread_ids is None:
        return f"(end_user_id = ? OR EXISTS ({_REACHED}))", [person, person, person]
    marks = ", ".join("?" * len(scope.thread_ids)) or "NULL"
    return (
        f"(end_user_id = ? AND NOT EXISTS ({_USED}) OR EXISTS ({_REACHED} AND thread_id IN ({marks})))",
        [person, person, person, *sorted(scope.thread_ids)],
    )
