"""Single HTTP requests of tests: as patient as a busy machine needs, and without loading the world's authorities each time."""

import ssl
from contextlib import AbstractContextManager
from typing import Any

import httpx

from .waiting import PATIENCE_SECONDS

TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For servers on this machine, which speak no TLS: to load whom to trust takes ten times as long as a request."""

_OPTIONS: dict[str, Any] = {"timeout": PATIENCE_SECONDS, "verify": TRUSTS_NOBODY}


def request(method: str, url: str, **options: Any) -> httpx.Response:
    """Send a request over a connection of its own."""
    return httpx.request(method, url, **_OPTIONS, **options)


def get(url: str, **options: Any) -> httpx.Response:
    """GET."""
    return request("GET", url, **options)


def stream(method: str, url: str, **options: Any) -> AbstractContextManager[httpx.Response]:
    """Send a request, and read its answer as it comes."""
    return httpx.stream(method, url, **_OPTIONS, **options)


def client(**options: Any) -> httpx.Client:
    """Return a client that keeps its connections, and its cookies."""
    return httpx.Client(**_OPTIONS, **options)
