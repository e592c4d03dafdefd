"""`threadline doctor`: says what is wrong and what to do about it, and never a secret."""

import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from support.fixtures import Installation
from support.server import Server, copy_installation
from support.waiting import PATIENCE_SECONDS
from threadline.cli.examine import database, folder, machine, network, providers, tools
from threadline.cli.examine.finding import Finding
from threadline.clock import ManualClock, SystemClock
from threadline.settings import Settings

from .conftest import Run


@pytest.fixture
def data(installation: Installation, tmp_path: Path) -> Path:
    """A data folder of the test's own, that no server uses."""
    return copy_installation(installation.folder, tmp_path / "data")


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which something listens that speaks no HTTP."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener.getsockname()[1]


@pytest.fixture
def foreign_server() -> Iterator[int]:
    """A port on which a web server answers that is no Threadline."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<h1>Hello</h1>"
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server.server_port
        server.shutdown()
        serving.join()


def only(findings: list[Finding]) -> Finding:
    """Return the one finding."""
    assert len(findings) == 1, findings
    return findings[0]


def test_a_new_installation_looks_well(run: Run, tmp_path: Path) -> None:
    """Nothing is there yet, and nothing has to be; nothing is made by looking."""
    done = run("doctor", "--data", tmp_path / "data", "--port", 0)
    assert (done.status, done.err) == (0, "")
    assert done.out.endswith("Everything looks well.\n")
    assert "is not there yet; `threadline serve` makes it." in done.out
    assert "only the demo answers" in done.out
    assert not (tmp_path / "data").exists()


def test_a_running_server_is_found(run: Run, server: Server, talking: dict[str, str]) -> None:
    """By its lock, by its port, and by the address and the key of the clients."""
    done = run("doctor", "--data", server.data, "--port", server.port, settings=talking)
    assert done.status == 0, done.out
    assert f"A server is using this database: process {server.pid}." in done.out
    assert f"A Threadline answers at {server.url}, and is ready." in done.out
    assert f"The server at THREADLINE_URL, {server.url}, answers and takes THREADLINE_API_KEY." in done.out
    assert talking["THREADLINE_API_KEY"] not in done.out


def test_everything_that_is_wrong_is_said(run: Run, data: Path) -> None:
    """All of it at once, each with advice, and status 1."""
    (data / "secret").write_bytes(b"x" * 32)
    (data / "secret").chmod(0o644)
    (data / "threadline.db").write_bytes(b"what a pity" * 1000)
    config = data.parent / "threadline.toml"
    config.write_text(
        '[providers.one]\ntype = "openai"\napi_key_env = "KEY_OF_ONE"\n'
        '[providers.two]\ntype = "anthropic"\napi_key_env = "KEY_OF_TWO"\n'
    )
    done = run("doctor", "--data", data, "--port", 0, settings={"THREADLINE_CONFIG": str(config)})
    assert done.status == 1
    for sentence in (
        "secret signs end-user tokens, and others than its owner may read it.",
        "→ `chmod 600 ",
        "threadline.db is not a SQLite database.",
        "The provider one wants its key in KEY_OF_ONE, which is not set.",
        "The provider two wants its key in KEY_OF_TWO, which is not set.",
        "4 things to mend",
    ):
        assert sentence in done.out


def test_settings_that_are_not_usable_are_a_finding(run: Run, tmp_path: Path) -> None:
    """What does not need them is still looked at."""
    done = run("doctor", settings={"THREADLINE_PORT": "many"})
    assert done.status == 1
    assert "on Python 3." in done.out
    assert "is not usable" in done.out
    (tmp_path / "threadline.toml").write_text("prot = 1\n")
    assert "prot" in run("doctor").out


def test_no_secret_is_ever_shown(run: Run, data: Path) -> None:
    """Neither of the environment, nor of the config file, nor in an address."""
    (data.parent / "threadline.toml").write_text('[providers.one]\ntype = "openai"\napi_key = "sk-in-the-file"\n')
    secrets = {
        "OPENAI_API_KEY": "sk-in-the-environment",
        "THREADLINE_API_KEY": "tl_in_the_environment",
        "THREADLINE_URL": "http://user:password-in-the-url@127.0.0.1:9",
    }
    done = run("doctor", "--data", data, "--port", 0, settings=secrets)
    assert "Providers: openai (environment), one (config file)." in done.out
    for secret in ("sk-in", "tl_in", "password-in"):
        assert secret not in done.out + done.err


def test_a_port_that_is_taken_is_said(taken_port: int, foreign_server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By something that speaks no HTTP, and by a web server that is no Threadline."""
    with monkeypatch.context() as hurried:
        hurried.setattr(network, "PROBE_SECONDS", 0.2)
        silent = only(network.port("127.0.0.1", taken_port))
    assert (silent.level, silent.what) == (
        "error",
        f"The program that listens at http://127.0.0.1:{taken_port} does not answer.",
    )
    foreign = only(network.port("127.0.0.1", foreign_server))
    assert (foreign.level, foreign.what) == (
        "error",
        f"The port {foreign_server} is taken by a program that is no Threadline.",
    )


def test_an_address_that_is_not_ours_is_said() -> None:
    """Nobody can listen on another machine's address."""
    found = only(network.port("192.0.2.1", 8400))
    assert found.level == "error"
    assert "Choose an address of this machine" in found.advice


def test_the_clients_server_is_looked_for(server: Server, foreign_server: int) -> None:
    """Not there, not with this key, not a Threadline: three sentences."""
    nobody = only(network.client({"THREADLINE_URL": "http://127.0.0.1:9"}))
    assert nobody.what.startswith("Nobody answers at THREADLINE_URL, http://127.0.0.1:9,")
    wrong = only(network.client({"THREADLINE_URL": server.url, "THREADLINE_API_KEY": "tl_wrong"}))
    assert "does not take the key" in wrong.what
    missing = only(network.client({"THREADLINE_URL": server.url}))
    assert "wants a key" in missing.what
    odd = only(network.client({"THREADLINE_URL": "localhost"}))
    assert odd.level == "error"
    assert network.client({}) == []


def test_old_and_new_databases_are_told_apart(data: Path) -> None:
    """An older one works and is migrated; a newer one cannot be used."""
    path = data / "threadline.db"
    for version, level, advice in ((0, "warning", "threadline db migrate"), (9999, "error", "newer Threadline")):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        found = only(database.database(path, SystemClock()))
        assert (found.level, advice in found.advice) == (level, True)


def test_a_damaged_database_is_said(data: Path) -> None:
    """With SQLite's own words."""
    path = data / "threadline.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    whole = bytearray(path.read_bytes())
    for start in range(4096 * 2, len(whole), 4096):
        whole[start : start + 100] = b"\xff" * 100
    path.write_bytes(whole)
    assert any(found.level == "error" for found in database.database(path, SystemClock()))


def test_a_grown_log_is_said(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something that reads without end keeps it from being folded into the database."""
    path = data / "threadline.db"
    assert database.write_ahead_log(path) == []
    Path(f"{path}-wal").write_bytes(b"x" * 1001)
    monkeypatch.setattr(database, "WAL_BYTES_MAX", 1000)
    assert only(database.write_ahead_log(path)).level == "warning"


def test_folders_are_looked_at(tmp_path: Path) -> None:
    """Open to others, no folder at all, and not to be made."""
    (tmp_path / "open").mkdir(mode=0o755)
    assert [found.level for found in folder.data_folder(tmp_path / "open")] == ["ok", "warning"]
    (tmp_path / "private").mkdir(mode=0o700)
    assert only(folder.data_folder(tmp_path / "private")).level == "ok"
    (tmp_path / "file").touch()
    assert only(folder.data_folder(tmp_path / "file")).level == "error"
    assert only(folder.data_folder(tmp_path / "file" / "data")).level == "error"


def test_a_secret_is_whole_and_private(tmp_path: Path) -> None:
    """None yet is fine; a short one signs nothing."""
    assert folder.secret(tmp_path) == []
    (tmp_path / "secret").write_bytes(b"x" * 31)
    (tmp_path / "secret").chmod(0o600)
    assert "has 31 bytes" in only(folder.secret(tmp_path)).what


@pytest.mark.parametrize(("free", "level"), [(50_000_000, "error"), (500_000_000, "warning"), (5_000_000_000, "ok")])
def test_room_is_looked_at(tmp_path: Path, free: int, level: str) -> None:
    """Before the disk is full, and then."""
    assert only(folder.room(tmp_path / "not" / "yet", free)).level == level


def test_the_machine_is_looked_at() -> None:
    """An old Python, few open files."""
    assert only(machine.python((3, 10, 1))).level == "error"
    assert only(machine.python()).level == "ok"
    assert only(machine.open_files((256, 1024))).level == "warning"
    assert only(machine.open_files((256, 65536))).level == "ok"


def test_the_clock_is_looked_at() -> None:
    """A clock that was never set, and one that is behind what was said last."""
    assert only(machine.clock(ManualClock(0), None)).level == "error"
    now = ManualClock(1_790_000_000_000)
    assert only(machine.clock(now, None)).level == "ok"
    assert only(machine.clock(now, "2026-09-21T12:53:20.000Z")).level == "ok"
    assert only(machine.clock(now, "2026-09-22T12:53:20.000Z")).level == "error"


def test_a_default_model_that_nobody_has_is_said() -> None:
    """As a server would say it when it starts."""
    found = providers.providers(Settings(default_model="nowhere/x"), {}, SystemClock())
    assert [each.level for each in found] == ["ok", "error"]
    assert "'nowhere/x'" in found[-1].what


def test_tools_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python ones that load, servers that answer, and for each that does not a sentence; never a secret."""
    # On a busy machine a program takes as long to start as it takes.
    monkeypatch.setattr("threadline.tools.mcp.servers.MCP_PATIENCE_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr("threadline.tools.mcp.connection.MCP_CONNECT_SECONDS", PATIENCE_SECONDS)
    (tmp_path / "doctored_tools.py").write_text('def fine(x: int) -> int:\n    """Be fine."""\n    return x\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    script = Path(__file__).parents[2] / "examples" / "mcp_server.py"
    servers = {
        "shed": {"command": sys.executable, "args": [str(script)]},
        "shut": {"command": sys.executable, "args": [str(script)], "allow": ["nothing"]},
        "away": {"url": "http://127.0.0.1:1/mcp", "headers": {"authorization": "hush"}},
    }
    settings = Settings(tools=("doctored_tools:fine",), mcp=servers)
    found = tools.tools(settings, {}, SystemClock())
    assert [(each.level, each.what) for each in found] == [
        ("ok", "1 Python tool: fine."),
        ("ok", "The MCP server 'shed' has 5 tools."),
        ("warning", "The MCP server 'shut' has no tools to offer."),
        ("error", "The MCP server 'away' cannot be reached."),
    ]
    assert all("hush" not in each.what + each.advice for each in found)
    assert tools.tools(Settings(), {}, SystemClock()) == []
    for wrong in (Settings(tools=("nowhere:x",)), Settings(mcp={"x": {}}), Settings(allowed_hosts=("http://x",))):
        (finding,) = tools.tools(wrong, {}, SystemClock())
        assert finding.level == "error"
