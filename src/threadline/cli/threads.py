"""`threadline threads`: look at conversations in the store itself, beside a running server or without. Read-only."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click
import msgspec
from rich.console import Console

from threadline.access.keys import DEFAULT_TENANT
from threadline.cli import audit, export, follow, offline
from threadline.cli.options import WHERE, setting_options, settings_from
from threadline.cli.stored import StoredThreads
from threadline.cli.terminal import bar, harmless, local_time, one_line
from threadline.cli.transcript import body, heading
from threadline.clock import SystemClock
from threadline.ids import ThreadId
from threadline.records import Thread

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

TITLE_CHARS_MIN = 20
"""A title keeps so much room on the narrowest terminal."""


def _where(function: F) -> F:
    tenant = click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose threads.")
    return tenant(setting_options(*WHERE)(function))


@click.group("threads")
def command() -> None:
    """Look at conversations: list, read, follow, audit, export. Read-only, and beside a running server."""


@command.command("ls")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, the latest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@_where
def list_threads(limit: int, as_json: bool, tenant: str, **options: Any) -> None:
    """List threads: pinned first, then latest activity. A `*` marks those that are being answered."""

    async def look(threads: StoredThreads) -> list[Thread]:
        return await threads.latest(limit)

    found = _read(options, tenant, look)
    if as_json:
        for thread in found:
            click.echo(msgspec.json.encode(thread))
        return
    if not found:
        click.echo(f"The tenant {tenant!r} has no threads yet.", err=True)
        return
    for line in table(found, Console().width if sys.stdout.isatty() else None):
        click.echo(line)


@command.command("cat")
@click.argument("thread_id")
@click.option("--json", "as_json", is_flag=True, help="One message a line, as JSON.")
@_where
def cat(thread_id: str, as_json: bool, tenant: str, **options: Any) -> None:
    """Print a thread's messages, oldest first. An answer in progress is there with its text so far."""
    is_terminal = sys.stdout.isatty()

    async def look(threads: StoredThreads) -> None:
        async for message in threads.messages(ThreadId(thread_id)):
            if as_json:
                click.echo(msgspec.json.encode(message))
                continue
            said = body(message)
            click.secho(harmless(heading(message)), bold=True)
            click.echo(f"{harmless(said) if is_terminal else said}\n", color=True)

    _read(options, tenant, look)


@command.command("tail")
@click.argument("thread_id")
@click.option(
    "--after", type=click.IntRange(0), default=None, help="Begin after this seq; 0 is the start. Default: the last 10."
)
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON, in the form of the wire.")
@_where
def tail(thread_id: str, after: int | None, as_json: bool, tenant: str, **options: Any) -> None:
    """Follow a thread's log, one event a line. Ends when the thread is deleted, or with Ctrl-C."""
    width = Console().width if sys.stdout.isatty() else None

    async def look(threads: StoredThreads) -> None:
        async for entry in follow.entries(threads, ThreadId(thread_id), after):
            click.echo(follow.as_json(entry) if as_json else follow.as_line(entry, width))

    _read(options, tenant, look)
    click.echo(f"The thread {thread_id} is deleted.", err=True)


@command.command("export")
@click.argument("thread_id")
@click.option(
    "--format",
    "form",
    type=click.Choice(("json", "markdown")),
    default="json",
    show_default=True,
    help="json: the whole log, and the thread and messages that it comes to. markdown: the messages, to be read.",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write. Default: stdout.")
@_where
def export_thread(
    thread_id: str, form: Literal["json", "markdown"], output: Path | None, tenant: str, **options: Any
) -> None:
    """Write a whole thread out. As JSON nothing of it is lost; as Markdown it is to be read."""
    pieces = export.as_json if form == "json" else export.as_markdown

    async def look(threads: StoredThreads) -> None:
        # The first piece first: what is not there is said before a file is touched.
        await threads.thread(ThreadId(thread_id))
        with export.written_to(output) as file, bar("Exporting") as advance:
            async for piece in pieces(threads, ThreadId(thread_id), SystemClock(), advance):
                file.write(piece)

    _read(options, tenant, look)
    if output is not None:
        click.echo(f"{thread_id} is written to {output}.", err=True)


@command.command("audit")
@click.argument("thread_id")
@_where
def audit_thread(thread_id: str, tenant: str, **options: Any) -> None:
    """Tell who said what, what was called, who agreed to it, what it gave, and what every attempt has cost."""
    is_terminal = sys.stdout.isatty()

    async def look(threads: StoredThreads) -> None:
        async for line in audit.report(threads, ThreadId(thread_id)):
            click.echo(harmless(line) if is_terminal else line)

    _read(options, tenant, look)


def table(threads: list[Thread], width: int | None) -> list[str]:
    """Return threads as lines of a table, as wide as a terminal where `width` says how wide it is."""
    rows = [("ID", "", "MESSAGES", "LAST ACTIVITY", "TITLE"), *map(_row, threads)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    used = sum(widths) + 4 * 2
    title_width = 10**6 if width is None else max(width - used, TITLE_CHARS_MIN)
    lines = []
    for *cells, title in rows:
        left = "  ".join(cell.ljust(given) for cell, given in zip(cells, widths, strict=True))
        lines.append(f"{left}  {one_line(title, title_width)}".rstrip())
    return lines


def _row(thread: Thread) -> tuple[str, str, str, str, str]:
    marks = [name for name, is_set in (("pinned", thread.pinned), ("archived", thread.archived)) if is_set]
    title = " ".join([thread.title or "(untitled)", *(f"[{mark}]" for mark in marks)])
    mark = "*" if thread.active_run_id is not None else ""
    return thread.id, mark, str(thread.message_count), local_time(thread.last_activity_at), title


def _read(options: dict[str, Any], tenant: str, look: Callable[[StoredThreads], Awaitable[T]]) -> T:
    settings = settings_from(options)

    async def run() -> T:
        async with offline.reading(settings, SystemClock()) as store:
            return await look(await StoredThreads.of(store, tenant))

    return asyncio.run(run())
