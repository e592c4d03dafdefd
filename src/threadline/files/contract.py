"""What a place for bytes can do. It knows keys and bytes; whose they are and who needs them, others know."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Protocol


class Blobs(Protocol):
    """A place for bytes. A key is `tenant/name`, of ASCII letters, digits and underscores."""

    spool: Path
    """Where a file is written before it is put here: a local folder, on the same disk where that helps."""

    async def open(self) -> None:
        """Get ready. Raises FilesRefused where this place is not usable."""
        ...

    async def put(self, key: str, path: Path) -> None:
        """Take a local file over, whole or not at all; it is on the disk when this returns. The file is gone then.

        What stood there before is replaced. Raises Unavailable.
        """
        ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a key in chunks, from `start` up to and without `end`.

        Raises BlobLost where there are none, and Unavailable.
        """
        ...

    async def size(self, key: str) -> int | None:
        """Return how many bytes a key has; None where it is not there. Raises Unavailable."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a key; one that is not there is forgotten already. Raises Unavailable."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...
