"""The data folder: there, writable, private, with room."""

import os
import shutil
import stat
from pathlib import Path

from threadline.access.secret import SECRET_BYTES, SECRET_FILE
from threadline.cli.examine.finding import Finding, error, ok, warning
from threadline.cli.terminal import size

FREE_BYTES_WARNING = 1_000_000_000
FREE_BYTES_ERROR = 100_000_000
"""With less than this the write-ahead log of one busy hour fills the disk, and every send is refused."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def data_folder(folder: Path) -> list[Finding]:
    """Check that the folder is there, or can be made, and that we may write into it."""
    if not folder.exists():
        parent = _nearest(folder)
        if parent.is_dir() and os.access(parent, os.W_OK):
            return [ok(f"The data folder {folder} is not there yet; `threadline serve` makes it.")]
        return [
            error(
                f"The data folder {folder} cannot be made: {parent} is no folder that this user may write to.",
                "Choose another with --data.",
            )
        ]
    if not folder.is_dir():
        return [error(f"{folder} is no folder.", "Choose another with --data.")]
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return [
            error(
                f"The data folder {folder} is not writable for this user.",
                f"`sudo chown -R {_user()} {folder}`, or choose another with --data.",
            )
        ]
    return [ok(f"The data folder is {folder}, and writable."), *_is_private(folder)]


def secret(folder: Path) -> list[Finding]:
    """Check the secret that signs end-user tokens: whole, and readable by its owner alone."""
    path = folder / SECRET_FILE
    try:
        found = path.stat()
    except FileNotFoundError:
        return []
    except OSError as problem:
        return [error(f"{path} cannot be looked at: {problem.strerror}.", "Run this as the user that runs the server.")]
    findings = []
    if stat.S_IMODE(found.st_mode) & _OTHERS:
        findings.append(
            error(
                f"{path} signs end-user tokens, and others than its owner may read it.",
                f"`chmod 600 {path}`. If somebody may have read it, remove it and start the server again.",
            )
        )
    if found.st_size != SECRET_BYTES:
        findings.append(
            error(
                f"{path} has {found.st_size} bytes and should have {SECRET_BYTES}.",
                "Remove it and start the server again: it makes a new one, and clients ask for new tokens.",
            )
        )
    return findings or [ok("The signing secret is private.")]


def room(folder: Path, free_bytes: int | None = None) -> list[Finding]:
    """Check the free space of the folder's disk; `free_bytes` is what the system says unless given."""
    free = shutil.disk_usage(_nearest(folder)).free if free_bytes is None else free_bytes
    what = f"The disk of {folder} has {size(free)} left."
    if free < FREE_BYTES_ERROR:
        return [error(what, "Make room: on a full disk every send is refused, and running answers wait.")]
    if free < FREE_BYTES_WARNING:
        return [warning(what, "Make room before it is full: then every send is refused, and running answers wait.")]
    return [ok(what)]


def _is_private(folder: Path) -> list[Finding]:
    if stat.S_IMODE(folder.stat().st_mode) & _OTHERS:
        return [
            warning(
                f"Other users of this machine may look into {folder}, at all conversations.", f"`chmod 700 {folder}`."
            )
        ]
    return []


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _user() -> str:
    return os.environ.get("USER") or str(os.getuid())
