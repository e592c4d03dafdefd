"""A real server process on a folder and a port of its own: started, killed, told to stop, started again."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .preloaded import CAN_FORK, Fork, preloaded
from .processes import STOP_SECONDS, Guarded, free_port
from .waiting import PATIENCE_SECONDS

START_SECONDS = 180.0
"""A start takes about one second on a quiet core, and a minute where twenty processes want the same two cores."""

PATIENT = {"THREADLINE_FIRST_CHUNK_SECONDS": "3600", "THREADLINE_NO_PROGRESS_SECONDS": "3600"}
"""A vendor that a test keeps silent is not given up meanwhile, but where a test says so."""

_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without anybody's keys and settings."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # A title comes some time after an answer: only those have it in their logs who ask for it.
    defaults = {"PYTHONUNBUFFERED": "1", "THREADLINE_TITLE_MODEL": "off"}
    return {**kept, "HOME": str(home), **defaults, **settings}


def command(*arguments: str) -> list[str]:
    """Return the command line of `threadline`, as this environment has it."""
    return [sys.executable, "-m", "threadline", *arguments]


def run_command(*arguments: str, home: Path, settings: Mapping[str, str] | None = None, input: str = "") -> Any:
    """Run a command to its end; returns its `CompletedProcess`."""
    env = environment(home, settings or {})
    if CAN_FORK:
        return preloaded().run(arguments, env, home, input, START_SECONDS)
    return subprocess.run(
        command(*arguments),
        env=env,
        cwd=home,
        input=input,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


class Server:
    """One `threadline serve`. Starts again on the same folder and the same port.

    It is a fork of a process that has loaded the program. Whole starts, as a shell makes them, have the server on SQLite
    that most tests share (`is_whole`), those with a `prefix`, several workers or a PYTHONPATH of their own, and those that
    are to die in their start.
    """

    def __init__(
        self,
        data: Path,
        settings: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        is_whole: bool = not CAN_FORK,
    ) -> None:
        """`prefix` is put before the command line; it must become the server by `exec`."""
        self.is_whole = is_whole
        self.data = data
        self.prefix = prefix
        self.home = data.parent
        self.settings = dict(settings or {})
        self.log_path = self.home / f"{data.name}.log"
        self.port = free_port()
        self.starts = 0
        self.process: Guarded | Fork | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> str:
        """The address of its database, where that is not in its folder."""
        return self.settings.get("THREADLINE_DATABASE", "")

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self.process is not None, "started"
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> "Server":
        """Start, and wait until it says that it is ready."""
        for _ in range(3):
            before = self.launch()
            said = self._wait_until_ready(before)
            if said is None:
                return self
            if "address already in use" not in said.lower() or self.starts > 1:
                raise AssertionError(f"the server did not start: {said}")
            self.port = free_port()
            self.starts = 0
        raise AssertionError("no free port")

    def start_to_die(self, seconds: float) -> None:
        """Start, and pull the plug after so many seconds, wherever it is by then."""
        is_whole, self.is_whole = self.is_whole, True
        self.launch()
        self.is_whole = is_whole
        time.sleep(seconds)
        self.kill9()

    def kill9(self) -> None:
        """Pull the plug."""
        assert self.process is not None, "started"
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def sigterm(self) -> None:
        """Ask it to stop, and do not wait for it."""
        assert self.process is not None, "started"
        self.process.send_signal(signal.SIGTERM)

    def pause(self) -> None:
        """Stop it in mid-step: its connections stay open, and nobody answers on them."""
        assert self.process is not None, "started"
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self.process is not None, "started"
        self.process.send_signal(signal.SIGCONT)

    def has_died(self) -> bool:
        """Say whether it has killed itself."""
        assert self.process is not None, "started"
        return self.process.poll() == -signal.SIGKILL

    def wait_for_exit(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait until the process has ended; return its exit code."""
        assert self.process is not None, "started"
        return self.process.wait(seconds)

    def stop(self) -> None:
        """End it, by force where nothing else helps. For the end of a test."""
        if not self.is_running:
            return
        self.resume()
        self.sigterm()
        try:
            # A second signal is a wish to stop at once: nothing here is worth a grace period.
            time.sleep(0.05)
            self.sigterm()
            self.wait_for_exit(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill9()

    def log(self) -> str:
        """Return what it has written to stderr, in all of its lives."""
        return self.log_path.read_text()

    def faults(self) -> list[str]:
        """Return the lines of its log that no test may cause: errors that nobody foresaw, and Python's tracebacks."""
        found = []
        for line in self.log().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                if line.startswith(("Traceback", "RuntimeWarning", "Task ", "Exception ignored")):
                    found.append(line)
                continue
            if entry.get("level") in ("error", "critical") and entry.get("event") != "store_cannot_write":
                found.append(line)
        return found

    def resident_bytes(self) -> int:
        """Return how much memory the process holds."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def launch(self) -> int:
        """Start the process and do not wait for it. Returns where its part of the log begins."""
        assert not self.is_running, "one at a time"
        before = self.log_path.stat().st_size if self.log_path.exists() else 0
        arguments = ("serve", "--data", str(self.data), "--port", str(self.port))
        env = environment(self.home, {**PATIENT, **self.settings})
        if self.is_whole or self.prefix or not {"PYTHONPATH", "THREADLINE_WORKERS"}.isdisjoint(self.settings):
            with self.log_path.open("ab") as log:
                self.process = Guarded(
                    [*self.prefix, *command(*arguments)],
                    env=env,
                    cwd=self.home,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        else:
            self.process = preloaded().start(
                arguments, env, self.home, said=self.log_path, errors=self.log_path, given=Path(os.devnull)
            )
        self.starts += 1
        return before

    def _wait_until_ready(self, before: int) -> str | None:
        """Return None when it is ready, or what it said before it ended."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            said = self.log_path.read_bytes()[before:].decode() if self.log_path.exists() else ""
            if "Threadline is ready at " in said:
                return None
            if not self.is_running:
                return said
            time.sleep(0.01)
        self.kill9()
        raise AssertionError(f"the server was not ready in time: {said}")


def copy_installation(template: Path, folder: Path) -> Path:
    """Return a data folder with the same keys as another one that no server uses."""
    shutil.copytree(template, folder)
    return folder
