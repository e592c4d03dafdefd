"""The machine: Python, open files, the clock."""

import platform
import resource
import sys
from datetime import UTC, datetime, timedelta

from threadline import __version__
from threadline.cli.examine.finding import Finding, error, ok, warning
from threadline.cli.terminal import counted
from threadline.clock import Clock

PYTHON_MIN = (3, 11)

OPEN_FILES_MIN = 4096
"""Every reader is an open connection. Below this the first busy day ends in refused ones."""

YEAR_MIN = 2026
"""No program of this version ran before: a machine that says so has lost its clock."""

CLOCK_BACK_MAX = timedelta(minutes=2)
"""Between machines that keep their time a message from the future is seconds ahead, not minutes."""


def python(version: tuple[int, ...] = sys.version_info[:3]) -> list[Finding]:
    """Check the version of Python."""
    shown = ".".join(map(str, version))
    if version < PYTHON_MIN:
        return [error(f"This is Python {shown}.", "Threadline needs 3.11 or newer.")]
    return [ok(f"Threadline {__version__} on Python {shown}, {platform.system()}.")]


def open_files(limits: tuple[int, int] | None = None) -> list[Finding]:
    """Check how many files a server may open. `limits` are the soft and the hard limit, by default the process's."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE) if limits is None else limits
    # The soft limit does not matter: `serve` raises it to the hard one.
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES_MIN:
        return [
            warning(
                f"A process may open {counted(hard, 'file')}, and every connected reader is one.",
                f"Raise it: `ulimit -Hn {OPEN_FILES_MIN * 16}`, or LimitNOFILE= of the service.",
            )
        ]
    shown = "any number of files" if hard == resource.RLIM_INFINITY else counted(hard, "file")
    return [ok(f"A process may open {shown}.")]


def clock(now: Clock, last_activity_at: str | None) -> list[Finding]:
    """Check that the clock is of this time, and not behind what was written down last."""
    moment = datetime.fromtimestamp(now.now_ms() / 1000, tz=UTC)
    advice = "Set the clock, and let NTP keep it: tokens expire by it, and new ids sort by it."
    if moment.year < YEAR_MIN:
        return [error(f"The clock says {moment:%Y-%m-%d}, which is past.", advice)]
    if last_activity_at is not None and datetime.fromisoformat(last_activity_at) - moment > CLOCK_BACK_MAX:
        return [error(f"The clock says {moment:%Y-%m-%d %H:%M} UTC; the newest message is from later.", advice)]
    return [ok(f"The clock says {moment:%Y-%m-%d %H:%M} UTC.")]
