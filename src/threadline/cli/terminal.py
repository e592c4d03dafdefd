"""What the commands share towards a person's terminal: consoles, bars, times, and text that cannot harm it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from threadline.errors import ThreadlineError

Advance = Callable[[int, int | None], None]
"""Called as (how much is done, how much there is in all, None while nobody knows)."""

Stage = Callable[[str, int, int], None]
"""Called as (title of the stage, how much of it is done, how much there is in all)."""

# Line ends and tabs are text. The rest of the control characters are orders to a terminal, and whoever may write into
# a thread may not give orders to the terminal of whoever reads it.
_ORDERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class CommandRefused(ThreadlineError):
    """The command cannot be carried out."""

    code = "command_refused"


def harmless(text: str) -> str:
    """Return foreign text as it may be shown on a terminal."""
    return _ORDERS.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str, width: int) -> str:
    """Return foreign text as one line of at most `width` characters."""
    line = " ".join(harmless(text).split())
    return line if len(line) <= width else f"{line[: max(width - 1, 0)]}…"


def local_time(moment: str | datetime | None) -> str:
    """Write a moment in the time of this terminal, to the second; `-` where there is none."""
    if moment is None:
        return "-"
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{parsed.astimezone():%Y-%m-%d %H:%M:%S}"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Write a number with its noun: `1 thread`, `2 threads`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def size(count: float) -> str:
    """Write a number of bytes for people: `3.4 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


@contextmanager
def stages() -> Iterator[Stage]:
    """Show a bar for each stage of a long piece of work on stderr; where that is no terminal, a line for each tenth."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console).tell
        return
    columns = (TextColumn("{task.description:<40}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(title: str, done: int, total: int) -> None:
            if title not in tasks:
                tasks[title] = progress.add_task(title, total=total)
            progress.update(tasks[title], completed=done, total=total)

        yield tell


class _Lines:
    """What a log or a pipe gets of a bar."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: dict[str, int] = {}

    def tell(self, title: str, done: int, total: int) -> None:
        """Write a line, where there is something to say."""
        tenth = 10 if total == 0 else done * 10 // total
        if tenth and self._last.get(title) != tenth:
            self._last[title] = tenth
            self._console.print(f"{title}: {done:,} of {total:,}", soft_wrap=True, highlight=False)


@contextmanager
def bar(title: str) -> Iterator[Advance]:
    """Show a progress bar on stderr, where that is a terminal, around the caller's block."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None)

        def advance(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        yield advance
