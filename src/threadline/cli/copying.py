"""`threadline db copy`: an installation moves to PostgreSQL, whole, and signs its tokens as before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import click

from threadline.access.secret import SECRET_BYTES, SECRET_FILE
from threadline.cli.examine.database import server_process
from threadline.cli.keeping import carry, say_carried, say_left
from threadline.cli.serve import data_folder_lock
from threadline.cli.terminal import CommandRefused, Stage, counted, stages
from threadline.file_records import FileRef
from threadline.files.contract import Blobs
from threadline.files.copying import CopiedFiles
from threadline.settings import Settings
from threadline.store.copying.contract import Source
from threadline.store.copying.copy import Copied, files_of
from threadline.store.copying.copy import copy as copy_installation
from threadline.store.sqlite.copying import SqliteSource


@click.command("copy")
@click.option("--from", "source", required=True, metavar="DATABASE", help="sqlite:///path/to/file.db or postgresql://…")
@click.option("--to", "target", required=True, metavar="DATABASE", help="postgresql://…, an empty database.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with the secret of a SQLite installation. Default: the folder of its database.",
)
@click.option("--without-secret", is_flag=True, help="Copy no signing secret: clients ask for new end-user tokens.")
@click.option("--from-files", metavar="PLACE", help="Where its files are. Default: `files` beside a SQLite database.")
@click.option(
    "--to-files", metavar="PLACE", help="Where the new servers have their files: a folder, or s3://bucket/prefix."
)
@click.option("--restart", is_flag=True, help="Empty what an unfinished copy has left in the target, and begin anew.")
def copy(
    source: str,
    target: str,
    data: Path | None,
    without_secret: bool,
    from_files: str | None,
    to_files: str | None,
    restart: bool,
) -> None:
    """Copy a whole installation into an empty PostgreSQL database.

    Everything moves: tenants, keys, threads, messages, runs, logs, and the secret that end-user tokens are signed with.
    Keys, tokens, ids and cursors stay valid, and what was unfinished is finished in the new place. The source is only
    read, and no server may use it meanwhile.

    The bytes of files are no part of the database. With --to-files they are copied too; without, the new servers go on
    using the place where they are.

    Broken off at any moment, the same command goes on where it was. In the end both sides are read again and compared;
    until then no server starts on the target.
    """
    sending, receiving = Settings(database=source), Settings(database=target)
    if not receiving.is_postgres:
        raise CommandRefused(
            "The target has to be postgresql://…. A SQLite database is copied to another file by `threadline db "
            "backup`; from PostgreSQL back to SQLite there is no way."
        )
    places = _places(sending, data, from_files, to_files)
    with stages() as stage:
        copied, carried, refs = asyncio.run(_copy(sending, receiving, data, without_secret, places, restart, stage))
    if carried is not None and to_files is not None:
        say_carried(carried, to_files)
    else:
        where = from_files or (
            "the place that the setting `files` names" if sending.is_postgres else _beside(sending, data)
        )
        say_left(refs, where, "Start the new servers with --files for that place, or copy again with --to-files.")
    _say(copied, source)


def _places(
    sending: Settings, data: Path | None, from_files: str | None, to_files: str | None
) -> tuple[Blobs, Blobs] | None:
    """Return from where and to where files are copied, if they are. Raises CommandRefused and SettingsRefused."""
    if to_files is None:
        return None
    # It takes its time to load.
    from threadline.wiring import make_blobs

    if from_files is None:
        if sending.is_postgres:
            raise CommandRefused("--from-files says where the files are that are copied to --to-files.")
        from_files = _beside(sending, data)
    return make_blobs(Settings(files=from_files)), make_blobs(Settings(files=to_files))


def _beside(sending: Settings, data: Path | None) -> str:
    return str((sending.database_path.parent if data is None else data) / "files")


async def _copy(
    sending: Settings,
    receiving: Settings,
    data: Path | None,
    without_secret: bool,
    places: tuple[Blobs, Blobs] | None,
    restart: bool,
    stage: Stage,
) -> tuple[Copied, CopiedFiles | None, list[FileRef]]:
    # The driver takes its time to load.
    from threadline.store.postgres.copying import PostgresTarget

    def progress(what: str, table: str, done: int, total: int) -> None:
        stage(f"{what} {table}", done, total)

    async with _source(sending, data, without_secret) as (source, secret):
        target = await PostgresTarget.open(receiving.database, restart)
        try:
            refs = await files_of(source)
            # Before the rows: a server that finds the copy whole finds the files that it names, too.
            carried = None if places is None else await carry(refs, *places, partial(stage, "Copying files"))
            return await copy_installation(source, target, secret, progress), carried, refs
        finally:
            await target.close()


@asynccontextmanager
async def _source(
    settings: Settings, data: Path | None, without_secret: bool
) -> AsyncIterator[tuple[Source, bytes | None]]:
    if settings.is_postgres:
        from threadline.store.postgres.copying import PostgresSource

        postgres = await PostgresSource.open(settings.database)
        try:
            yield postgres, None if without_secret else await postgres.secret()
        finally:
            await postgres.close()
        return
    path = settings.database_path
    if not path.exists():
        raise CommandRefused(f"There is no database at {path} to copy.")
    if (process := server_process(path)) is not None:
        raise CommandRefused(f"A server is using {path} (process {process}). Stop it first.")
    secret = None if without_secret else _secret(path.parent if data is None else data)
    with data_folder_lock(settings):
        sqlite = SqliteSource(path)
        try:
            yield sqlite, secret
        finally:
            sqlite.close()


def _secret(folder: Path) -> bytes:
    path = folder / SECRET_FILE
    try:
        secret = path.read_bytes()
    except FileNotFoundError as error:
        raise CommandRefused(
            f"The secret that end-user tokens are signed with is not at {path}. --data says in which folder it is; "
            "--without-secret copies the rest (right where the setting `secret` is used)."
        ) from error
    except OSError as error:
        raise CommandRefused(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(secret) != SECRET_BYTES:
        raise CommandRefused(f"{path} has {len(secret)} bytes and should have {SECRET_BYTES}: it is no secret of ours.")
    return secret


def _say(copied: Copied, source: str) -> None:
    for name, digest in copied.digests.items():
        click.echo(f"{name:<18} {digest}")
    before = f" {counted(copied.rows_before, 'row')} of it had been copied before." if copied.rows_before else ""
    click.echo(f"Everything is copied, and the same on both sides.{before}")
    if not source.startswith("postgres"):
        click.echo("Start servers with the new --database, and none on the old one any more: two would go apart.")
