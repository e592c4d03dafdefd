"""The one port of all workers: the supervisor listens on it, and nobody else.

With `SO_REUSEPORT` a connection that a killed worker had not accepted yet would be lost, and a second server could take
the port without a word; on a shared socket 200 connections fell on four workers as 8, 24, 77 and 91, and a stream stays
where it fell. Whoever accepts can give each connection to the worker that has the fewest (decision 0007).
"""

import asyncio
import socket
from collections.abc import Callable

from threadline.cli.listening import cannot_listen
from threadline.observe import log

BACKLOG = 2048
"""Connections that may wait while no worker is there."""

ACCEPTS_AT_ONCE = 64
"""Between two looks at anything else."""

RETRY_SECONDS = 1.0
"""Where nothing can be accepted, as without free descriptors, trying at once would only burn the core."""


class Listeners:
    """The listening sockets: one for each address that the host name has."""

    def __init__(self, host: str, port: int) -> None:
        """Raises SettingsRefused where nobody can listen there."""
        self._sockets: list[socket.socket] = []
        self._is_accepting = False
        try:
            for family, address in _addresses(host, port):
                # A free port, once found, is the port of the other addresses too.
                wanted = (address, self.port if self._sockets else port)
                self._sockets.append(socket.create_server(wanted, family=family, backlog=BACKLOG))
        except OSError as error:
            self.close()
            raise cannot_listen(host, port, error) from error
        for each in self._sockets:
            each.setblocking(False)

    @property
    def port(self) -> int:
        """The port that they have."""
        return int(self._sockets[0].getsockname()[1])

    def accept(self, hand: Callable[[socket.socket], object]) -> None:
        """Begin to accept: each connection is handed over, and closed here."""
        if self._is_accepting:
            return
        self._is_accepting = True
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            loop.add_reader(each, self._accept_waiting, each, hand)

    def pause(self) -> None:
        """Leave connections waiting in the queue."""
        self._is_accepting = False
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            loop.remove_reader(each)

    def close(self) -> None:
        """Listen no more."""
        for each in self._sockets:
            each.close()

    def _accept_waiting(self, listener: socket.socket, hand: Callable[[socket.socket], object]) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            if not self._is_accepting:
                return
            try:
                connection, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.error("cannot_accept", detail=str(error))
                self.pause()
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self.accept, hand)
                return
            with connection:
                hand(connection)


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))
