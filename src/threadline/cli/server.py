"""The web server of one process: uvicorn, with our drain before its shutdown."""

import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import click
import uvicorn

from threadline.api.connection import Connection
from threadline.api.sockets.connection import SocketConnection
from threadline.cli.listening import cannot_listen
from threadline.errors import SettingsRefused, Unavailable
from threadline.limits import KEEP_ALIVE_SECONDS, SOCKET_MESSAGE_BYTES_MAX
from threadline.observe import log
from threadline.settings import Settings
from threadline.wiring import Node

GC_THRESHOLD = 20_000
"""New objects between two looks of the garbage collector. What is short-lived here is freed by its count; cycles are
rare, and Python's own 700 looks at live streams a hundred times a second."""

SHUTDOWN_SECONDS = 5
"""For connections to close after the drain; by then all streams are cut and only short answers are under way."""


class Server(uvicorn.Server):
    """Uvicorn on a port of its own."""

    def __init__(self, node: Node) -> None:
        super().__init__(config_of(node))
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
            reason = error.__context__ if isinstance(error.__context__, OSError) else OSError(str(error.__context__))
            self.refusal = cannot_listen(self.config.host, self.config.port, reason)
            self.should_exit = True
            return
        port = self.servers[0].sockets[0].getsockname()[1]
        url = url_of(self.config.host, port)
        _tell(f"Threadline is ready at {url}")
        await self._print_link(url)

    async def _print_link(self, url: str) -> None:
        settings = self._node.settings
        is_wanted = settings.sign_in_link == "auto" and (settings.is_local or sys.stderr.isatty())
        if settings.sign_in_link != "always" and not is_wanted:
            return
        try:
            code = await self._node.make_sign_in_link()
        except Unavailable as error:
            # The server serves what it can all the same.
            log.warning("no_sign_in_link", detail=error.detail)
            return
        _tell(f"Sign in (once, within the hour): {url}sign-in?code={code}")

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


def _tell(line: str) -> None:
    # A terminal that was closed, or a log on a disk that is full, is no reason not to serve.
    with suppress(OSError):
        click.echo(line, err=True)


def config_of(node: Node) -> uvicorn.Config:
    """Return uvicorn's settings for a node."""
    return uvicorn.Config(
        node.app(),
        host=node.settings.host,
        port=node.settings.port,
        http=Connection,
        ws=SocketConnection,
        ws_max_size=SOCKET_MESSAGE_BYTES_MAX,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def url_of(host: str, port: int) -> str:
    """Return the address as a person would type it."""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        StoreRefused: the store cannot be opened.
        SettingsRefused: nobody can listen there.
    """
    node = Node(settings, os.environ)
    server = Server(node)
    async with node.running():
        await server.serve()
    if server.refusal is not None:
        raise server.refusal


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Make the process ready for thousands of connections, and run it."""
    raise_file_limit()
    import uvloop

    # What is loaded by now stays; without this the collector walks all of it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 50)

    uvloop.run(main())  # type: ignore[arg-type]


def raise_file_limit() -> None:
    """Allow as many open connections as the system lets us have: every reader is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
