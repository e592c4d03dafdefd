"""Files: their requests, and what the server says of them.

A message carries one as `ImageBlock(source=Source(type="file", file_id=file.id))`, or as a `FileBlock` likewise.
"""

from datetime import datetime

from threadline.client.calls import Call, body_of, given_of, page_reader, path_of, query_of, reader_of
from threadline.client.decode import Model
from threadline.client.models import Page
from threadline.client.retry import Repeat


class File(Model, frozen=True, kw_only=True):
    """A file that was uploaded. The same upload again is the same file."""

    id: str
    name: str | None = None
    media_type: str
    size: int
    sha256: str
    end_user_id: str | None = None
    created_at: datetime | None = None


class FileLink(Model, frozen=True, kw_only=True):
    """A link to a file's bytes, below the server's address, that works without a key until `expires_at`."""

    url: str
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"FileLink(expires_at={self.expires_at})"


def file_upload(data: bytes, media_type: str, name: str | None, end_user_id: str | None) -> Call[File]:
    """Upload a file; again is the same file, so it is sent again whatever became of the first."""
    query = query_of({"name": name, "end_user_id": end_user_id})
    headers = {"content-type": media_type}
    return Call("POST", "/v1/files", reader_of(File), query, data, headers, Repeat.ALWAYS)


def file_get(file_id: str) -> Call[File]:
    """Read what is known of a file."""
    return Call("GET", path_of("files", file_id), reader_of(File))


def file_list(
    thread_id: str | None, end_user_id: str | None, limit: int | None, cursor: str | None
) -> Call[Page[File]]:
    """List files, newest first."""
    query = query_of({"thread_id": thread_id, "end_user_id": end_user_id, "limit": limit}, cursor)
    return Call("GET", "/v1/files", page_reader(File), query)


def file_delete(file_id: str) -> Call[None]:
    """Delete a file that no thread has."""
    return Call("DELETE", path_of("files", file_id), lambda body: None)


def file_content(file_id: str) -> Call[bytes]:
    """Read a file's bytes."""
    return Call("GET", path_of("files", file_id, "content"), bytes)


def file_link(file_id: str, expires_in: int | None) -> Call[FileLink]:
    """Make a link to a file."""
    body = body_of(given_of({"expires_in": expires_in}))
    return Call("POST", path_of("files", file_id, "link"), reader_of(FileLink), body=body)
