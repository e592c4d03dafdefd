"""Files in an S3-compatible store, through the object_store library (`obstore`, in the extra `s3`).

Credentials come from where every program on this machine finds them: AWS_ACCESS_KEY_ID and its kin, or the role of the
machine.
"""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from urllib.parse import parse_qs, urlsplit

from threadline.errors import BlobLost, FilesRefused, SettingsRefused, Unavailable
from threadline.limits import FILE_CHUNK_BYTES
from threadline.observe import log

try:
    import obstore
    from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
    from obstore.store import S3Store
except ImportError as error:
    raise SettingsRefused("Files in S3 need the package `obstore`: pip install 'obstore>=0.12'.") from error

_OPTIONS = frozenset({"endpoint", "region"})
_PROBE = "threadline_probe"
_RETRIES: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=10)}
"""Somebody waits for it: a send with a picture, an answer, a download."""


class S3Blobs:
    """A bucket, or a part of one."""

    def __init__(self, store: S3Store) -> None:
        self._store = store
        self.spool = Path(gettempdir())

    async def open(self) -> None:
        """Write into the bucket. Raises FilesRefused; one that is only away at the moment is waited for by nobody."""
        try:
            await obstore.put_async(self._store, _PROBE, b"")
            await obstore.delete_async(self._store, _PROBE)
        except (NotFoundError, FileNotFoundError, PermissionDeniedError, UnauthenticatedError) as error:
            raise FilesRefused(f"The bucket for files cannot be written to: {_said(error)}.") from error
        except BaseError as error:
            log.warning("files_away", detail=_said(error))

    async def put(self, key: str, path: Path) -> None:
        """Upload a local file, in parts where it is large. It is there whole or not at all."""
        try:
            await obstore.put_async(self._store, key, path)
        except BaseError as error:
            raise Unavailable(f"The file cannot be kept: {_said(error)}.") from error

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes in chunks."""
        options: Any = None
        if end is not None:
            options = {"range": (start, end)}
        elif start:
            options = {"range": {"offset": start}}
        try:
            found = await obstore.get_async(self._store, key, options=options)
            async for chunk in found.stream(min_chunk_size=FILE_CHUNK_BYTES):
                yield bytes(chunk)
        except (NotFoundError, FileNotFoundError) as error:
            raise BlobLost from error
        except BaseError as error:
            raise Unavailable(f"The file cannot be read: {_said(error)}.") from error

    async def size(self, key: str) -> int | None:
        """Return how many bytes an object has."""
        try:
            return int((await obstore.head_async(self._store, key))["size"])
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as error:
            raise Unavailable(f"The file cannot be looked at: {_said(error)}.") from error

    async def delete(self, key: str) -> None:
        """Remove an object."""
        try:
            await obstore.delete_async(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            raise Unavailable(f"The file cannot be removed: {_said(error)}.") from error

    async def close(self) -> None:
        """Connections close by themselves."""


def make_s3(address: str) -> S3Blobs:
    """Return the place at `s3://bucket/prefix?endpoint=…&region=…`. Raises SettingsRefused."""
    parts = urlsplit(address)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if not parts.netloc or options.keys() - _OPTIONS:
        raise SettingsRefused(
            f"Files cannot be kept at {address!r}; it is of the form s3://bucket/prefix?endpoint=…&region=…."
        )
    given: dict[str, Any] = {name: options[name] for name in _OPTIONS & options.keys()}
    if options.get("endpoint", "").startswith("http://"):
        given["client_options"] = {"allow_http": True}
    try:
        store = S3Store(parts.netloc, prefix=parts.path.strip("/") or None, retry_config=_RETRIES, **given)
        return S3Blobs(store)
    except BaseError as error:
        raise SettingsRefused(f"Files cannot be kept at {address!r}: {_said(error)}.") from error


def _said(error: Exception) -> str:
    # The library adds its own inner life in further lines.
    return str(error).strip().partition("\n")[0].rstrip(".")
