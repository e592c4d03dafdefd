"""`threadline db check`: the database, and the laws of every thread in it."""

import sys
from collections.abc import Iterator
from typing import Any

import click

from threadline.cli.invariants import findings
from threadline.cli.options import WHERE, setting_options, settings_from
from threadline.cli.terminal import Advance, bar, counted
from threadline.clock import SystemClock
from threadline.errors import NotFound, StoreRefused
from threadline.opening import make_survey
from threadline.scopes import Tenant
from threadline.store.contract import Reader
from threadline.store.survey import Surveyed, ThreadPlace

FINDINGS_SHOWN_MAX = 200
"""Where more is wrong than this, the first lines say it as well as all of them."""


@click.command("check")
@setting_options(*WHERE)
def check(**options: Any) -> None:
    """Check the database and every thread in it.

    Says what is wrong, and exits with 1 if anything is.

    Checked are the database's own structure (SQLite's check, PostgreSQL's indexes), and of every thread: that its log
    has no hole, that its messages, runs and tool calls are what the log comes to, that every run has ended at most
    once, that every tool call of an ended run has its outcome, and that what is open is waiting or being answered.
    """
    settings = settings_from(options)
    with make_survey(settings, SystemClock()) as survey:
        wrong = list(_all_findings(survey))
        threads = 0 if wrong else len(survey.threads())
        name = survey.name
    for finding in wrong[:FINDINGS_SHOWN_MAX]:
        click.echo(finding)
    if len(wrong) > FINDINGS_SHOWN_MAX:
        click.echo(f"… and {len(wrong) - FINDINGS_SHOWN_MAX:,} more.")
    if wrong:
        kept = "dump" if settings.is_postgres else "file"
        advice = f"Keep {'a' if settings.is_postgres else 'this'} {kept} to look into, and restore a backup."
        click.echo(f"{counted(len(wrong), 'finding')} in {name}. {advice}", err=True)
        sys.exit(1)
    click.echo(f"{name} is sound: {counted(threads, 'thread')}, each as its log says.")


def _all_findings(survey: Surveyed) -> Iterator[str]:
    newest = survey.newest_version
    with bar("Checking the database") as _:
        yield from (f"The database is damaged: {damage}." for damage in survey.damage())
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


def _thread_findings(survey: Surveyed, advance: Advance) -> Iterator[str]:
    places = survey.threads()
    for number, place in enumerate(places, start=1):
        for finding in _findings_of(survey, place):
            yield f"Thread {place.thread_id}: {finding}."
        advance(number, len(places))


def _findings_of(survey: Surveyed, place: ThreadPlace) -> list[str]:
    async def script(reader: Reader) -> list[str]:
        return await findings(reader, Tenant(place.tenant_id), place.thread_id)

    try:
        return survey.read(script)
    except NotFound:
        return []  # Deleted since the list was made.
