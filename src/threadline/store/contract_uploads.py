"""What a store can say of files at vendors: which file of ours is which of theirs, under which account."""

from typing import Protocol

from msgspec import Struct

from threadline.file_records import FileId
from threadline.ids import TenantId
from threadline.scopes import Scope, System


class UploadRow(Struct, frozen=True, kw_only=True):
    """A file that was put into a vendor's store. `account` names the vendor and the credential, without telling either.

    `expires_at` is when the vendor forgets it by itself; None: never. It is not looked at by the sweep before
    `sweep_after`.
    """

    tenant_id: TenantId
    file_id: FileId
    account: str
    vendor_file_id: str
    uploaded_at: str
    expires_at: str | None
    sweep_after: str = ""


class UploadReader(Protocol):
    """The reading verbs."""

    async def upload(self, scope: Scope, file_id: FileId, account: str, now: str) -> UploadRow | None:
        """Return where a file is at a vendor; None where it is not, or not any more."""
        ...

    async def orphan_uploads(self, system: System, now: str, limit: int) -> list[UploadRow]:
        """Return uploads of files that are not there any more, as far as it is time to look after them."""
        ...


class UploadWriter(Protocol):
    """The writing verbs."""

    async def note_upload(self, scope: Scope, row: UploadRow, lost: str | None, now: str) -> UploadRow:
        """Note that a file is at a vendor. Returns the upload that stands: that of another node may, that was first.

        One that has expired, and the one with the vendor's id `lost`, is replaced.
        """
        ...

    async def drop_upload(self, system: System, row: UploadRow) -> None:
        """Forget an upload that is gone."""
        ...

    async def put_off_upload(self, system: System, row: UploadRow, sweep_after: str) -> None:
        """Leave an upload that could not be deleted alone until then."""
        ...
