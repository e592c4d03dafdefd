"""The verbs of files, as part of `store/contract.py`: what is known of them, and who needs them."""

from collections.abc import Sequence
from typing import Protocol

from threadline.file_records import File, FileId, FileQuery, FileRow, FileState
from threadline.ids import TenantId, ThreadId
from threadline.scopes import Scope, System


class FileReader(Protocol):
    """The reading verbs."""

    async def file(self, scope: Scope, file_id: FileId) -> File:
        """Return a file whose bytes are there. Raises NotFound: unknown and out of scope are the same answer."""
        ...

    async def files(self, scope: Scope, query: FileQuery) -> list[File]:
        """Return files, newest first. A person's own ones, or those of a thread. Raises NotFound for the thread."""
        ...


class FileWriter(Protocol):
    """The writing verbs."""

    async def begin_file(self, scope: Scope, row: FileRow) -> FileState:
        """Note that bytes are on their way, or that they were before. Returns the state of the file.

        Raises Unavailable while the same file of before is being removed.
        """
        ...

    async def finish_file(self, scope: Scope, file_id: FileId, now: str) -> None:
        """Note that the bytes are there. Raises NotFound where it took so long that they were swept."""
        ...

    async def give_up_file(self, scope: Scope, file_id: FileId, now: str) -> None:
        """Begin to remove a file that no thread has. Raises NotFound, and FileInUse where one has it."""
        ...

    async def use_file(self, scope: Scope, thread_id: ThreadId, file_id: FileId, now: str) -> None:
        """Note that a thread has a file in it: whoever reaches the thread sees it. Raises NotFound."""
        ...

    async def share_files(self, scope: Scope, thread_id: ThreadId, source_thread_id: ThreadId) -> None:
        """Note that a thread has all files that another one has. Raises NotFound for either."""
        ...

    async def dying_files(self, system: System, touched_before: str, limit: int) -> list[tuple[TenantId, FileId]]:
        """Give up files that no thread has and nobody has wanted since then. Returns those whose bytes are to go."""
        ...

    async def drop_files(self, system: System, files: Sequence[tuple[TenantId, FileId]]) -> None:
        """Forget files whose bytes are gone."""
        ...
