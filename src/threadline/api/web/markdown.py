"""Markdown to HTML that is safe to show: what a model or a stranger wrote may be meant to do harm.

Two walls: the parser lets no HTML through and writes its own, and a sanitiser takes all away that is not on its list. A
picture becomes a link: whoever serves it would learn who reads what, and when.
"""

from collections.abc import Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

MARKDOWN_NESTING_MAX = 20
"""Lists in quotes in lists. Beyond it a text is made to be slow, and not to be read."""

_TAGS = {
    *("a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "strong", "ul"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "tbody", "td", "th", "thead", "tr"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "code": {"class"}}
_SCHEMES = {"http", "https", "mailto"}


def to_html(markdown: str) -> str:
    """Return safe HTML for a text, whole or in the middle of being written."""
    return nh3.clean(
        _PARSER.render(markdown),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow ugc",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        # A path would be an address of ours: the words of a model do not point into the app.
        url_relative="deny",
        strip_comments=True,
    )


def _image(self: Any, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
    token = tokens[place]
    shown = token.content or "image"
    return f'<a href="{escapeHtml(str(token.attrGet("src") or ""))}">{escapeHtml(shown)}</a>'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MARKDOWN_NESTING_MAX})
    parser.enable(["table", "strikethrough"])
    parser.add_render_rule("image", _image)
    return parser


_PARSER = _parser()
