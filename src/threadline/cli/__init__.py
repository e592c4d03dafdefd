"""The commands. Each one's `--help` is its reference; `docs/reference/cli.md` is compared with it by a test."""

import sys
from typing import ClassVar

import click

from threadline import __version__
from threadline.errors import ThreadlineError


class Commands(click.Group):
    """Loads a command when it is asked for: `threadline serve` does not import what `chat` needs."""

    rooms: ClassVar[dict[str, str]] = {
        "chat": "threadline.cli.chat",
        "db": "threadline.cli.db",
        "doctor": "threadline.cli.doctor",
        "keys": "threadline.cli.keys",
        "link": "threadline.cli.link",
        "serve": "threadline.cli.serve",
        "threads": "threadline.cli.threads",
        "tools": "threadline.cli.tools",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(self.rooms)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return one command."""
        if name not in self.rooms:
            return None
        from importlib import import_module

        command = import_module(self.rooms[name]).command
        assert isinstance(command, click.Command), "every room of the CLI has its `command`"
        return command


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="threadline")
def commands() -> None:
    """Threadline: a durable chat backend. An answer is state in a log, not a stream on a connection."""


def main() -> None:
    """Run a command; say in words what went wrong."""
    try:
        status = commands.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except ThreadlineError as error:
        click.echo(f"threadline: {error.detail}", err=True)
        sys.exit(1)
    # Without its standalone mode click returns the status of `ctx.exit` instead of leaving with it.
    if isinstance(status, int):
        sys.exit(status)
