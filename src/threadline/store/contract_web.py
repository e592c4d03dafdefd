"""The verbs of the web app, as part of `store/contract.py`: who is signed in, and which pages are shared."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from threadline.ids import KeyId, MessageId, SessionId, ShareId, TenantId, ThreadId
from threadline.scopes import Scope, System


class SessionRow(Struct, frozen=True, kw_only=True):
    """A browser that is signed in, or a link by which one may sign in: a session that nobody has begun.

    `role` is what it may ask as beside being its person; `key_id` is the key that it was begun with, None where it
    came by a link. Of its secret only the hash is stored.
    """

    tenant_id: TenantId
    tenant_name: str
    id: SessionId
    role: str
    end_user_id: str
    key_id: KeyId | None
    secret_hash: bytes
    created_at: str
    begun_at: str | None
    expires_at: str
    ended_at: str | None = None


class ShareRow(Struct, frozen=True, kw_only=True):
    """A page for whoever has its address: a thread up to one message. Of the address only the hash is stored."""

    tenant_id: TenantId
    id: ShareId
    thread_id: ThreadId
    message_id: MessageId
    secret_hash: bytes
    created_at: str
    expires_at: str
    revoked_at: str | None = None


class WebReader(Protocol):
    """The reading verbs."""

    async def session_by_id(self, system: System, session_id: SessionId) -> SessionRow | None:
        """Return a session for authentication, whatever has become of it."""
        ...

    async def ended_among(self, system: System, sessions: Sequence[SessionId], keys: Sequence[KeyId]) -> set[str]:
        """Return which of these sessions have been ended, and which of these keys revoked."""
        ...

    async def shares(self, scope: Scope, thread_id: ThreadId) -> list[ShareRow]:
        """Return the shares of a thread, revoked ones too, oldest first. Raises NotFound."""
        ...

    async def share_by_hash(self, system: System, secret_hash: bytes) -> ShareRow | None:
        """Return the share that has this address, whatever has become of it."""
        ...


class WebTransaction(WebReader, Protocol):
    """The writing verbs."""

    async def insert_session(self, scope: Scope, row: SessionRow) -> None:
        """Store a new session, begun or not."""
        ...

    async def begin_session(
        self, scope: Scope, session_id: SessionId, secret_hash: bytes, begun_at: str, expires_at: str
    ) -> None:
        """Begin a session with a secret of its own. Raises NotFound where it has begun, ended or expired."""
        ...

    async def end_session(self, scope: Scope, session_id: SessionId, ended_at: str) -> None:
        """Make a session useless from now on. Raises NotFound; ending twice is fine."""
        ...

    async def sweep_sessions(self, system: System, expired_before: str) -> int:
        """Forget sessions that expired before that time. Returns how many went."""
        ...

    async def insert_share(self, scope: Scope, row: ShareRow) -> None:
        """Store a new share. Raises NotFound for the thread."""
        ...

    async def revoke_share(self, scope: Scope, thread_id: ThreadId, share_id: ShareId, revoked_at: str) -> None:
        """Make a share useless from now on. Raises NotFound; revoking twice is fine."""
        ...
