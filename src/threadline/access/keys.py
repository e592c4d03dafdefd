"""API keys: made, hashed, checked, revoked. The secret is shown once and only its hash is stored.

A key reads `tl_<26 characters of its id>_<43 characters of secret>`. The secret has 256 random bits, so one round of
SHA-256 is as good as a slow hash: there is nothing to guess.
"""

import hashlib
import hmac
import secrets
from typing import Literal

from msgspec import Struct

from threadline.clock import Clock, rfc3339
from threadline.errors import InvalidRequest
from threadline.ids import IdMaker, KeyId, TenantId
from threadline.limits import NAME_CHARS_MAX
from threadline.scopes import Scope, System, Tenant
from threadline.store.contract import KeyRow, Reader, Transaction

Role = Literal["server", "admin", "operator"]
ROLES: tuple[Role, ...] = ("server", "admin", "operator")

DEFAULT_TENANT = "default"

KEYS = System("manage keys and tenants")


class Key(Struct, frozen=True, kw_only=True):
    """A key as the API shows it. `secret` is there in the answer that creates it, and never again."""

    id: KeyId
    object: Literal["key"] = "key"
    tenant: str
    name: str
    role: str
    created_at: str
    revoked_at: str | None = None
    secret: str | None = None


def shown(row: KeyRow, secret: str | None = None) -> Key:
    """Return what may be shown of a stored key."""
    return Key(
        id=row.id,
        tenant=row.tenant_name,
        name=row.name,
        role=row.role,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        secret=secret,
    )


def hashed(secret: str) -> bytes:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def parse(credential: str) -> tuple[KeyId, str] | None:
    """Take a key apart into its id and its secret part; None where it is no key of ours."""
    prefix, _, rest = credential.partition("_")
    number, _, secret = rest.partition("_")
    if prefix != "tl" or len(number) != 26 or not secret:
        return None
    return KeyId(f"key_{number}"), secret


def matches(row: KeyRow, secret: str) -> bool:
    """Say whether this is the key's secret."""
    return secret_matches(row.secret_hash, secret)


def secret_matches(secret_hash: bytes, secret: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(secret_hash, hashed(secret))


async def create_key(
    transaction: Transaction, tenant_name: str, name: str, role: Role, ids: IdMaker, clock: Clock
) -> Key:
    """Create a key, and its tenant where there is none of this name. Returns it with its secret."""
    check_tenant_name(tenant_name)
    tenant_id = await transaction.tenant_by_name(KEYS, tenant_name)
    if tenant_id is None:
        tenant_id = TenantId(ids.make("tnt"))
        await transaction.insert_tenant(KEYS, tenant_id, tenant_name, rfc3339(clock.now_ms()))
    return await add_key(transaction, Tenant(tenant_id), tenant_name, name, role, ids, clock)


async def add_key(
    transaction: Transaction, scope: Scope, tenant_name: str, name: str, role: Role, ids: IdMaker, clock: Clock
) -> Key:
    """Create a key of an existing tenant. Returns it with its secret."""
    key_id = KeyId(ids.make("key"))
    secret = secrets.token_urlsafe(32)
    row = KeyRow(
        id=key_id,
        tenant_id=scope.tenant_id,
        tenant_name=tenant_name,
        name=name,
        role=role,
        secret_hash=hashed(secret),
        created_at=rfc3339(clock.now_ms()),
    )
    await transaction.insert_key(scope, row)
    return shown(row, secret=f"tl_{key_id.removeprefix('key_')}_{secret}")


async def list_keys(reader: Reader, tenant_name: str) -> list[Key]:
    """List a tenant's keys, oldest first. Raises InvalidRequest where there is no such tenant."""
    tenant_id = await reader.tenant_by_name(KEYS, tenant_name)
    if tenant_id is None:
        raise InvalidRequest(f"There is no tenant named {tenant_name!r}.")
    return [shown(row) for row in await reader.keys(Tenant(tenant_id))]


async def revoke_key(transaction: Transaction, key_id: KeyId, clock: Clock) -> None:
    """Revoke a key by its id alone: for the operator's terminal. Raises InvalidRequest where there is none."""
    row = await transaction.key_by_id(KEYS, key_id)
    if row is None:
        raise InvalidRequest(f"There is no key {key_id!r}; `threadline keys list` shows them.")
    await transaction.revoke_key(Tenant(row.tenant_id), key_id, rfc3339(clock.now_ms()))


def check_tenant_name(name: str) -> None:
    """Raise InvalidRequest where a tenant may not be called that."""
    if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
        raise InvalidRequest(f"A tenant's name is 1 to {NAME_CHARS_MAX} printable characters.")
