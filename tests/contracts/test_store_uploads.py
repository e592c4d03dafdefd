"""Files at vendors in the store: which of ours is which of theirs, until when, and which are there for nobody."""

from msgspec import structs

from threadline.file_records import FileId
from threadline.scopes import Tenant
from threadline.store.contract import Transaction
from threadline.store.contract_uploads import UploadRow

from .conftest import MINE, NOW, SYSTEM, THEIRS, Bench
from .test_store_files import sweep, upload

LATER = "2026-06-01T00:00:00.000Z"


def a_row(file_id: FileId, vendor_file_id: str = "file-1", expires_at: str | None = None) -> UploadRow:
    """Return an upload of mine."""
    return UploadRow(
        tenant_id=MINE.tenant_id,
        file_id=file_id,
        account="a",
        vendor_file_id=vendor_file_id,
        uploaded_at=NOW,
        expires_at=expires_at,
    )


async def note(bench: Bench, row: UploadRow, lost: str | None = None, now: str = NOW) -> str:
    """Note an upload. Returns the vendor's id that stands."""
    stands = await bench.write(lambda transaction: transaction.note_upload(Tenant(row.tenant_id), row, lost, now))
    return stands.vendor_file_id


async def found(bench: Bench, file_id: FileId, scope: Tenant = MINE, account: str = "a", now: str = NOW) -> str | None:
    """Return the vendor's id of a file."""
    row = await bench.store.read(scope, lambda reader: reader.upload(scope, file_id, account, now))
    return row.vendor_file_id if row else None


async def orphans(bench: Bench, now: str = NOW) -> list[str]:
    """Return what is at vendors for nobody."""
    rows = await bench.store.read(SYSTEM, lambda reader: reader.orphan_uploads(SYSTEM, now, 10))
    return [row.vendor_file_id for row in rows]


async def test_an_upload_is_its_accounts_and_its_tenants(bench: Bench) -> None:
    """The first of two stands; under another account, for another tenant, it is not there."""
    file_id = await upload(bench, None)
    assert await found(bench, file_id) is None
    assert await note(bench, a_row(file_id)) == "file-1"
    assert await note(bench, a_row(file_id, "file-2")) == "file-1"
    assert await found(bench, file_id) == "file-1"
    assert await found(bench, file_id, account="b") is None
    assert await found(bench, file_id, scope=THEIRS) is None


async def test_what_has_expired_or_is_lost_is_replaced(bench: Bench) -> None:
    """And nothing else is, whoever says that he has lost another one."""
    file_id = await upload(bench, None)
    await note(bench, a_row(file_id, expires_at=LATER))
    assert await found(bench, file_id) == "file-1"
    assert await found(bench, file_id, now=LATER) is None
    assert await note(bench, a_row(file_id, "file-2"), lost="file-9") == "file-1"
    assert await note(bench, a_row(file_id, "file-2"), now=LATER) == "file-2"
    assert await note(bench, a_row(file_id, "file-3"), lost="file-2") == "file-3"
    assert await found(bench, file_id, now=LATER) == "file-3"


async def test_the_uploads_of_swept_files_are_orphans(bench: Bench) -> None:
    """From the moment on that the file is dropped; one that is put off is left alone until then."""
    file_id, other = await upload(bench, None), await upload(bench, "ann")
    row = a_row(file_id)
    await note(bench, row)
    await note(bench, a_row(other, "file-2"))
    assert await orphans(bench) == []
    dying = [each for each in await sweep(bench) if each[1] == file_id]
    assert await orphans(bench) == []
    await bench.write(lambda transaction: transaction.drop_files(SYSTEM, dying))
    assert await orphans(bench) == ["file-1"]

    async def put_off(transaction: Transaction) -> None:
        await transaction.put_off_upload(SYSTEM, row, LATER)

    await bench.write(put_off)
    assert await orphans(bench) == []
    assert await orphans(bench, LATER) == ["file-1"]
    await bench.write(lambda transaction: transaction.drop_upload(SYSTEM, structs.replace(row, vendor_file_id="x")))
    assert await orphans(bench, LATER) == ["file-1"]
    await bench.write(lambda transaction: transaction.drop_upload(SYSTEM, row))
    assert await orphans(bench, LATER) == []
