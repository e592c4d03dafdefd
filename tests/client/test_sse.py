"""The SSE parser, against the WHATWG algorithm."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadline.client import UnexpectedAnswer, sse
from threadline.client.sse import Frame, SSEParser


def parse(*chunks: bytes) -> list[Frame]:
    parser = SSEParser()
    return [frame for chunk in chunks for frame in parser.feed(chunk)]


def literal_parse(body: bytes) -> list[Frame]:
    """The algorithm of the specification, read aloud: over the whole text at once."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]  # The last line has no end, so it is none.
    frames, data, event, last_id = [], None, "", ""
    for line in lines:
        if line == "":
            if data is not None:
                frames.append(Frame(event or "message", data, last_id))
            data, event = None, ""
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if name == "data":
                data = value if data is None else data + "\n" + value
            elif name == "event":
                event = value
            elif name == "id" and "\0" not in value:
                last_id = value
    return frames


BODIES = st.lists(
    st.sampled_from(
        [b"data", b"event", b"id", b"retry", b":", b": ", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"7", b"caught_up",
         b"data: x\n", b"id: 1\n", b"\0", b"\xef\xbb\xbf", "é".encode(), "😀".encode(), b"\xff", b"\xe2\x82"]
    ) | st.binary(max_size=4),
    max_size=40,
).map(b"".join)  # fmt: skip


@given(body=BODIES, cuts=st.lists(st.integers(0, 200), max_size=20))
def test_any_chunking_gives_the_frames_of_the_specification(body: bytes, cuts: list[int]) -> None:
    """However the network cuts a body, the frames are those of the WHATWG algorithm over the whole of it."""
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    chunks = [body[start:end] for start, end in pairwise(edges)]
    assert parse(*chunks) == literal_parse(body)


@given(body=BODIES)
def test_byte_by_byte_gives_the_frames_of_the_specification(body: bytes) -> None:
    """The smallest pieces there are, empty ones between them, change nothing."""
    chunks = [piece for byte in body for piece in (bytes([byte]), b"")]
    assert parse(*chunks) == literal_parse(body)


@pytest.mark.parametrize(
    ("body", "frames"),
    [
        (b"data: a\n\n", [Frame("message", "a", "")]),
        (b"data:a\r\rdata: b\r\n\r\n:\r\n", [Frame("message", "a", ""), Frame("message", "b", "")]),
        (b"data: a\ndata\ndata: b\n\n", [Frame("message", "a\n\nb", "")]),
        (b"data:  two\n\n", [Frame("message", " two", "")]),
        (b"\xef\xbb\xbfdata: a\n\n", [Frame("message", "a", "")]),
        (b"event: e\nid: 7\ndata: {}\n\n", [Frame("e", "{}", "7")]),
        (b"id: 7\ndata: a\n\ndata: b\n\n", [Frame("message", "a", "7"), Frame("message", "b", "7")]),
        (b"id: 7\ndata: a\n\nid: 8\0\ndata: b\n\n", [Frame("message", "a", "7"), Frame("message", "b", "7")]),
        (b": heartbeat\n\n:\n", []),
        (b"event: e\n\ndata: a\n\n", [Frame("message", "a", "")]),
        (b"data: a\n\ndata: cut", [Frame("message", "a", "")]),
        (b"data: a\n\ndata: cut\n", [Frame("message", "a", "")]),
    ],
    ids=["plain", "line ends", "many data", "one space", "bom", "all fields", "id stays", "nul", "comments",
         "no data", "cut line", "cut frame"],
)  # fmt: skip
def test_single_rules(body: bytes, frames: list[Frame]) -> None:
    """Each rule of the specification that the contract leans on, by itself."""
    assert parse(body) == frames
    assert parse(*(bytes([byte]) for byte in body)) == frames


def test_retry_is_kept_when_it_is_a_number() -> None:
    """The reconnection time is taken from digits and from nothing else."""
    parser = SSEParser()
    list(parser.feed(b"retry: 1500\n"))
    list(parser.feed(b"retry: soon\nretry: -1\nretry\n"))
    assert parser.retry_ms == 1500


def test_a_frame_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never ends a frame is stopped at a limit, and frames within the limit never add up to it."""
    monkeypatch.setattr(sse, "FRAME_BYTES_MAX", 100)
    parser = SSEParser()
    for _ in range(50):
        assert len(list(parser.feed(b"data: twenty bytes..\n\n"))) == 1
    with pytest.raises(UnexpectedAnswer, match="larger than 100 bytes"):
        [list(parser.feed(b"data: no end\n")) for _ in range(50)]
