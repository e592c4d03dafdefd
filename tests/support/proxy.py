"""A network between a node and its server that can be cut at a chosen moment."""

import asyncio
from enum import Enum, auto


class Cut(Enum):
    """When to cut a connection that has said the chosen word."""

    BEFORE_THE_SERVER_HEARS = auto()
    BEFORE_THE_CLIENT_HEARS = auto()
    AT_ONCE = auto()
    """Right after it was passed on: what became of it is open."""


class CuttingProxy:
    """Passes bytes on, both ways, until somebody says the chosen word."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._server: asyncio.Server | None = None
        self._word = b""
        self._cut: Cut | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None, "opened"
        return int(self._server.sockets[0].getsockname()[1])

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def close(self) -> None:
        """Cut everybody, and stop listening."""
        assert self._server is not None, "opened"
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut_at(self, word: bytes, cut: Cut) -> None:
        """Cut the next connection whose client says `word`; the others, and those that come after it, go on."""
        self._word, self._cut = word, cut

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "each connection has a task of its own"
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        answers, questions = await asyncio.open_connection("127.0.0.1", self._server_port)
        back = asyncio.get_running_loop().create_task(_pass_on(answers, writer))
        try:
            said, cut = await self._pass_on_until_cut(reader, questions)
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
            if cut in (Cut.AT_ONCE, Cut.BEFORE_THE_CLIENT_HEARS):
                questions.write(said)
            if cut is Cut.BEFORE_THE_CLIENT_HEARS:
                await answers.read(65536)
        except (ConnectionError, asyncio.CancelledError):
            back.cancel()
        finally:
            for end in (writer, questions):
                end.transport.abort()
            await asyncio.gather(back, return_exceptions=True)

    async def _pass_on_until_cut(
        self, reader: asyncio.StreamReader, questions: asyncio.StreamWriter
    ) -> tuple[bytes, Cut | None]:
        while said := await reader.read(65536):
            if self._cut is not None and self._word in said:
                cut, self._cut = self._cut, None
                self.cuts += 1
                return said, cut
            questions.write(said)
            await questions.drain()
        return b"", None


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while said := await reader.read(65536):
        writer.write(said)
        await writer.drain()
    writer.close()
