"""The capacity model of `docs/explain/scale.md`: it runs as the page says, and its arithmetic does what it claims."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explain" / "scale.md"
COMMANDS = re.findall(r"^python (-m bench\.capacity .*)$", PAGE.read_text(), re.MULTILINE)


def run(*arguments: str) -> str:
    """Run the model from the root of the repository; return what it prints."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def model(results: Path, **options: object) -> dict[str, Any]:
    """Return what the model says of a load, over the results in a folder."""
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    found: dict[str, Any] = json.loads(run("-m", "bench.capacity", "--json", f"--results={results}", *words))
    return found


def write_results(folder: Path, **values: float) -> None:
    """Write a results file with these figures, by their names in the benchmark."""
    names = {
        "node_us": "CPU per token, node, bus postgres, 100 streams",
        "database_us": "CPU per token, PostgreSQL itself, bus postgres, 100 streams",
        "wal_bytes": "write-ahead log per token, 100 streams",
    }
    figures = [{"piece": "postgres", "name": names[field], "value": value} for field, value in values.items()]
    (folder / "results.json").write_text(json.dumps({"figures": figures}))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_shows_commands_that_run(command: str) -> None:
    """Each command of the page prints what the page says it prints."""
    printed = run(*shlex.split(command))
    for word in ("nodes", "database", "wal", "disk", "connections", "nudges"):
        assert word in printed


def test_the_page_shows_commands() -> None:
    """The test above has something to run."""
    assert len(COMMANDS) >= 2


def test_measured_figures_take_the_place_of_the_defaults(tmp_path: Path) -> None:
    """What a results file holds is used and named as the source; what it lacks keeps its default."""
    before = model(tmp_path, streams=1000)
    assert "defaults" in before["source"]
    write_results(tmp_path, node_us=111.0, database_us=22.0, wal_bytes=333.0)
    after = model(tmp_path, streams=1000)
    assert after["source"].endswith("results.json")
    assert after["costs"]["node_us"] == 111.0
    assert after["costs"]["database_us"] == 22.0
    assert after["costs"]["kept_bytes"] == before["costs"]["kept_bytes"]
    assert after["needs"]["wal_mb_per_second"] == pytest.approx(1000 * 50 * 333 / 1e6)


def test_nodes_have_room_for_their_work_and_for_hearing_each_other(tmp_path: Path) -> None:
    """The number of nodes is the smallest whose cores are not used beyond the planned share."""
    found = model(tmp_path, streams=3000, tokens_per_second=50, elsewhere=0.0)
    costs, nodes = found["costs"], found["needs"]["nodes"]

    def used(count: int) -> float:
        hearing = 3000 * 40 * costs["heard_us"] * (count - 1) / count
        return (3000 * 50 * costs["node_us"] / count + hearing) / 1e6

    assert nodes > 1
    assert used(nodes) <= 0.6 < used(nodes - 1)


def test_there_is_a_load_that_no_number_of_nodes_carries(tmp_path: Path) -> None:
    """Where hearing the others takes a whole node the model says so and does not invent a number."""
    found = model(tmp_path, streams=100_000)
    assert found["needs"]["nodes"] == 0
    assert found["used"]["every node hears every nudge"] > 1


def test_the_load_that_is_held_is_the_edge(tmp_path: Path) -> None:
    """All ceilings hold at the load that the model names, and one more stream breaks the one that it names."""
    edge = model(tmp_path, streams=1)
    held, first = edge["streams_held"], edge["breaks_first"]
    assert max(model(tmp_path, streams=held)["used"].values()) <= 1
    assert model(tmp_path, streams=held + 1)["used"][first] > 1


def test_the_names_of_the_figures_are_those_of_the_benchmark() -> None:
    """Every figure that the model reads is made by a piece: a renamed figure would silently become a default."""
    text = " ".join(path.read_text() for path in (ROOT / "bench" / "cluster").glob("*.py"))
    for part in (
        'f"CPU per token, {label}, {streams} streams"',
        'f"node, bus {name}"',
        'f"CPU per token, PostgreSQL itself, bus {name}, {streams} streams"',
        'f"CPU per token of the node that only reads, {label}"',
        'f"CPU per token of PostgreSQL, {label}"',
        '"reader on another node, bus postgres"',
        '"write-ahead log per token, 100 streams"',
        '"kept on disk per token, 100 streams"',
        '"CPU per nudge heard"',
        '"one NOTIFY"',
    ):
        assert part in text, part
