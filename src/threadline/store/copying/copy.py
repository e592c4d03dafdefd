"""Copies an installation, table by table, and then compares both sides."""

from collections.abc import Callable

from msgspec import Struct

from threadline.errors import StoreRefused
from threadline.file_records import FileId, FileRef, blob_key
from threadline.ids import TenantId
from threadline.store.copying.contract import Rows, Source, Target
from threadline.store.copying.digest import Digest
from threadline.store.copying.tables import FILES, TABLES, Table

Progress = Callable[[str, str, int, int], None]
"""Called as (what is done, name of the table, rows done, rows in all)."""


class Copied(Struct, frozen=True):
    """What a copy came to: the checksum of each table, and how many rows were there before it went on."""

    digests: dict[str, Digest]
    rows_before: int


async def copy(source: Source, target: Target, secret: bytes | None, progress: Progress) -> Copied:
    """Copy everything and compare it. Goes on where an earlier copy from the same source was broken off.

    Raises:
        StoreRefused: the target is not free, or what arrived is not what was sent.
    """
    await target.begin(source.origin)
    rows_before = 0
    for table in TABLES:
        rows_before += await _copy_table(source, target, table, progress)
    digests = {table.name: await _compare(source, target, table, progress) for table in TABLES}
    # Only now: a server that started on half of an installation would answer for all of it.
    await target.finish(secret)
    return Copied(digests, rows_before)


async def files_of(source: Source) -> list[FileRef]:
    """Return the files of an installation whose bytes are somewhere."""
    found = []
    names = list(FILES.columns)
    async for batch in source.batches(FILES):
        for row in batch.rows:
            file = dict(zip(names, row, strict=True))
            if file["state"] == "ready":
                key = blob_key(TenantId(str(file["tenant_id"])), FileId(str(file["id"])))
                found.append(FileRef(key, int(file["size"] or 0), str(file["sha256"])))
    return found


async def _copy_table(source: Source, target: Target, table: Table, progress: Progress) -> int:
    total = await source.count(table)
    position = await target.position(table)
    before = 0 if position is None else await target.count(table)
    done = before
    progress("Copying", table.name, done, total)
    async for batch in source.batches(table, position):
        await target.store(table, batch)
        done += len(batch.rows)
        progress("Copying", table.name, done, max(done, total))
    return before


async def _compare(source: Source, target: Target, table: Table, progress: Progress) -> Digest:
    sent = await _digest(source, table, "Comparing (source)", progress)
    arrived = await _digest(target, table, "Comparing (target)", progress)
    if sent != arrived:
        raise StoreRefused(
            f"The copy is not whole: {table.name} has {sent} in the source and {arrived} in the target. The source "
            "was changed since the copy began, or the target was. The target stays closed to servers; run the "
            "command again with --restart to begin anew."
        )
    return sent


async def _digest(side: Rows, table: Table, what: str, progress: Progress) -> Digest:
    digest = Digest()
    total = await side.count(table)
    async for batch in side.batches(table):
        digest.add(batch.rows)
        progress(what, table.name, digest.rows, max(digest.rows, total))
    return digest
