"""In which forms a vendor takes files, and how they are put into its own store.

Every vendor takes some files inline, in base64, up to a size. Some fetch an address by themselves; some have a store of
their own, whose files are named by an id. What each takes is said here, and nowhere guessed: what no form fits is said
to the model in words, since a vendor that refuses one file refuses every later question of its thread.

Sources, read in November 2026: platform.claude.com/docs/en/build-with-claude/files and …/vision,
developers.openai.com/api/docs/guides/file-inputs and …/api/reference/resources/files, and the types of the vendors' own
SDKs (anthropic 2.11, openai 3.52), which the tests hold our requests against.
"""

import hashlib
import mimetypes
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, Protocol, runtime_checkable

import msgspec
from msgspec import Struct

from threadline.content import FileSource
from threadline.providers.contract import Prompt, sources_of

FileKind = Literal["image", "file"]

MB: Final = 1024 * 1024

PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""The types that both vendors name. Others they refuse, and with them the whole request."""

KEPT_SECONDS: Final = 30 * 24 * 3600
"""How long a vendor that lets us say so is to keep an upload: its longest time. An upload that we do not know of,
because its answer was lost, is gone after that."""

_NOT_IN_NAMES: Final = re.compile(r'[<>:"|?*\\/\x00-\x1f]')
_NAME_CHARS_MAX: Final = 200


class Forms(Struct, frozen=True):
    """In which forms a provider takes one type of file, each up to so many bytes; 0 is: not in that form."""

    inline_bytes_max: int = 0
    upload_bytes_max: int = 0
    url: bool = False

    @property
    def is_any(self) -> bool:
        """Whether it is taken at all."""
        return bool(self.inline_bytes_max or self.upload_bytes_max or self.url)


EVERYTHING_INLINE: Final = Forms(inline_bytes_max=2**40)
"""What is assumed of a provider that says nothing."""


class FileOptions(Struct, frozen=True):
    """What an operator says of a provider's files; None: as is known of its vendor, by the address."""

    uploads: bool | None = None
    inline_bytes_max: int | None = None
    urls: bool | None = None

    def applied(self, forms: Forms, *, has_uploads: bool) -> Forms:
        """Return what is left of the forms that a vendor's API has."""
        inline = forms.inline_bytes_max
        return Forms(
            inline_bytes_max=inline if self.inline_bytes_max is None else min(inline, self.inline_bytes_max),
            upload_bytes_max=forms.upload_bytes_max if has_uploads else 0,
            url=forms.url and self.urls is not False,
        )


class FileUpload(Struct, frozen=True):
    """A file that goes to a vendor. `read` gives its bytes, again for each try."""

    name: str
    media_type: str
    size: int
    sha256: str
    read: Callable[[], AsyncIterator[bytes]]


class Uploaded(Struct, frozen=True):
    """A file at a vendor, and until when it is there; None: until it is deleted."""

    file_id: str
    expires_at_ms: int | None = None


@runtime_checkable
class TakesFiles(Protocol):
    """What a provider may be beside answering: one that says which files it takes.

    `account` names the vendor, the address and the credential, and tells none of them: a file that was uploaded under
    one account is not there under another.
    """

    account: str

    def forms(self, kind: FileKind, media_type: str | None) -> Forms:
        """Say in which forms a file is taken; a type of None is not known, that of an address."""
        ...

    async def upload(self, upload: FileUpload) -> Uploaded:
        """Put a file into the vendor's store. Raises ProviderFailure."""
        ...

    async def delete_upload(self, file_id: str) -> None:
        """Delete a file from the vendor's store; one that is not there is deleted. Raises ProviderFailure."""
        ...


class FilesApi(Struct, frozen=True):
    """A vendor's own store: where it is, and what goes along with a file."""

    url: str
    headers: Mapping[str, str] = {}
    fields: Mapping[str, str] = {}

    def multipart(self, upload: FileUpload) -> tuple[Mapping[str, str], AsyncIterator[bytes]]:
        """Return the headers and the body of an upload (RFC 7578), which is never in memory as a whole."""
        # A file in which its own checksum stands is not to be made, so this surely stands nowhere in it.
        boundary = upload.sha256
        begin = "".join(_field(boundary, name, value) for name, value in self.fields.items())
        head = (
            f'{begin}--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{upload.name}"\r\n'
            f"content-type: {upload.media_type}\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            **self.headers,
            "accept": "application/json",
            "content-type": f"multipart/form-data; boundary={boundary}",
            "content-length": str(len(head) + upload.size + len(tail)),
        }
        return headers, _body(head, upload, tail)


def account_of(kind: str, base_url: str, credential: str | None, headers: Mapping[str, str]) -> str:
    """Return the name of an account. `headers` may have a project or an organisation in them."""
    parts = [kind, base_url, credential or "", *(f"{name}: {headers[name]}" for name in sorted(headers))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def name_for_vendors(name: str | None, media_type: str) -> str:
    """Return a name that every vendor takes: without what some refuse in it, and with an ending, by which some go."""
    plain = _NOT_IN_NAMES.sub("_", name or "file")[:_NAME_CHARS_MAX]
    return plain if "." in plain else plain + (mimetypes.guess_extension(media_type) or "")


def uploads_in(prompt: Prompt) -> list[str]:
    """Return the vendor's ids of the files that a prompt names, each once."""
    found = (source.file_id for source in sources_of(prompt) if isinstance(source, FileSource))
    return list(dict.fromkeys(found))


def read_uploaded(body: bytes) -> Uploaded | None:
    """Read a vendor's answer to an upload; None where it is none. The time is a number of seconds or RFC 3339."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Uploaded(answer.id, _milliseconds(answer.expires_at)) if answer.id else None


def is_lost(status: int, body: bytes, file_ids: Sequence[str]) -> bool:
    """Whether a vendor refuses a request because a file that it names is not there any more.

    The vendors word it differently, and Chat Completions with several statuses: what is common is that they name it.
    Taken wrongly for lost, a file is uploaded once more than it had to be.
    """
    text = body.decode("utf-8", "replace")
    named = any(file_id in text for file_id in file_ids) or "file_expired" in text
    return bool(file_ids) and status in (400, 404, 410) and named


class _Answer(Struct):
    id: str = ""
    expires_at: Any = None


def _milliseconds(value: Any) -> int | None:
    if isinstance(value, int | float):
        return round(value * 1000)
    try:
        return round(datetime.fromisoformat(value).timestamp() * 1000) if isinstance(value, str) else None
    except ValueError:
        return None


async def _body(head: bytes, upload: FileUpload, tail: bytes) -> AsyncIterator[bytes]:
    yield head
    async for chunk in upload.read():
        yield chunk
    yield tail


def _field(boundary: str, name: str, value: str) -> str:
    return f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
