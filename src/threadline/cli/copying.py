"""`threadline db copy`: an installation moves to PostgreSQL, whole, and signs its tokens as before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from threadline.access.secret import SECRET_BYTES, SECRET_FILE
from threadline.cli.examine.database import server_process
from threadline.cli.serve import data_folder_lock
from threadline.cli.terminal import CommandRefused, Stage, counted, stages
from threadline.settings import Settings
from threadline.store.copying.contract import Source
from threadline.store.copying.copy import Copied
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
@click.option("--restart", is_flag=True, help="Empty what an unfinished copy has left in the target, and begin anew.")
def copy(source: str, target: str, data: Path | None, without_secret: bool, restart: bool) -> None:
    """Copy a whole installation into an empty PostgreSQL database.

    Everything moves: tenants, keys, threads, messages, runs, logs, and the secret that end-user tokens are signed with.
    Keys, tokens, ids and cursors stay valid, and what was unfinished is finished in the new place. The source is only
    read, and no server may use it meanwhile.

    Broken off at any moment, the same command goes on where it was. In the end both sides are read again and compared;
    until then no server starts on the target.
    """
    sending, receiving = Settings(database=source), Settings(database=target)
    if not receiving.is_postgres:
        raise CommandRefused(
            "The target has to be postgresql://…. A SQLite database is copied to another file by `threadline db "
            "backup`; from PostgreSQL back to SQLite there is no way."
        )
    with stages() as stage:
        copied = asyncio.run(_copy(sending, receiving, data, without_secret, restart, stage))
    _say(copied, source)


async def _copy(
    sending: Settings, receiving: Settings, data: Path | None, without_secret: bool, restart: bool, stage: Stage
) -> Copied:
    # The driver takes its time to load.
    from threadline.store.postgres.copying import PostgresTarget

    def progress(what: str, table: str, done: int, total: int) -> None:
        stage(f"{what} {table}", done, total)

    async with _source(sending, data, without_secret) as (source, secret):
        target = await PostgresTarget.open(receiving.database, restart)
        try:
            return await copy_installation(source, target, secret, progress)
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
