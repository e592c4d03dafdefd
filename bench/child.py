"""Child processes: started with open-file limits raised, watched for CPU, memory and disk, and never left behind.

A child runs in a session of its own, so that Ctrl-C reaches only the benchmark, which then stops its children in
order; and the kernel kills it when the benchmark itself is killed.
"""

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bench.family import Family

PR_SET_PDEATHSIG: Final = 1
STOP_S: Final = 8.0
_libc: Final = ctypes.CDLL(None, use_errno=True)


class ChildError(Exception):
    """A child process did not do what it was started for."""


class Child(Family):
    """One child process and its own children."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None, piped: bool = False
    ) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=dict(env) if env is not None else None,
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_prepare,
            )
        super().__init__(self.process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask it to end, wait a while, and make it."""
        for signal_number, wait_s in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, STOP_S)):
            if self.process.poll() is not None:
                break
            _signal_group(self.process.pid, signal_number)
            try:
                self.process.wait(wait_s)
            except subprocess.TimeoutExpired:
                continue
        _signal_group(self.process.pid, signal.SIGKILL)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def kill(self) -> None:
        """Pull the plug, and wait until it is gone."""
        self.process.kill()
        self.process.wait()

    def thread_cpu_s(self) -> dict[int, float]:
        """Return the CPU seconds of each thread of the process itself, by the kernel's thread id."""
        return {thread.id: thread.user_time + thread.system_time for thread in self._watched.threads()}

    def check(self) -> None:
        """Raise, with the end of its log, if it has ended."""
        if self.process.poll() is not None:
            raise ChildError(f"{self.name} ended with {self.process.returncode}:\n{self.log_end()}")

    def log_end(self) -> str:
        """Return the last lines that it wrote."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])

    def wait_for_port(self, port: int, timeout_s: float = 60.0) -> None:
        """Wait until it accepts connections."""
        give_up_s = time.monotonic() + timeout_s
        while time.monotonic() < give_up_s:
            self.check()
            try:
                socket.create_connection(("127.0.0.1", port), 1.0).close()
            except OSError:
                time.sleep(0.005)
            else:
                return
        raise ChildError(f"{self.name} does not listen after {timeout_s:.0f} s:\n{self.log_end()}")


def module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs one of this suite's own programs."""
    return [sys.executable, "-m", name, *arguments]


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def raise_file_limit() -> None:
    """Let this process open as many files as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _prepare() -> None:
    raise_file_limit()
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _signal_group(pid: int, signal_number: int) -> None:
    try:
        os.killpg(pid, signal_number)
    except ProcessLookupError:
        return
