"""`threadline serve`: the process that answers, or the one that looks after several that do."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from threadline.cli.options import setting_options, settings_from
from threadline.errors import StoreRefused
from threadline.observe import set_up_logging
from threadline.settings import FILE_ONLY, Settings

LOCK_NAME = "serve.lock"


@click.command("serve")
@setting_options(*(name for name in Settings.__struct_fields__ if name not in FILE_ONLY))
def command(**options: Any) -> None:
    """Run the server.

    Without options: SQLite in your user data folder, on http://127.0.0.1:8400, with a demo model that needs no key.
    OPENAI_API_KEY or ANTHROPIC_API_KEY in the environment make those vendors' models available.
    """
    settings = settings_from(options)
    set_up_server_logging(settings)
    if settings.workers > 1:
        # Not loaded otherwise, and without what a server needs: this process only looks after others.
        from threadline.cli.workers.supervisor import supervise

        sys.exit(supervise(settings))
    with data_folder_lock(settings):
        from threadline.cli.server import run, serve

        run(lambda: serve(settings))


def set_up_server_logging(settings: Settings) -> None:
    """Log as the settings say."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    set_up_logging(settings.log_level, as_json)


@contextmanager
def data_folder_lock(settings: Settings) -> Iterator[None]:
    """Hold the data folder for this server alone. Raises StoreRefused where another one has it."""
    if settings.is_postgres:
        # Many nodes on one database is what it is for; nothing is kept in the folder.
        yield
        return
    path = settings.database_path.with_name(LOCK_NAME)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("a+")
    except OSError as error:
        raise StoreRefused(f"The data folder {path.parent} is not writable: {error.strerror or error}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreRefused(_taken(path)) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _taken(path: Path) -> str:
    owner = path.read_text().strip()
    by = f" (process {owner})" if owner else ""
    return (
        f"Another `threadline serve`{by} is using the data folder {path.parent}. Stop it, or give this one a folder "
        "of its own with --data."
    )
