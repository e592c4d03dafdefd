"""Where the lines come from: a person at a terminal, with editing and history, or a pipe."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from platformdirs import user_state_path
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output

PROMPT = "> "
HISTORY_NAME = "chat_history"


def piped_lines() -> Iterator[str]:
    """Yield the lines of stdin that have something in them."""
    for line in sys.stdin:
        if line.strip():
            yield line.rstrip("\r\n")


def typed_lines(commands: Sequence[str]) -> Iterator[str]:
    """Yield what a person types, until Ctrl-C or Ctrl-D. `commands` are offered with the tabulator."""
    session = _session(commands)
    while True:
        try:
            line = session.prompt(PROMPT)
        except (EOFError, KeyboardInterrupt):
            return
        if line.strip():
            yield line.strip()


def ask_to_agree(call: str) -> bool | None:
    """Ask whether a tool may be called; None leaves it for later. Raises KeyboardInterrupt for Ctrl-C."""
    session: PromptSession[str] = PromptSession(
        output=None if sys.stdout.isatty() else create_output(stdout=sys.stderr)
    )
    while True:
        try:
            said = session.prompt(f"May it call {call}? [y/n, Enter: later] ", handle_sigint=False).strip().lower()
        except EOFError:
            return None
        if said in ("", "later"):
            return None
        if said in ("y", "yes", "n", "no"):
            return said.startswith("y")


def history_path() -> Path:
    """Return the file of what was typed before."""
    return user_state_path("threadline", appauthor=False) / HISTORY_NAME


def _session(commands: Sequence[str]) -> PromptSession[str]:
    session: PromptSession[str] = PromptSession(
        history=_history(history_path()),
        completer=WordCompleter(list(commands), sentence=True),
        complete_while_typing=Condition(lambda: session.default_buffer.text.startswith("/")),
        key_bindings=_keys(),
        output=None if sys.stdout.isatty() else create_output(stdout=sys.stderr),
    )
    return session


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        """Alt-Enter begins a new line."""
        event.current_buffer.insert_text("\n")

    return keys


def _history(path: Path) -> History:
    # Questions are as private as answers are.
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        with path.open("a"):
            return FileHistory(path)
    except OSError:
        return InMemoryHistory()
