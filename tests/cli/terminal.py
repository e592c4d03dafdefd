"""A pseudo-terminal with a command in it, as somebody sits at it."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

from support.server import command, environment
from support.waiting import PATIENCE_SECONDS

WIDTH, HEIGHT = 100, 30

# The child makes the terminal its own, so that Ctrl-C reaches it as a signal, and becomes the command.
_LAUNCHER = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
_ORDERS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|\r")

# Bracketed paste is switched on with each prompt, and with nothing else: it stands for the prompt in what was seen.
_PASTE_ON = b"\x1b[?2004h"
_PROMPT = "\u2063"

CTRL_C = "\x03"
CTRL_D = "\x04"


class Terminal:
    """One command in one terminal. `seen` is all that was written to it, without the orders to move and to colour."""

    def __init__(self, arguments: Sequence[str], home: Path, settings: dict[str, str]) -> None:
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        # Nobody answers a question for the cursor's place here, and prompt_toolkit would wait for the answer.
        more = {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", "XDG_STATE_HOME": str(home / "state")}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCHER, *command(*arguments)],
            env=environment(home, {**more, **settings}),
            cwd=home,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
        )
        self._bytes = b""
        self._read_upto = 0

    @property
    def seen(self) -> str:
        """All that was shown so far, in the order of its arrival."""
        shown = self._bytes.replace(_PASTE_ON, _PROMPT.encode()).decode(errors="replace")
        return _ORDERS.sub("", shown)

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._slave)[3] & termios.ECHO)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def wait_for(self, text: str) -> None:
        """Wait until `text` is shown, behind what was waited for before."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (place := self.seen.find(text, self._read_upto)) < 0:
            assert time.monotonic() < deadline, f"{text!r} was not shown: {self.seen[-2000:]!r}"
            self._read()
        self._read_upto = place + len(text)

    def wait_for_prompt(self) -> None:
        """Wait until a line may be typed."""
        self.wait_for(_PROMPT)

    def wait_for_exit(self) -> int:
        """Read to the end; return the exit status."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end: {self.seen[-2000:]!r}"
            self._read()
        while self._read():
            pass
        return self._process.wait()

    def close(self) -> None:
        """Pull the plug, where it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)
        os.close(self._slave)

    def _read(self) -> bool:
        readable, _, _ = select.select([self._master], [], [], 0.05)
        if readable:
            self._bytes += os.read(self._master, 65536)
        return bool(readable)
