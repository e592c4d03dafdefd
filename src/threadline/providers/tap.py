"""Reads a streamed body right from its socket, once for each poll and not once for each arrival.

aiohttp reads whatever comes the moment it comes: a wake of the event loop, a system call and a parser's round for each
token, which then waits for the next commit anyway. While a tap is open the event loop leaves the socket alone; the
kernel keeps what comes, and pushes the vendor back when that is too much.

A chunked body is taken out of its chunks here. Whatever is not plain chunks of a usual size (the end, an extension, a
broken frame), and whatever is not chunked at all, goes through aiohttp's parser as ever; closing the tap gives
everything back to it. TLS has no tap: what lies on its socket is not the body.
"""

import asyncio
import os
import re
from typing import Final

import aiohttp

READ_BYTES: Final = 64 * 1024
"""What one poll takes of one answer. The rest waits for the next one: 2 MB a second are enough for any model."""

_CHUNK: Final = re.compile(rb"([0-9a-fA-F]{1,8})\r\n")
_HEAD_BYTES_MAX: Final = 10

# One buffer for everybody, used and left within one call: to let the kernel fill a new one each time would cost its
# pages each time.
_BUFFER: Final = bytearray(READ_BYTES)
_VIEW: Final = memoryview(_BUFFER)
_INTO: Final = (_BUFFER,)


def open_tap(response: aiohttp.ClientResponse) -> "Tap | None":
    """Take the socket from the event loop; None where that cannot be done, or not now."""
    connection = response.connection
    protocol = None if connection is None else connection.protocol
    transport = None if protocol is None else protocol.transport
    if protocol is None or transport is None or transport.is_closing():
        return None
    # Where aiohttp has words yet, or has stopped reading by itself, they come before those on the socket.
    if response.content._buffer or not transport.is_reading() or transport.get_extra_info("sslcontext") is not None:
        return None
    transport.pause_reading()
    return Tap(response, protocol, transport)


class Tap:
    """One answer's socket, ours from `open_tap` to `close`."""

    __slots__ = ("_content", "_descriptor", "_held", "_is_between_chunks", "_is_encoded", "_protocol", "_transport")

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        protocol: aiohttp.client_proto.ResponseHandler,
        transport: asyncio.Transport,
    ) -> None:
        self._content = response.content
        self._is_encoded = "Content-Encoding" in response.headers
        self._protocol = protocol
        self._transport = transport
        self._descriptor: int = transport.get_extra_info("socket").fileno()
        self._held = b""
        self._is_between_chunks = False

    @property
    def is_open(self) -> bool:
        """Whether the socket is still ours. A closed transport's number may be another connection's by now."""
        return not (self._transport.is_closing() or self._transport.is_reading())

    def read(self) -> bytes:
        """Return what has arrived of the body, which may be nothing. Closes by itself where aiohttp is to go on."""
        try:
            size = os.readv(self._descriptor, _INTO)
        except BlockingIOError:
            return b""
        except OSError:
            size = 0
        if not size:
            # The end, or a broken connection: aiohttp will find it too, and knows what it means.
            self.close()
            return b""
        data = _VIEW[:size].tobytes()
        return self._out_of_chunks(data) if self._is_between_chunks else self._through_parser(data)

    def close(self) -> None:
        """Give the socket back, and what was read of it and not given out."""
        # First the socket: the parser may find the end, and the next request takes the connection as it is then.
        if self.is_open:
            self._transport.resume_reading()
        if self._held:
            held, self._held = self._held, b""
            self._protocol.data_received(held)

    def _through_parser(self, data: bytes) -> bytes:
        """Let aiohttp's parser read, until it stands between two chunks for certain."""
        content = self._content
        self._protocol.data_received(data)
        if content.exception() is not None or content.is_eof():
            self.close()
            return b""
        words = content.read_nowait()
        if content._buffer or self._transport.is_closing():
            self.close()
            return words
        # Whoever empties aiohttp's buffer makes it read on.
        self._transport.pause_reading()
        # A chunk's own head never ends so; and where the parser is inside of a chunk, its bytes are not all counted.
        ends = getattr(content, "_http_chunk_splits", None)
        self._is_between_chunks = bool(
            not self._is_encoded and data.endswith(b"\n\r\n") and ends and ends[-1] == content.total_bytes
        )
        return words

    def _out_of_chunks(self, data: bytes) -> bytes:
        if self._held:
            data, self._held = self._held + data, b""
        parts: list[bytes] = []
        place, is_plain = 0, True
        while chunk := _CHUNK.match(data, place):
            start = chunk.end()
            size = int(chunk[1], 16)
            end = start + size
            if not data.startswith(b"\r\n", end):
                is_plain = len(data) < end + 2 and size <= READ_BYTES
                break
            if not size:
                is_plain = False
                break
            parts.append(data[start:end])
            place = end + 2
        else:
            is_plain = len(data) - place < _HEAD_BYTES_MAX
        self._held = data[place:]
        if not is_plain:
            self.close()
        return parts[0] if len(parts) == 1 else b"".join(parts)
