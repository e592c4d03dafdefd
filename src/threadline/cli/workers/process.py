"""One life of a worker, as its supervisor sees it."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from threadline.cli.workers.channel import Assignment, SupervisorEnd
from threadline.observe import log


class Worker:
    """A worker's process: started, heard, ended. It takes connections while `is_taking`."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.node_id = ""
        self.refusal = ""
        self.connections = 0
        self.handed_at = 0.0
        self.is_taking = False
        self.ready_at: float | None = None
        self._channel = SupervisorEnd()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None, "started"
        return self._process.pid

    async def start(self, assignment: Assignment) -> None:
        """Start the process and tell it what it is to be."""
        with self._channel.other as end:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # As the `threadline` command: what lies in the current folder is not imported.
                "-m",
                "threadline.cli.workers.worker",
                str(end.fileno()),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=[end.fileno()],
                # Out of the terminal's reach: what is typed there is the supervisor's to pass on.
                start_new_session=True,
            )
        assert self._process.stdin is not None, "a pipe"
        # It may have died already; then its end says more than an error here.
        with suppress(ConnectionError):
            self._process.stdin.write(msgspec.json.encode(assignment))
            await self._process.stdin.drain()
        self._process.stdin.close()

    async def live(self, on_change: Callable[[], None]) -> int:
        """Hear it until it has ended, and return its exit status. `on_change` follows each change of `is_taking`."""
        async for word, rest in self._channel.words():
            match word:
                case "ready":
                    self.node_id, self.is_taking, self.ready_at = rest, True, time.monotonic()
                    log.info("worker_ready", worker=self.number, pid=self.pid, node=rest)
                    on_change()
                case "refused":
                    self.refusal = rest
                case "closed":
                    self.connections -= 1
                case "leaving":
                    self.is_taking = False
                    on_change()
        self.is_taking = False
        on_change()
        assert self._process is not None, "started"
        status = await self._process.wait()
        self._channel.close()
        return status

    def hand(self, connection: socket.socket) -> bool:
        """Give it a connection. Returns False where it takes none."""
        if not self._channel.hand(connection):
            return False
        self.connections += 1
        self.handed_at = time.monotonic()
        return True

    def stop(self, at_once: bool = False) -> None:
        """Ask it to drain, or to leave what it does; one that is still starting just ends."""
        self._send(signal.SIGINT if at_once and self.ready_at is not None else signal.SIGTERM)

    def kill(self) -> None:
        """End it, whatever it does."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        # Not by the process object: it asks first whether the process is there, and so takes its exit status away from
        # the one who waits for it.
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)
