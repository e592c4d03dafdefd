"""Files: taken in, put into prompts, and forgotten when nobody needs them.

A row says that bytes are on their way before they are, and that they are going before they go: whatever moment a crash
chooses, no row promises bytes that are not there, and no bytes lie around that no row knows of.
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from msgspec import Struct, structs

from threadline.clock import Clock, rfc3339
from threadline.content import Base64Source, Block, FileBlock, FileSource, ImageBlock
from threadline.errors import FileTypeRefused, Forbidden, InvalidRequest, NotFound, TooLarge, Unavailable
from threadline.file_records import File, FileId, FileQuery, FileRow, FileState, blob_key
from threadline.files.contract import Blobs
from threadline.ids import TenantId, ThreadId
from threadline.journal.append import Journal
from threadline.limits import FILE_SWEEP_BATCH, INLINE_BYTES_MAX
from threadline.observe import log
from threadline.scopes import EndUser, Scope, System
from threadline.store.contract import Reader, Store, Transaction

ALL_TYPES = ("*",)

_SWEEP = System("forget files that nobody needs")
_ALPHABET = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")


class FileRules(Struct, frozen=True):
    """What may be uploaded: bytes of one file, and types as patterns such as `image/*`. Unused files live so long."""

    bytes_max: int
    types: Sequence[str]
    orphan_seconds: float


class Upload(Struct, frozen=True):
    """What somebody says about a file. `end_user_id` is whose it is to be; a token's are its own end user's."""

    media_type: str
    name: str | None
    end_user_id: str | None = None


class Files:
    """The files of an installation, as one node handles them."""

    def __init__(self, blobs: Blobs, store: Store, journal: Journal, clock: Clock, rules: FileRules) -> None:
        self._blobs = blobs
        self._store = store
        self._journal = journal
        self._clock = clock
        self._rules = rules

    async def take(self, scope: Scope, upload: Upload, chunks: AsyncIterator[bytes]) -> File:
        """Take a file in. The same bytes of the same person with the same name and type are the same file.

        Raises:
            FileTypeRefused, TooLarge: it is not accepted.
            InvalidRequest: it is empty, or a token names another person.
            Unavailable: the place for files does not take it at the moment.
        """
        self._check(scope, upload)
        spooled = await asyncio.to_thread(_spool, self._blobs.spool)
        path = Path(spooled.name)
        try:
            size, digest = await self._spool(spooled, chunks)
            if size == 0:
                raise InvalidRequest("The file is empty.", pointer="")
            return await self._keep(scope, upload, path, size, digest)
        finally:
            with suppress(OSError):
                # What a full disk has not taken is tried once more; that it is full has been said.
                spooled.close()
            # Gone already where the file was kept.
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def file(self, scope: Scope, file_id: FileId) -> File:
        """Return a file. Raises NotFound."""

        async def script(reader: Reader) -> File:
            return await reader.file(scope, file_id)

        return await self._store.read(scope, script)

    async def listed(self, scope: Scope, query: FileQuery) -> Sequence[File]:
        """Return a page of files. Raises NotFound for the thread that is named."""

        async def script(reader: Reader) -> Sequence[File]:
            return await reader.files(scope, query)

        return await self._store.read(scope, script)

    def read(
        self, tenant_id: TenantId, file: File, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file that somebody has found, or a part of them. Raises BlobLost and Unavailable."""
        return self._blobs.read(blob_key(tenant_id, file.id), start, end)

    async def delete(self, scope: Scope, file_id: FileId) -> None:
        """Remove a file that no thread has, with its bytes.

        Raises NotFound; FileInUse where a thread has it; Forbidden where it is another person's.
        """

        async def give_up(transaction: Transaction) -> None:
            file = await transaction.file(scope, file_id)
            if isinstance(scope, EndUser) and file.end_user_id != scope.end_user_id:
                raise Forbidden("Only its owner may delete a file.")
            await transaction.give_up_file(scope, file_id, rfc3339(self._clock.now_ms()))

        await self._journal.write(scope, give_up)
        try:
            await self._forget([(TenantId(scope.tenant_id), file_id)])
        except Unavailable as error:
            # It is given up, and the sweep does the rest.
            log.warning("file_not_removed", file_id=file_id, detail=error.detail)

    async def moved(self, scope: Scope, blocks: list[Block]) -> list[Block]:
        """Return the blocks with large base64 moved into files. Doing it again gives the same files.

        Raises FileTypeRefused, TooLarge, InvalidRequest and Unavailable.
        """
        return [await self._moved(scope, block, place) for place, block in enumerate(blocks)]

    async def sweep(self) -> int:
        """Forget a batch of files that no thread has and nobody has wanted for long. Returns how many went."""
        before = rfc3339(self._clock.now_ms() - round(self._rules.orphan_seconds * 1000))

        async def give_up(transaction: Transaction) -> list[tuple[TenantId, FileId]]:
            return await transaction.dying_files(_SWEEP, before, FILE_SWEEP_BATCH)

        dying = await self._journal.write(_SWEEP, give_up)
        await self._forget(dying)
        return len(dying)

    async def _forget(self, dying: Sequence[tuple[TenantId, FileId]]) -> None:
        """Remove the bytes of files that are given up, and then what is known of them. Raises Unavailable."""
        for tenant_id, file_id in dying:
            await self._blobs.delete(blob_key(tenant_id, file_id))

        async def drop(transaction: Transaction) -> None:
            await transaction.drop_files(_SWEEP, dying)

        if dying:
            await self._journal.write(_SWEEP, drop)

    def _check(self, scope: Scope, upload: Upload) -> None:
        if isinstance(scope, EndUser) and upload.end_user_id not in (None, scope.end_user_id):
            raise InvalidRequest("A token uploads for its own end user only.", pointer="/query/end_user_id")
        if not any(fnmatchcase(upload.media_type, pattern) for pattern in self._rules.types):
            raise FileTypeRefused(f"Files of the type {upload.media_type} are not accepted here.")

    async def _spool(self, spooled: IO[bytes], chunks: AsyncIterator[bytes]) -> tuple[int, str]:
        size, digest = 0, hashlib.sha256()
        async for chunk in chunks:
            size += len(chunk)
            if size > self._rules.bytes_max:
                raise TooLarge(f"A file has at most {self._rules.bytes_max} bytes.")
            await asyncio.to_thread(_write, spooled, digest, chunk)
        await asyncio.to_thread(_flush, spooled)
        return size, digest.hexdigest()

    async def _keep(self, scope: Scope, upload: Upload, path: Path, size: int, digest: str) -> File:
        now = rfc3339(self._clock.now_ms())
        person = scope.end_user_id if isinstance(scope, EndUser) else upload.end_user_id
        file = File(
            id=_file_id(scope.tenant_id, person, upload, digest),
            name=upload.name,
            media_type=upload.media_type,
            size=size,
            sha256=digest,
            end_user_id=person,
            created_at=now,
        )
        row = FileRow(tenant_id=scope.tenant_id, file=file, state="pending", touched_at=now)

        async def begin(transaction: Transaction) -> FileState:
            return await transaction.begin_file(scope, row)

        async def finish(transaction: Transaction) -> File:
            await transaction.finish_file(scope, file.id, now)
            return await transaction.file(scope, file.id)

        if await self._journal.write(scope, begin) == "pending":
            await self._blobs.put(row.blob_key, path)
        return await self._journal.write(scope, finish)

    async def _moved(self, scope: Scope, block: Block, place: int) -> Block:
        if not isinstance(block, ImageBlock | FileBlock) or not isinstance(block.source, Base64Source):
            return block
        if len(block.source.data) <= INLINE_BYTES_MAX:
            return block
        try:
            data = base64.b64decode(block.source.data, validate=True)
        except ValueError as error:
            raise InvalidRequest("That is no base64.", pointer=f"/content/{place}/source/data") from error
        name = block.name if isinstance(block, FileBlock) else None
        file = await self.take(scope, Upload(block.source.media_type, name), _once(data))
        return structs.replace(block, source=FileSource(file.id))


async def use_files(
    transaction: Transaction, scope: Scope, thread_id: ThreadId, blocks: Sequence[Block], now_ms: int
) -> None:
    """Note that a thread has the files that blocks name. Raises InvalidRequest where one is not there to be seen."""
    for place, file_id in files_in(blocks):
        try:
            await transaction.use_file(scope, thread_id, file_id, rfc3339(now_ms))
        except NotFound as error:
            pointer = f"/content/{place}/source/file_id"
            raise InvalidRequest("There is no such file.", pointer=pointer) from error


def files_in(blocks: Sequence[Block]) -> list[tuple[int, FileId]]:
    """Return the files that blocks name, each with the place of its block."""
    return [
        (place, FileId(block.source.file_id))
        for place, block in enumerate(blocks)
        if isinstance(block, ImageBlock | FileBlock) and isinstance(block.source, FileSource)
    ]


def _file_id(tenant_id: TenantId, person: str | None, upload: Upload, digest: str) -> FileId:
    # Nothing of it is random: whoever uploads again after a lost answer gets the file that is there.
    parts = (tenant_id, person or "", "" if person is None else "p", upload.media_type, upload.name or "", digest)
    named = hashlib.sha256("\0".join(parts).encode()).digest()
    return FileId("file_" + base64.b32encode(named)[:26].translate(_ALPHABET).decode())


def _spool(folder: Path) -> IO[bytes]:
    try:
        return NamedTemporaryFile(dir=folder, delete=False)
    except OSError as error:
        raise Unavailable(f"This server takes no files: {error.strerror or error}.") from error


def _write(file: IO[bytes], digest: "hashlib._Hash", chunk: bytes) -> None:
    digest.update(chunk)
    try:
        file.write(chunk)
    except OSError as error:
        raise Unavailable(f"The file cannot be kept: {error.strerror or error}.") from error


def _flush(file: IO[bytes]) -> None:
    try:
        file.flush()
    except OSError as error:
        raise Unavailable(f"The file cannot be kept: {error.strerror or error}.") from error


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
