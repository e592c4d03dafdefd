"""Threadline: a durable chat backend. An AI answer is state in a log, not a stream on a connection.

`from threadline import Threadline, AsyncThreadline` gives the SDK. It is imported when asked for, so that the server
starts without it and a client without the server.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from threadline.client import AsyncThreadline, Threadline

__all__ = ["AsyncThreadline", "Threadline", "__version__"]


def __getattr__(name: str) -> Any:
    if name in ("AsyncThreadline", "Threadline"):
        from threadline import client

        return getattr(client, name)
    raise AttributeError(f"module 'threadline' has no attribute {name!r}")
