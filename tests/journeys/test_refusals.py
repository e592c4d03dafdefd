"""A server that cannot serve says so in a sentence, and changes nothing."""

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.backends import Backend
from support.fixtures import Installation, StartServer
from support.server import START_SECONDS, command, copy_installation, environment, run_command

WITHOUT_RIGHT = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
if ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def backend(sqlite_backend: Backend) -> Backend:
    """A data folder; what PostgreSQL refuses stands in the tests of its store and of the commands."""
    return sqlite_backend


def refused(result: Any) -> str:
    """Return what was said by a command that must have failed in words."""
    assert result.returncode == 1, result
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("threadline: "), result.stderr
    assert result.stderr.rstrip().endswith("."), result.stderr
    said: str = result.stderr
    return said


def serve(data: Path | str, home: Path, *more: str) -> Any:
    """Try to serve; it must end by itself."""
    return run_command("serve", "--data", str(data), "--port", "0", *more, home=home)


def test_a_second_server_on_one_folder_is_refused(make_server: StartServer, tmp_path: Path) -> None:
    """It says who has the folder and what to do; the first one goes on. After a `kill -9` the folder is free."""
    server = make_server().start()
    said = refused(serve(server.data, tmp_path))
    assert str(server.data) in said
    assert str(server.pid) in said
    assert "--data" in said
    assert server.is_running
    server.kill9()
    server.start()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """A file in place of the folder."""
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in refused(serve(tmp_path / "file", tmp_path))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A place where nobody can make folders, not even root."""
    assert "/proc/threadline" in refused(serve("/proc/threadline/data", tmp_path))


@pytest.mark.parametrize("has_database", [False, True])
def test_a_read_only_folder_is_refused(tmp_path: Path, installation: Installation, has_database: bool) -> None:
    """Without the right to write there is no serving, whether there is a database already or not."""
    data = tmp_path / "data"
    if has_database:
        copy_installation(installation.folder, data)
        for file in data.iterdir():
            file.chmod(0o444)
    else:
        data.mkdir()
    data.chmod(0o555)
    # Root may write everywhere; without that one right it is a user like others.
    without_right = [sys.executable, "-c", WITHOUT_RIGHT] if os.geteuid() == 0 else []
    result = subprocess.run(
        [*without_right, *command("serve", "--data", str(data), "--port", "0")],
        env=environment(tmp_path, {}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    data.chmod(0o755)
    assert "not writable" in refused(result)


def test_a_newer_database_is_refused_and_left_alone(installation: Installation, tmp_path: Path) -> None:
    """Neither `serve` nor `keys` touches a file that a newer program has written."""
    data = copy_installation(installation.folder, tmp_path / "data")
    path = data / "threadline.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 9999")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    for result in (serve(data, tmp_path), run_command("keys", "create", "--data", str(data), home=tmp_path)):
        said = refused(result)
        assert "9999" in said
        assert "newer" in said
    assert path.read_bytes() == before


def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A file of another kind under the database's name is not overwritten."""
    (tmp_path / "threadline.db").write_bytes(b"my thesis " * 1000)
    assert "threadline.db" in refused(serve(tmp_path, tmp_path))
    assert (tmp_path / "threadline.db").read_bytes() == b"my thesis " * 1000


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    """Somebody else listens there: a sentence with the port in it, not a traceback and not silence."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run_command("serve", "--data", str(tmp_path / "data"), "--port", str(port), home=tmp_path)
    said = refused(result)
    assert f"127.0.0.1:{port}: Address already in use. " in said
    assert "--port 0" in said


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"THREADLINE_ATTEMPTS_MAX": "0"}, "THREADLINE_ATTEMPTS_MAX is not usable"),
        ({"THREADLINE_DATABASE": "oracle://x/y"}, "oracle"),
        ({"THREADLINE_CONFIG": "/nowhere/threadline.toml"}, "/nowhere/threadline.toml"),
        ({"THREADLINE_DEFAULT_MODEL": "nobody/x"}, "nobody"),
        ({"OPENAI_BASE_URL": "not an address"}, "base_url"),
    ],
)
def test_settings_that_cannot_be_are_said(tmp_path: Path, settings: dict[str, str], word: str) -> None:
    """Out of bounds, unknown kinds, missing files: the setting is named and nothing starts."""
    result = run_command("serve", "--data", str(tmp_path / "data"), "--port", "0", home=tmp_path, settings=settings)
    assert word in refused(result)


def test_the_two_lines_of_a_first_start(tmp_path: Path) -> None:
    """A key can be made before the first start, the folder is made by itself, `--port 0` says where it listens."""
    data = tmp_path / "new" / "data"
    made = run_command("keys", "create", "--data", str(data), home=tmp_path)
    assert made.returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "threadline", "serve", "--data", str(data), "--port", "0"],
        env=environment(tmp_path, {}),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        with process.stderr:
            line = process.stderr.readline()
        assert line.startswith("Threadline is ready at http://127.0.0.1:")
        assert not line.endswith(":0/\n")
        assert data.stat().st_mode & 0o077 == 0, "conversations are nobody else's"
        assert all(not file.stat().st_mode & 0o077 for file in data.iterdir() if file.name == "secret")
    finally:
        process.kill()
        process.wait()
