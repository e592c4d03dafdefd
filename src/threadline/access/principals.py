"""A credential becomes a principal: who is asking, with which role, for which scope."""

from typing import Literal

from msgspec import Struct

from threadline.access.keys import matches, parse
from threadline.access.tokens import RIGHTS, Right, Token, TokenSigner
from threadline.errors import Forbidden, NotFound, Unauthorized
from threadline.ids import KeyId, MessageId, RunId, TenantId, ThreadId
from threadline.scopes import EndUser, Scope, System, Tenant
from threadline.store.contract import KeyRow, Reader, Store

PrincipalRole = Literal["end_user", "server", "admin", "operator"]

_AUTHENTICATE = System("see whose key this is")
_OPERATE = System("an operator sees the whole installation")


class Principal(Struct, frozen=True):
    """Who is asking. `expires_at_ms` is None for keys."""

    role: PrincipalRole
    scope: Scope
    tenant_name: str
    key_id: KeyId
    rights: frozenset[Right] = frozenset(RIGHTS)
    expires_at_ms: int | None = None

    @property
    def is_key(self) -> bool:
        """Whether a key is asking, and not an end user's browser."""
        return self.role != "end_user"

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

    def __init__(self, store: Store, signer: TokenSigner) -> None:
        self._store = store
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


def _role(row: KeyRow) -> PrincipalRole:
    match row.role:
        case "server" | "admin" | "operator":
            return row.role
        case _:
            raise Unauthorized
