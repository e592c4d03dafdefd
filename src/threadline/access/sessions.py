"""Browsers that are signed in: begun by a link that works once, or by a key. Only hashes are stored.

A link is a session that nobody has begun: `tlc_<26 characters of its id>_<secret>`. Beginning it gives it a secret of
its own, which is the cookie's: `tls_<the same id>_<secret>`. So a link is of no more use to whoever finds it in a log.
"""

import secrets

from msgspec import Struct

from threadline.access.keys import DEFAULT_TENANT, KEYS, hashed, secret_matches
from threadline.clock import Clock, from_rfc3339, rfc3339
from threadline.errors import InvalidRequest, NotFound, Unauthorized
from threadline.ids import IdMaker, KeyId, SessionId, TenantId
from threadline.limits import END_USER_ID_CHARS_MAX, SESSION_SECONDS, SIGN_IN_LINK_SECONDS
from threadline.scopes import Tenant
from threadline.store.contract import Transaction
from threadline.store.contract_web import SessionRow

OPERATOR_PERSON = "operator"
"""Whose conversations they are that the operator has in the app, where he gives no other name."""

_LINK, _SESSION = "tlc", "tls"
_USED = "This link has been used, or is too old."


class Begun(Struct, frozen=True):
    """A session that has just begun, with what only its browser is told."""

    row: SessionRow
    cookie: str


def parse_session(cookie: str) -> tuple[SessionId, str] | None:
    """Take a cookie apart into its session and its secret; None where it is none of ours."""
    return _parse(_SESSION, cookie)


def holds(row: SessionRow, secret: str, now_ms: int) -> bool:
    """Say whether this is the secret of a session that has begun and has not ended."""
    is_open = row.begun_at is not None and row.ended_at is None and row.expires_at > rfc3339(now_ms)
    return secret_matches(row.secret_hash, secret) and is_open


async def make_link(
    transaction: Transaction, ids: IdMaker, clock: Clock, person: str = OPERATOR_PERSON, role: str = "operator"
) -> str:
    """Make a link into the default tenant, which is made where it is not there. Returns its code, which works once."""
    check_person(person)
    tenant_id = await transaction.tenant_by_name(KEYS, DEFAULT_TENANT)
    now_ms = clock.now_ms()
    if tenant_id is None:
        tenant_id = TenantId(ids.make("tnt"))
        await transaction.insert_tenant(KEYS, tenant_id, DEFAULT_TENANT, rfc3339(now_ms))
    session_id, secret = SessionId(ids.make("ses")), secrets.token_urlsafe(32)
    row = SessionRow(
        tenant_id=tenant_id,
        tenant_name=DEFAULT_TENANT,
        id=session_id,
        role=role,
        end_user_id=person,
        key_id=None,
        secret_hash=hashed(secret),
        created_at=rfc3339(now_ms),
        begun_at=None,
        expires_at=rfc3339(now_ms + SIGN_IN_LINK_SECONDS * 1000),
    )
    await transaction.insert_session(Tenant(tenant_id), row)
    return _written(_LINK, session_id, secret)


async def begin_by_link(transaction: Transaction, code: str, clock: Clock) -> Begun:
    """Begin the session that a link is for. Raises Unauthorized where the link has been used, or is too old."""
    parsed = _parse(_LINK, code)
    row = None if parsed is None else await transaction.session_by_id(KEYS, parsed[0])
    if parsed is None or row is None or not secret_matches(row.secret_hash, parsed[1]):
        raise Unauthorized(_USED)
    secret, now_ms = secrets.token_urlsafe(32), clock.now_ms()
    expires_at = rfc3339(now_ms + SESSION_SECONDS * 1000)
    try:
        await transaction.begin_session(Tenant(row.tenant_id), row.id, hashed(secret), rfc3339(now_ms), expires_at)
    except NotFound as error:
        raise Unauthorized(_USED) from error
    return Begun(row, _written(_SESSION, row.id, secret))


async def begin_by_key(
    transaction: Transaction, tenant: Tenant, key_id: KeyId, role: str, person: str, ids: IdMaker, clock: Clock
) -> Begun:
    """Begin a session of a key: it is this person of the key's tenant, and may be what the key is."""
    check_person(person)
    session_id, secret, now_ms = SessionId(ids.make("ses")), secrets.token_urlsafe(32), clock.now_ms()
    row = SessionRow(
        tenant_id=tenant.tenant_id,
        tenant_name="",
        id=session_id,
        role=role,
        end_user_id=person,
        key_id=key_id,
        secret_hash=hashed(secret),
        created_at=rfc3339(now_ms),
        begun_at=rfc3339(now_ms),
        expires_at=rfc3339(now_ms + SESSION_SECONDS * 1000),
    )
    await transaction.insert_session(tenant, row)
    return Begun(row, _written(_SESSION, session_id, secret))


def seconds_left(expires_at: str, clock: Clock) -> int:
    """Return for how many seconds something still holds."""
    return max(0, (from_rfc3339(expires_at) - clock.now_ms()) // 1000)


def check_person(person: str) -> None:
    """Raise InvalidRequest where nobody may be called that."""
    if not 0 < len(person) <= END_USER_ID_CHARS_MAX or not person.isprintable():
        raise InvalidRequest(f"A person's id is 1 to {END_USER_ID_CHARS_MAX} printable characters.")


def _written(kind: str, session_id: SessionId, secret: str) -> str:
    return f"{kind}_{session_id.removeprefix('ses_')}_{secret}"


def _parse(kind: str, text: str) -> tuple[SessionId, str] | None:
    prefix, _, rest = text.partition("_")
    number, _, secret = rest.partition("_")
    # An id is compared with what is stored, and no store can look up everything.
    if prefix != kind or len(number) != 26 or not (number.isascii() and number.isalnum()) or not secret.isascii():
        return None
    return SessionId(f"ses_{number}"), secret
