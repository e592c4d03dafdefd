"""The wire between the supervisor and one worker: accepted connections go down, words come up.

One byte goes down with each connection. Up go lines: `ready NODE`, `refused WHY`, `closed` for a connection that has
ended, `leaving` from a worker that wants no more of them. Each side learns from the end of the wire that the other one
has died, however it died.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Literal

from msgspec import Struct

from threadline.settings import Settings

LINE_BYTES_MAX = 64 * 1024

Word = Literal["ready", "refused", "closed", "leaving"]


class Assignment(Struct, frozen=True):
    """What a worker is told when it starts, on its stdin: the settings have secrets in them."""

    number: int
    settings: Settings
    folder: str
    "Where the workers of this supervisor find each other's metrics."
    dead_node: str = ""
    "The node that this worker's predecessor was: nobody has to wait for its leases."


class SupervisorEnd:
    """The supervisor's end."""

    def __init__(self) -> None:
        self._socket, self.other = socket.socketpair()
        self._socket.setblocking(False)

    def hand(self, connection: socket.socket) -> bool:
        """Give a connection to the worker. Returns False where it takes none now; the caller still has it."""
        try:
            socket.send_fds(self._socket, [b"c"], [connection.fileno()])
        except OSError:
            return False
        return True

    async def words(self) -> AsyncIterator[tuple[str, str]]:
        """Yield what the worker says, until its end of the wire is gone."""
        reader, writer = await asyncio.open_connection(sock=self._socket.dup(), limit=LINE_BYTES_MAX)
        try:
            # A worker that is killed with connections on the wire resets it.
            with suppress(ConnectionError):
                while line := await reader.readline():
                    word, _, rest = line.decode().rstrip("\n").partition(" ")
                    yield word, rest
        finally:
            writer.close()

    def close(self) -> None:
        """Cut the wire."""
        self._socket.close()
        self.other.close()


class WorkerEnd:
    """A worker's end."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        self._unsaid = b""

    def listen(self, on_connection: Callable[[socket.socket], None], on_end: Callable[[], None]) -> None:
        """Take connections in the running loop. `on_end` is called when the supervisor is gone."""
        loop = asyncio.get_running_loop()

        def take() -> None:
            try:
                byte, descriptors, _, _ = socket.recv_fds(self._socket, 1, 1)
            except BlockingIOError:
                return
            except ConnectionError:
                byte, descriptors = b"", []
            if not byte:
                loop.remove_reader(self._socket)
                on_end()
            elif descriptors:
                on_connection(socket.socket(fileno=descriptors[0]))
            else:
                # No descriptor was free; the system has closed the connection.
                self.say("closed")

        loop.add_reader(self._socket, take)

    def say(self, word: Word, rest: str = "") -> None:
        """Tell the supervisor. What the wire does not take now goes up with the next word."""
        self._unsaid += f"{word} {' '.join(rest.split())}".rstrip().encode()[: LINE_BYTES_MAX - 1] + b"\n"
        with suppress(OSError):
            self._unsaid = self._unsaid[self._socket.send(self._unsaid) :]

    def close(self) -> None:
        """Cut the wire."""
        self._socket.close()
