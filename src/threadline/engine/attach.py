"""The files of a prompt, each in a form that its provider takes: inline, in the vendor's own store, or at an address.

Inline while they are small enough, the newest first; else uploaded once and remembered, so that no turn of a long
thread uploads again; else, where this installation has a public address, behind a link of ours. What fits no form is
said in words, so that a model knows what it does not see, and an old conversation with many pictures can still go on.

An upload is noted behind its answer: a crash between the two leaves a file at the vendor that nobody knows of. Vendors
that let us say so forget such a one by themselves (`providers/files.py`).
"""

import base64
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing

from msgspec import Struct, structs

from threadline.clock import Clock, rfc3339
from threadline.content import Base64Source, Block, FileBlock, FileSource, ImageBlock, Source, TextBlock, UrlSource
from threadline.engine.files import Files
from threadline.errors import BlobLost, NotFound, ProviderFailure
from threadline.file_records import File, FileId
from threadline.ids import TenantId
from threadline.journal.append import Journal
from threadline.limits import PROMPT_FILE_BYTES_MAX, UPLOAD_RETRY_SECONDS, UPLOAD_SWEEP_BATCH
from threadline.observe import log
from threadline.providers.contract import Prompt, Provider
from threadline.providers.files import (
    EVERYTHING_INLINE,
    FileKind,
    FileUpload,
    Forms,
    TakesFiles,
    Uploaded,
    name_for_vendors,
)
from threadline.scopes import System, Tenant
from threadline.store.contract import Reader, Store, Transaction
from threadline.store.contract_uploads import UploadRow

_SWEEP = System("delete from vendors what nobody has here any more")

OfAccount = Callable[[str], TakesFiles | None]
"""(the name of an account at a vendor) -> a provider that has it, where one is configured."""

LinkTo = Callable[[TenantId, FileId], str | None]
"""Makes an address of ours at which a vendor may fetch a file; None where this installation has none."""

MayHandOn = Callable[[str], bool]
"""Whether an address that somebody has sent may be handed to a vendor."""


class Places(Struct, frozen=True):
    """What lies outside of a thread and its files: accounts at vendors, and addresses."""

    of_account: OfAccount = lambda account: None
    link_to: LinkTo = lambda tenant_id, file_id: None
    may_hand_on: MayHandOn = lambda url: True


class Attachments:
    """The files of prompts, as one node handles them."""

    def __init__(self, files: Files, store: Store, journal: Journal, clock: Clock, places: Places) -> None:
        self._files = files
        self._store = store
        self._journal = journal
        self._clock = clock
        self._places = places

    async def attach(self, tenant_id: TenantId, provider: Provider, prompt: Prompt, is_again: bool) -> Prompt:
        """Return the prompt with its files in forms that the provider takes.

        `is_again`: the vendor has lost what was uploaded, and all of it is uploaded anew.

        Raises ProviderFailure where an upload fails, and Unavailable where the store or the place for files is away.
        """
        work = _Work(self, tenant_id, provider, is_again)
        # The newest files first: they are what the question is about.
        messages = [await work.message(message.content) for message in reversed(prompt.messages)]
        shown = zip(prompt.messages, reversed(messages), strict=True)
        return structs.replace(prompt, messages=[structs.replace(each, content=content) for each, content in shown])

    async def sweep(self) -> int:
        """Delete uploads from vendors whose files are gone here. Returns how many are dealt with."""
        now_ms = self._clock.now_ms()

        async def orphans(reader: Reader) -> list[UploadRow]:
            return await reader.orphan_uploads(_SWEEP, rfc3339(now_ms), UPLOAD_SWEEP_BATCH)

        rows = await self._store.read(_SWEEP, orphans)
        gone = [row for row in rows if await self._is_deleted(row)]
        later = rfc3339(now_ms + round(UPLOAD_RETRY_SECONDS * 1000))

        async def note(transaction: Transaction) -> None:
            for row in rows:
                if row in gone:
                    await transaction.drop_upload(_SWEEP, row)
                else:
                    await transaction.put_off_upload(_SWEEP, row, later)

        if rows:
            await self._journal.write(_SWEEP, note)
        return len(rows)

    async def _is_deleted(self, row: UploadRow) -> bool:
        if row.expires_at is not None and row.expires_at <= rfc3339(self._clock.now_ms()):
            return True
        provider = self._places.of_account(row.account)
        if provider is None:
            # Without its credential nobody can; the operator has taken it away.
            log.warning("upload_left", tenant_id=row.tenant_id, vendor_file_id=row.vendor_file_id)
            return True
        return await _delete(provider, row.vendor_file_id)

    async def file(self, tenant_id: TenantId, file_id: FileId) -> File:
        """Return a file. Raises NotFound."""
        return await self._files.file(Tenant(tenant_id), file_id)

    async def bytes_of(self, tenant_id: TenantId, file: File) -> bytes:
        """Return all bytes of a file. Raises BlobLost."""
        return b"".join([chunk async for chunk in self._files.read(tenant_id, file)])

    def link_to(self, tenant_id: TenantId, file: File) -> str | None:
        """Return an address of ours for a vendor, where there is one."""
        return self._places.link_to(tenant_id, file.id)

    def may_hand_on(self, url: str) -> bool:
        """Whether an address that somebody has sent may be handed to a vendor."""
        return self._places.may_hand_on(url)

    async def uploaded(self, tenant_id: TenantId, provider: TakesFiles, file: File, is_again: bool) -> str:
        """Return the vendor's id of a file, which is uploaded where it is not there. Raises ProviderFailure."""
        scope, now = Tenant(tenant_id), rfc3339(self._clock.now_ms())

        async def known(reader: Reader) -> UploadRow | None:
            return await reader.upload(scope, file.id, provider.account, now)

        row = await self._store.read(scope, known)
        if row is not None and not is_again:
            return row.vendor_file_id
        async with aclosing(self._files.read(tenant_id, file)) as chunks:
            # Bytes that are lost here are no failure of the vendor, and he need not hear of them.
            await anext(chunks, b"")
        made = await provider.upload(self._upload_of(tenant_id, file))
        log.info("file_uploaded", file_id=file.id, vendor_file_id=made.file_id, bytes=file.size)
        stands = await self._note(scope, file, provider, made, row.vendor_file_id if row else None)
        return stands.vendor_file_id

    def _upload_of(self, tenant_id: TenantId, file: File) -> FileUpload:
        def read() -> AsyncIterator[bytes]:
            return self._files.read(tenant_id, file)

        name = name_for_vendors(file.name, file.media_type)
        return FileUpload(name, file.media_type, file.size, file.sha256, read)

    async def _note(
        self, scope: Tenant, file: File, provider: TakesFiles, made: Uploaded, lost: str | None
    ) -> UploadRow:
        now = rfc3339(self._clock.now_ms())
        row = UploadRow(
            tenant_id=scope.tenant_id,
            file_id=file.id,
            account=provider.account,
            vendor_file_id=made.file_id,
            uploaded_at=now,
            expires_at=None if made.expires_at_ms is None else rfc3339(made.expires_at_ms),
        )

        async def script(transaction: Transaction) -> UploadRow:
            return await transaction.note_upload(scope, row, lost, now)

        stands = await self._journal.write_patiently(scope, script)
        if stands.vendor_file_id != made.file_id:
            # Another run was quicker, and everybody is to name the same one.
            await _delete(provider, made.file_id)
        return stands


class _Work:
    """One prompt: what it has room for, and which files were met already."""

    def __init__(self, attachments: Attachments, tenant_id: TenantId, provider: Provider, is_again: bool) -> None:
        self._attachments = attachments
        self._tenant_id = tenant_id
        self._takes = provider if isinstance(provider, TakesFiles) else None
        self._provider_name = provider.name
        self._is_again = is_again
        self._left = PROMPT_FILE_BYTES_MAX
        self._met: dict[tuple[FileKind, FileId], Source | str] = {}

    async def message(self, content: Sequence[Block]) -> list[Block]:
        """Return the blocks of one message as the provider takes them."""
        blocks = [await self._block(block) for block in reversed(content)]
        return blocks[::-1]

    async def _block(self, block: Block) -> Block:
        if not isinstance(block, ImageBlock | FileBlock):
            return block
        kind: FileKind = "image" if isinstance(block, ImageBlock) else "file"
        named = None if isinstance(block, ImageBlock) else block.name
        match block.source:
            case FileSource(file_id=file_id):
                source = await self._file(kind, FileId(file_id))
            case Base64Source(media_type=media_type):
                inline = self._forms(kind, media_type).inline_bytes_max
                source = block.source if inline else self._unknown(kind, named, media_type)
            case UrlSource(url=url):
                source = self._address(kind, named, url)
        if isinstance(source, str):
            return TextBlock(source)
        return block if source is block.source else structs.replace(block, source=source)

    def _forms(self, kind: FileKind, media_type: str | None) -> Forms:
        return EVERYTHING_INLINE if self._takes is None else self._takes.forms(kind, media_type)

    async def _file(self, kind: FileKind, file_id: FileId) -> Source | str:
        if (kind, file_id) not in self._met:
            try:
                file = await self._attachments.file(self._tenant_id, file_id)
                self._met[kind, file_id] = await self._placed(kind, file)
            except (NotFound, BlobLost) as error:
                log.error("file_lost", file_id=file_id, detail=error.detail)
                self._met[kind, file_id] = "[A file is not shown: it is lost.]"
        return self._met[kind, file_id]

    async def _placed(self, kind: FileKind, file: File) -> Source | str:
        """Return a file in the best form that there is, or in words why there is none."""
        forms = self._forms(kind, file.media_type)
        if not forms.is_any:
            return self._unknown(kind, file.name, file.media_type)
        if file.size <= min(forms.inline_bytes_max, self._left):
            data = await self._attachments.bytes_of(self._tenant_id, file)
            self._left -= len(data)
            return Base64Source(file.media_type, base64.b64encode(data).decode())
        if self._takes is not None and file.size <= forms.upload_bytes_max:
            return FileSource(await self._attachments.uploaded(self._tenant_id, self._takes, file, self._is_again))
        if forms.url and (url := self._attachments.link_to(self._tenant_id, file)) is not None:
            return UrlSource(url)
        if file.size <= forms.inline_bytes_max:
            return f"[{_named(kind, file.name)} is not shown: the files of this conversation are too large together.]"
        return f"[{_named(kind, file.name)} is not shown: it is larger than {self._provider_name} takes.]"

    def _address(self, kind: FileKind, name: str | None, url: str) -> Source | str:
        if not self._forms(kind, None).url and self._takes is not None:
            # Not fetched by us: what stands behind an address may be another thing on every turn.
            return f"[{_named(kind, name)} is not shown: {self._provider_name} takes no addresses. It can be uploaded.]"
        if not self._attachments.may_hand_on(url):
            return f"[{_named(kind, name)} is not shown: its address is not a public one.]"
        return UrlSource(url)

    def _unknown(self, kind: FileKind, name: str | None, media_type: str) -> str:
        return f"[{_named(kind, name)} is not shown: {self._provider_name} does not take {media_type}.]"


async def _delete(provider: TakesFiles, vendor_file_id: str) -> bool:
    try:
        await provider.delete_upload(vendor_file_id)
    except ProviderFailure as failure:
        log.warning("upload_not_deleted", vendor_file_id=vendor_file_id, code=failure.code)
        return False
    return True


def _named(kind: FileKind, name: str | None) -> str:
    return f"The file {name!r}" if name else "A picture" if kind == "image" else "A file"
