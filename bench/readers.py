"""The load generator seen from the benchmark: start it with a job, wait for its streams, take its summary."""

import os
import selectors
import time
from pathlib import Path

import msgspec

from bench.child import Child, ChildError, module
from bench.load import Job, Summary

# What a load generator may take beyond its job's own timeouts: starting Python and adding up the figures.
GRACE_S = 30.0


class Readers(Child):
    """One `bench.load` process."""

    def __init__(self, job: Job, log: Path) -> None:
        super().__init__("the load generator", module("bench.load"), log, piped=True)
        self._job = job
        self._read = b""
        self._ready: int | None = None
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(job) + b"\n")
        self.process.stdin.flush()

    def wait_until_ready(self) -> int:
        """Return how many streams are open, as soon as all are that will be."""
        if self._ready is None:
            line = self._line(self._job.ramp_s + self._job.timeout_s)
            self._ready = msgspec.json.decode(line, type=dict[str, int])["ready"]
        return self._ready

    def release(self) -> None:
        """Let go of streams that are held."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def summary(self) -> Summary:
        """Wait for the end of the job."""
        self.wait_until_ready()
        return msgspec.json.decode(self._line(self._job.timeout_s), type=Summary)

    def _line(self, timeout_s: float) -> bytes:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        give_up_s = time.monotonic() + timeout_s + GRACE_S
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while b"\n" not in self._read:
                if not selector.select(max(0.0, give_up_s - time.monotonic())):
                    raise ChildError(f"{self.name} says nothing for {timeout_s + GRACE_S:.0f} s")
                piece = os.read(descriptor, 65536)
                if not piece:
                    raise ChildError(f"{self.name} ended:\n{self.log_end()}")
                self._read += piece
        line, _, self._read = self._read.partition(b"\n")
        return line


def read(job: Job, log: Path) -> Summary:
    """Do a whole job."""
    with Readers(job, log) as readers:
        return readers.summary()
