"""What a client was told: where the server is, who asks, and how patient to be. Pure, shared by both clients."""

import time
from collections.abc import Callable, Mapping
from typing import TypedDict, Unpack

from msgspec import Struct

from threadline.client.retry import RECONNECT_SECONDS_MAX, RETRIES_MAX, Backoff, Outage

BASE_URL = "http://127.0.0.1:8400"
TIMEOUT_SECONDS = 30.0

HEARTBEAT_SECONDS = 15.0
"""How often the server says something on a quiet stream; the wire contract's number."""

STREAM_IDLE_SECONDS_MAX = 2.5 * HEARTBEAT_SECONDS
"""Silence after which a stream counts as dead. Two heartbeats may be late; a third one cannot be."""

CONNECTIONS_MAX = 1000
"""Streams and calls at a time, below the usual limit of 1,024 open files. An `http_client` of yours may have more."""


class ClientOptions(TypedDict, total=False):
    """How patient a client is. Times are in seconds.

    `timeout` and `max_retries` are for plain calls. A stream counts as dead after `stream_idle_seconds_max` of
    silence, and is given up after `reconnect_seconds_max` without progress. `backoff` says how long the pauses
    between tries are.
    """

    timeout: float
    max_retries: int
    reconnect_seconds_max: float
    stream_idle_seconds_max: float
    backoff: Backoff


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of one client. Times are in seconds."""

    base_url: str
    api_key: str | None = None
    timeout: float = TIMEOUT_SECONDS
    max_retries: int = RETRIES_MAX
    reconnect_seconds_max: float = RECONNECT_SECONDS_MAX
    stream_idle_seconds_max: float = STREAM_IDLE_SECONDS_MAX
    backoff: Backoff = Backoff()
    clock: Callable[[], float] = time.monotonic

    def __repr__(self) -> str:
        return f"Settings(base_url={self.base_url!r})"  # Never the key.

    def outage(self) -> Outage:
        """Return the patience of a new stream."""
        return Outage(self.backoff, self.reconnect_seconds_max, self.clock)


def settings_from(
    base_url: str | None, api_key: str | None, environ: Mapping[str, str], **options: Unpack[ClientOptions]
) -> Settings:
    """Return the settings of a client that was given these. Raises `ValueError` for a `base_url` that is no URL."""
    return Settings(base_url=base_url_from(base_url, environ), api_key=api_key_from(api_key, environ), **options)


def base_url_from(given: str | None, environ: Mapping[str, str]) -> str:
    """Return the server's address: as given, else `THREADLINE_URL`, else this machine's. Raises `ValueError`."""
    url = (given or environ.get("THREADLINE_URL") or BASE_URL).strip().rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"base_url must begin with http:// or https://, not {url!r}")
    return url


def api_key_from(given: str | None, environ: Mapping[str, str]) -> str | None:
    """Return the key: as given, else `THREADLINE_API_KEY`, else none."""
    # A key that was read from a file has a line end more often than not, and a header cannot carry one.
    return (given or environ.get("THREADLINE_API_KEY") or "").strip() or None
