"""`threadline chat`: talk with a Threadline server from a terminal, or from a pipe."""

import os
import sys
from collections.abc import Iterator

import click
from rich.console import Console

from threadline.cli.talk.conversation import Conversation, end_user_of_terminal
from threadline.cli.talk.pages import cost_of, end_of
from threadline.cli.talk.prompt import ask_to_agree, piped_lines, typed_lines
from threadline.cli.talk.screen import LiveScreen, PlainScreen, Screen
from threadline.cli.talk.sentences import no_key, no_server, sentence
from threadline.cli.talk.slash import HELP, Leave, SlashCommands
from threadline.cli.terminal import CommandRefused
from threadline.client import Threadline
from threadline.client.errors import ThreadlineError as ClientError
from threadline.client.models import Run
from threadline.client.settings import api_key_from, base_url_from

CALL_SECONDS_MAX = 10.0
"""For everything but answers: whoever sits at a terminal wants to know sooner than a program does."""


@click.command("chat")
@click.option("--url", metavar="URL", help="The server. Default: http://127.0.0.1:8400. [THREADLINE_URL]")
@click.option(
    "--key", metavar="KEY", help="An API key, or an end-user token; better in the variable. [THREADLINE_API_KEY]"
)
@click.option("--thread", "thread_id", metavar="ID", help="Go on with this thread.")
@click.option("--model", metavar="MODEL", help="Who is asked: provider/model. Default: the thread's, or the server's.")
@click.option("--new", "is_new", is_flag=True, help="Begin a new thread, rather than going on with the latest.")
@click.option("--reasoning", is_flag=True, help="Show all of a model's reasoning, not one line of it.")
def command(
    url: str | None, key: str | None, thread_id: str | None, model: str | None, is_new: bool, reasoning: bool
) -> None:
    """Talk with a server, on a terminal or through a pipe.

    On a terminal it goes on with your latest thread, if there is one. Ctrl-C stops an answer; at the prompt, Ctrl-C
    and Ctrl-D leave. /help lists the commands.

    Through a pipe, each line is sent in turn, to a new thread unless --thread names one, and the answers go to stdout.
    It ends with status 1 when an answer fails.
    """
    if is_new and thread_id is not None:
        raise click.UsageError("--new and --thread exclude each other.")
    address, secret = _address(url), api_key_from(key, os.environ)
    client = Threadline(address, secret, timeout=CALL_SECONDS_MAX)
    chat = Chat(client, address, _screen(reasoning), secret or "", model)
    try:
        chat.check(has_key=secret is not None)
        chat.start(thread_id, is_new)
        chat.talk()
    except ClientError as error:
        raise CommandRefused(sentence(error, address)) from error
    except KeyboardInterrupt:
        # The client is not closed: its stream is still being read, by a thread that ends with the process.
        chat.leave()
        raise
    client.close()


class Chat:
    """One sitting."""

    def __init__(self, client: Threadline, url: str, screen: Screen, key: str, model: str | None) -> None:
        self._client = client
        self._url = url
        self._is_interactive = sys.stdin.isatty()
        agree = ask_to_agree if self._is_interactive else None
        self._conversation = Conversation(client, screen, end_user_of_terminal(key), model, agree)
        self._slash = SlashCommands(self._conversation, self._show_end)

    def check(self, has_key: bool) -> None:
        """See that there is a server, and that it takes the key. Raises CommandRefused, and what the SDK raises."""
        if not self._client.health().alive:
            raise CommandRefused(no_server(self._url))
        if not has_key:
            raise CommandRefused(no_key(self._url, os.environ))
        self._client.models.list()

    def start(self, thread_id: str | None, is_new: bool) -> None:
        """Go to the thread that is meant."""
        if thread_id is not None:
            self._start_in(thread_id)
            return
        if not self._is_interactive:
            return
        latest = None if is_new else next(iter(self._conversation.recent()), None)
        if latest is None:
            click.secho(f"Talking with {self._url}. /help lists the commands, Ctrl-D leaves.", err=True, dim=True)
            return
        hint = "Going on with your latest thread; /new begins another, /help lists the commands."
        click.secho(hint, err=True, dim=True)
        self._slash.open(latest.id)

    def talk(self) -> None:
        """Take line after line. Raises CommandRefused where a line of a pipe fails."""
        for line in self._lines():
            try:
                self._do(line)
            except Leave:
                return
            except (CommandRefused, ClientError) as error:
                self._refuse(error)

    def leave(self) -> None:
        """Say how to come back to an answer that was left before its end."""
        if (thread := self._conversation.thread) is not None:
            click.secho(f"Left. `threadline chat --thread {thread.id}` comes back to it.", err=True, dim=True)

    def _start_in(self, thread_id: str) -> None:
        if self._is_interactive:
            self._slash.open(thread_id)
        else:
            self._conversation.open(thread_id)

    def _lines(self) -> Iterator[str]:
        return typed_lines(list(HELP)) if self._is_interactive else piped_lines()

    def _do(self, line: str) -> None:
        if line.startswith("/") and not line.startswith("//"):
            self._slash.do(line)
            return
        run = self._conversation.send(line.removeprefix("/") if line.startswith("//") else line)
        self._show_end(run)
        if not self._is_interactive and run is not None and run.status != "completed":
            sys.exit(1)

    def _show_end(self, run: Run | None) -> None:
        """Say how an answer ended, where that is not plain to see; where there was none, nothing."""
        if run is None:
            return
        if failed := end_of(run):
            click.secho(failed, err=True, fg=None if run.status in ("cancelled", "waiting") else "red")
        elif self._is_interactive:
            click.secho(cost_of(run), err=True, dim=True)

    def _refuse(self, error: CommandRefused | ClientError) -> None:
        said = error.detail if isinstance(error, CommandRefused) else sentence(error, self._url)
        if not self._is_interactive:
            raise CommandRefused(said) from error
        click.secho(said, err=True, fg="red")


def _screen(with_reasoning: bool) -> Screen:
    # A terminal that cannot move its cursor gets what a file gets.
    console = Console()
    is_live = console.is_terminal and not console.is_dumb_terminal
    return LiveScreen(console, with_reasoning) if is_live else PlainScreen(with_reasoning)


def _address(url: str | None) -> str:
    try:
        return base_url_from(url, os.environ)
    except ValueError as error:
        raise CommandRefused(
            f"{url or os.environ.get('THREADLINE_URL')!r} is no address: it begins with http://."
        ) from error
