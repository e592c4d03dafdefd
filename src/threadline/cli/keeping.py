"""The bytes of files beside a database that is copied or backed up: what is copied of them, and what is said."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

import click

from threadline.cli.terminal import counted, size
from threadline.file_records import FileRef
from threadline.files.contract import Blobs
from threadline.files.copying import CopiedFiles, Progress, copy_files

LOST_NAMED = 5


async def carry(refs: Sequence[FileRef], source: Blobs, target: Blobs, progress: Progress) -> CopiedFiles:
    """Copy the bytes of files. Raises StoreRefused, and Unavailable."""
    async with AsyncExitStack() as stack:
        for place in (source, target):
            await place.open()
            stack.push_async_callback(place.close)
        return await copy_files(refs, source, target, progress)


def together(first: CopiedFiles | None, last: CopiedFiles) -> CopiedFiles:
    """Return what two copies of the same files have done, one behind the other."""
    if first is None:
        return last
    files, moved = first.files + last.files, first.bytes + last.bytes
    return CopiedFiles(files, moved, max(0, last.were_there - first.files), last.lost)


def say_carried(copied: CopiedFiles, where: str) -> None:
    """Say what became of the files."""
    before = f"; {counted(copied.were_there, 'file')} had been there before" if copied.were_there else ""
    click.echo(f"{counted(copied.files, 'file')} ({size(copied.bytes)}) copied to {where}{before}.")
    if copied.lost:
        shown = ", ".join(copied.lost[:LOST_NAMED])
        more = f" and {len(copied.lost) - LOST_NAMED} more" if len(copied.lost) > LOST_NAMED else ""
        click.echo(f"{counted(len(copied.lost), 'file')} had no bytes any more: {shown}{more}.", err=True)


def say_left(refs: Sequence[FileRef], where: str, what_to_do: str) -> None:
    """Say which files were not copied, where there are any."""
    if refs:
        total = size(sum(ref.size for ref in refs))
        click.echo(
            f"The bytes of {counted(len(refs), 'file')} ({total}) are not in it: they are at {where}. {what_to_do}"
        )
