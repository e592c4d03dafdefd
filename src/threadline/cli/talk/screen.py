"""What is shown of an answer while it comes, and when it is there: on a terminal as Markdown, elsewhere as plain text.

A screen is told what happens and decides alone how to show it. What an answer says goes to stdout. What is said about
it goes to stderr where stdout is no terminal, so that `threadline chat > answer.md` has the answer and nothing else.
"""

import sys
import termios
import time
from typing import Any, Protocol

import click
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment
from rich.spinner import Spinner
from rich.text import Text

from threadline.cli.talk.excerpt import last_blocks
from threadline.cli.terminal import counted, harmless, one_line

REFRESHES_PER_SECOND_MAX = 15
LINES_KEPT_FREE = 4
"""Of the terminal's height: the line of the reasoning, the line of the state, and a little air."""


class Screen(Protocol):
    """One answer after the other, each from `begin` to `end`."""

    def begin(self) -> None:
        """An answer will come."""
        ...

    def say(self, piece: str) -> None:
        """The answer goes on."""
        ...

    def think(self, piece: str) -> None:
        """The model's reasoning goes on."""
        ...

    def start_over(self) -> None:
        """Everything that the answer has said and thought is void."""
        ...

    def state(self, words: str) -> None:
        """Say what is going on, until something else does: nothing that has to be remembered."""
        ...

    def note(self, words: str) -> None:
        """Say something that is to stay."""
        ...

    def tick(self) -> None:
        """Some time has passed."""
        ...

    def end(self) -> None:
        """The answer is there, or will not come any more."""
        ...


class PlainScreen:
    """Text as it comes, for files, pipes, and whoever reads with `tail -f`."""

    def __init__(self, with_reasoning: bool) -> None:
        self._with_reasoning = with_reasoning
        self._is_mid_answer = False
        self._is_mid_thought = False
        self._state = ""

    def begin(self) -> None:
        """Nothing is shown before the first word."""
        self._state = ""

    def say(self, piece: str) -> None:
        """Write it, at once."""
        self._end_thought()
        # Not by click, which would take out what could be orders: a file gets the answer as it is.
        sys.stdout.write(harmless(piece) if sys.stdout.isatty() else piece)
        sys.stdout.flush()
        self._is_mid_answer = not piece.endswith("\n")

    def think(self, piece: str) -> None:
        """Write it to stderr, where it is wanted."""
        if self._with_reasoning:
            click.echo(piece, nl=False, err=True)
            self._is_mid_thought = not piece.endswith("\n")

    def start_over(self) -> None:
        """Begin a new line; what is written cannot be taken back."""
        self.end()

    def state(self, words: str) -> None:
        """Write it to stderr where it is news."""
        if words and words != self._state:
            self.note(words)
        self._state = words

    def note(self, words: str) -> None:
        """Write it to stderr."""
        self._end_thought()
        click.echo(f"[{words}]", err=True)

    def tick(self) -> None:
        """Everything is written already."""

    def end(self) -> None:
        """End the line."""
        self._end_thought()
        if self._is_mid_answer:
            click.echo()
        self._is_mid_answer = False

    def _end_thought(self) -> None:
        if self._is_mid_thought:
            click.echo(err=True)
        self._is_mid_thought = False


class _Draft:
    """What an answer has said and thought so far."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.thoughts: list[str] = []
        self.thought_seconds: float | None = None
        self._thinking_since: float | None = None

    def say(self, piece: str) -> None:
        if self._thinking_since is not None and self.thought_seconds is None:
            self.thought_seconds = time.monotonic() - self._thinking_since
        self.pieces.append(harmless(piece))

    def think(self, piece: str) -> None:
        if self._thinking_since is None:
            self._thinking_since = time.monotonic()
        self.thoughts.append(harmless(piece))

    def folded_thoughts(self, width: int) -> str:
        """Return the reasoning as one line: how much it is, and its newest words while it goes on."""
        thoughts = "".join(self.thoughts)
        words = counted(len(thoughts.split()), "word")
        if self.thought_seconds is None:
            return one_line(f"thinking, {words}: …{thoughts[-width:]}"[-2 * width :], width)
        return f"thought for {self.thought_seconds:.1f} s, {words} (--reasoning shows them)"


class LiveScreen:
    """Markdown that grows. While it does, its end is shown; when it is whole, it is printed once, for good."""

    def __init__(self, console: Console, with_reasoning: bool) -> None:
        self._console = console
        self._with_reasoning = with_reasoning
        self._live: Live | None = None
        self._spinner = Spinner("dots")
        self._draft = _Draft()
        self._notes: list[str] = []
        self._state = ""
        self._shown_at = 0.0
        self._echo: list[Any] | None = None

    def begin(self) -> None:
        """Show that something is going on."""
        self._draft, self._notes, self._state, self._shown_at = _Draft(), [], "", 0.0
        self._echo = echo_off()
        self._live = Live(console=self._console, auto_refresh=False, transient=True, vertical_overflow="crop")
        self._live.start()
        self.tick()

    def say(self, piece: str) -> None:
        """Add to the text; it is shown with the next refresh."""
        self._draft.say(piece)
        self._state = ""

    def think(self, piece: str) -> None:
        """Add to the reasoning."""
        self._draft.think(piece)
        self._state = ""

    def start_over(self) -> None:
        """Forget what was said: it vanishes with the next refresh."""
        self._draft = _Draft()

    def state(self, words: str) -> None:
        """Show it in the last line."""
        self._state = words

    def note(self, words: str) -> None:
        """Show it above the answer, where it stays."""
        self._notes.append(words)

    def tick(self) -> None:
        """Show what is new, if it is time to."""
        now = time.monotonic()
        if self._live is not None and now - self._shown_at >= 1 / REFRESHES_PER_SECOND_MAX:
            self._shown_at = now
            self._live.update(self._in_progress(), refresh=True)

    def end(self) -> None:
        """Print the whole answer in the place of its excerpt."""
        if self._live is None:
            return
        self._live.update("", refresh=True)
        self._live.stop()
        self._live = None
        echo_on(self._echo)
        for part in self._above():
            self._console.print(part)
        if text := "".join(self._draft.pieces):
            self._console.print(markdown(text))

    def _above(self) -> list[RenderableType]:
        parts: list[RenderableType] = [dim(note) for note in self._notes]
        if not self._draft.thoughts:
            return parts
        if self._with_reasoning:
            return [*parts, Text("".join(self._draft.thoughts).strip() + "\n", style="dim italic")]
        return [*parts, dim(self._draft.folded_thoughts(self._console.width - 1))]

    def _in_progress(self) -> RenderableType:
        height = max(self._console.height - LINES_KEPT_FREE - len(self._notes), 4)
        parts = self._above()
        if self._draft.thoughts and self._with_reasoning:
            height = height // 2 if self._draft.pieces else height
            parts[-1] = _End(parts[-1], height)
        if self._draft.pieces:
            text = last_blocks("".join(self._draft.pieces), 2 * height)
            parts.append(_End(markdown(text), height))
        self._spinner.text = dim(self._state)  # `update` would keep the old words where there are none.
        return Group(*parts, self._spinner)


class _End:
    """The last lines of something that may be longer than the screen is high."""

    def __init__(self, whole: RenderableType, height: int) -> None:
        self._whole = whole
        self._height = height

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._whole, options.update(height=None), pad=False)
        for line in lines[-self._height :]:
            yield from line
            yield Segment.line()


def echo_off() -> list[Any] | None:
    """Show no more of what is typed: its line ends would move the lines that we believe to be ours.

    What is typed meanwhile is not lost; the next prompt gets it. Returns what `echo_on` needs.
    """
    if not sys.stdin.isatty():
        return None
    before = termios.tcgetattr(sys.stdin)
    during = [*before]
    during[3] &= ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSANOW, during)
    return before


def echo_on(before: list[Any] | None) -> None:
    """Undo `echo_off`."""
    if before is not None:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def markdown(text: str) -> Markdown:
    """Return text to be printed as Markdown. Addresses are written out: a link could hide where it leads."""
    return Markdown(text, hyperlinks=False, code_theme="ansi_dark")


def dim(words: str) -> Text:
    """Return words that are about the conversation and not part of it."""
    return Text(words, style="dim")
