"""A relay that parses nothing: the least a Python server can do with a token, and so the measure for the others.

Every client connection gets an upstream connection of its own, and bytes are copied both ways: a bare protocol on
uvloop. Run it as `python -m bench.peers.relay --port 9001 --upstream 9000`.
"""

import argparse
import asyncio
from typing import cast

import uvloop


class Client(asyncio.Protocol):
    """The client's side; what it sends before the upstream is connected waits here."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._upstream: asyncio.Transport | None = None
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: Upstream(self), "127.0.0.1", self._upstream_port)
        except OSError:
            self.transport.close()

    def joined(self, upstream: asyncio.Transport) -> None:
        """The upstream is there: send what waited for it."""
        self._upstream = upstream
        if self._waiting:
            upstream.write(self._waiting)

    def data_received(self, data: bytes) -> None:
        if self._upstream is None:
            self._waiting += data
        else:
            self._upstream.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._upstream is not None:
            self._upstream.close()


class Upstream(asyncio.Protocol):
    """The upstream's side: copies every byte to its client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.data_received = client.transport.write  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._client.transport.is_closing():
            transport.close()
        self._client.joined(cast("asyncio.Transport", transport))

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.transport.close()


async def serve(port: int, upstream_port: int) -> None:
    """Relay on 127.0.0.1 until the process is told to stop."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(upstream_port), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


def main() -> None:
    """Read the ports from the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", type=int, required=True)
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.upstream))


if __name__ == "__main__":
    main()
