"""A wire between two processes that a test can cut, hold still and let go: TCP on one machine, byte for byte."""

import asyncio
from collections.abc import Callable

CHUNK_BYTES = 64 * 1024


class Wire:
    """Passes on whatever comes to `port` to the port that `target` names at the moment, and back."""

    def __init__(self, target: Callable[[], int]) -> None:
        self.port = 0
        self.connections = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    async def start(self) -> "Wire":
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        """Cut everybody and listen no more."""
        if self._server is None:
            return
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection that is open now, on both of its sides, in the middle of whatever it says."""
        for end in self._ends:
            end.transport.abort()

    def hold(self) -> None:
        """Pass nothing on, in neither direction: who connects is accepted, and nobody ever answers him."""
        self._flows.clear()

    def release(self) -> None:
        """Pass on again, beginning with what was held back: what came too late for its sender arrives all the same."""
        self._flows.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._pass_on(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._ends.add(writer)
        other: asyncio.StreamWriter | None = None
        try:
            await self._flows.wait()
            back, other = await asyncio.open_connection("127.0.0.1", self._target())
            self._ends.add(other)
            await asyncio.gather(self._pump(reader, other), self._pump(back, writer))
        except OSError:
            pass
        finally:
            for end in filter(None, (writer, other)):
                self._ends.discard(end)
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        await self._flows.wait()
        # None of the protocols here closes one half and goes on with the other.
        writer.close()
