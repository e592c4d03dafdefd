"""A plain HTTP client for setting up and for timing single requests: one connection, kept open, nothing clever."""

import http.client
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec

TIMEOUT_S: Final = 60.0
# More connections than this only make the client's threads wait for each other.
CONNECTIONS: Final = 8
Made = TypeVar("Made")
FRAME: Final = re.compile(rb"^id: ?\d+", re.MULTILINE)


class WireError(Exception):
    """The server answered something else than was needed."""


class Wire:
    """One connection to a server, with a key."""

    def __init__(self, port: int, key: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self._headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the decoded answer; raise if it is not a 2xx."""
        status, content = self.exchange(method, path, body)
        if not 200 <= status < 300:
            raise WireError(f"{method} {path}: {status} {content[:300]!r}")
        return msgspec.json.decode(content) if content else None

    def exchange(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Return the status and the bytes of one answer."""
        content = None if body is None else msgspec.json.encode(body)
        self._connection.request(method, path, content, self._headers)
        response = self._connection.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def connected(port: int, key: str = "") -> Iterator[Wire]:
    """Hold a connection for a while."""
    wire = Wire(port, key)
    try:
        yield wire
    finally:
        wire.close()


def request_text(method: str, path: str, key: str = "", body: object = None) -> str:
    """Return one request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"]
    if key:
        lines.append(f"authorization: Bearer {key}")
    content = ""
    if body is not None:
        content = msgspec.json.encode(body).decode()
        lines += ["content-type: application/json", f"content-length: {len(content.encode())}"]
    return "\r\n".join([*lines, "", content])


def in_bulk(port: int, key: str, count: int, make: Callable[[Wire, int], Made]) -> list[Made]:
    """Do the same thing many times over a few connections; the results are in order."""

    def share(first: int) -> list[Made]:
        with connected(port, key) as wire:
            return [make(wire, number) for number in range(first, count, CONNECTIONS)]

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = list(pool.map(share, range(CONNECTIONS)))
    return [shares[number % CONNECTIONS][number // CONNECTIONS] for number in range(count)]


def first_event_ms(port: int, request: str) -> float:
    """Return the time from opening a connection to the first byte of the first event of the log that comes over it."""
    return first_match_ms(port, request, FRAME)


def first_match_ms(port: int, request: str, pattern: re.Pattern[bytes]) -> float:
    """Return the time from opening a connection to the first body bytes that match."""
    start_s = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request.encode())
        found = b""
        while True:
            piece = connection.recv(65536)
            if not piece:
                raise WireError(f"no event came: {found[:300]!r}")
            found += piece
            body = found.partition(b"\r\n\r\n")[2]
            if pattern.search(body):
                return (time.perf_counter() - start_s) * 1000
