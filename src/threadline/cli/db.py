"""`threadline db`: bring the database up to date, copy it while it is in use, and look whether all is well in it."""

import asyncio
from pathlib import Path
from typing import Any

import click

from threadline.cli.checking import check
from threadline.cli.copying import copy
from threadline.cli.keeping import carry, say_carried, say_left, together
from threadline.cli.options import WHERE, setting_options, settings_from
from threadline.cli.terminal import CommandRefused, bar, size, stages
from threadline.clock import SystemClock
from threadline.file_records import FileRef
from threadline.files.copying import CopiedFiles
from threadline.settings import Settings
from threadline.store.sqlite.backup import back_up, files_in
from threadline.store.sqlite.store import SqliteStore
from threadline.store.sqlite.survey import Survey, newest_version


@click.group("db")
def command() -> None:
    """Migrate, copy, back up and check the database."""


command.add_command(check)
command.add_command(copy)


@command.command("migrate")
@click.option("--force", is_flag=True, help="PostgreSQL: upgrade also where running nodes are too old for the result.")
@setting_options(*WHERE)
def migrate(force: bool, **options: Any) -> None:
    """Bring the database to this program's version. `serve` does the same when it starts.

    On PostgreSQL it also finishes the long pieces of work on old rows that an upgrade leaves behind, while nodes go on
    working, and refuses what would break running nodes. Stopped at any moment, it goes on where it was.
    """
    settings = settings_from(options)
    done: list[str] = []
    where, before, newest = (_migrate_postgres if settings.is_postgres else _migrate_sqlite)(settings, done, force)
    for name in done:
        click.echo(f"Ran {name}.")
    if before == newest:
        click.echo(f"The database {where} is already at version {newest}.")
        return
    click.echo(f"The database {where} is {'' if before else 'new, and '}at version {newest}.")


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@click.option(
    "--files-to", metavar="PLACE", help="Where the bytes of files go. Default: FILE.files, for those of a folder."
)
@click.option("--without-files", is_flag=True, help="Leave the bytes of files out, and say where they are.")
@setting_options(*WHERE, "files")
def backup(file: Path, force: bool, files_to: str | None, without_files: bool, **options: Any) -> None:
    """Copy the database to FILE, and the bytes of files to FILE.files.

    The copy is the database as it was when the copying began, also while a server writes to it. Files that are there
    already are not copied again. Those in S3 are copied with --files-to alone.

    To restore SQLite: stop the server, put the copy in the place of the database (remove what ends in -wal and -shm
    beside it), FILE.files in the place of the folder `files`, and start again. PostgreSQL is dumped by its own pg_dump,
    and pg_restore brings it back.
    """
    settings = settings_from(options)
    path = None if settings.is_postgres else settings.database_path
    if path is not None and not path.exists():
        raise CommandRefused(f"There is no database at {path} to copy.")
    if path is not None and file.exists() and file.samefile(path):
        raise CommandRefused(f"{file} is the database itself.")
    if file.exists() and not force:
        raise CommandRefused(f"{file} is there already; --force replaces it.")
    if files_to is None and not settings.files.startswith("s3://"):
        files_to = f"{file}.files"
    place = None if without_files else files_to
    refs = _files_of(settings, path)
    # Those that are there before, so that none of the snapshot has gone when its turn comes ...
    first = _carry(settings, refs, place) if place is not None and refs else None
    if path is None:
        _dump(settings, file)
    else:
        with bar("Copying pages") as advance:
            copied = back_up(path, file, advance)
        click.echo(f"{path} is copied to {file} ({size(copied)}).")
    # ... and behind it those that have come meanwhile.
    refs = _files_of(settings, None if path is None else file)
    if place is None:
        say_left(refs, settings.files or str(settings.data_folder / "files"), "A backup without them is not whole.")
    elif refs:
        say_carried(together(first, _carry(settings, refs, place)), place)


def _files_of(settings: Settings, path: Path | None) -> list[FileRef]:
    if path is not None:
        return files_in(path)
    from threadline.store.postgres.backup import files_in as files_in_postgres

    return asyncio.run(files_in_postgres(settings.database))


def _carry(settings: Settings, refs: list[FileRef], place: str) -> CopiedFiles:
    # It takes its time to load.
    from threadline.wiring import make_blobs

    with bar("Copying files") as advance:
        return asyncio.run(carry(refs, make_blobs(settings), make_blobs(Settings(files=place)), advance))


def _dump(settings: Settings, file: Path) -> None:
    from threadline.store.postgres.backup import dump
    from threadline.store.postgres.operator import shown

    with bar("Dumping") as _:
        dumped = dump(settings.database, file)
    click.echo(f"{shown(settings.database)} is dumped to {file} ({size(dumped)}), its signing secret included.")


def _migrate_sqlite(settings: Settings, done: list[str], _force: bool) -> tuple[str, int, int]:
    path = settings.database_path
    before = 0
    if path.exists():
        with Survey(path, SystemClock()) as survey:
            before = survey.version
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with bar("Migrating") as advance:

        def note(name: str, number: int, newest: int) -> None:
            advance(number, newest)
            if number > before:
                done.append(name)

        store = SqliteStore(path, SystemClock())
        store.open_writer(note)
        asyncio.run(store.close())
    return str(path), before, newest_version()


def _migrate_postgres(settings: Settings, done: list[str], force: bool) -> tuple[str, int, int]:
    from threadline.store.postgres.operator import shown
    from threadline.store.postgres.upgrade import upgrade

    with stages() as stage:
        upgraded = asyncio.run(upgrade(settings.database, stage, force))
    done += upgraded.ran
    if not upgraded.has_walls:
        click.echo("Row-level security is off: `threadline doctor` says how to turn it on.", err=True)
    return shown(settings.database), upgraded.before, upgraded.now
