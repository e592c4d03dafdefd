"""Dumps a PostgreSQL database with PostgreSQL's own `pg_dump`: one moment of it, while nodes go on working.

Made under another name and renamed in the end: whatever stands under the name that was asked for is whole.
"""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from threadline.errors import StoreRefused
from threadline.file_records import FileRef, blob_key
from threadline.store.postgres.connections import ENGINE_ROLE
from threadline.store.postgres.operator import become_engine, connected, shown
from threadline.store.postgres.schema import has_roles, version_of

PROGRAM = "pg_dump"
REASON_CHARS_MAX = 1000
"""Of what pg_dump says when it fails: its first lines say why, and thousands may follow."""


def dump(dsn: str, target: Path) -> int:
    """Dump the database to `target`, which is replaced. Returns the size of the dump in bytes.

    Raises:
        StoreRefused: no connection, no Threadline in it, no pg_dump on this machine, or it failed.
    """
    is_walled = asyncio.run(_look(dsn))
    arguments = ["--format=custom", "--no-password", *(_AS_ENGINE if is_walled else [])]
    program = shutil.which(PROGRAM)
    if program is None:
        raise StoreRefused(
            "PostgreSQL is backed up with its own pg_dump, which is not on this machine. Install it (Debian and "
            f"Ubuntu: `apt install postgresql-client`), or run it where it is: `{by_hand(dsn, target, arguments)}`."
        )
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        # The conversations of everybody are in it: readable by its owner alone, from its first byte on.
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _run([program, *arguments, f"--file={draft}"], dsn, target)
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)
        return target.stat().st_size
    except OSError as error:
        raise StoreRefused(f"The backup {target} cannot be written: {error.strerror or error}.") from error


async def files_in(dsn: str) -> list[FileRef]:
    """Return the files of a database of any version whose bytes are somewhere. Raises StoreRefused."""
    async with connected(dsn) as connection, connection.transaction():
        if await connection.fetchval("SELECT to_regclass('files')") is None:
            return []
        await become_engine(connection, await has_roles(connection))
        rows = await connection.fetch(
            "SELECT tenant_id, id, size, sha256 FROM files WHERE state = 'ready' ORDER BY tenant_id, id"
        )
    return [FileRef(blob_key(row[0], row[1]), row[2], row[3]) for row in rows]


def by_hand(dsn: str, target: Path, arguments: list[str]) -> str:
    """Return the command for somebody to run himself, without the password."""
    return f"{PROGRAM} {' '.join(arguments)} --file={target} {_without_password(dsn)}"


# Row-level security holds for the tables' owner, too, and pg_dump refuses to leave rows out; the engine sees them all.
_AS_ENGINE = [f"--role={ENGINE_ROLE}", "--enable-row-security"]


async def _look(dsn: str) -> bool:
    async with connected(dsn) as connection:
        if not await version_of(connection):
            raise StoreRefused(f"There is no Threadline database at {shown(dsn)} to dump.")
        return await has_roles(connection)


def _run(command: list[str], dsn: str, target: Path) -> None:
    # Not on the command line, which everybody on the machine may read.
    password = urlsplit(dsn).password
    env = os.environ | ({} if password is None else {"PGPASSWORD": unquote(password)})
    done = subprocess.run(  # noqa: S603 - a program that is found on the path, with arguments of our own
        [*command, _without_password(dsn)], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip()[:REASON_CHARS_MAX]
        mismatch = " pg_dump has to be as new as the server." if "version mismatch" in said else ""
        raise StoreRefused(f"{PROGRAM} could not dump {shown(dsn)} to {target}: {said}{mismatch}")


def _without_password(dsn: str) -> str:
    parts = urlsplit(dsn)
    user, mark, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{mark}{host}"))
