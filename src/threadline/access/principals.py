"""A credential becomes a principal: who is asking, with which role, for which scope."""

from typing import Literal

from msgspec import Struct, structs

from threadline.access.keys import matches, parse
from threadline.access.sessions import holds, parse_session
from threadline.access.tokens import RIGHTS, Right, Token, TokenSigner
from threadline.clock import Clock, from_rfc3339
from threadline.errors import Forbidden, NotFound, Unauthorized
from threadline.ids import KeyId, MessageId, RunId, SessionId, TenantId, ThreadId
from threadline.scopes import EndUser, Scope, System, Tenant
from threadline.store.contract import KeyRow, Reader, Store
from threadline.store.contract_web import SessionRow

PrincipalRole = Literal["end_user", "server", "admin", "operator"]
POWERS: tuple[PrincipalRole, ...] = ("end_user", "server", "admin", "operator")
"""Each may do what those before it may."""

_AUTHENTICATE = System("see whose key this is")
_OPERATE = System("an operator sees the whole installation")


class Principal(Struct, frozen=True):
    """Who is asking. `expires_at_ms` is None for keys; `session` is the browser's, where one is asking.

    A session is its person, with the role `end_user`; `may_be` is what it may ask as instead, when it says so.
    """

    role: PrincipalRole
    scope: Scope
    tenant_name: str
    key_id: KeyId | None
    rights: frozenset[Right] = frozenset(RIGHTS)
    expires_at_ms: int | None = None
    session: SessionId | None = None
    may_be: PrincipalRole = "end_user"

    @property
    def is_key(self) -> bool:
        """Whether a key is asking, or a session with the powers of one, and not an end user."""
        return self.role != "end_user"

    def acting_as(self, role: str) -> "Principal":
        """Return this session asking with the powers of a key. Raises Forbidden beyond what it may be."""
        if role not in POWERS or POWERS.index(role) > POWERS.index(self.may_be):
            raise Forbidden(f"This session may not ask as {role[:20]!r}.")
        scope = self.scope if role == "end_user" else Tenant(self.scope.tenant_id)
        return structs.replace(self, role=role, scope=scope)

    def require_key(self) -> None:
        """Raise Forbidden for an end-user token."""
        if not self.is_key:
            raise Forbidden("An end-user token may not do that; it takes a server key.")

    def require_admin(self) -> None:
        """Raise Forbidden for whoever may not manage keys and settings."""
        if self.role not in ("admin", "operator"):
            raise Forbidden("That takes an admin key.")

    def require_operator(self) -> None:
        """Raise Forbidden for whoever does not run the installation."""
        if self.role != "operator":
            raise Forbidden("That takes an operator key.")

    def require(self, right: Right) -> None:
        """Raise Forbidden where a token was issued without this right."""
        if right not in self.rights:
            raise Forbidden(f"This token was issued without the right {right!r}.")


class Access:
    """Checks credentials. Keys are looked up on every request, so that revoking one takes effect at once."""

    def __init__(self, store: Store, signer: TokenSigner, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.signer = signer

    async def authenticate(self, credential: str | None) -> Principal:
        """Say who is asking. Raises Unauthorized."""
        if not credential:
            raise Unauthorized
        parsed = parse(credential)
        if parsed is None:
            return await self._by_token(self.signer.read(credential))
        key_id, secret = parsed
        row = await self._key(key_id)
        if not matches(row, secret):
            raise Unauthorized
        return Principal(_role(row), Tenant(row.tenant_id), row.tenant_name, row.id)

    async def authenticate_session(self, cookie: str) -> Principal:
        """Say whose session a cookie is. Raises Unauthorized."""
        parsed = parse_session(cookie)
        if parsed is None:
            raise Unauthorized
        session_id, secret = parsed

        async def script(reader: Reader) -> SessionRow | None:
            row = await reader.session_by_id(_AUTHENTICATE, session_id)
            if row is None or row.begun_at is None or row.key_id is None:
                return row
            key = await reader.key_by_id(_AUTHENTICATE, row.key_id)
            # Who signed in by a key is signed out with it.
            return None if key is None or key.revoked_at is not None else row

        row = await self._store.read(_AUTHENTICATE, script)
        if row is None or not holds(row, secret, self._clock.now_ms()):
            raise Unauthorized("The session has ended.")
        return Principal(
            "end_user",
            EndUser(row.tenant_id, row.end_user_id),
            row.tenant_name,
            row.key_id,
            expires_at_ms=from_rfc3339(row.expires_at),
            session=row.id,
            may_be="end_user" if row.role == "end_user" else _role(row),
        )

    async def check_key(self, key_id: KeyId, tenant_id: TenantId) -> None:
        """See that a key of this tenant is still good: what it has handed out ends with it. Raises Unauthorized."""
        if (await self._key(key_id)).tenant_id != tenant_id:
            raise Unauthorized

    async def scope_of_thread(self, principal: Principal, thread_id: ThreadId) -> Scope:
        """Return the scope in which a thread is to be looked for: an operator looks where the thread is."""
        if principal.role != "operator":
            return principal.scope

        async def script(reader: Reader) -> TenantId | None:
            return await reader.locate_thread(_OPERATE, thread_id)

        return _found(await self._store.read(_OPERATE, script))

    async def scope_of_message(self, principal: Principal, message_id: MessageId) -> Scope:
        """Return the scope in which a message is to be looked for."""
        if principal.role != "operator":
            return principal.scope

        async def script(reader: Reader) -> TenantId | None:
            return await reader.locate_message(_OPERATE, message_id)

        return _found(await self._store.read(_OPERATE, script))

    async def scope_of_run(self, principal: Principal, run_id: RunId) -> Scope:
        """Return the scope in which a run is to be looked for."""
        if principal.role != "operator":
            return principal.scope

        async def script(reader: Reader) -> TenantId | None:
            return await reader.locate_run(_OPERATE, run_id)

        return _found(await self._store.read(_OPERATE, script))

    async def _by_token(self, token: Token) -> Principal:
        row = await self._key(token.key_id)
        if row.tenant_id != token.tenant_id:
            raise Unauthorized
        return Principal(
            "end_user",
            EndUser(token.tenant_id, token.end_user_id, token.thread_ids),
            row.tenant_name,
            token.key_id,
            token.rights,
            token.expires_at_ms,
        )

    async def _key(self, key_id: KeyId) -> KeyRow:
        async def script(reader: Reader) -> KeyRow | None:
            return await reader.key_by_id(_AUTHENTICATE, key_id)

        row = await self._store.read(_AUTHENTICATE, script)
        if row is None or row.revoked_at is not None:
            raise Unauthorized
        return row


def _found(tenant_id: TenantId | None) -> Scope:
    if tenant_id is None:
        raise NotFound
    return Tenant(tenant_id)


def _role(row: KeyRow | SessionRow) -> PrincipalRole:
    match row.role:
        case "server" | "admin" | "operator":
            return row.role
        case _:
            raise Unauthorized
