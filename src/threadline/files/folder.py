"""Files in a local folder, or one that all nodes have mounted: `ROOT/tenant/xx/name`."""

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

from threadline.errors import BlobLost, FilesRefused, Unavailable
from threadline.limits import FILE_CHUNK_BYTES
from threadline.observe import log

SPOOL = "incoming"


class FolderBlobs:
    """A folder of files. One that nobody has asked for may be missing: a node without it takes no files."""

    def __init__(self, root: Path, is_asked_for: bool = True) -> None:
        self._root = root
        self._is_asked_for = is_asked_for
        self.spool = root / SPOOL

    async def open(self) -> None:
        """Make the folder. Raises FilesRefused."""
        try:
            await asyncio.to_thread(self.spool.mkdir, parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            detail = f"The folder {self._root} is not writable: {error.strerror or error}."
            if self._is_asked_for:
                raise FilesRefused(detail) from error
            log.warning("no_files", detail=detail)

    async def put(self, key: str, path: Path) -> None:
        """Move a local file here, synced with its name."""
        try:
            await asyncio.to_thread(_move, path, self._path(key))
        except OSError as error:
            raise Unavailable(f"The file cannot be kept: {error.strerror or error}.") from error

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes in chunks."""
        try:
            file = await asyncio.to_thread(self._path(key).open, "rb")
        except FileNotFoundError as error:
            raise BlobLost from error
        except OSError as error:
            raise Unavailable(f"The file cannot be read: {error.strerror or error}.") from error
        with file:
            if start:
                file.seek(start)
            while chunk := await asyncio.to_thread(file.read, _step(start, end)):
                start += len(chunk)
                yield chunk

    async def size(self, key: str) -> int | None:
        """Return how many bytes a file has."""
        try:
            return (await asyncio.to_thread(self._path(key).stat)).st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"The file cannot be looked at: {error.strerror or error}.") from error

    async def delete(self, key: str) -> None:
        """Remove a file."""
        try:
            await asyncio.to_thread(self._path(key).unlink, missing_ok=True)
        except OSError as error:
            raise Unavailable(f"The file cannot be removed: {error.strerror or error}.") from error

    async def close(self) -> None:
        """Nothing is open."""

    def _path(self, key: str) -> Path:
        tenant, _, name = key.partition("/")
        assert key.replace("/", "", 1).isidentifier(), "made by us, by no client"
        # The end of a name is spread evenly: no folder gets too long.
        return self._root / tenant / name[-2:] / name


def _step(start: int, end: int | None) -> int:
    return FILE_CHUNK_BYTES if end is None else min(FILE_CHUNK_BYTES, end - start)


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with source.open("rb") as file:
        os.fsync(file.fileno())
    source.replace(target)
    # The name is in the folder, and a folder is synced like a file.
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
