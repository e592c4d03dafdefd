"""A process and all of its children, seen from outside: CPU, memory, disk, and whether they are at rest."""

import time
from collections.abc import Sequence
from typing import Final

import psutil  # type: ignore[import-untyped]

# A process is quiet when it used less than this share of a core over a whole window.
QUIET_SHARE: Final = 0.02
# The bound for a server that is never quiet: two of these are in every round.
QUIET_S_MAX: Final = 30.0


class Family:
    """One process, which need not be a child of ours, and its own children."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._watched = psutil.Process(pid)

    def check(self) -> None:
        """Raise if it has ended, where somebody knows how to say so."""

    def cpu_s(self) -> float:
        """Return the CPU seconds, user and system, of the process and all its children, gone ones included."""
        return sum(sum(process.cpu_times()[:4]) for process in self._family())

    def rss_bytes(self) -> int:
        """Return the resident memory of the process and its children."""
        return sum(process.memory_info().rss for process in self._family())

    def written_bytes(self) -> int:
        """Return the bytes that the process and its children caused to be written to disk."""
        return sum(process.io_counters().write_bytes for process in self._family())

    def _family(self) -> list[psutil.Process]:
        self.check()
        return [self._watched, *self._watched.children(recursive=True)]

    def wait_until_quiet(self, window_s: float) -> float:
        """Wait until it does nothing to speak of for a whole window; return the CPU seconds it has used until then."""
        (used_s,) = wait_until_all_quiet([self], window_s)
        return used_s

    def idle_share(self, seconds: float) -> float:
        """Return the share of one core that it uses over some seconds in which nobody asks anything of it."""
        before_s = self.cpu_s()
        time.sleep(seconds)
        return (self.cpu_s() - before_s) / seconds


def wait_until_all_quiet(families: Sequence[Family], window_s: float) -> list[float]:
    """Wait until none does anything to speak of for a whole window; return the CPU seconds each has used until then."""
    give_up_s = time.monotonic() + QUIET_S_MAX
    used_s = [family.cpu_s() for family in families]
    while time.monotonic() < give_up_s:
        time.sleep(window_s)
        before_s, used_s = used_s, [family.cpu_s() for family in families]
        if all(now - before <= QUIET_SHARE * window_s for before, now in zip(before_s, used_s, strict=True)):
            break
    return used_s
