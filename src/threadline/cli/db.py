"""`threadline db`: bring the database up to date, copy it while it is in use, and look whether all is well in it."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from threadline.cli.copying import copy
from threadline.cli.invariants import findings
from threadline.cli.options import WHERE, setting_options, settings_from
from threadline.cli.terminal import Advance, CommandRefused, bar, counted, size
from threadline.clock import SystemClock
from threadline.errors import NotFound, StoreRefused
from threadline.scopes import Tenant
from threadline.store.contract import Reader
from threadline.store.sqlite.backup import back_up
from threadline.store.sqlite.store import SqliteStore
from threadline.store.sqlite.survey import Survey, ThreadPlace, newest_version

FINDINGS_SHOWN_MAX = 200
"""Where more is wrong than this, the first lines say it as well as all of them."""


@click.group("db")
def command() -> None:
    """Migrate, copy, back up and check the database."""


command.add_command(copy)


@command.command("migrate")
@setting_options(*WHERE)
def migrate(**options: Any) -> None:
    """Bring the database to this program's version. `serve` does the same when it starts."""
    path = settings_from(options).database_path
    before = _version(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    done: list[str] = []
    with bar("Migrating") as advance:

        def note(name: str, number: int, newest: int) -> None:
            advance(number, newest)
            if number > (before or 0):
                done.append(name)

        store = SqliteStore(path, SystemClock())
        store.open_writer(note)
        asyncio.run(store.close())
    newest = newest_version()
    if not done:
        click.echo(f"The database {path} is already at version {newest}.")
        return
    for name in done:
        click.echo(f"Ran {name}.")
    click.echo(f"The database {path} is {'new, and ' if before is None else ''}at version {newest}.")


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@setting_options(*WHERE)
def backup(file: Path, force: bool, **options: Any) -> None:
    """Copy the database to FILE.

    The copy is the database as it was when the copying began, also while a server writes to it.

    To restore: stop the server, put the copy in the place of the database (remove what ends in -wal and -shm beside it)
    and start again.
    """
    path = settings_from(options).database_path
    if not path.exists():
        raise CommandRefused(f"There is no database at {path} to copy.")
    if file.exists() and file.samefile(path):
        raise CommandRefused(f"{file} is the database itself.")
    if file.exists() and not force:
        raise CommandRefused(f"{file} is there already; --force replaces it.")
    with bar("Copying pages") as advance:
        copied = back_up(path, file, advance)
    click.echo(f"{path} is copied to {file} ({size(copied)}).")


@command.command("check")
@setting_options(*WHERE)
def check(**options: Any) -> None:
    """Check the database and every thread in it.

    Says what is wrong, and exits with 1 if anything is.

    Checked are SQLite's own structure, and of every thread: that its log has no hole, that its messages and runs are
    what the log comes to, that every run has ended at most once, and that what is open is waiting or being answered.
    """
    path = settings_from(options).database_path
    with Survey(path, SystemClock()) as survey:
        wrong = list(_all_findings(survey))
        threads = 0 if wrong else len(survey.threads())
    for finding in wrong[:FINDINGS_SHOWN_MAX]:
        click.echo(finding)
    if len(wrong) > FINDINGS_SHOWN_MAX:
        click.echo(f"… and {len(wrong) - FINDINGS_SHOWN_MAX:,} more.")
    if wrong:
        advice = "Keep this file to look into, and restore a backup."
        click.echo(f"{counted(len(wrong), 'finding')} in {path}. {advice}", err=True)
        sys.exit(1)
    click.echo(f"{path} is sound: {counted(threads, 'thread')}, each as its log says.")


def _all_findings(survey: Survey) -> Iterator[str]:
    newest = newest_version()
    with bar("Checking the file") as _:
        yield from (f"The file is damaged: {damage}." for damage in survey.damage())
    if survey.version != newest:
        known = "older than" if survey.version < newest else "newer than"
        yield (
            f"The database has version {survey.version}, {known} this program's {newest}; its threads are not checked."
        )
        return
    try:
        with bar("Checking threads") as advance:
            yield from _thread_findings(survey, advance)
    except StoreRefused as error:
        yield f"The threads could not all be read: {error.detail}"


def _thread_findings(survey: Survey, advance: Advance) -> Iterator[str]:
    places = survey.threads()
    for number, place in enumerate(places, start=1):
        for finding in _findings_of(survey, place):
            yield f"Thread {place.thread_id}: {finding}."
        advance(number, len(places))


def _findings_of(survey: Survey, place: ThreadPlace) -> list[str]:
    async def script(reader: Reader) -> list[str]:
        return await findings(reader, Tenant(place.tenant_id), place.thread_id)

    try:
        return survey.read(script)
    except NotFound:
        return []  # Deleted since the list was made.


def _version(path: Path) -> int | None:
    if not path.exists():
        return None
    with Survey(path, SystemClock()) as survey:
        return survey.version
