"""Markdown from models: what it should become, and what must not become of it."""

import pytest

from threadline.api.web.markdown import MARKDOWN_CHARS_MAX, MARKDOWN_NESTING_MAX, to_html
from threadline.api.web.messages import messages_html
from threadline.content import Base64Source, FileBlock, ImageBlock, TextBlock, ToolResultBlock, ToolUseBlock, UrlSource
from threadline.ids import MessageId, ThreadId
from threadline.records import Author, Message

from .corpus import TEXTS, faults_of


def a_message(*content: object, role: str = "assistant", author: str | None = None) -> Message:
    """Return a message."""
    return Message(
        id=MessageId("msg_1"),
        thread_id=ThreadId("thr_1"),
        seq=1,
        parent_id=None,
        role=role,  # type: ignore[arg-type]
        author=Author("user", author, author),
        content=list(content),  # type: ignore[arg-type]
        status="complete",
        metadata={},
        created_at="2026-01-01T00:00:00.000Z",
    )


@pytest.mark.parametrize("text", TEXTS)
def test_harm_comes_out_harmless(text: str) -> None:
    """In an answer, a question, a name, a tool's name, input and output, and a file's name."""
    assert faults_of(to_html(text)) == []
    for role in ("assistant", "user", "system"):
        assert faults_of(messages_html([a_message(TextBlock(text), role=role, author=text)])) == []
    tools = a_message(
        ToolUseBlock("t", text, {"q": text, text: 1}),
        ToolResultBlock("t", text),
        ToolResultBlock("t", [text], is_error=True),
        FileBlock(UrlSource("https://x.example/"), text),
        ImageBlock(UrlSource("https://x.example/?" + text)),
        ImageBlock(Base64Source("image/svg+xml", "PHN2Zz4=")),
    )
    assert faults_of(messages_html([tools])) == []


def test_the_judge_knows_harm() -> None:
    """The corpus is worth something: as raw HTML it does not pass."""
    guilty = [text for text in TEXTS if faults_of(text)]
    assert len(guilty) > 20


def test_markdown_becomes_what_it_says() -> None:
    """Headings, lists, tables, code and links, with the links marked."""
    html = to_html("# A\n\n- one\n- **two**\n\n| a | b |\n|---|---|\n| 1 | ~~2~~ |\n\n```python\nx < 1\n```\n")
    for part in ("<h1>A</h1>", "<li>one</li>", "<strong>two</strong>", "<td>1</td>", "<s>2</s>", "x &lt; 1"):
        assert part in html
    link = to_html("[docs](https://x.example/?a=1&b=2)")
    assert 'href="https://x.example/?a=1&amp;b=2"' in link
    assert 'rel="noopener noreferrer nofollow ugc"' in link


def test_pictures_become_links() -> None:
    """Nobody is told that somebody reads; the words that stand for the picture are kept."""
    html = to_html("![a cat](https://x.example/cat.png)")
    assert "<img" not in html
    assert ">a cat</a>" in html


def test_a_carried_picture_is_shown() -> None:
    """What came along with the message asks nobody."""
    html = messages_html([a_message(ImageBlock(Base64Source("image/png", "iVBORw0KGgo=")), role="user")])
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in html


def test_what_is_too_long_to_be_set_is_shown_as_it_is() -> None:
    """One text, and all texts of a page together: whoever looks at it does not wait for minutes, and reads every word."""
    words = "**word** " * (MARKDOWN_CHARS_MAX // 9)
    assert "<strong>word</strong>" in messages_html([a_message(TextBlock(words))])
    long = messages_html([a_message(TextBlock(words + "<more>" * 9))])
    assert "<strong>" not in long
    assert words + "&lt;more&gt;" in long
    many = [a_message(TextBlock(f"{number:02} {words}")) for number in range(12)]
    set_, plain = "<p>{:02} <strong>", '<p class="plain">{:02} **'
    page = messages_html(many)
    assert [set_.format(number) in page for number in range(12)] == [False] * 4 + [True] * 8
    assert [plain.format(number) in page for number in range(12)] == [True] * 4 + [False] * 8


@pytest.mark.parametrize("text", ["> " * 5000 + "x", "- " * 5000 + "x", "[" * 5000, "**a " * 5000, "<" * 20_000])
def test_nesting_has_an_end(text: str) -> None:
    """What is nested thousands deep comes out, in a depth that a browser can lay out."""
    html = to_html(text)
    assert html.count("<blockquote>") <= MARKDOWN_NESTING_MAX
    assert html.count("<ul>") <= MARKDOWN_NESTING_MAX
