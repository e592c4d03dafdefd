"""The verbs of the web app: sessions and shares. Secrets come in as hashes and are looked for as such."""

from collections.abc import Sequence

from threadline.errors import NotFound
from threadline.ids import KeyId, SessionId, ShareId, ThreadId
from threadline.limits import DELETE_BATCH_ROWS
from threadline.scopes import Scope, System
from threadline.store.contract_web import SessionRow, ShareRow
from threadline.store.rows import SESSIONS, SHARES
from threadline.store.sql.statements import Statements

_SESSION = (
    f"SELECT {', '.join(f'sessions.{name}' for name in SESSIONS.columns)}, tenants.name "
    "FROM sessions JOIN tenants ON tenants.id = sessions.tenant_id"
)
_IDS_AT_ONCE = 500
_SHARE = f"SELECT {', '.join(SHARES.columns)} FROM shares"


class WebAppReader:
    """The reading verbs."""

    _sql: Statements

    async def session_by_id(self, system: System, session_id: SessionId) -> SessionRow | None:
        """Return a session for authentication, whatever has become of it."""
        row = await self._sql.one(f"{_SESSION} WHERE sessions.id = ?", (session_id,))
        if row is None:
            return None
        return SessionRow(**dict(zip(SESSIONS.columns, row, strict=False)), tenant_name=row[-1])

    async def ended_among(self, system: System, sessions: Sequence[SessionId], keys: Sequence[KeyId]) -> set[str]:
        """Return which of these sessions have been ended, and which of these keys revoked."""
        found: set[str] = set()
        asked: tuple[tuple[str, str, Sequence[str]], ...] = (
            ("sessions", "ended_at", sessions),
            ("keys", "revoked_at", keys),
        )
        for table, column, ids in asked:
            for start in range(0, len(ids), _IDS_AT_ONCE):
                part = ids[start : start + _IDS_AT_ONCE]
                marks = ", ".join("?" * len(part))
                rows = await self._sql.every(
                    f"SELECT id FROM {table} WHERE id IN ({marks}) AND {column} IS NOT NULL", part
                )
                found.update(row[0] for row in rows)
        return found

    async def shares(self, scope: Scope, thread_id: ThreadId) -> list[ShareRow]:
        """Return the shares of a thread, revoked ones too, oldest first. Raises NotFound."""
        await self.require_thread(scope, thread_id)
        rows = await self._sql.every(
            f"{_SHARE} WHERE tenant_id = ? AND thread_id = ? ORDER BY id", (scope.tenant_id, thread_id)
        )
        return [SHARES.record(row) for row in rows]

    async def share_by_hash(self, system: System, secret_hash: bytes) -> ShareRow | None:
        """Return the share that has this address, whatever has become of it."""
        row = await self._sql.one(f"{_SHARE} WHERE secret_hash = ?", (secret_hash,))
        return None if row is None else SHARES.record(row)

    async def require_thread(self, scope: Scope, thread_id: ThreadId) -> int:
        """Raise NotFound where a thread is unknown, deleted or out of scope; return the seq that its row knows of."""
        raise NotImplementedError


class WebAppWriter(WebAppReader):
    """The writing verbs."""

    async def insert_session(self, scope: Scope, row: SessionRow) -> None:
        """Store a new session, begun or not."""
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        columns = SESSIONS.columns
        await self._sql.run(
            f"INSERT INTO sessions ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            [getattr(row, name) for name in columns],
        )

    async def begin_session(
        self, scope: Scope, session_id: SessionId, secret_hash: bytes, begun_at: str, expires_at: str
    ) -> None:
        """Begin a session with a secret of its own. Raises NotFound where it has begun, ended or expired."""
        # One statement decides between two who come with the same link.
        begun = await self._sql.run(
            "UPDATE sessions SET secret_hash = ?, begun_at = ?, expires_at = ? WHERE tenant_id = ? AND id = ? "
            "AND begun_at IS NULL AND ended_at IS NULL AND expires_at > ?",
            (secret_hash, begun_at, expires_at, scope.tenant_id, session_id, begun_at),
        )
        if begun != 1:
            raise NotFound

    async def end_session(self, scope: Scope, session_id: SessionId, ended_at: str) -> None:
        """Make a session useless from now on. Raises NotFound; ending twice is fine."""
        ended = await self._sql.run(
            "UPDATE sessions SET ended_at = coalesce(ended_at, ?) WHERE tenant_id = ? AND id = ?",
            (ended_at, scope.tenant_id, session_id),
        )
        if ended != 1:
            raise NotFound

    async def sweep_sessions(self, system: System, expired_before: str) -> int:
        """Forget sessions that expired before that time. Returns how many went."""
        return await self._sql.run(
            "DELETE FROM sessions WHERE (tenant_id, id) IN ("
            "SELECT tenant_id, id FROM sessions WHERE expires_at < ? LIMIT ?)",
            (expired_before, DELETE_BATCH_ROWS),
        )

    async def insert_share(self, scope: Scope, row: ShareRow) -> None:
        """Store a new share. Raises NotFound for the thread."""
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        await self.require_writer(scope, row.thread_id)
        columns = SHARES.columns
        await self._sql.run(
            f"INSERT INTO shares ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", SHARES.values(row)
        )

    async def revoke_share(self, scope: Scope, thread_id: ThreadId, share_id: ShareId, revoked_at: str) -> None:
        """Make a share useless from now on. Raises NotFound; revoking twice is fine."""
        await self.require_writer(scope, thread_id)
        revoked = await self._sql.run(
            "UPDATE shares SET revoked_at = coalesce(revoked_at, ?) WHERE tenant_id = ? AND thread_id = ? AND id = ?",
            (revoked_at, scope.tenant_id, thread_id, share_id),
        )
        if revoked != 1:
            raise NotFound

    async def require_writer(self, scope: Scope, thread_id: ThreadId) -> None:
        """Raise NotFound for whoever does not reach the thread, and Forbidden for whoever only reads it."""
        raise NotImplementedError
