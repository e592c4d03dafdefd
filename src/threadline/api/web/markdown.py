"""Markdown to HTML that is safe to show: what a model or a stranger wrote may be meant to do harm.

Two walls: the parser lets no HTML through and writes its own, and a sanitiser takes all away that is not on its list. A
picture becomes a link: whoever serves it would learn who reads what, and when.

Both are loaded by the first page that has a message on it: a server that only speaks the API never needs them.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MARKDOWN_NESTING_MAX = 20
"""Lists in quotes in lists. Beyond it a text is made to be slow, and not to be read."""

MARKDOWN_CHARS_MAX = 50_000
"""One text. A long answer has a tenth of it, and a text that is made to be slow takes a second for so much."""

HTML_KEPT = 500
"""Texts whose HTML is kept: what has been said does not change, and pages are looked at again."""

_TAGS = {
    *("a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "strong", "ul"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "tbody", "td", "th", "thead", "tr"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "code": {"class"}}
_SCHEMES = {"http", "https", "mailto"}


@lru_cache(maxsize=HTML_KEPT)
def to_html(markdown: str) -> str:
    """Return safe HTML for a text, whole or in the middle of being written. It takes its time: not in an event loop."""
    assert len(markdown) <= MARKDOWN_CHARS_MAX, "longer ones are shown as they are"
    import nh3

    return nh3.clean(
        _parser().render(markdown),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow ugc",
        # What is wider than the page is scrolled, also with keys.
        set_tag_attribute_values={"a": {"target": "_blank"}, "pre": {"tabindex": "0"}, "table": {"tabindex": "0"}},
        # A path would be an address of ours: the words of a model do not point into the app.
        url_relative="deny",
        strip_comments=True,
    )


def _image(self: Any, tokens: "Sequence[Token]", place: int, options: Any, env: Any) -> str:
    from markdown_it.common.utils import escapeHtml

    token = tokens[place]
    shown = token.content or "image"
    return f'<a href="{escapeHtml(str(token.attrGet("src") or ""))}">{escapeHtml(shown)}</a>'


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MARKDOWN_NESTING_MAX})
    parser.enable(["table", "strikethrough"])
    parser.add_render_rule("image", _image)
    return parser
