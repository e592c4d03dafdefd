"""The cookie of a session, and that no other site's page may use it.

A browser sends its cookie along with whatever any page asks of us. `SameSite=Lax` keeps it out of requests that other
sites make; what is left is looked at here, because ports and subdomains are the same site and still not us.
"""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from threadline.errors import Forbidden

ROLE_HEADER = "x-threadline-role"
"""By which a session says that it asks as more than its person: `operator`, `admin`, `server`."""

_READING = ("GET", "HEAD", "OPTIONS")


def session_cookie(asked: HTTPConnection) -> str | None:
    """Return the session that the browser has with this installation."""
    return asked.cookies.get(_name(asked)) or None


def set_session(response: Response, asked: HTTPConnection, value: str, seconds: int) -> None:
    """Sign the browser in; with no seconds, out."""
    is_secure = _is_secure(asked)
    response.set_cookie(_name(asked), value, max_age=seconds, path="/", secure=is_secure, httponly=True, samesite="lax")


def require_own_page(asked: HTTPConnection) -> None:
    """Raise Forbidden where a page of another origin writes, or opens a socket, in the name of who is signed in.

    What only reads is safe without this: no page can read what an answer says to another origin.
    """
    if asked.scope["type"] == "http" and asked.scope["method"] in _READING:
        return
    site = asked.headers.get("sec-fetch-site", "same-origin")
    origin = asked.headers.get("origin")
    # Browsers of the last years say where every write comes from. What says nothing is no page of ours.
    if site != "same-origin" or origin is None or urlsplit(origin).netloc != asked.headers.get("host"):
        raise Forbidden("Only a page of this installation may do that in the name of who is signed in.")


def _is_secure(asked: HTTPConnection) -> bool:
    # As the proxy in front of us says, where uvicorn trusts it.
    return asked.url.scheme in ("https", "wss")


def _name(asked: HTTPConnection) -> str:
    # Cookies know no ports: two installations on one machine would sign each other out.
    port = asked.url.port
    name = "threadline" if port is None else f"threadline_{port}"
    # A browser takes this prefix from us alone, and not from a neighbouring subdomain.
    return f"__Host-{name}" if _is_secure(asked) else name
