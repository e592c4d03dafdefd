"""One picture of a run: CPU per token of the three, added latency, PostgreSQL, and every bar with how much is used."""

from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from bench.figure import Figure
from bench.machine import Machine
from bench.token import PEERS, STREAMS

COLOURS: Final = {"relay": "#9aa5b1", "handmade": "#d98f4e", "threadline": "#2f6f8f"}
MISSED: Final = "#b5443c"
MET: Final = "#2f6f8f"
# A figure many times over its bar would press all others flat.
SHARE_MAX: Final = 3.0
TOKEN_HEIGHT: Final = 3.6
SHARED: Final = 90
# Under each pair of bars: the names of the figures, ours and PostgreSQL's.
ON_POSTGRES: Final = {
    f"{streams}\n{label}": (
        f"CPU per token, {ours}, {streams} streams",
        f"CPU per token, PostgreSQL itself, bus {label}, {streams} streams",
    )
    for streams in STREAMS
    for label, ours in (("sqlite", "sqlite"), ("postgres", "node, bus postgres"))
}
BESIDE: Final = {
    count: (
        f"CPU per token, all nodes, {SHARED} streams on {count}",
        f"CPU per token, PostgreSQL itself, {SHARED} streams on {count}",
    )
    for count in ("1 node", "2 nodes", "3 nodes")
}
PLAIN: Final = StrMethodFormatter("{x:g}")


def draw(figures: list[Figure], machine: Machine, quick: bool, out: Path, stem: str) -> list[Path]:
    """Draw what the figures allow; return the files."""
    mpl.use("Agg")
    barred = [figure for figure in figures if figure.bar]
    token = any(figure.piece == "token" for figure in figures)
    postgres = any(figure.piece == "postgres" for figure in figures)
    if not barred and not token and not postgres:
        return []
    heights = [TOKEN_HEIGHT] * token + [TOKEN_HEIGHT] * postgres + [0.7 + 0.27 * len(barred)] * bool(barred)
    picture = Picture(figsize=(11, 0.6 + sum(heights)), layout="constrained")
    parts = list(picture.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
    if token:
        left, right = parts[0].subplots(1, 2)
        draw_by_load(left, figures, "CPU per token", "µs")
        draw_by_load(right, figures, "added latency p99", "ms")
    if postgres:
        left, right = parts[int(token)].subplots(1, 2)
        draw_stacked(left, figures, "on SQLite, and on PostgreSQL", ON_POSTGRES)
        draw_stacked(right, figures, f"{SHARED} streams shared by nodes", BESIDE)
    if barred:
        draw_bars(parts[-1].subplots(), barred)
    cpu = f"{machine.cores} x {machine.cpu}, {machine.python}, commit {machine.commit}, {machine.date}"
    title = "Threadline benchmark" + (", a quick run: rough figures" if quick else "")
    picture.suptitle(f"{title}\n{cpu}", fontsize=10)
    paths = [out / f"{stem}.png", out / f"{stem}.svg"]
    for path in paths:
        picture.savefig(path, dpi=130)
    return paths


def draw_by_load(axes: Axes, figures: list[Figure], what: str, unit: str) -> None:
    """Draw one figure of the three peers under each load, on a logarithmic scale."""
    width = 0.8 / len(PEERS)
    for place, peer in enumerate(PEERS):
        found = {figure.name: figure.value for figure in figures}
        values = [found.get(f"{what}, {peer}, {streams} streams", 0.0) for streams in STREAMS]
        positions = [number + (place - 1) * width for number in range(len(STREAMS))]
        drawn = axes.bar(positions, values, width * 0.92, color=COLOURS[peer], label=peer)
        axes.bar_label(drawn, fmt="%.3g", fontsize=8)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(PLAIN)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.margins(y=0.25)
    axes.set_xticks(range(len(STREAMS)), [f"{streams} streams" for streams in STREAMS])
    axes.set_title(f"{what}, {unit}", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper center")


def draw_stacked(axes: Axes, figures: list[Figure], title: str, bars: dict[str, tuple[str, str]]) -> None:
    """Draw CPU per token of our processes and, on top of it, PostgreSQL's."""
    found = {figure.name: figure.value for figure in figures if figure.piece == "postgres"}
    ours = [found.get(name, 0.0) for name, _ in bars.values()]
    theirs = [found.get(name, 0.0) for _, name in bars.values()]
    drawn = axes.bar(list(bars), ours, 0.7, color=COLOURS["threadline"], label="threadline")
    axes.bar_label(drawn, fmt="%.3g", fontsize=8, label_type="center", color="white")
    above = axes.bar(list(bars), theirs, 0.7, bottom=ours, color=COLOURS["relay"], label="PostgreSQL itself")
    axes.bar_label(above, [f"{value:.3g}" if value else "" for value in theirs], fontsize=8, label_type="center")
    axes.margins(y=0.25)
    axes.tick_params(labelsize=8)
    axes.set_title(f"CPU per token, {title}, µs", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper center")


def draw_bars(axes: Axes, figures: list[Figure]) -> None:
    """Draw, for every figure that has a bar, which part of it is used."""
    names = [f"{figure.piece}: {figure.name}" for figure in figures]
    shares = [used(figure) for figure in figures]
    colours = [MISSED if figure.verdict == "missed" else MET for figure in figures]
    drawn = axes.barh(names, [min(share, SHARE_MAX) for share in shares], 0.7, color=colours)
    axes.bar_label(drawn, [f"{figure.value:.3g} {figure.unit}" for figure in figures], fontsize=8, padding=3)
    axes.axvline(1.0, color="#333333", linewidth=1)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.tick_params(labelsize=8)
    axes.set_xlabel("share of the bar (1 = the bar)", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def used(figure: Figure) -> float:
    """Return which part of its bar a figure uses."""
    assert figure.bar
    return figure.bar / figure.value if figure.more_is_better and figure.value else figure.value / figure.bar
