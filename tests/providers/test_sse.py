"""Bytes become events, wherever they are cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threadline.limits import PROVIDER_LINE_BYTES_MAX
from threadline.providers.sse import EventSplitter, SseEvent


def split(*reads: bytes) -> list[SseEvent]:
    """Feed the reads and return all events."""
    splitter = EventSplitter()
    return [event for data in reads for event in splitter.feed(data)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\ndata: b\n\n", [(b"", b"a"), (b"", b"b")]),
        (b"data:a\n\n", [(b"", b"a")]),
        (b"data:  a\n\n", [(b"", b" a")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [(b"", b"a"), (b"", b"b")]),
        (b"data: a\r\rdata: b\r\r", [(b"", b"a"), (b"", b"b")]),
        (b"data: a\n\r\ndata: b\r\n\n", [(b"", b"a"), (b"", b"b")]),
        (b"\xef\xbb\xbfdata: a\n\n", [(b"", b"a")]),
        (b": a comment\n\ndata: a\n\n", [(b"", b"a")]),
        (b": a comment\ndata: a\n\n", [(b"", b"a")]),
        (b"event: ping\ndata: a\n\n", [(b"ping", b"a")]),
        (b"data: a\nevent: ping\n\n", [(b"ping", b"a")]),
        (b"data: a\ndata: b\n\n", [(b"", b"a\nb")]),
        (b"id: 7\nretry: 10\ndata: a\n\n", [(b"", b"a")]),
        (b"event: lonely\n\ndata: a\n\n", [(b"", b"a")]),
        (b"\n\n\ndata: a\n\n\n\n", [(b"", b"a")]),
        (b"data\n\n", [(b"", b"")]),
        (b'error: {"code": 500}\n\n', [(b"error", b'{"code": 500}')]),
        (b'{"error": "plain"}\n\n', [(b"", b'{"error": "plain"}')]),
        (b"unknown-field: x\ndata: a\n\n", [(b"", b"a")]),
        (b"data: half", []),
    ],
)
def test_forms(stream: bytes, events: list[SseEvent]) -> None:
    """Every form that the format allows is read, and so are the two that servers have made up."""
    assert split(stream) == events


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([b"data: x", b"event: e", b": c", b"", b"data: \xc3\xa9\xf0\x9f\x98\x80", b"id: 1"])),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.data(),
)
def test_where_the_bytes_are_cut_makes_no_difference(lines: list[bytes], end: bytes, data: st.DataObject) -> None:
    """The same events come out of one read and of any number, cut inside characters, line ends and blank lines too."""
    stream = b"".join(line + end for line in [*lines, b""])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    reads = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert split(*reads) == split(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_way_to_cut_an_event_in_three(end: bytes) -> None:
    """Each pair of cuts, the same place twice too: a line end in two reads is one line end, an empty read is none."""
    stream = b"event: ping" + end + b"data: a" + end + b"data: b" + end + end + b"data: c" + end + end
    whole = [(b"ping", b"a\nb"), (b"", b"c")]
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1):
            assert split(stream[:first], stream[first:second], stream[second:]) == whole


def test_a_byte_order_mark_cut_in_two() -> None:
    """The mark is taken off although no single read holds all of it."""
    assert split(b"\xef", b"\xbb", b"\xbfdata: a\n\n") == [(b"", b"a")]


@pytest.mark.parametrize("piece_bytes", [100, 100_000])
def test_an_endless_line_is_refused(piece_bytes: int) -> None:
    """A line that never ends fails at the limit instead of eating the memory, in small pieces and in large ones."""
    splitter = EventSplitter()
    piece = b"x" * piece_bytes
    splitter.feed(b"data: ")
    fed = 0
    while splitter.trouble is None:
        splitter.feed(piece)
        fed += piece_bytes
        assert fed <= PROVIDER_LINE_BYTES_MAX + piece_bytes
    assert "line of more than" in splitter.trouble


def test_a_long_line_in_small_pieces_is_not_copied_again_and_again() -> None:
    """A megabyte in pieces of ten bytes takes a moment, not a minute."""
    splitter = EventSplitter()
    text = b"y" * 1_000_000
    splitter.feed(b"data: ")
    for at in range(0, len(text), 10):
        assert splitter.feed(text[at : at + 10]) == []
    assert splitter.feed(b"\n\n") == [(b"", text)]


@pytest.mark.parametrize(
    "garbage", [b"<html><body>hello</body></html>", b"\x00\x01\x02", b"what is this: 1", b"%PDF-1.7"]
)
def test_garbage_is_told_from_events(garbage: bytes) -> None:
    """What is no field is a failure with a short excerpt; what came before it is still given out."""
    splitter = EventSplitter()
    assert splitter.feed(b"data: a\n\n" + garbage + b"\n\ndata: b\n\n")[0] == (b"", b"a")
    assert splitter.trouble is not None
    assert "no event stream" in splitter.trouble
    assert len(splitter.trouble) < 300


def test_the_rest_is_kept_for_the_end() -> None:
    """An event without its blank line is held back, and handed over when the stream has ended."""
    splitter = EventSplitter()
    assert splitter.feed(b"data: a\n\ndata: b\n") == [(b"", b"a")]
    assert splitter.rest() == [(b"", b"b")]
    assert splitter.rest() == []
