"""Parts of files, and files that somebody has already: what a header asks for."""

import pytest

from threadline.api.ranges import Part, is_known, part_of

ETAG = '"abc"'
WHOLE = Part(0, 100, is_whole=True)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        (None, WHOLE),
        ("bytes=0-9", Part(0, 10, is_whole=False)),
        ("bytes=90-", Part(90, 100, is_whole=False)),
        ("bytes=90-999", Part(90, 100, is_whole=False)),
        ("bytes=-10", Part(90, 100, is_whole=False)),
        ("bytes=-1000", Part(0, 100, is_whole=False)),
        ("bytes=99-99", Part(99, 100, is_whole=False)),
        ("bytes=100-", None),
        ("bytes=-0", None),
        ("bytes=5-4", WHOLE),
        ("bytes=0-1,5-6", WHOLE),
        ("lines=0-9", WHOLE),
        ("bytes=-", WHOLE),
        ("bytes=" + "9" * 400 + "-", WHOLE),
        ("nonsense", WHOLE),
    ],
)
def test_what_a_range_means(asked: str | None, part: Part | None) -> None:
    """One range of bytes; what is not understood is the whole, what is not there is refused."""
    assert part_of(asked, None, ETAG, 100) == part


def test_a_part_of_another_file_is_the_whole() -> None:
    """`If-Range` with its tag goes on with a download; with another one, or a weak one, it begins again."""
    part = Part(10, 100, is_whole=False)
    assert part_of("bytes=10-", ETAG, ETAG, 100) == part
    for other in ('"def"', 'W/"abc"', "Sat, 21 Nov 2026 10:00:00 GMT"):
        assert part_of("bytes=10-", other, ETAG, 100) == WHOLE


def test_what_somebody_has_already() -> None:
    """Any of several tags, weak ones too, and whatever there is."""
    for known in (ETAG, 'W/"abc"', '"x", "abc"', "*"):
        assert is_known(known, ETAG)
    for unknown in (None, '"x"', "abc", ""):
        assert not is_known(unknown, ETAG)
