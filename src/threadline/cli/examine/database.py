"""The database: there, of our version, undamaged, and who uses it."""

import fcntl
from pathlib import Path

from threadline.cli.examine.finding import Finding, error, ok, warning
from threadline.cli.serve import LOCK_NAME
from threadline.cli.terminal import size
from threadline.clock import Clock
from threadline.errors import StoreRefused
from threadline.store.sqlite.survey import Survey, newest_version, wal_bytes

WAL_BYTES_MAX = 256_000_000
"""A server folds its write-ahead log into the database at a few MB. A hundred times that means that something holds
it back: a reader that never ends, a disk that is too slow."""

CHECKED_BYTES_MAX = 200_000_000
"""Looked through whole up to this size, which takes seconds; `threadline db check` takes any."""


def database(path: Path, clock: Clock) -> list[Finding]:
    """Check that the file is a database of ours, of this program's version, and not damaged."""
    if not path.exists():
        return [ok(f"There is no database at {path} yet; `threadline serve` makes it.")]
    try:
        with Survey(path, clock) as survey:
            return [_version(path, survey.version), *_damage(survey)]
    except StoreRefused as refused:
        return [error(refused.detail, "Restore a backup, or choose another file with --database.")]


def last_activity_at(path: Path, clock: Clock) -> str | None:
    """Return when somebody last said something; None where nobody has, or where it cannot be read."""
    try:
        with Survey(path, clock) as survey:
            return survey.last_activity_at() if survey.version == newest_version() else None
    except StoreRefused:
        return None


def user(path: Path) -> list[Finding]:
    """Say which server uses the database."""
    process = server_process(path)
    return [] if process is None else [ok(f"A server is using this database: process {process}.")]


def server_process(path: Path) -> str | None:
    """Return the process id of the server that uses this database; None where there is none."""
    lock = path.with_name(LOCK_NAME)
    try:
        with lock.open() as file:
            # Shared, and let go of at once: nobody but a server that starts in this very moment would notice.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return lock.read_text().strip() or "unknown"
    except OSError:
        return None
    return None


def write_ahead_log(path: Path) -> list[Finding]:
    """Check that the write-ahead log is folded into the database from time to time."""
    waiting = wal_bytes(path)
    if waiting <= WAL_BYTES_MAX:
        return []
    return [
        warning(
            f"The write-ahead log beside {path} has grown to {size(waiting)}.",
            "Something reads the database without end, such as an open `sqlite3` shell. End it, or restart the server.",
        )
    ]


def _version(path: Path, version: int) -> Finding:
    newest = newest_version()
    if version > newest:
        return error(
            f"The database {path} has version {version}; this program knows versions up to {newest}.",
            "Start the newer Threadline that wrote it, or restore a backup made before the upgrade.",
        )
    if version < newest:
        return warning(
            f"The database {path} has version {version}, this program's is {newest}.",
            "`threadline db backup FILE`, then `threadline db migrate`; or just start the server, which migrates too.",
        )
    return ok(f"The database {path} has version {version}, {size(path.stat().st_size)}.")


def _damage(survey: Survey) -> list[Finding]:
    if survey.path.stat().st_size > CHECKED_BYTES_MAX:
        return [ok("It is too large to be looked through in passing; `threadline db check` does that.")]
    damage = survey.damage(is_quick=True)
    if not damage:
        return []
    return [error(f"The database is damaged: {damage[0]}.", "`threadline db check` says how far. Restore a backup.")]
