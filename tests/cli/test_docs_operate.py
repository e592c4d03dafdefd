"""The pages for operators: every command block on them works word for word, but for the places."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.fixtures import Installation
from support.postgres import PostgresServer, binaries
from support.server import START_SECONDS, Server, copy_installation, environment

PAGES = Path(__file__).parents[2] / "docs" / "operate"
BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)
PLACE = "postgresql://threadline@127.0.0.1/threadline"


def run_blocks(page: str, home: Path, places: dict[str, str]) -> str:
    """Run all commands of a page in one shell that stops at the first that fails; return what was printed."""
    script = "\n".join(BLOCK.findall((PAGES / page).read_text()))
    assert script
    for said, meant in places.items():
        assert said in script, f"{page} no longer says {said}"
        script = script.replace(said, meant)
    (home / "bin").mkdir()
    program = home / "bin" / "threadline"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m threadline "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join([str(home / "bin"), str(binaries()), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=home,
        # The doctor looks at the port, too, and whoever runs the tests may have a server on it.
        env=environment(
            home, {"PATH": path, "LD_LIBRARY_PATH": str(binaries().parent / "lib"), "THREADLINE_PORT": "0"}
        ),
        capture_output=True,
        text=True,
        timeout=START_SECONDS * 3,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_moving_works(stored: Path, database: str, tmp_path: Path) -> None:
    """From a folder of SQLite to a database that is sound."""
    data = copy_installation(stored, tmp_path / "data")
    out = run_blocks("move-to-postgresql.md", tmp_path, {PLACE: database, "/var/lib/threadline": str(data)})
    assert "Everything is copied, and the same on both sides." in out
    assert " is sound: 2 threads" in out


def test_upgrading_works(database: str, installation: Installation, tmp_path: Path) -> None:
    """Beside a running node."""
    node = Server(tmp_path / "node", {"THREADLINE_DATABASE": database}).start()
    try:
        out = run_blocks("upgrade.md", tmp_path, {PLACE: database})
    finally:
        node.stop()
    assert "is already at version" in out
    assert (tmp_path / "before-the-upgrade.dump").read_bytes().startswith(b"PGDMP")


def test_backing_up_and_restoring_works(stored: Path, database: str, postgres: PostgresServer, tmp_path: Path) -> None:
    """SQLite, PostgreSQL, and PostgreSQL by hand; what is restored is sound."""
    data = copy_installation(stored, tmp_path / "data")
    copied = subprocess.run(
        [
            sys.executable,
            "-m",
            "threadline",
            "db",
            "copy",
            "--from",
            f"sqlite:///{data}/threadline.db",
            "--to",
            database,
        ],
        env=environment(tmp_path, {}),
        capture_output=True,
        check=False,
    )
    assert copied.returncode == 0, copied.stderr
    restored = f"{database.rpartition('/')[2]}_restored"
    places = {
        PLACE: database,
        "/var/lib/threadline": str(data),
        "/restored": f"/{restored}",
        " restored\n": f" {restored}\n",
    }
    try:
        out = run_blocks("backup.md", tmp_path, places)
        assert out.count(" is sound: 2 threads") == 2
        assert (tmp_path / "by-hand.dump").stat().st_size > 1000
    finally:
        postgres.drop_database(restored)


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.glob("*.md")))
def test_links_lead_somewhere(page: str) -> None:
    """To pages and files that are there."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", (PAGES / page).read_text()):
        assert "://" in target or (PAGES / target).exists(), target
