"""What every place for bytes promises: whole or not at all, by key, and gone when they are forgotten."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support.s3 import CREDENTIALS, S3Server
from threadline.errors import BlobLost, FilesRefused, SettingsRefused, Unavailable
from threadline.files.contract import Blobs
from threadline.files.folder import FolderBlobs
from threadline.files.s3 import make_s3

KEY = "tnt_1/file_00000000000000000000000001"
OTHER = "tnt_2/file_00000000000000000000000001"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    """One server for all tests; each has a bucket of its own."""
    server = S3Server().start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials where every program finds them."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["folder", "s3"])
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Blobs]:
    """Every kind of place, open."""
    made: Blobs
    if request.param == "s3":
        made = make_s3(request.getfixturevalue("s3").make_bucket(f"b{uuid.uuid4()}"))
    else:
        made = FolderBlobs(tmp_path / "files")
    await made.open()
    yield made
    await made.close()


def spooled(blobs: Blobs, data: bytes) -> Path:
    """Return a local file with these bytes, where this place wants it."""
    path = blobs.spool / f"spooled{uuid.uuid4()}"
    path.write_bytes(data)
    return path


async def read(blobs: Blobs, key: str) -> bytes:
    """Return all bytes of a key."""
    return b"".join([chunk async for chunk in blobs.read(key)])


@pytest.mark.parametrize("size", [1, 1000, 300_000, 12_000_000])
async def test_what_is_put_is_read(blobs: Blobs, size: int) -> None:
    """Byte for byte, in chunks, also when it is so large that it goes up in parts."""
    data = os.urandom(size)
    await blobs.put(KEY, spooled(blobs, data))
    chunks = [chunk async for chunk in blobs.read(KEY)]
    assert b"".join(chunks) == data
    assert size < 10_000_000 or len(chunks) > 2


@pytest.mark.parametrize(("start", "end"), [(0, 1), (5, None), (300_000, 900_000), (999_999, 1_000_000), (0, None)])
async def test_a_part_is_read(blobs: Blobs, start: int, end: int | None) -> None:
    """From the byte that is named up to the one behind the part, also over many chunks."""
    data = os.urandom(1_000_000)
    await blobs.put(KEY, spooled(blobs, data))
    assert b"".join([chunk async for chunk in blobs.read(KEY, start, end)]) == data[start:end]


async def test_a_key_is_its_own(blobs: Blobs) -> None:
    """The same name of another tenant is another place; what is put again replaces, and what is deleted is gone."""
    await blobs.put(KEY, spooled(blobs, b"mine"))
    await blobs.put(OTHER, spooled(blobs, b"theirs"))
    await blobs.put(KEY, spooled(blobs, b"mine, again"))
    assert await read(blobs, KEY) == b"mine, again"
    await blobs.delete(KEY)
    await blobs.delete(KEY)
    with pytest.raises(BlobLost):
        await read(blobs, KEY)
    assert await read(blobs, OTHER) == b"theirs"


async def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    """At the start, in words."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FilesRefused, match="not writable"):
        await FolderBlobs(tmp_path / "file").open()
    # Where nobody has asked for files, a node does without.
    nowhere = FolderBlobs(tmp_path / "file", is_asked_for=False)
    await nowhere.open()
    with pytest.raises(Unavailable):
        await nowhere.put(KEY, tmp_path / "file")


async def test_a_folder_keeps_nothing_half(tmp_path: Path) -> None:
    """A put that fails leaves what was there before."""
    blobs = FolderBlobs(tmp_path / "files")
    await blobs.open()
    await blobs.put(KEY, spooled(blobs, b"before"))
    with pytest.raises(Unavailable):
        await blobs.put(KEY, blobs.spool / "not_there")
    assert await read(blobs, KEY) == b"before"


async def test_a_bucket_that_is_not_there_is_refused(s3: S3Server) -> None:
    """At the start, in words; one whose server is away is not, since it may come back."""
    with pytest.raises(FilesRefused, match="cannot be written"):
        await make_s3(f"s3://nowhere?endpoint={s3.url}&region=us-east-1").open()
    away = make_s3("s3://away?endpoint=http://127.0.0.1:9&region=us-east-1")
    await away.open()
    with pytest.raises(Unavailable):
        await read(away, KEY)
    with pytest.raises(Unavailable):
        await away.delete(KEY)


@pytest.mark.parametrize("address", ["s3://", "s3:///prefix", "s3://bucket?nonsense=1"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """Before anything is started."""
    with pytest.raises(SettingsRefused):
        make_s3(address)
