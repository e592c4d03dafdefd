"""Why nobody can listen at an address, and what to do about it."""

import errno
import os

from threadline.errors import SettingsRefused

_WHAT_TO_DO = {
    errno.EADDRINUSE: "Stop who listens there, or name another port with --port; `--port 0` takes a free one.",
    errno.EACCES: "Ports below 1024 are for root; --port names another.",
    errno.EADDRNOTAVAIL: "This machine does not have that address; --host names another, 0.0.0.0 means all it has.",
}


def cannot_listen(host: str, port: int, error: OSError) -> SettingsRefused:
    """Return the error for an operator whose server could not listen there."""
    number = error.errno or 0
    # `strerror` has the address in it a second time where Python says it.
    reason = os.strerror(number) if number > 0 else error.strerror or error
    return SettingsRefused(f"Cannot listen on {host}:{port}: {reason}. {_WHAT_TO_DO.get(number, '')}".rstrip())
