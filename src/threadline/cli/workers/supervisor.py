"""Looks after the workers of `threadline serve --workers N`: starts them, brings back the dead, ends with them.

It has the port and no other work: it accepts connections and gives each to the worker with the fewest.
"""

import asyncio
import shutil
import signal
import socket
import tempfile
import time

import click

from threadline.cli.workers.channel import Assignment
from threadline.cli.workers.process import Worker
from threadline.cli.workers.sockets import Listeners
from threadline.errors import SettingsRefused, StoreRefused, ThreadlineError
from threadline.observe import log
from threadline.settings import Settings

RESTART_SECONDS_MIN = 0.1
RESTART_SECONDS_MAX = 30.0
"""Between two lives of a worker that dies young; each wait is twice the one before."""

STEADY_SECONDS = 60.0
"""A worker that was ready for so long has not died young."""

END_SECONDS = 15.0
"""Beyond the drain: for its connections, its packing, its database. A worker that takes longer is killed."""

END_AT_ONCE_SECONDS = 3.0
"""The same after a second signal."""

PARENT_CHARS_MAX = 64
"""Of the folder for temporary files. Some systems take no more than 103 characters as the name of a Unix socket."""


def supervise(settings: Settings) -> int:
    """Run the workers until SIGTERM or SIGINT. Returns the exit status.

    Raises:
        SettingsRefused: this is no installation for several workers, or nobody can listen there.
        StoreRefused: a worker could not start.
    """
    if settings.bus_address == "memory" or not settings.is_postgres:
        raise SettingsRefused("Several workers need PostgreSQL: --database postgresql://user@host/name.")
    listeners = Listeners(settings.host, settings.port)
    try:
        folder = _socket_folder()
    except OSError as error:
        raise SettingsRefused(f"There is no folder for temporary files: {error.strerror or error}.") from error
    try:
        return asyncio.run(Supervisor(settings, listeners, folder).run())
    finally:
        listeners.close()
        shutil.rmtree(folder, ignore_errors=True)


def _socket_folder() -> str:
    parent = tempfile.gettempdir()
    if len(parent) > PARENT_CHARS_MAX:
        parent = "/tmp"  # noqa: S108 - a folder for us alone is made in it
    return tempfile.mkdtemp(prefix="threadline-workers-", dir=parent)


class Supervisor:
    """The supervisor of one machine's workers."""

    def __init__(self, settings: Settings, listeners: Listeners, folder: str) -> None:
        self._settings = settings
        self._listeners = listeners
        self._folder = folder
        self._workers: dict[int, Worker] = {}
        self._is_open = False
        self._signals = 0
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._refusal: ThreadlineError | None = None
        self._failures = 0

    async def run(self) -> int:
        """Start all, serve, end all. Returns the exit status; raises what kept the first start from succeeding."""
        loop = asyncio.get_running_loop()
        for caught in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(caught, self._hear_signal)
        async with asyncio.TaskGroup() as tasks:
            # The first one goes ahead: it brings the schema up to date, and what stops it is said once.
            for numbers in (range(1, 2), range(2, self._settings.workers + 1)):
                for number in numbers:
                    tasks.create_task(self._keep(number), name=f"worker {number}")
                await self._until_ready(max(numbers))
            if not self._stopping.is_set():
                self._open()
        if self._refusal is not None:
            raise self._refusal
        return 1 if self._failures else 0

    def _open(self) -> None:
        self._is_open = True
        self._follow_workers()
        host = self._settings.host
        shown = f"[{host}]" if ":" in host else host
        count = self._settings.workers
        click.echo(f"Threadline is ready at http://{shown}:{self._listeners.port}/ with {count} workers", err=True)

    async def _until_ready(self, count: int) -> None:
        while not self._stopping.is_set() and sum(worker.is_taking for worker in self._workers.values()) < count:
            self._changed.clear()
            await self._changed.wait()

    async def _keep(self, number: int) -> None:
        """Have a worker of this number for as long as we run."""
        dead_node, delay_seconds = "", RESTART_SECONDS_MIN
        while not self._stopping.is_set():
            worker = self._workers[number] = Worker(number)
            await worker.start(Assignment(number, self._settings, self._folder, dead_node))
            if self._stopping.is_set():
                worker.stop()
            status = await worker.live(self._follow_workers)
            del self._workers[number]
            if self._stopping.is_set():
                # One that was still starting dies of the signal itself.
                self._failures += status != 0 and worker.ready_at is not None
                return
            if not self._is_open:
                self._give_up(worker, status)
                return
            dead_node = worker.node_id or dead_node
            if worker.ready_at is not None and time.monotonic() - worker.ready_at > STEADY_SECONDS:
                delay_seconds = RESTART_SECONDS_MIN
            log.error("worker_died", worker=number, status=status, detail=worker.refusal, restart_seconds=delay_seconds)
            await self._pause(delay_seconds)
            delay_seconds = min(delay_seconds * 2, RESTART_SECONDS_MAX)

    def _give_up(self, worker: Worker, status: int) -> None:
        reason = worker.refusal or f"Worker {worker.number} ended while it started, with exit status {status}."
        self._refusal = StoreRefused(reason)
        self._stop()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    def _follow_workers(self) -> None:
        """Accept while somebody takes what is accepted."""
        self._changed.set()
        if not self._is_open:
            return
        if any(worker.is_taking for worker in self._workers.values()):
            self._listeners.accept(self._hand)
        else:
            self._listeners.pause()

    def _hand(self, connection: socket.socket) -> None:
        taking = [worker for worker in self._workers.values() if worker.is_taking]
        # Whoever has the fewest, as a stream stays where it is, and who has come back has none; else in turn.
        taking.sort(key=lambda worker: (worker.connections, worker.handed_at))
        any(worker.hand(connection) for worker in taking)

    def _hear_signal(self) -> None:
        self._signals += 1
        self._stop()

    def _stop(self) -> None:
        """End all workers: by their drain, or at once when it is said again."""
        self._stopping.set()
        self._changed.set()
        at_once = self._signals > 1
        for worker in self._workers.values():
            worker.stop(at_once)
        seconds = END_AT_ONCE_SECONDS if at_once else self._settings.drain_seconds + END_SECONDS
        asyncio.get_running_loop().call_later(seconds, self._kill)

    def _kill(self) -> None:
        for worker in self._workers.values():
            log.error("worker_killed", worker=worker.number)
            worker.kill()
