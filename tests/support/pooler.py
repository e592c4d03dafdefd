"""A program between a client and PostgreSQL that does the two things for which poolers are known.

It loses notifications, as one does that hands a connection on after each transaction; and it may refuse a client that
asks for settings. Everything else goes through as it is. The words are those of pgbouncer 1.18.
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

NOTIFICATION = b"A"
_REFUSAL = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: jit\0\0"


class Pooler:
    """Listens on a port of its own."""

    def __init__(self, server_port: int, refuses_settings: bool) -> None:
        self._server_port = server_port
        self._refuses_settings = refuses_settings
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Pass on what comes, for as long as the block takes."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            startup = await _startup(reader, writer)
            if self._refuses_settings and b"\0jit\0" in startup:
                writer.write(b"E" + struct.pack("!I", len(_REFUSAL) + 4) + _REFUSAL)
                await writer.drain()
            else:
                upstream, downstream = await asyncio.open_connection("127.0.0.1", self._server_port)
                downstream.write(startup)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_pass_on(reader, downstream))
                    tasks.create_task(_pass_on_messages(upstream, writer))
        writer.close()


async def _startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Return the first packet that is none that asks for encryption."""
    while True:
        length = await reader.readexactly(4)
        packet = length + await reader.readexactly(struct.unpack("!I", length)[0] - 4)
        if len(packet) > 8:
            return packet
        writer.write(b"N")


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


async def _pass_on_messages(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            kind, length = await reader.readexactly(1), await reader.readexactly(4)
            body = await reader.readexactly(struct.unpack("!I", length)[0] - 4)
            if kind != NOTIFICATION:
                writer.write(kind + length + body)
    writer.close()
