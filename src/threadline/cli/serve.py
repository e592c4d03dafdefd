"""`threadline serve`: one process that answers."""

import asyncio
import fcntl
import gc
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click
import uvicorn

from threadline.api.connection import Connection
from threadline.cli.options import setting_options, settings_from
from threadline.errors import SettingsRefused, StoreRefused
from threadline.observe import log, set_up_logging
from threadline.settings import Settings
from threadline.wiring import Node

LOCK_NAME = "serve.lock"

GC_THRESHOLD = 20_000
"""New objects between two looks of the garbage collector. What is short-lived here is freed by its count; cycles are
rare, and Python's own 700 looks at live streams a hundred times a second."""

SHUTDOWN_SECONDS = 5
"""For connections to close after the drain; by then all streams are cut and only short answers are under way."""


class Server(uvicorn.Server):
    """Uvicorn, with our drain before its shutdown."""

    def __init__(self, config: uvicorn.Config, node: Node) -> None:
        super().__init__(config)
        self._node = node
        self.refusal: SettingsRefused | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as a wish to drain; a second one as a wish to stop at once."""
        caught = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in caught}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the wish; the main loop sees it within a tenth of a second."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True

    async def startup(self, sockets: Any = None) -> None:
        """Listen, and say where."""
        try:
            await super().startup(sockets)
        except SystemExit as error:
            # Uvicorn has said why to its log, which we do not show, and means to end the process from within.
            reason = getattr(error.__context__, "strerror", None) or error.__context__
            self.refusal = SettingsRefused(f"Cannot listen on {self.config.host}:{self.config.port}: {reason}.")
            self.should_exit = True
            return
        port = self.servers[0].sockets[0].getsockname()[1]
        host = self.config.host
        shown = f"[{host}]" if ":" in host else host
        click.echo(f"Threadline is ready at http://{shown}:{port}/", err=True)

    async def main_loop(self) -> None:
        """Serve until somebody wants an end, then drain while still answering reads."""
        await super().main_loop()
        log.info("draining", seconds=self._node.settings.drain_seconds)
        drain = asyncio.ensure_future(self._node.drain())
        while not drain.done() and not self.force_exit:
            await asyncio.wait([drain], timeout=0.1)
        if not drain.done():
            drain.cancel()
            self._node.readers.cut_all()


@click.command("serve")
@setting_options(*(name for name in Settings.__struct_fields__ if name != "providers"))
def command(**options: Any) -> None:
    """Run the server.

    Without options: SQLite in your user data folder, on http://127.0.0.1:8400, with a demo model that needs no key.
    OPENAI_API_KEY or ANTHROPIC_API_KEY in the environment make those vendors' models available.
    """
    settings = settings_from(options)
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    set_up_logging(settings.log_level, as_json)
    with data_folder_lock(settings):
        raise_file_limit()
        import uvloop

        # What is loaded by now stays; without this the collector walks all of it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD, 20, 50)

        uvloop.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        StoreRefused: the store cannot be opened.
        SettingsRefused: nobody can listen there.
    """
    node = Node(settings, os.environ)
    config = uvicorn.Config(
        node.app(),
        host=settings.host,
        port=settings.port,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = Server(config, node)
    async with node.running():
        await server.serve()
    if server.refusal is not None:
        raise server.refusal


@contextmanager
def data_folder_lock(settings: Settings) -> Iterator[None]:
    """Hold the data folder for this server alone. Raises StoreRefused where another one has it."""
    if settings.is_postgres:
        # Many nodes on one database is what it is for; nothing is kept in the folder.
        yield
        return
    path = settings.database_path.with_name(LOCK_NAME)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("a+")
    except OSError as error:
        raise StoreRefused(f"The data folder {path.parent} is not writable: {error.strerror or error}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreRefused(_taken(path)) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def raise_file_limit() -> None:
    """Allow as many open connections as the system lets us have: every reader is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _taken(path: Path) -> str:
    owner = path.read_text().strip()
    by = f" (process {owner})" if owner else ""
    return (
        f"Another `threadline serve`{by} is using the data folder {path.parent}. Stop it, or give this one a folder "
        "of its own with --data."
    )
