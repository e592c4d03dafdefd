"""The verbs of files at vendors."""

from threadline.file_records import FileId
from threadline.scopes import Scope, System
from threadline.store.contract_uploads import UploadRow
from threadline.store.rows import UPLOADS
from threadline.store.sql.statements import Statements

_COLUMNS = ", ".join(UPLOADS.columns)
_KEY = "tenant_id = ? AND file_id = ? AND account = ?"
_UPLOAD = f"SELECT {_COLUMNS} FROM uploads WHERE {_KEY}"
_REPLACED = ("vendor_file_id", "uploaded_at", "expires_at", "sweep_after")
_NOTE = (
    f"INSERT INTO uploads ({_COLUMNS}) VALUES ({', '.join('?' * len(UPLOADS.columns))}) "
    "ON CONFLICT (tenant_id, file_id, account) DO UPDATE SET "
    f"{', '.join(f'{name} = excluded.{name}' for name in _REPLACED)} "
    "WHERE uploads.vendor_file_id = ? OR uploads.expires_at <= ?"
)


class UploadReader:
    """The reading verbs."""

    _sql: Statements

    async def upload(self, scope: Scope, file_id: FileId, account: str, now: str) -> UploadRow | None:
        """Return where a file is at a vendor; None where it is not, or not any more."""
        row = await self._sql.one(
            f"{_UPLOAD} AND (expires_at IS NULL OR expires_at > ?)", (scope.tenant_id, file_id, account, now)
        )
        return None if row is None else UPLOADS.record(row)

    async def orphan_uploads(self, system: System, now: str, limit: int) -> list[UploadRow]:
        """Return uploads of files that are not there any more, as far as it is time to look after them."""
        rows = await self._sql.every(
            f"SELECT {_COLUMNS} FROM uploads WHERE sweep_after <= ? AND NOT EXISTS (SELECT 1 FROM files "
            "WHERE files.tenant_id = uploads.tenant_id AND id = file_id) LIMIT ?",
            (now, limit),
        )
        return [UPLOADS.record(row) for row in rows]


class UploadWriter(UploadReader):
    """The writing verbs."""

    async def note_upload(self, scope: Scope, row: UploadRow, lost: str | None, now: str) -> UploadRow:
        """Note that a file is at a vendor. Returns the upload that stands: that of another node may, that was first.

        One that has expired, and the one with the vendor's id `lost`, is replaced.
        """
        assert row.tenant_id == scope.tenant_id, "a row belongs to the scope that stores it"
        await self._sql.run(_NOTE, [*UPLOADS.values(row), lost or "", now])
        found = await self._sql.one(_UPLOAD, (row.tenant_id, row.file_id, row.account))
        assert found is not None, "put there a moment ago, by whomever"
        return UPLOADS.record(found)

    async def drop_upload(self, system: System, row: UploadRow) -> None:
        """Forget an upload that is gone."""
        await self._sql.run(
            f"DELETE FROM uploads WHERE {_KEY} AND vendor_file_id = ?",
            (row.tenant_id, row.file_id, row.account, row.vendor_file_id),
        )

    async def put_off_upload(self, system: System, row: UploadRow, sweep_after: str) -> None:
        """Leave an upload that could not be deleted alone until then."""
        await self._sql.run(
            f"UPDATE uploads SET sweep_after = ? WHERE {_KEY}", (sweep_after, row.tenant_id, row.file_id, row.account)
        )
