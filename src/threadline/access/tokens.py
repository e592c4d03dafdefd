"""End-user tokens: short-lived, signed, for browsers and phones. Nothing of them is stored.

A token is a JWT (RFC 7519, HS256) signed with this installation's secret. It names the key that issued it, and that key
is looked up on every request: revoking a key ends the tokens that it has issued.

The library is loaded by the first token: with its cryptography it is a tenth of a start, and many servers see none.
"""

from typing import Any, Literal

from msgspec import Struct

from threadline.clock import Clock, rfc3339
from threadline.errors import Unauthorized
from threadline.file_records import FileId
from threadline.ids import KeyId, TenantId, ThreadId

Right = Literal["read", "send"]
RIGHTS: tuple[Right, ...] = ("read", "send")

_ALGORITHM = "HS256"
_AUDIENCE = "threadline"
_LINK_AUDIENCE = "threadline-file"


class Token(Struct, frozen=True):
    """What a token says: for whom, for which threads (None: all of that person's), what for, until when."""

    key_id: KeyId
    tenant_id: TenantId
    end_user_id: str
    thread_ids: frozenset[ThreadId] | None
    rights: frozenset[Right]
    expires_at_ms: int


class IssuedToken(Struct, frozen=True):
    """The answer to `POST /v1/tokens`."""

    token: str
    expires_at: str


class Link(Struct, frozen=True):
    """What a link to a file says: which file, whose, and by which key it was handed out, where it was by one."""

    key_id: KeyId | None
    tenant_id: TenantId
    file_id: FileId
    expires_at_ms: int


class TokenSigner:
    """Issues and reads tokens with one installation's secret."""

    def __init__(self, clock: Clock, secret: bytes = b"") -> None:
        self._secret = secret
        self._clock = clock

    def use(self, secret: bytes) -> None:
        """Sign with this secret: nodes that share a database share it, so that each knows the tokens of the others."""
        assert len(secret) >= 32, "a signing secret has at least 256 bits"
        self._secret = secret

    def issue(self, token: Token) -> IssuedToken:
        """Sign a token."""
        assert self._secret, "use() comes first"
        claims = {
            "aud": _AUDIENCE,
            "exp": token.expires_at_ms // 1000,
            "kid": token.key_id,
            "tnt": token.tenant_id,
            "sub": token.end_user_id,
            "rgt": sorted(token.rights),
        }
        if token.thread_ids is not None:
            claims["thr"] = sorted(token.thread_ids)
        return IssuedToken(self._sign(claims), rfc3339(token.expires_at_ms // 1000 * 1000))

    def issue_link(self, link: Link) -> str:
        """Sign a link to a file. It is no token: it opens that file and nothing else."""
        assert self._secret, "use() comes first"
        claims = {
            "aud": _LINK_AUDIENCE,
            "exp": link.expires_at_ms // 1000,
            "kid": link.key_id or "",
            "tnt": link.tenant_id,
            "fil": link.file_id,
        }
        return self._sign(claims)

    def read_link(self, text: str) -> Link:
        """Check a link's signature and time. Raises Unauthorized."""
        claims = self._claims(text, _LINK_AUDIENCE, ["exp", "kid", "tnt", "fil"])
        return Link(
            KeyId(claims["kid"]) if claims["kid"] else None,
            TenantId(claims["tnt"]),
            FileId(claims["fil"]),
            int(claims["exp"]) * 1000,
        )

    def read(self, text: str) -> Token:
        """Check a token's signature and time. Raises Unauthorized."""
        claims = self._claims(text, _AUDIENCE, ["exp", "kid", "tnt", "sub", "rgt"])
        threads = claims.get("thr")
        return Token(
            key_id=KeyId(claims["kid"]),
            tenant_id=TenantId(claims["tnt"]),
            end_user_id=claims["sub"],
            thread_ids=None if threads is None else frozenset(map(ThreadId, threads)),
            rights=frozenset(claims["rgt"]),
            expires_at_ms=int(claims["exp"]) * 1000,
        )

    def _sign(self, claims: dict[str, Any]) -> str:
        import jwt

        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def _claims(self, text: str, audience: str, required: list[str]) -> dict[str, Any]:
        import jwt

        try:
            claims: dict[str, Any] = jwt.decode(
                text,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=audience,
                # Time is handed in, never asked of the machine: the expiry is compared below.
                options={"verify_exp": False, "require": required},
            )
        except jwt.InvalidTokenError as error:
            raise Unauthorized("The token is not one of this installation's.") from error
        if int(claims["exp"]) * 1000 <= self._clock.now_ms():
            raise Unauthorized("The token has expired.")
        return claims
