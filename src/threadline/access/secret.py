"""What end-user tokens are signed with where an installation has a folder of its own: a file that nobody else reads."""

import os
import secrets
from pathlib import Path

from threadline.errors import StoreRefused

SECRET_FILE = "secret"  # noqa: S105 - the name of a file
SECRET_BYTES = 32


def read_secret(folder: Path) -> bytes:
    """Return this installation's signing secret, made on first use, readable by its owner alone.

    Raises:
        StoreRefused: the data folder is not writable, or what is in it is no secret.
    """
    path = folder / SECRET_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make_secret(path)
        secret = path.read_bytes()
    except OSError as error:
        raise StoreRefused(f"The data folder {folder} is not usable: {error.strerror or error}.") from error
    if len(secret) < SECRET_BYTES:
        raise StoreRefused(f"{path} is damaged. Restore it, or remove it: the tokens and links out there end with it.")
    return secret


def _make_secret(path: Path) -> None:
    # Made whole and then put in its place: a second process never reads half a secret, and never replaces one.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(SECRET_BYTES))
        file.flush()
        # Or its name outlives a power cut and what is in it does not.
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
