"""An S3-compatible server of the tests' own: moto's, as a process."""

import os
import signal
import subprocess
import sys
import time

import httpx

from . import asking
from .processes import free_port
from .waiting import PATIENCE_SECONDS

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests", "AWS_REGION": "us-east-1"}


class S3Server:
    """Listens on a free port; forgets everything when it stops."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "S3Server":
        """Start, and wait until it answers."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-p", str(self.port)],
            env={**os.environ, **CREDENTIALS},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                asking.get(self.url)
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            return self
        raise AssertionError("the S3 server does not answer")

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def make_bucket(self, name: str) -> str:
        """Make a bucket; return the setting for it."""
        assert asking.request("PUT", f"{self.url}/{name}").status_code == 200
        return f"s3://{name}/threadline?endpoint={self.url}&region=us-east-1"

    def keys(self, bucket: str) -> list[str]:
        """Return what lies in a bucket."""
        text = asking.get(f"{self.url}/{bucket}?list-type=2").text
        return [part.partition("</Key>")[0] for part in text.split("<Key>")[1:]]
