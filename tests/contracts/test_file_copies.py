"""Copies of files from any place to any other: each once, whole, and what is lost is named."""

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from threadline.errors import StoreRefused
from threadline.file_records import FileRef
from threadline.files.contract import Blobs
from threadline.files.copying import CopiedFiles, copy_files
from threadline.files.folder import FolderBlobs

from .test_blobs import blobs, credentials, read, s3, spooled

__all__ = ["blobs", "credentials", "s3"]


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[FolderBlobs]:
    """A folder to copy from."""
    made = FolderBlobs(tmp_path / "source")
    await made.open()
    yield made
    await made.close()


async def kept(place: Blobs, number: int, size: int = 1000) -> FileRef:
    """Put a file somewhere."""
    data = os.urandom(size)
    ref = FileRef(f"tnt_1/file_{number}", size, hashlib.sha256(data).hexdigest())
    await place.put(ref.key, spooled(place, data))
    return ref


async def test_every_file_arrives_once(source: FolderBlobs, blobs: Blobs) -> None:
    """With its bytes, in whatever place; again there is nothing to do, and what is new is all that is copied then."""
    refs = [await kept(source, number, size) for number, size in enumerate((1, 1000, 600_000))]
    told: list[tuple[int, int]] = []
    copied = await copy_files(refs, source, blobs, lambda done, total: told.append((done, total)))
    assert copied == CopiedFiles(3, 601_001, 0, [])
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    for ref in refs:
        assert await read(blobs, ref.key) == await read(source, ref.key)
        assert await blobs.size(ref.key) == ref.size
    more = await kept(source, 9)
    assert await copy_files([*refs, more], source, blobs, lambda done, total: None) == CopiedFiles(1, 1000, 3, [])


async def test_a_copy_goes_on_where_it_was(source: FolderBlobs, blobs: Blobs) -> None:
    """One that stands there with fewer bytes is copied again."""
    refs = [await kept(source, number) for number in range(3)]
    await blobs.put(refs[0].key, spooled(blobs, await read(source, refs[0].key)))
    await blobs.put(refs[1].key, spooled(blobs, b"half"))
    assert await copy_files(refs, source, blobs, lambda done, total: None) == CopiedFiles(2, 2000, 1, [])
    assert await read(blobs, refs[1].key) == await read(source, refs[1].key)


async def test_what_is_lost_is_named_and_what_is_damaged_refused(source: FolderBlobs, blobs: Blobs) -> None:
    """The rest arrives; bytes that are not those of the file arrive nowhere."""
    first, lost, last = [await kept(source, number) for number in range(3)]
    await source.delete(lost.key)
    copied = await copy_files([first, lost, last], source, blobs, lambda done, total: None)
    assert (copied.files, copied.lost) == (2, [lost.key])
    damaged = await kept(source, 7)
    await source.put(damaged.key, spooled(source, b"x" * 1000))
    with pytest.raises(StoreRefused, match="tnt_1/file_7"):
        await copy_files([damaged], source, blobs, lambda done, total: None)
    assert await blobs.size(damaged.key) is None
    assert list(source.spool.iterdir()) == []
