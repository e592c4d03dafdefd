"""Messages as HTML: what the first paint of a thread and a shared page show."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import assert_never

import msgspec

from threadline.api.answers import Model
from threadline.api.web.markdown import MARKDOWN_CHARS_MAX, to_html
from threadline.content import (
    Base64Source,
    Block,
    FileBlock,
    ImageBlock,
    ProviderBlock,
    ReasoningBlock,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from threadline.providers.names import readable_name
from threadline.records import Message

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What a browser draws and does nothing else with. An SVG is a document with scripts in it."""


MARKDOWN_CHARS_A_PAGE = 400_000
"""Of all texts of a page, the newest first. What is beyond it can be read as it was written."""


def messages_html(messages: Sequence[Message], models: Sequence[Model] = ()) -> str:
    """Return the messages, in their order; their models are called as they are called among `models`.

    A long page takes as long as many requests: call it in a thread, since answers are being written meanwhile.
    """
    names = {model.id: model.name for model in models}
    left = MARKDOWN_CHARS_A_PAGE
    shown: list[str] = []
    for message in reversed(messages):
        texts = [len(block.text) for block in message.content if isinstance(block, TextBlock | ReasoningBlock)]
        is_plain = sum(texts) > left or max(texts, default=0) > MARKDOWN_CHARS_MAX
        left -= 0 if is_plain else sum(texts)
        shown.append(_message(message, names, is_plain))
    return "\n".join(reversed(shown))


def _message(message: Message, names: Mapping[str, str], is_plain: bool) -> str:
    blocks = "\n".join(filter(None, (_block(block, message, is_plain) for block in message.content)))
    if message.status == "failed" and message.error is not None:
        blocks += f'<p class="error">{escape(message.error.message)}</p>'
    return (
        f'<article class="message {message.role}" data-message="{escape(message.id)}">\n'
        f"<header>{_author(message, names)}</header>\n"
        f'<div class="content" dir="auto">\n{blocks}\n</div>\n</article>'
    )


def _author(message: Message, names: Mapping[str, str]) -> str:
    author = message.author
    model = message.model if message.role == "assistant" else None
    if author.name or (message.role == "user" and author.id):
        aside = f' <span class="aside" title="{escape(model)}">· {_called(model, names)}</span>' if model else ""
        return f"<span>{escape(author.name or author.id or '')}</span>{aside}"
    match message.role:
        case "user":
            return "You"
        case "assistant" if model:
            return f'<span title="{escape(model)}">{_called(model, names)}</span>'
        case "assistant":
            return "Assistant"
        case "system":
            return "System"


def _called(model: str, names: Mapping[str, str]) -> str:
    return escape(names.get(model) or readable_name(model))


def _block(block: Block, message: Message, is_plain: bool) -> str:
    match block:
        case TextBlock():
            # People write text; that it looks like Markdown now and then is no wish of theirs.
            return _words(block.text, is_plain or message.role != "assistant")
        case ReasoningBlock():
            return _folded("Reasoning", _words(block.text, is_plain)) if block.text else ""
        case ToolUseBlock():
            return _folded(f"Called {block.name}", _code(block.input))
        case ToolResultBlock():
            return _folded("Failed" if block.is_error else "Answered", _code(block.content))
        case ImageBlock():
            return _image(block)
        case FileBlock():
            return f'<p class="soft">{escape(block.name or "File")}</p>'
        case ProviderBlock():
            return ""
        case _:
            assert_never(block)


def _words(text: str, is_plain: bool) -> str:
    if is_plain:
        return f'<p class="plain">{escape(text)}</p>'
    return f'<div class="words">\n{to_html(text)}\n</div>' if text else ""


def _image(block: ImageBlock) -> str:
    source = block.source
    if isinstance(source, Base64Source):
        if source.media_type not in PICTURES:
            return '<p class="soft">Image</p>'
        return f'<img alt="" src="data:{source.media_type};base64,{escape(source.data)}">'
    if not isinstance(source, UrlSource):
        # Behind its own address, which asks who wants it.
        return '<p class="soft">Image</p>'
    url = escape(source.url)
    return f'<p><a href="{url}" rel="noopener noreferrer nofollow ugc" target="_blank">Image</a></p>'


def _folded(title: str, html: str) -> str:
    return f"<details><summary>{escape(title)}</summary>\n{html}\n</details>"


def _code(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value)).decode()
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'
