"""Copies a SQLite file while a server writes to it. The copy is the database as it was when the copying began.

Made under another name, synced, and renamed in the end: whatever stands under the name that was asked for is whole.
"""

import os
from collections.abc import Callable
from pathlib import Path

import apsw

from threadline.errors import StoreRefused
from threadline.file_records import FileRef, blob_key
from threadline.store.sqlite.schema import version_of
from threadline.store.sqlite.store import BUSY_TIMEOUT_MS, refusal

Progress = Callable[[int, int], None]
"""Called as (pages copied, pages in all)."""

PAGES_PER_STEP = 256
"""One MiB at a time: a bar that moves, and an interrupt that is heard."""


def back_up(source: Path, target: Path, progress: Progress) -> int:
    """Copy the database `source` to `target`, which is replaced. Returns the size of the copy in bytes.

    Raises:
        StoreRefused: the source cannot be read, or the copy cannot be written.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        # The conversations of everybody are in it: readable by its owner alone, from its first byte on.
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _copy(source, draft, progress)
            _sync(draft)
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)
        _sync(target.parent)
        return target.stat().st_size
    except OSError as error:
        raise StoreRefused(f"The backup {target} cannot be written: {error.strerror or error}.") from error


def files_in(path: Path) -> list[FileRef]:
    """Return the files of a database of any version whose bytes are somewhere. Raises StoreRefused."""
    connection = _open_source(path)
    try:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'files'").get is None:
            return []
        rows = connection.execute("SELECT tenant_id, id, size, sha256 FROM files WHERE state = 'ready' ORDER BY 1, 2")
        return [FileRef(blob_key(tenant_id, file_id), size, sha256) for tenant_id, file_id, size, sha256 in rows]
    except apsw.Error as error:
        raise StoreRefused(refusal(path, error)) from error
    finally:
        connection.close()


def _copy(source: Path, draft: Path, progress: Progress) -> None:
    reading = _open_source(source)
    try:
        writing = apsw.Connection(str(draft), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            _copy_pages(reading, writing, progress)
        except apsw.CorruptError as error:
            raise StoreRefused(refusal(source, error)) from error
        except apsw.Error as error:
            raise StoreRefused(f"The backup {draft.parent / draft.name} cannot be written: {error}.") from error
        finally:
            writing.close()
    finally:
        reading.close()


def _open_source(source: Path) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        # One snapshot, held from the first page to the last: without it SQLite begins the copy again whenever the
        # server has committed, which under load is before every step.
        connection.execute("BEGIN")
        version_of(connection)
        return connection
    except apsw.Error as error:
        raise StoreRefused(refusal(source, error)) from error


def _copy_pages(reading: apsw.Connection, writing: apsw.Connection, progress: Progress) -> None:
    with writing.backup("main", reading, "main") as backup:
        while not backup.done:
            backup.step(PAGES_PER_STEP)
            progress(backup.page_count - backup.remaining, backup.page_count)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
