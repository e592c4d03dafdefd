"""One worker: a node that gets its connections from the supervisor, which starts this file as a program.

It drains when it is told to, and when its supervisor is gone: nobody is left to tell it.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

import msgspec
from structlog.contextvars import bind_contextvars

from threadline.api.connection import Connection
from threadline.api.sockets.connection import upgraded
from threadline.cli.serve import set_up_server_logging
from threadline.cli.server import Server, run
from threadline.cli.workers.channel import Assignment, WorkerEnd
from threadline.cli.workers.metrics import Siblings
from threadline.errors import ThreadlineError
from threadline.ids import NodeId
from threadline.observe import log
from threadline.wiring import Node

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class WorkerServer(Server):
    """Uvicorn on connections that somebody else has accepted."""

    def __init__(self, node: Node, channel: WorkerEnd) -> None:
        super().__init__(node)
        self._channel = channel
        self._accepted: asyncio.Queue[socket.socket] = asyncio.Queue()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals from here to the end of the process: one that comes late may not end it in its last commits."""
        for number in STOP_SIGNALS:
            signal.signal(number, self.handle_exit)
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the wish to drain, or on SIGINT to stop at once.

        SIGTERM may come twice: from the supervisor, and from whoever signals all processes of a service.
        """
        self.force_exit = self.force_exit or sig == signal.SIGINT
        self.should_exit = True

    async def startup(self, sockets: Any = None) -> None:
        """Take connections, and tell the supervisor so."""
        await self.lifespan.startup()
        self.servers = []
        self.started = True
        self._channel.listen(self._accepted.put_nowait, self._end_with_supervisor)
        self._channel.say("ready", self._node.leases.node_id)

    async def shutdown(self, sockets: Any = None) -> None:
        """Want no more connections, and end those that are there."""
        self._channel.say("leaving")
        await super().shutdown(sockets)

    async def connect_forever(self) -> None:
        """Serve what was accepted; the caller owns the task."""
        loop = asyncio.get_running_loop()
        while True:
            connection = await self._accepted.get()
            try:
                await loop.connect_accepted_socket(self._new_protocol, connection)
            except OSError:
                # It has gone on its way here.
                connection.close()
                self._channel.say("closed")

    def _new_protocol(self) -> Connection:
        return HandedConnection(
            self._channel, config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def _end_with_supervisor(self) -> None:
        log.warning("supervisor_gone")
        self.should_exit = True


class HandedConnection(Connection):
    """Tells the supervisor when it ends."""

    def __init__(self, channel: WorkerEnd, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._channel = channel

    def connection_lost(self, exc: Exception | None) -> None:
        """Be one less."""
        super().connection_lost(exc)
        self._channel.say("closed")

    def handle_websocket_upgrade(self) -> None:
        """Be a socket from here on, which ends in its own time."""
        super().handle_websocket_upgrade()
        upgraded(self.transport).on_lost = partial(self._channel.say, "closed")


async def work(assignment: Assignment, channel: WorkerEnd) -> None:
    """Serve until told to stop. Raises StoreRefused, SettingsRefused."""
    node = Node(assignment.settings, os.environ)
    siblings = Siblings(assignment.number, assignment.settings.workers, assignment.folder, node.metrics)
    node.house = msgspec.structs.replace(node.house, scrape=siblings.scrape)
    server = WorkerServer(node, channel)
    async with node.running(), siblings.answering(), asyncio.TaskGroup() as tasks:
        if assignment.dead_node:
            await node.leases.bury(NodeId(assignment.dead_node))
        connecting = tasks.create_task(server.connect_forever())
        await server.serve()
        connecting.cancel()


def main() -> None:
    """Be a worker: the assignment is on stdin, the wire to the supervisor is the descriptor that the argument names."""
    channel = WorkerEnd(int(sys.argv[1]))
    assignment = msgspec.json.decode(sys.stdin.buffer.read(), type=Assignment)
    set_up_server_logging(assignment.settings)
    bind_contextvars(worker=assignment.number)
    try:
        run(lambda: work(assignment, channel))
    except ThreadlineError as error:
        # The supervisor says it, once for all workers.
        channel.say("refused", error.detail)
        sys.exit(1)
    finally:
        # Python gives signals their deadly default back while it ends; an ignored one it leaves alone.
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main()
