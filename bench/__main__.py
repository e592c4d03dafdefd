"""Measure Threadline beside a bare relay and a handmade server, on this machine, in one run.

The table shows each figure beside its bar. Everything goes to the output folder too, as JSON with the machine and the
versions, and as a chart. All of it takes about half an hour, with --quick about eight; a quick run's figures are
rougher, and its sizes smaller. The exit code is 1 if a bar was missed or a piece failed.
"""

import importlib
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import chart, stores
from bench.figure import Figure
from bench.machine import Machine, Steal, describe
from bench.plan import Plan
from bench.upstream import TICK_US

PIECES: Final = {
    "token": "CPU, latency, losses and disk per token at 30, 100 and 200 streams",
    "rate": "the highest token rate that one process holds",
    "resume": "the first event when a reader comes back to a long answer",
    "history": "a page of a long thread",
    "idle": "memory of idle threads and readers, and how soon a reader wakes",
    "fanout": "one answer, a thousand readers",
    "sidebar": "the first page of somebody with ten thousand threads",
    "branches": "a page of the active path among 200 branches",
    "tools": "what the framework adds to a tool call",
    "room": "two hundred sockets in a room where five agents talk",
    "startup": "from starting the process to the first token",
    "web": "the app in Chromium: the first paint of a thread, and frames at 100 tokens/s",
    "postgres": "the same on PostgreSQL: one to three nodes, readers on another node, kill -9 of one",
    "profile": "where the time goes, with py-spy (needs root or ptrace rights)",
}
# The backspace keeps click from filling the lines of the list.
HELP: Final = "\n".join([__doc__, "\b", "Pieces:", *(f"  {name:9} {what}" for name, what in PIECES.items())])
# Of a table that goes to a file.
WIDTH: Final = 180
COLOURS: Final = {"met": "green", "goal met": "bold green", "missed": "bold red", "": ""}


class Outcome(msgspec.Struct, kw_only=True):
    """What the JSON file holds."""

    machine: Machine
    quick: bool
    tick_us: int
    seconds: float
    figures: list[dict[str, Any]]
    failures: dict[str, str]
    raw: dict[str, Any]


@click.command(help=HELP)
@click.option("--only", default="", metavar="PIECE,…", help="Measure only these pieces.")
@click.option("--quick", is_flag=True, help="Shorter, smaller, rougher.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("bench/results"), show_default=True)
@click.option(
    "--server",
    default=str(Path(sys.executable).parent / "threadline"),
    help="The threadline command to measure. [default: the one beside this Python]",
)
@click.option(
    "--tick-us",
    type=click.IntRange(1, 20_000),
    default=TICK_US,
    show_default=True,
    help="The grid in µs on which the upstream sends tokens; 1 is as exact as the machine can, and costs it much.",
)
@click.option(
    "--store",
    type=click.Choice(["sqlite", "postgres"]),
    default="sqlite",
    show_default=True,
    help=f"The database under {', '.join(stores.PIECES)}.",
)
def main(only: str, quick: bool, out: Path, server: str, tick_us: int, store: str) -> None:
    """Read the options, measure, and report."""
    pieces = choose(only, store)
    signal.signal(signal.SIGTERM, _interrupt)
    out.mkdir(parents=True, exist_ok=True)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    machine, steal, start_s = describe(), Steal(), time.monotonic()
    show_machine(console, machine)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # Two refreshes a second: the bar itself must not be what is measured.
    with Progress(*columns, console=console, refresh_per_second=2) as progress:
        plan = Plan(quick=quick, out=out, server=server, tick_us=tick_us, progress=progress, store=store)
        figures, failures = run(plan, pieces)
    machine.stolen_percent = steal.percent()
    outcome = Outcome(
        machine=machine,
        quick=quick,
        tick_us=tick_us,
        seconds=time.monotonic() - start_s,
        figures=[{**msgspec.structs.asdict(figure), "verdict": figure.verdict} for figure in figures],
        failures=failures,
        raw=plan.raw,
    )
    on = [] if store == "sqlite" else [f"on-{store}"]
    stem = "-".join(["results", *(pieces if only else ()), *on, *(["quick"] if quick else ())])
    show(console, figures, failures, quick)
    for path in [write(outcome, out, stem), *chart.draw(figures, machine, quick, out, stem)]:
        console.print(f"written: {path}", highlight=False)
    if failures or any(figure.verdict == "missed" for figure in figures):
        sys.exit(1)


def choose(only: str, store: str) -> list[str]:
    """Return the chosen pieces, in the suite's order."""
    chosen = [name.strip() for name in only.split(",") if name.strip()]
    unknown = sorted(set(chosen) - set(PIECES))
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are {', '.join(PIECES)}", param_hint="--only")
    if store != "sqlite" and not (chosen and set(chosen) <= set(stores.PIECES)):
        raise click.BadParameter(f"with --only {','.join(stores.PIECES)}, or some of them", param_hint="--store")
    return [name for name in PIECES if name in chosen or not chosen]


def run(plan: Plan, pieces: list[str]) -> tuple[list[Figure], dict[str, str]]:
    """Do one piece after the other; one that fails is reported and does not stop the rest."""
    figures: list[Figure] = []
    failures: dict[str, str] = {}
    for name in pieces:
        measure = importlib.import_module(f"bench.{name}").measure
        try:
            with plan.piece(name):
                # Takes them one by one: a piece that fails half-way has measured what it has measured.
                figures.extend(measure(plan))
        except KeyboardInterrupt:
            # What was measured before is worth having; the piece's children are gone by now.
            failures[name] = "Stopped by hand; later pieces were not begun."
            break
        except Exception as error:
            failures[name] = f"{type(error).__name__}: {error}\n{plan.log_ends}"
    return figures, failures


def show_machine(console: Console, machine: Machine) -> None:
    """Print what this is measured on."""
    console.print(
        f"{machine.cores} x {machine.cpu}, {machine.memory_gib} GiB, {machine.kernel}, {machine.python}, "
        f"commit {machine.commit}, load {machine.load_before:.2f}",
        highlight=False,
    )


def show(console: Console, figures: list[Figure], failures: dict[str, str], quick: bool) -> None:
    """Print the table and what failed."""
    table = Table(title="A quick run: rough figures" if quick else None, show_edge=False, pad_edge=False)
    for heading in ("piece", "figure"):
        table.add_column(heading)
    for heading in ("value", "bar", "goal"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("", "note"):
        table.add_column(heading)
    before = ""
    for figure in figures:
        if before and figure.piece != before:
            table.add_section()
        table.add_row(figure.piece if figure.piece != before else "", *cells(figure))
        before = figure.piece
    console.print(table)
    for name, failure in failures.items():
        console.print(f"\n{name} failed", style="bold red")
        console.print(failure, markup=False, highlight=False)


def cells(figure: Figure) -> tuple[str, ...]:
    """Return a figure as cells of the table."""
    sign = "≥" if figure.more_is_better else "≤"
    limits = ["" if limit is None else f"{sign} {number(limit)}" for limit in (figure.bar, figure.goal)]
    colour = COLOURS[figure.verdict]
    verdict = f"[{colour}]{figure.verdict}[/]" if colour else ""
    note = figure.note.replace("[", "\\[")
    return figure.name, f"{number(figure.value)} {figure.unit}".strip(), *limits, verdict, note


def number(value: float) -> str:
    """Return a number with as many digits as it deserves."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def write(outcome: Outcome, out: Path, stem: str) -> Path:
    """Write the JSON file."""
    path = out / f"{stem}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(outcome), indent=2) + b"\n")
    return path


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
