"""The records of files: what is known of bytes that somebody has uploaded."""

from typing import Literal, NewType

from msgspec import Struct

from threadline.ids import TenantId, ThreadId

FileId = NewType("FileId", str)

FileState = Literal["pending", "ready", "dying"]


class File(Struct, frozen=True, kw_only=True):
    """A file. Its id comes from its content, name, type and owner, so the same upload is the same file."""

    id: FileId
    object: Literal["file"] = "file"
    name: str | None
    media_type: str
    size: int
    sha256: str
    end_user_id: str | None
    created_at: str


class FileQuery(Struct, frozen=True, kw_only=True):
    """Which files to list, newest first: those of a thread, of a person, or both; and from where on."""

    thread_id: ThreadId | None = None
    end_user_id: str | None = None
    before: tuple[str, FileId] | None = None
    limit: int


class FileRow(Struct, frozen=True, kw_only=True):
    """A file with what only the engine needs.

    `pending`: its bytes are on their way. `ready`: they are there. `dying`: nobody needs it, and its bytes are being
    removed. `touched_at` is when somebody wanted it last; a file is not swept soon after that.
    """

    tenant_id: TenantId
    file: File
    state: FileState
    touched_at: str

    @property
    def blob_key(self) -> str:
        """Where its bytes are."""
        return blob_key(self.tenant_id, self.file.id)


class FileRef(Struct, frozen=True):
    """What has to be known of a file to copy its bytes: where they are, how many, and what they are."""

    key: str
    size: int
    sha256: str


def blob_key(tenant_id: TenantId, file_id: FileId) -> str:
    """Return where the bytes of a file are."""
    return f"{tenant_id}/{file_id}"
