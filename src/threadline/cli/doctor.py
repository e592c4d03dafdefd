"""`threadline doctor`: says what is wrong with this installation, and what to do about it."""

import os
import sys
from typing import Any

import click

from threadline.cli.examine import bus, database, folder, machine, network, providers, tools
from threadline.cli.examine.finding import Finding, Level, error
from threadline.cli.options import setting_options, settings_from
from threadline.cli.terminal import counted, harmless
from threadline.clock import Clock, SystemClock
from threadline.errors import SettingsRefused
from threadline.settings import Settings

MARKS: dict[Level, tuple[str, str]] = {
    "ok": ("ok     ", "green"),
    "warning": ("warning", "yellow"),
    "error": ("error  ", "red"),
}


@click.command("doctor")
@setting_options("data", "database", "bus", "workers", "host", "port")
def command(**options: Any) -> None:
    """Say what is wrong with this installation.

    And what to do about it. Looks at Python, the data folder, the disk, the database, the bus, the port, the providers,
    the tools and the clock. Changes nothing, and shows no secrets. Exits with 1 if something does not work.
    """
    found = [*machine.python(), *machine.open_files()]
    try:
        settings = settings_from(options)
        found += examined(settings, SystemClock())
    except SettingsRefused as refused:
        found.append(error(refused.detail, "Mend the option, the variable or the config file that it names."))
    for finding in found:
        show(finding)
    click.echo(summary(found))
    if any(finding.level == "error" for finding in found):
        sys.exit(1)


def examined(settings: Settings, clock: Clock) -> list[Finding]:
    """Look at everything that the settings lead to. Raises SettingsRefused for a database that is none of ours."""
    found, last_activity_at = (_postgres if settings.is_postgres else _sqlite)(settings, clock)
    return [
        *found,
        *bus.bus(settings),
        *network.port(settings.host, settings.port),
        *network.client(os.environ),
        *providers.providers(settings, os.environ, clock),
        *tools.tools(settings, os.environ, clock),
        *machine.clock(clock, last_activity_at),
    ]


def _sqlite(settings: Settings, clock: Clock) -> tuple[list[Finding], str | None]:
    data, path = settings.data_folder, settings.database_path
    findings = [
        *folder.data_folder(data),
        *(folder.data_folder(path.parent) if path.parent.absolute() != data.absolute() else []),
        *folder.secret(data),
        *folder.room(path.parent),
        *database.database(path, clock),
        *database.user(path),
        *database.write_ahead_log(path),
    ]
    return findings, database.last_activity_at(path, clock)


def _postgres(settings: Settings, clock: Clock) -> tuple[list[Finding], str | None]:
    # The driver takes its time to load.
    from threadline.cli.examine.postgres import postgres

    return postgres(settings, clock)


def show(finding: Finding) -> None:
    """Print a finding: its mark, its sentence, and under it what to do."""
    mark, colour = MARKS[finding.level]
    click.echo(f"{click.style(mark, fg=colour)}  {harmless(finding.what)}")
    if finding.advice:
        click.echo(f"{' ' * len(mark)}  → {harmless(finding.advice)}")


def summary(found: list[Finding]) -> str:
    """Return the last line."""
    errors = sum(finding.level == "error" for finding in found)
    warnings = sum(finding.level == "warning" for finding in found)
    if errors:
        more = f", and {counted(warnings, 'thing')} to look at" if warnings else ""
        return f"{counted(errors, 'thing')} to mend{more}."
    if warnings:
        return f"Everything works; {counted(warnings, 'thing')} to look at."
    return "Everything looks well."
