"""Our own rules, held by tests: what stands where, what may be called by whom, how long things may get."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from threadline.scopes import Scope, System
from threadline.store import contract
from threadline.store.sqlite.reader import SqliteReader
from threadline.store.sqlite.transaction import SqliteTransaction

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "threadline"
FILES = sorted(SOURCE.rglob("*.py"))
TRAIL = [
    "providers/contract.py",
    "engine/turn.py",
    "engine/batch.py",
    "journal/append.py",
    "bus/contract.py",
    "journal/tail.py",
    "dialects/native.py",
    "api/sse.py",
]
# Where a task is made outside a task group, and who owns it.
TASKS_OWNED_OTHERWISE = {
    "api/sse.py": "the response itself waits for both of its tasks before it returns",
    "cli/server.py": "the server's main loop waits for the drain",
    "journal/append.py": "the writer ends only when all that is written beside it has ended",
    "bus/remote.py": "`close` cancels it and waits",
    "bus/redis.py": "leaving the connection cancels it and waits",
    "tools/mcp/servers.py": "the place of a server ends its asking in `close`",
    "tools/mcp/connection.py": "whoever calls waits for the call's task, and `close` for the connection's",
    "engine/hands.py": "`close` cancels them; nobody waits for a tool that does not let go",
    "providers/http.py": "the pool waits for its closing sessions in `close`",
}
BROAD_EXCEPTS_ALLOWED = {
    "engine/schedule.py": "the supervisor: one bad run may not end the others, and no run ends without words",
    "bus/remote.py": "the bus is a hint: whatever befalls it costs time only",
    "tools/python.py": "foreign code: whatever it raises is a result that the model sees",
    "tools/threads.py": "the same, in a thread: it is raised where somebody waits for it",
    "tools/mcp/connection.py": "two libraries' depths: whatever comes up ends one connection or one call, in words",
    "engine/title.py": "one thread that cannot be titled, or a provider that fails unforeseen, may not end a node",
    "hosts.py": "whatever is wrong with one server of an address, the next one is asked",
}


def relative(path: Path) -> str:
    """Return a file's path as the tests name it."""
    return str(path.relative_to(SOURCE))


def functions_of(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return all functions of a file."""
    return [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_imports_point_one_way() -> None:
    """The arrows between the rooms are as ARCHITECTURE.md draws them."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(lint)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_trail_of_a_token_is_unbroken() -> None:
    """The first line of each of the eight stops names the stop before and the one after it."""
    for number, stop in enumerate(TRAIL, 1):
        first = (SOURCE / stop).read_text().splitlines()[0]
        before = "the vendor" if number == 1 else f"`{TRAIL[number - 2]}`"
        after = "the client" if number == len(TRAIL) else f"`{TRAIL[number]}`"
        assert first.startswith(f'"""A token, stop {number} of 8: '), stop
        assert first.endswith(f"Before: {before}; next: {after}."), stop


@pytest.mark.parametrize("kind", [contract.Reader, contract.Transaction, SqliteReader, SqliteTransaction])
def test_no_verb_of_the_store_goes_without_a_scope(kind: type) -> None:
    """Promise 8 by construction: the first argument of every verb says for whom, and its type is a scope."""
    verbs = [verb for name, verb in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")]
    assert len(verbs) > 15
    for verb in verbs:
        first = list(inspect.signature(verb).parameters.values())[1]
        assert first.name in ("scope", "system"), verb.__qualname__
        assert first.annotation in (Scope, System), verb.__qualname__


def test_the_calls_that_cross_tenants_are_listed() -> None:
    """Every verb that takes the System scope is named in the contract's own list."""
    text = contract.__doc__ or ""
    named = {"append_deltas", *re.findall(r"`(\w+)`", text)}
    groups = ("lease", "attempt", "pack", "sweep", "delta", "node", "tenant", "prune", "heads", "claimable")
    for kind in (contract.Reader, contract.Transaction):
        for name, verb in inspect.getmembers(kind, inspect.isfunction):
            if list(inspect.signature(verb).parameters)[1:2] == ["system"]:
                assert name in named or any(group in name for group in groups), name


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_file_reads_well(path: Path) -> None:
    """A docstring that says what it is for, no function over 70 lines, no file over 800, return types everywhere."""
    text = path.read_text()
    assert len(text.splitlines()) <= 800
    assert ast.get_docstring(ast.parse(text)) or len(text.splitlines()) <= 1
    assert path.stem not in {"utils", "helpers", "common", "base", "manager", "core", "misc"}
    for function in functions_of(path):
        assert (function.end_lineno or 0) - function.lineno <= 75, function.name
        assert function.returns is not None, function.name


def test_tasks_have_owners() -> None:
    """A task is made in a task group; the few others are listed here with their owner."""
    for path in FILES:
        calls = re.findall(r"(?:get_running_loop\(\)|loop|asyncio)\.(?:create_task|ensure_future)\(", path.read_text())
        assert not calls or relative(path) in TASKS_OWNED_OTHERWISE, relative(path)


def test_broad_excepts_stand_at_the_edges_only() -> None:
    """`except Exception` is for the supervisor; everything else says what it expects."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                names = (
                    [name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)] if node.type else ["bare"]
                )
                reraises = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
                if {"Exception", "BaseException", "bare"} & set(names) and not reraises:
                    assert relative(path) in BROAD_EXCEPTS_ALLOWED, f"{relative(path)}:{node.lineno}"


def test_sql_is_spoken_in_the_store_only() -> None:
    """No other room has a statement in it."""
    statement = re.compile(r'"(SELECT .* FROM|INSERT INTO|DELETE FROM|UPDATE \w+ SET|PRAGMA) ')
    for path in FILES:
        if not relative(path).startswith("store/"):
            assert not statement.search(path.read_text()), relative(path)


def test_log_events_are_named_once() -> None:
    """A name in the log is lower_snake, and one place of the code writes it (or says why not)."""
    names: list[str] = []
    for path in FILES:
        names += re.findall(r'log\.(?:debug|info|warning|error|exception)\(\s*"([^"]+)"', path.read_text())
    assert names
    assert all(re.fullmatch(r"[a-z][a-z0-9_]+", name) for name in names)
    twice = {name for name in names if names.count(name) > 1}
    assert twice <= {"reader_cut", "request_failed"}, twice


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda path: path.stem)
def test_every_test_says_what_it_proves(path: Path) -> None:
    """A test without a docstring is a riddle for whoever sees it go red."""
    for function in functions_of(path):
        if function.name.startswith("test_"):
            assert ast.get_docstring(function), f"{path.name}: {function.name}"
