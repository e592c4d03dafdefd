"""What went wrong between here and the server, in a sentence that says what to do."""

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from threadline.cli.terminal import harmless
from threadline.client import errors
from threadline.errors import SettingsRefused
from threadline.settings import load_settings


def no_server(url: str) -> str:
    """Say that nobody answers."""
    return f"No server answers at {url}; `threadline serve` starts one. --url or THREADLINE_URL names another."


def no_key(url: str, env: Mapping[str, str]) -> str:
    """Say how to come by a key: by making one where the server's data folder is ours, else by asking for one."""
    if is_loopback(url) and _has_data_folder(env):
        return "The server wants an API key. Make one: export THREADLINE_API_KEY=$(threadline keys create)"
    return (
        f"The server at {url} wants an API key, in THREADLINE_API_KEY or with --key. Whoever runs it makes one with "
        "`threadline keys create`."
    )


def wrong_key(url: str) -> str:
    """Say that the server does not know the key."""
    return (
        f"The server at {url} does not take this API key. On its machine, `threadline keys list` shows which it knows, "
        "and `threadline keys create` makes another."
    )


def sentence(error: errors.ThreadlineError, url: str) -> str:
    """Say what went wrong."""
    match error:
        case errors.Unauthorized():
            return wrong_key(url)
        case errors.ModelUnknown():
            return f"{harmless(error.detail or error.title)} /model without a name lists what is known."
        case errors.APIError():
            return harmless(error.detail or error.title)
        case errors.ConnectionLost(never_sent=True, run_id=None):
            return no_server(url)
        case errors.ConnectionLost() if error.run_id is not None:
            return f"The server at {url} is gone ({error}). The answer goes on when it is back, with us or without."
        case errors.ConnectionLost() | errors.Timeout():
            return f"The server at {url} does not answer: {error}."
        case _:
            return f"What answers at {url} does not speak as Threadline does: {error}."


def outage(error: errors.ThreadlineError, seconds: float) -> str:
    """Say in half a line that there is a pause, and how long it is."""
    what = "the server is busy" if isinstance(error, errors.APIError) else "connection lost"
    return f"{what}, trying again in {max(seconds, 0.1):.1f} s…"


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _has_data_folder(env: Mapping[str, str]) -> bool:
    try:
        return os.access(load_settings({}, env).database_path, os.R_OK)
    except SettingsRefused:
        return False
