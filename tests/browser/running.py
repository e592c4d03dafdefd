"""A server for as long as a fixture lasts, which must not have met a fault of its own by then."""

from collections.abc import Iterator
from contextlib import contextmanager

from support.server import Server


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Start a server, and stop it in the end; its log must hold no fault."""
    server.start()
    try:
        yield server
        assert server.faults() == []
    finally:
        server.stop()
