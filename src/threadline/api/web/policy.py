"""What a page of ours may do in a browser: the headers that go with every one of them."""

from starlette.responses import Response

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        # No inline script anywhere, so what a model says cannot become one.
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        # A remote picture tells its server who reads what, and when; an answer could carry words out in its address.
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Other sites hear nothing of where one comes from. With `no-referrer` we would not either: a browser then sends
    # our own form with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def page(html: str, status: int = 200, cache: str = "no-store") -> Response:
    """Return a page. What it says is about whoever asks, so by default nobody keeps it."""
    return guarded(Response(html, status, media_type="text/html; charset=utf-8", headers={"Cache-Control": cache}))


def guarded(response: Response) -> Response:
    """Confine an answer that a browser may show as a page."""
    response.headers.update(_HEADERS)
    return response
