"""The frame of the pages that the server writes itself: readable without JavaScript and without a build of the app."""

from html import escape
from importlib import resources

STYLE_PATH = "/pages.css"
THEME_COOKIE = "threadline_theme"
"""Which theme somebody has chosen: the app sets it, so that the first paint does not flash."""

THEMES = ("light", "dark")

_DOCUMENT = """<!doctype html>
<html lang="en"{theme}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="/app/icon.svg">
<link rel="stylesheet" href="{style}">
{head}</head>
<body>
{body}
</body>
</html>
"""


def document(title: str, body: str, head: str = "", theme: str | None = None) -> str:
    """Return a whole page. `title` is text; `body` and `head` are HTML that is safe already.

    `theme` is what the browser's cookie says; one that there is not is as good as none: the system's.
    """
    chosen = f' data-theme="{theme}"' if theme in THEMES else ""
    return _DOCUMENT.format(title=escape(title), style=STYLE_PATH, head=head, body=body, theme=chosen)


def style() -> str:
    """Return the style of these pages."""
    return resources.files("threadline.api.web").joinpath("pages.css").read_text()


def nothing_here(detail: str) -> str:
    """Return the page for an address that leads nowhere, with the way back. `detail` is text."""
    words = f'<main>\n<h1>{escape(detail)}</h1>\n<p><a href="/">Back to the conversations</a></p>\n</main>'
    return document("Not found · Threadline", words)
