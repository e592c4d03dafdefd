"""The slash commands: what a line that begins with `/` does."""

from collections.abc import Callable, Mapping
from typing import Final

import click

from threadline.cli.talk.conversation import Conversation, settled
from threadline.cli.talk.pages import show_message, show_models, show_queue, show_threads
from threadline.cli.terminal import CommandRefused, one_line
from threadline.client.models import Run, Thread

TITLE_CHARS = 60
NONE_YET = "There is no thread yet; the first message begins one."


class Leave(Exception):
    """The conversation is over."""


class SlashCommands:
    """The commands of one terminal. Remembers the last list, so that `/open 2` means its second line."""

    def __init__(self, conversation: Conversation, show_end: Callable[[Run | None], None]) -> None:
        self._conversation = conversation
        self._show_end = show_end
        self._listed: list[Thread] = []

    def do(self, line: str) -> None:
        """Do what a line says. Raises CommandRefused, Leave, and what the SDK raises."""
        name, _, argument = line.strip().partition(" ")
        if name not in HELP:
            raise CommandRefused(f"There is no command {one_line(name, TITLE_CHARS)}; /help lists them.")
        _ACTIONS[name](self, argument.strip())

    def help(self, argument: str) -> None:
        """List the commands."""
        width = max(len(usage) for usage, _ in HELP.values())
        for usage, what in HELP.values():
            click.echo(f"  {usage:<{width}}  {what}")

    def threads(self, argument: str) -> None:
        """List the latest threads."""
        self._listed = self._conversation.recent()
        current = self._conversation.thread
        show_threads(self._listed, None if current is None else current.id)

    def open(self, argument: str) -> None:
        """Go to a thread: show its last messages, and whatever is being answered in it, to the end."""
        state = self._conversation.open(self._id_of(argument))
        title = one_line(state.thread.title or "(untitled)", TITLE_CHARS)
        click.secho(f"— {title} · {state.thread.id}", bold=True)
        if state.has_more:
            click.secho("  (earlier messages are not shown)", err=True, dim=True)
        for message in settled(state):
            show_message(message)
        for run in state.runs:
            if run.input is not None:
                show_message(run.input)
            self._show_end(self._conversation.attach(run))

    def new(self, argument: str) -> None:
        """Begin another thread, with the next message."""
        self._conversation.leave()
        click.secho("The next message begins a new thread.", err=True, dim=True)

    def model(self, argument: str) -> None:
        """Ask another model from here on; without a name, list them."""
        if not argument:
            show_models(self._conversation.models(), self._conversation.model)
            return
        self._conversation.model = argument
        click.secho(f"{one_line(argument, TITLE_CHARS)} answers from here on.", err=True, dim=True)

    def title(self, argument: str) -> None:
        """Name the thread."""
        if not argument:
            thread = self._conversation.thread
            click.echo(NONE_YET if thread is None else one_line(thread.title or "(untitled)", TITLE_CHARS))
            return
        self._conversation.name(argument)
        click.secho(f"The thread is called “{one_line(argument, TITLE_CHARS)}”.", err=True, dim=True)

    def queue(self, argument: str) -> None:
        """List what waits for its turn."""
        show_queue(self._conversation.queue())

    def quit(self, argument: str) -> None:
        """Leave."""
        raise Leave

    def _id_of(self, argument: str) -> str:
        if not argument:
            raise CommandRefused("/open takes a thread's id, or its number in the list of /threads.")
        if not argument.isdecimal():
            return argument
        if not self._listed:
            self._listed = self._conversation.recent()
        number = int(argument)
        if not 1 <= number <= len(self._listed):
            raise CommandRefused(f"There is no thread number {argument} in the list of /threads.")
        return self._listed[number - 1].id


HELP: Final[Mapping[str, tuple[str, str]]] = {
    "/help": ("/help", "lists these commands"),
    "/threads": ("/threads", "lists your latest threads"),
    "/open": ("/open N|ID", "goes to a thread of that list, or of that id, and to what is being answered in it"),
    "/new": ("/new", "begins another thread"),
    "/model": ("/model [NAME]", "asks that model from here on; without a name: lists the models"),
    "/title": ("/title [TEXT]", "names the thread"),
    "/queue": ("/queue", "lists what waits for its turn in this thread"),
    "/quit": ("/quit", "leaves, as Ctrl-D and Ctrl-C do; while an answer comes, Ctrl-C stops it"),
}
"""Each command: how it is used, and what it does. `//` at the start of a line sends a text that begins with a slash."""

_ACTIONS: Final[Mapping[str, Callable[[SlashCommands, str], None]]] = {
    "/help": SlashCommands.help,
    "/threads": SlashCommands.threads,
    "/open": SlashCommands.open,
    "/new": SlashCommands.new,
    "/model": SlashCommands.model,
    "/title": SlashCommands.title,
    "/queue": SlashCommands.queue,
    "/quit": SlashCommands.quit,
}
