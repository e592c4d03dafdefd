"""Brings a SQLite file to this program's schema, and refuses one that is newer.

The number of the last step that ran is the file's `user_version`; it changes in the same transaction as the schema.
"""

from collections.abc import Callable
from importlib import resources

import apsw

from threadline.errors import StoreRefused

Progress = Callable[[str, int, int], None]
"""Called as (name of the step, its number, number of the last step)."""


def steps() -> list[tuple[int, str, str]]:
    """Return (number, name, SQL) of every step, in order."""
    folder = resources.files("threadline.store.sqlite.migrations")
    found = [
        (int(file.name[:4]), file.name.removesuffix(".sql"), file.read_text())
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found)


def version_of(connection: apsw.Connection) -> int:
    """Return the number of the last step that ran on this file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").get)


def migrate(connection: apsw.Connection, progress: Progress | None = None) -> int:
    """Run the steps that are missing. Returns how many ran.

    Raises:
        StoreRefused: the file was written by a newer program.
    """
    known = steps()
    newest = known[-1][0]
    refuse_newer(version_of(connection), newest)
    done = 0
    for number, name, sql in known:
        done += _run_step(connection, number, sql)
        if progress is not None:
            progress(name, number, newest)
    return done


def refuse_newer(version: int, newest: int) -> None:
    """Raise StoreRefused where a file's version is beyond this program's newest step."""
    if version > newest:
        raise StoreRefused(
            f"The database has schema version {version}; this Threadline knows versions up to {newest}. "
            "Start the newer Threadline that wrote it, or restore a backup made before the upgrade."
        )


def _run_step(connection: apsw.Connection, number: int, sql: str) -> int:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read inside the transaction: a `threadline keys` beside a starting server migrates too, and one of them
        # finds the work done.
        if version_of(connection) >= number:
            connection.execute("ROLLBACK")
            return 0
        connection.execute(sql)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return 1
