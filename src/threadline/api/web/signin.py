"""Signing in and out: by a link that works once, or by a key. The pages need no JavaScript.

What is sent away from here is one thing only: to which page of ours the browser goes next.
"""

from html import escape
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from threadline.access.keys import KEYS
from threadline.access.principals import Principal
from threadline.access.sessions import OPERATOR_PERSON, Begun, begin_by_key, begin_by_link
from threadline.api.answers import SignedIn
from threadline.api.house import Asking, House, TheHouse, answer, principal_of
from threadline.api.requests import raw_body
from threadline.api.spec import gives
from threadline.api.web.html import STYLE_PATH, document, style
from threadline.api.web.origin import require_own_page, session_cookie, set_session
from threadline.api.web.policy import guarded, page
from threadline.clock import rfc3339
from threadline.errors import Forbidden, InvalidRequest, RateLimited, Unauthorized
from threadline.limits import QUERY_CHARS_MAX, SESSION_SECONDS, SIGN_IN_FORM_BYTES_MAX
from threadline.scopes import EndUser, Tenant
from threadline.store.contract import Transaction

SIGN_IN_PATH = "/sign-in"

router = APIRouter(tags=["session"])


@router.get("/v1/session", responses=gives(SignedIn, errors=(403,)))
async def get_session(principal: Asking) -> Response:
    """Say who is asking: a browser's session, a key or a token."""
    return answer(session_of(principal))


@router.delete("/v1/session", status_code=204, responses=gives(None, 204, (403,), "Signed out."))
async def end_session(request: Request, house: TheHouse, principal: Asking) -> Response:
    """Sign this browser out: its streams and sockets end on all nodes, and its cookie is worth nothing any more."""
    session_id = principal.session
    if session_id is None:
        raise Forbidden("Keys and tokens have no session.")
    ended_at = rfc3339(house.clock.now_ms())

    async def script(transaction: Transaction) -> None:
        await transaction.end_session(principal.scope, session_id, ended_at)

    await house.journal.write(principal.scope, script)
    house.credentials.end(session_id)
    response = Response(status_code=204)
    set_session(response, request, "", 0)
    return response


@router.get(SIGN_IN_PATH, include_in_schema=False)
async def sign_in(request: Request, house: TheHouse, code: str | None = None, next: str = "/") -> Response:
    """Take a link, or ask for a key."""
    onward = own_path(next)
    if code is None or is_ahead(request):
        return page(_form(onward))

    async def script(transaction: Transaction) -> Begun:
        return await begin_by_link(transaction, code[:QUERY_CHARS_MAX], house.clock)

    try:
        with house.attempts.trying(address_of(request)):
            begun = await house.journal.write(KEYS, script)
    except (Unauthorized, RateLimited) as error:
        # Somebody who opens the link again in the browser that it has signed in wants to go on.
        if await is_signed_in(request, house):
            return _moved(onward)
        if isinstance(error, RateLimited):
            return _slow_down(onward, error)
        hint = "`threadline link` prints another one; or sign in with a key."
        return page(_form(onward, f"{error.detail} {hint}"), 401)
    return _signed_in(request, begun, onward)


@router.post(SIGN_IN_PATH, include_in_schema=False)
async def sign_in_by_key(request: Request, house: TheHouse) -> Response:
    """Take a key from the form."""
    # Or another site's page could sign somebody in as whom it likes, and read along.
    require_own_page(request)
    form = (await raw_body(request, SIGN_IN_FORM_BYTES_MAX)).decode(errors="replace")
    given = {name: values[-1] for name, values in parse_qs(form).items()}
    onward = own_path(given.get("next", "/"))
    person = given.get("person", "").strip() or OPERATOR_PERSON
    try:
        with house.attempts.trying(address_of(request)):
            asking = await house.access.authenticate(given.get("key", "").strip())
            if asking.key_id is None or not asking.is_key or not isinstance(asking.scope, Tenant):
                raise Unauthorized("It takes a key, not a token.")
        tenant, key_id, role = asking.scope, asking.key_id, asking.role

        async def script(transaction: Transaction) -> Begun:
            return await begin_by_key(transaction, tenant, key_id, role, person, house.ids, house.clock)

        begun = await house.journal.write(tenant, script)
    except RateLimited as error:
        return _slow_down(onward, error)
    except (Unauthorized, InvalidRequest) as error:
        return page(_form(onward, error.detail), error.status)
    return _signed_in(request, begun, onward)


@router.get(STYLE_PATH, include_in_schema=False)
async def get_style() -> Response:
    """Return the style of the pages that the server writes."""
    response = Response(style(), media_type="text/css", headers={"Cache-Control": "max-age=300"})
    return guarded(response)


def session_of(principal: Principal) -> SignedIn:
    """Return what is shown of who is asking."""
    scope = principal.scope
    return SignedIn(
        tenant=principal.tenant_name,
        end_user_id=scope.end_user_id if isinstance(scope, EndUser) else None,
        role=principal.role,
        may_be=principal.may_be if principal.session else principal.role,
        expires_at=None if principal.expires_at_ms is None else rfc3339(principal.expires_at_ms),
    )


async def is_signed_in(request: Request, house: House) -> bool:
    """Say whether the browser has a session that holds."""
    if session_cookie(request) is None:
        return False
    try:
        await principal_of(house, request, None)
    except Unauthorized:
        return False
    return True


def to_sign_in(request: Request) -> Response:
    """Send the browser to the sign-in page, and back here afterwards."""
    return _moved(f"{SIGN_IN_PATH}?{urlencode({'next': request.url.path})}")


def address_of(request: Request) -> str | None:
    """Return where a request comes from: what the proxy in front of us says, where uvicorn trusts it."""
    return None if request.client is None else request.client.host


def own_path(path: str) -> str:
    """Return where to go next: a page of ours, or the first one."""
    # A browser reads `//host`, `/\host` and control characters between as the address of somebody else.
    is_ours = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_ours and path.isascii() and len(path) <= QUERY_CHARS_MAX else "/"


def is_ahead(request: Request) -> bool:
    """Say whether a browser or a messenger looks ahead, and nobody has opened the link yet: it would be used up."""
    purpose = request.headers.get("sec-purpose", "") + request.headers.get("purpose", "")
    return request.method == "HEAD" or "prefetch" in purpose or "preview" in purpose


def _signed_in(request: Request, begun: Begun, onward: str) -> Response:
    response = _moved(onward)
    set_session(response, request, begun.cookie, SESSION_SECONDS)
    return response


def _slow_down(onward: str, error: RateLimited) -> Response:
    response = page(_form(onward, f"{error.detail} Wait a moment."), error.status)
    response.headers["Retry-After"] = str(error.extra["retry_after"])
    return response


def _moved(path: str) -> Response:
    return guarded(RedirectResponse(path, 303, headers={"Cache-Control": "no-store"}))


def _form(onward: str, error: str = "") -> str:
    said = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    return document(
        "Sign in · Threadline",
        f"""<main>
<h1>Sign in to Threadline</h1>
{said}
<form class="card" method="post" action="{SIGN_IN_PATH}">
<input type="hidden" name="next" value="{escape(onward)}">
<label>Key <input name="key" type="password" autocomplete="current-password" required autofocus></label>
<label>Your name <input name="person" autocomplete="username" placeholder="{OPERATOR_PERSON}"></label>
<button>Sign in</button>
</form>
<p class="soft">On the server, <code>threadline link</code> prints a link that signs you in, and
<code>threadline keys create</code> makes a key.</p>
</main>""",
    )
