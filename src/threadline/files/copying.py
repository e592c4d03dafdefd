"""The bytes of files go from one place to another: each once, whole, and compared with what is known of it.

A file never changes, so one that is there with its length is not copied again: a copy that was broken off goes on where
it was, and a second one brings what is new. What the source has lost is named and does not hold up the rest.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from msgspec import Struct

from threadline.errors import BlobLost, StoreRefused
from threadline.file_records import FileRef
from threadline.files.contract import Blobs

Progress = Callable[[int, int], None]
"""Called as (files dealt with, files in all)."""


class CopiedFiles(Struct, frozen=True):
    """What a copy of files has done."""

    files: int
    bytes: int
    were_there: int
    lost: list[str]


async def copy_files(refs: Sequence[FileRef], source: Blobs, target: Blobs, progress: Progress) -> CopiedFiles:
    """Copy files. Both places are open.

    Raises StoreRefused where the bytes are not those of the file, and Unavailable where a place is away.
    """
    copied = moved = 0
    lost: list[str] = []
    for number, ref in enumerate(refs):
        progress(number, len(refs))
        if await target.size(ref.key) == ref.size:
            continue
        try:
            await _copy(ref, source, target)
        except BlobLost:
            lost.append(ref.key)
            continue
        copied += 1
        moved += ref.size
    progress(len(refs), len(refs))
    return CopiedFiles(copied, moved, len(refs) - copied - len(lost), lost)


async def _copy(ref: FileRef, source: Blobs, target: Blobs) -> None:
    spooled = await asyncio.to_thread(_spool, target.spool)
    path = Path(spooled.name)
    try:
        digest = hashlib.sha256()
        async for chunk in source.read(ref.key):
            await asyncio.to_thread(_write, spooled, digest, chunk)
        await asyncio.to_thread(spooled.close)
        if digest.hexdigest() != ref.sha256:
            raise StoreRefused(f"The bytes of {ref.key} are not those that were uploaded; the source has damaged them.")
        await target.put(ref.key, path)
    finally:
        spooled.close()
        # Gone already where the file was put.
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _spool(folder: Path) -> IO[bytes]:
    return NamedTemporaryFile(dir=folder, delete=False)


def _write(spooled: IO[bytes], digest: "hashlib._Hash", chunk: bytes) -> None:
    spooled.write(chunk)
    digest.update(chunk)
