"""`threadline db`: bring the database up to date, copy it while it is in use, and look whether all is well in it."""

import asyncio
from pathlib import Path
from typing import Any

import click

from threadline.cli.checking import check
from threadline.cli.copying import copy
from threadline.cli.options import WHERE, setting_options, settings_from
from threadline.cli.terminal import CommandRefused, bar, size, stages
from threadline.clock import SystemClock
from threadline.settings import Settings
from threadline.store.sqlite.backup import back_up
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
@setting_options(*WHERE)
def backup(file: Path, force: bool, **options: Any) -> None:
    """Copy the database to FILE.

    The copy is the database as it was when the copying began, also while a server writes to it.

    To restore SQLite: stop the server, put the copy in the place of the database (remove what ends in -wal and -shm
    beside it) and start again. PostgreSQL is dumped by its own pg_dump, and pg_restore brings it back.
    """
    settings = settings_from(options)
    path = None if settings.is_postgres else settings.database_path
    if path is not None and not path.exists():
        raise CommandRefused(f"There is no database at {path} to copy.")
    if path is not None and file.exists() and file.samefile(path):
        raise CommandRefused(f"{file} is the database itself.")
    if file.exists() and not force:
        raise CommandRefused(f"{file} is there already; --force replaces it.")
    if path is None:
        _dump(settings, file)
        return
    with bar("Copying pages") as advance:
        copied = back_up(path, file, advance)
    click.echo(f"{path} is copied to {file} ({size(copied)}).")


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
