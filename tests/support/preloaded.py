"""Starts `threadline` as a fork of a process that has loaded it: nine tenths of a start are loading, and tests make hundreds.

From `main` on it is the command as a shell would run it: arguments, environment, folder, streams, signals, exit code.
What is before and behind it, Python's own start and end, is in the starts that `Server` makes whole.

Run as a program this file is the process that has loaded it. It does what it is told on its standard input, and what it
has started ends with it.
"""

import atexit
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CAN_FORK = sys.platform == "linux"
"""Other systems do not promise that a fork of a process with their libraries in it works."""

LOADED = (
    "uvloop",
    "threadline.cli.serve",
    "threadline.cli.server",
    "threadline.cli.chat",
    "threadline.cli.db",
    "threadline.cli.doctor",
    "threadline.cli.keys",
    "threadline.cli.link",
    "threadline.cli.threads",
    "threadline.cli.tools",
    "threadline.store.sqlite.store",
    "threadline.store.postgres.store",
    "threadline.bus.postgres",
    "threadline.bus.redis",
    # What a server loads only when it meets it.
    "jwt",
    "markdown_it",
    "nh3",
)

_WRITE = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class Fork:
    """A command that was started here, with the manners of a `subprocess.Popen`."""

    def __init__(self, preloaded: "Preloaded", pid: int) -> None:
        self._preloaded = preloaded
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, None while it runs. Until it was asked for it the system gives its pid to nobody."""
        if self.returncode is None:
            self.returncode = self._preloaded.ask(poll=self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit code. Raises subprocess.TimeoutExpired."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                assert timeout is not None
                raise subprocess.TimeoutExpired("threadline", timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Preloaded:
    """The process that has loaded the program, seen from the tests."""

    def __init__(self) -> None:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "LANG", "LC_ALL")}
        self._process = subprocess.Popen(
            # Not in the path: this folder has a `redis.py`.
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**kept, "PYTHONUNBUFFERED": "1"},
        )
        self._lock = threading.Lock()
        atexit.register(self._end)

    def start(
        self, arguments: Sequence[str], env: Mapping[str, str], folder: Path, said: Path, errors: Path, given: Path
    ) -> Fork:
        """Run `threadline` with these arguments; it reads `given`, and writes to the ends of `said` and `errors`."""
        streams = [str(given), str(said), str(errors)]
        order = {"arguments": list(arguments), "env": dict(env), "folder": str(folder), "streams": streams}
        return Fork(self, self.ask(start=order))

    def run(
        self, arguments: Sequence[str], env: Mapping[str, str], folder: Path, given: str, timeout: float
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end. Raises subprocess.TimeoutExpired."""
        with TemporaryDirectory() as name:
            said, errors, reads = (Path(name) / stream for stream in ("out", "err", "in"))
            reads.write_text(given)
            started = self.start(arguments, env, folder, said, errors, reads)
            try:
                code = started.wait(timeout)
            except subprocess.TimeoutExpired:
                started.send_signal(signal.SIGKILL)
                started.wait()
                raise
            return subprocess.CompletedProcess([*arguments], code, said.read_text(), errors.read_text())

    def ask(self, **order: Any) -> Any:
        """Give an order and return what came of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        assert answer, "the preloaded process is there"
        return json.loads(answer)

    def _end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@cache
def preloaded() -> Preloaded:
    """Return the one of this process of tests; it starts when it is first asked for."""
    return Preloaded()


def _serve_orders() -> None:
    """Do what is ordered until there are no more orders. Returns in every fork too, which then runs its command."""
    started: set[int] = set()
    while line := sys.stdin.buffer.readline():
        order = json.loads(line)
        if "start" in order:
            pid = os.fork()
            if pid == 0:
                _become(**order["start"])
                return
            started.add(pid)
            answer: int | None = pid
        else:
            answer = _exit_code(order["poll"])
            if answer is not None:
                started.discard(order["poll"])
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()
    for pid in started:
        os.kill(pid, signal.SIGKILL)
    sys.exit()


def _exit_code(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _become(arguments: list[str], env: dict[str, str], folder: str, streams: list[str]) -> None:
    """Be the process that a shell would have started."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    # `python -m` looks there first, and tools of a test may lie there.
    sys.path.insert(0, folder)
    sys.argv = ["threadline", *arguments]
    for target, (path, flags) in enumerate(zip(streams, (os.O_RDONLY, _WRITE, _WRITE), strict=True)):
        opened = os.open(path, flags, 0o666)
        os.dup2(opened, target)
        os.close(opened)


def _run() -> int:
    """Run the command, and do what Python does in its end but for the last: take apart, and so copy, all that was loaded."""
    code: object = 0
    try:
        importlib.import_module("threadline.cli").main()
    except SystemExit as end:
        code = 0 if end.code is None else end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    # Tasks that nobody waited for say so when they are collected.
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    # Ctrl-C is for the tests: they end this process, in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for each in LOADED:
        importlib.import_module(each)
    gc.collect()
    # A look of the collector at what is shared would make every fork copy it.
    gc.freeze()
    _serve_orders()
    os._exit(_run())
