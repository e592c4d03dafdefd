"""Other people's servers as processes of a test: started, stopped, killed, paused; never left behind.

Run as a program this file is the watchdog: it waits for its parent to end, however that happens, and then ends the
servers and removes the folders that its parent has left. It imports the standard library only.
"""

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

START_SECONDS = 180.0
"""A start takes about a second on a quiet core, and a minute where twenty processes want the same two cores."""

STOP_SECONDS = 20.0
"""After this a server that was asked to stop is killed."""

GONE_SECONDS = 90.0
"""After this a process that was killed, or that has said its last word, is gone: also from a disk that is slow."""

_PORTS = range(12_000, 32_000)
"""Below the range of outgoing connections: a port that is given up by a killed server is free when it starts again."""

_given: set[int] = set()

_MEMORY = Path("/dev/shm")
_MEMORY_BYTES_MIN = 2 * 1024**3


def free_port() -> int:
    """Return a port that nobody listens on at the moment, and that no other test of this run is given.

    A server that is killed and started again finds its port free: between two of its lives nobody else is given it,
    neither here nor in the test processes beside this one, each of which has ports of its own.
    """
    number, count = _place()
    own = [port for port in _PORTS if port % count == number and port not in _given]
    for port in random.SystemRandom().sample(own, 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            _given.add(port)
            return port
    raise AssertionError("no free port")


def _place() -> tuple[int, int]:
    """Return which of how many test processes this one is."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return int(worker), max(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), int(worker) + 1)


def children_of(pid: int) -> list[int]:
    """Return the processes that this one has started and that still are."""
    if not Path("/proc/self/stat").exists():
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [line.split() for line in listed.splitlines()]
        return [int(child) for child, parent in pairs if int(parent) == pid]
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and _stat(int(entry))[1:2] == [str(pid)]:
            found.append(int(entry))
    return found


def is_alive(pid: int) -> bool:
    """Say whether the process runs or is stopped; a dead one that nobody has asked after yet does not count."""
    if Path("/proc/self/stat").exists():
        return _stat(pid)[:1] not in ([], ["Z"], ["X"])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _stat(pid: int) -> list[str]:
    """Return state and parent and what follows; nothing for a process that is gone."""
    try:
        # The name stands in brackets and may have anything in it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def signal_family(pid: int, number: int) -> list[int]:
    """Send a signal to a process and its children, and return their pids. None slips through.

    PostgreSQL puts each of its processes into a group of its own, so a process group would miss them.
    """
    # Stopped first, the parent can have no new children while they are counted.
    send(pid, signal.SIGSTOP)
    family = [*children_of(pid), pid]
    for member in family:
        send(member, number)
    return family


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def kill_family(pid: int) -> None:
    """Pull the plug, and wait until everybody is gone."""
    family = signal_family(pid, signal.SIGKILL)
    deadline = time.monotonic() + GONE_SECONDS
    while any(map(is_alive, family)):
        assert time.monotonic() < deadline, "killed processes end"
        time.sleep(0.002)


class Watchdog:
    """A process that outlives this one for as long as it takes to clean up after it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, start_new_session=True
        )
        atexit.register(self._end)

    def guard(self, pid: int) -> None:
        """End this process when nobody else can any more."""
        self._say(f"guard {pid}")

    def release(self, pid: int) -> None:
        """Forget it: it has ended."""
        self._say(f"release {pid}")

    def guard_folder(self, folder: Path) -> None:
        """Remove this folder at the end."""
        self._say(f"folder {folder}")

    def _say(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode() + b"\n")
        self._process.stdin.flush()

    def _end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@cache
def watchdog() -> Watchdog:
    """Return the watchdog of this process; it starts when it is first asked for."""
    return Watchdog()


@cache
def root_folder(in_memory: bool = False) -> Path:
    """Return the folder of this process for whatever its servers keep. It goes when this process goes.

    Not pytest's folder: that belongs to its user alone, and PostgreSQL refuses to run as root.
    """
    parent = _MEMORY if in_memory and _has_memory_disk() else None
    folder = Path(tempfile.mkdtemp(prefix="threadline-tests-", dir=parent))
    folder.chmod(0o755)
    watchdog().guard_folder(folder)
    return folder


def _has_memory_disk() -> bool:
    # Containers often have one of 64 MB.
    return _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES_MIN


class Guarded(subprocess.Popen[bytes]):
    """A process that does not outlive this one, however this one ends."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._is_guarded = True
        watchdog().guard(self.pid)

    def poll(self) -> int | None:
        """Return its exit code, None while it runs."""
        return self._released(super().poll())

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit code. Raises subprocess.TimeoutExpired."""
        code = super().wait(timeout)
        self._released(code)
        return code

    def _released(self, code: int | None) -> int | None:
        # From here on its pid may be somebody else's.
        if code is not None and self._is_guarded:
            self._is_guarded = False
            watchdog().release(self.pid)
        return code


class ServerProcess:
    """A server on a folder and a port of its own, which it keeps over all of its lives.

    `in_memory` puts the folder there where the system has room: a database of 300 files is made in 12 ms, not 280.
    """

    def __init__(self, name: str, in_memory: bool = False) -> None:
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root_folder(in_memory)))
        self.port = free_port()
        self.log_path = root_folder() / f"{self.folder.name}.log"
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self._process is not None, "started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def command(self) -> Sequence[str]:
        """Return the command line."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Say whether it takes connections, without waiting."""
        raise NotImplementedError

    def user(self) -> int | None:
        """Return who runs it, None where that is whoever runs the tests."""
        return None

    def environment(self) -> dict[str, str]:
        """Return its environment: nothing of ours."""
        return {"PATH": os.defpath, "LC_ALL": "C"}

    def launch(self) -> None:
        """Start the process, and do not wait until it is ready."""
        assert not self.is_running, "one at a time"
        owner = self.user()
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=owner,
                extra_groups=None if owner is None else [],
                env=self.environment(),
            )
        watchdog().guard(self.pid)
        self.starts += 1

    def wait_until_ready(self) -> bool:
        """Sleep until it takes connections. Returns False where it has ended instead."""
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if not self.is_running:
                watchdog().release(self.pid)
                return False
            assert time.monotonic() < deadline, f"{self.name} was not ready in time: {self.log()}"
            time.sleep(0.005)
        return True

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        for _ in range(3):
            self.launch()
            if self.wait_until_ready():
                return
            # Between looking for a free port and taking it somebody else may have come. Later lives keep theirs.
            if self.starts > 1 or "address already in use" not in self.log().lower():
                break
            self.port, self.starts = free_port(), 0
        raise AssertionError(f"{self.name} did not start: {self.log()}")

    def stop(self) -> None:
        """Ask it to stop, and wait until it has; by force where nothing else helps. Its data stays."""
        if not self.is_running:
            return
        self.resume()
        send(self.pid, self.stop_signal())
        try:
            self._wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def stop_signal(self) -> int:
        """Return the signal that asks it to stop at once and in order."""
        return signal.SIGTERM

    def kill(self) -> None:
        """Pull the plug: it and its children are gone, and nothing was said to anybody."""
        kill_family(self.pid)
        self._wait(GONE_SECONDS)

    def pause(self) -> None:
        """Stop it in mid-step: its connections stay open, and nobody answers on them."""
        signal_family(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        signal_family(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Stop and start, on the same port and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop it for good, and remove what it has kept."""
        self.stop()
        shutil.rmtree(self.folder)
        self.log_path.unlink(missing_ok=True)

    def log(self) -> str:
        """Return what it has said, in all of its lives."""
        return self.log_path.read_text() if self.log_path.exists() else ""

    def bury(self) -> int:
        """Forget a process that has ended by itself, and return its exit status."""
        self._wait(GONE_SECONDS)
        assert self._process is not None
        return self._process.returncode

    def _wait(self, seconds: float) -> None:
        assert self._process is not None
        self._process.wait(seconds)
        watchdog().release(self.pid)


def _watch() -> None:
    """Be the watchdog."""
    guarded: set[int] = set()
    folders: list[str] = []
    actions: dict[str, Callable[[str], object]] = {
        "guard": lambda pid: guarded.add(int(pid)),
        "release": lambda pid: guarded.discard(int(pid)),
        "folder": folders.append,
    }
    for line in sys.stdin:
        verb, _, argument = line.rstrip("\n").partition(" ")
        actions[verb](argument)
    for pid in guarded:
        # In order, where possible: a killed PostgreSQL leaves shared memory behind.
        signal_family(pid, signal.SIGCONT)
        send(pid, signal.SIGQUIT)
    deadline = time.monotonic() + 3.0
    while any(map(is_alive, guarded)) and time.monotonic() < deadline:
        time.sleep(0.01)
    for pid in filter(is_alive, guarded):
        kill_family(pid)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _watch()
