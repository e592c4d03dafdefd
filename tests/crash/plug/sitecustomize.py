"""Pulls the plug of a server at one exact step: imported by Python itself when this folder is in PYTHONPATH.

`PLUG=7:before` kills the process when it is about to make its seventh commit, `PLUG=7:after` when that commit is on
disk and nobody has been shown anything of it.
"""

import os
import signal
from typing import Any


def install(plug: str) -> None:
    """Count commits from here on."""
    from threadline.store.sqlite.store import SqliteStore

    number, _, moment = plug.partition(":")
    left = int(number)
    commit = SqliteStore._commit

    def counted(self: SqliteStore, *arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        committed = commit(self, *arguments)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return committed

    SqliteStore._commit = counted  # type: ignore[method-assign]


if plug := os.environ.get("PLUG"):
    install(plug)
