"""What `deploy/` and its page say agrees with the program: settings, ports, addresses, times, versions."""

import configparser
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.cluster.servers import caddy

from support.fixtures import StartServer
from support.server import environment
from threadline.api import health
from threadline.cli.serve import command
from threadline.cli.workers.supervisor import END_SECONDS
from threadline.limits import HEARTBEAT_SECONDS, KEEP_ALIVE_SECONDS, REQUEST_BODY_BYTES_MAX
from threadline.settings import ENV_PREFIX, Settings, load_settings
from threadline.store.postgres.connections import CONNECTIONS_MAX

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PAGE = ROOT / "docs" / "operate" / "deploy.md"
FILES = [path for path in (*sorted(DEPLOY.iterdir()), PAGE) if path.is_file() and path.suffix != ".py"]
DRAIN_AND_END_SECONDS = Settings().drain_seconds + END_SECONDS
VARIABLES = {ENV_PREFIX + name.upper() for name in (*Settings.__struct_fields__, "config")}


def text(name: str) -> str:
    """Return a file of `deploy/`."""
    return (DEPLOY / name).read_text()


def compose() -> dict[str, Any]:
    """Return the compose file, with anchors resolved."""
    loaded: dict[str, Any] = yaml.safe_load(text("compose.yaml"))
    return loaded


def unit() -> configparser.ConfigParser:
    """Return the systemd unit; of a key that stands there twice, the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text("threadline.service"))
    return parser


def seconds(text: str) -> float:
    """Return what a time of the compose file comes to."""
    assert text.endswith("s")
    return float(text[:-1])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_name_is_known(path: Path) -> None:
    """Every variable is a setting, every option of `serve` is one of it, every port and address is the server's."""
    found = path.read_text()
    assert set(re.findall(rf"\b{ENV_PREFIX}[A-Z_]+\b", found)) <= VARIABLES
    options = {option for param in command.params for option in param.opts}
    for line in re.findall(r"threadline serve ?(.*)", found):
        assert set(re.findall(r"(?<!\S)--[\w-]+", line)) <= options
    assert set(re.findall(r":(8\d{3})\b", found)) <= {str(Settings().port)}
    paths = {getattr(route, "path", "") for route in health.router.routes}
    assert set(re.findall(r"/(?:healthz?|readyz?|livez?|metrics)\b", found)) <= paths


def test_the_compose_file_fits_together() -> None:
    """The nodes, what they stand on, and who stops when."""
    services = compose()["services"]
    nodes = [name for name in services if name.startswith("node-")]
    assert services["balancer"]["environment"]["NODES"].split() == [f"{name}:{Settings().port}" for name in nodes]
    for name, service in services.items():
        assert service.keys() <= {
            *("image", "build", "restart", "init", "environment", "stop_grace_period", "ulimits", "read_only", "tmpfs"),
            *("cap_drop", "security_opt", "depends_on", "ports", "volumes", "shm_size", "healthcheck", "command"),
        }, name
        assert set(service.get("depends_on", [])) <= services.keys()
    for name in nodes:
        node = services[name]
        assert seconds(node["stop_grace_period"]) > DRAIN_AND_END_SECONDS
        asked = {key: re.sub(r"\$\{\w+(?::[-?]([^}]*))?\}", r"\1", value) for key, value in node["environment"].items()}
        settings = load_settings({}, {**asked, "THREADLINE_SECRET": "s" * 32}, None)
        assert settings.is_postgres
        assert settings.bus_address.startswith("redis://redis:")
        assert (DEPLOY / node["build"]["context"] / node["build"]["dockerfile"]).resolve() == DEPLOY / "Containerfile"
    mounted = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert mounted == {"./Caddyfile", *compose()["volumes"]}
    needed = set(re.findall(r"\$\{(\w+)", text("compose.yaml")))
    assert needed == set(re.findall(r"^(\w+)=", text("compose.env.example"), re.MULTILINE))


def test_the_unit_waits_for_the_drain_and_signals_the_supervisor_alone() -> None:
    """Nobody is killed in mid-drain, and the config file comes as the credential that the variable names."""
    service = unit()["Service"]
    assert float(service["TimeoutStopSec"]) > DRAIN_AND_END_SECONDS
    assert service["KillMode"] == "mixed"
    assert service["LoadCredential"].partition(":")[0] == "threadline.toml"
    assert "Environment=THREADLINE_CONFIG=%d/threadline.toml" in text("threadline.service")
    assert f"Environment=THREADLINE_DATA=%S/{service['StateDirectory']}" in text("threadline.service")
    # Reading the limit of open files is one of @resources' calls, and every start does it.
    assert "@resources" not in text("threadline.service")


def test_the_example_of_a_config_file_is_one() -> None:
    """It is loaded, its providers are made, and it is one for many nodes."""
    settings = load_settings({}, {}, DEPLOY / "threadline.toml")
    assert settings.is_postgres
    assert settings.workers > 1
    assert settings.bus_address == "redis://redis.internal:6379/0"
    assert [provider.name for provider in settings.provider_configs()] == ["openai"]


def test_the_image_is_made_as_everything_else_is() -> None:
    """With the same uv, for a Python that is meant, from files that the context has, for somebody who is not root."""
    container = text("Containerfile")
    (version,) = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"uv=={version}\n" in container
    assert set(re.findall(r"^FROM python:(\S+?)-slim", container, re.MULTILINE)) == {"3.11"}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for line in re.findall(r"^COPY (?!--)(.*)$", container, re.MULTILINE) for name in line.split()[:-1]}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
    assert re.findall(r"^USER (.*)$", container, re.MULTILINE) == ["threadline"]
    assert re.findall(r"^EXPOSE (.*)$", container, re.MULTILINE) == [str(Settings().port)]


def test_the_images_health_check_tells_well_from_ill(make_server: StartServer) -> None:
    """The very command: 0 for a server that is ready, and not 0 for one that is away."""
    (words,) = re.findall(r"^    CMD \[(.*)\]$", text("Containerfile"), re.MULTILINE)
    check = [word.rstrip(",") for word in shlex.split(words)]
    server = make_server().start()
    env = environment(server.home, {"THREADLINE_PORT": str(server.port)})

    def status() -> int:
        return subprocess.run([sys.executable, *check[1:]], env=env, capture_output=True, check=False).returncode

    # It has a few seconds for it, and a busy machine may take them.
    assert any(status() == 0 for _ in range(20))
    server.stop()
    assert status() != 0


def test_the_load_balancers_are_usable() -> None:
    """Caddy takes its file; both hold a connection longer than a heartbeat, and let the largest request through."""
    done = subprocess.run(
        [caddy(), "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")],
        env={"SITE": ":8400", "NODES": "127.0.0.1:9 127.0.0.1:10", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    nginx = text("nginx.conf")
    assert int(re.findall(r"proxy_send_timeout (\d+)s;", nginx)[0]) > HEARTBEAT_SECONDS
    assert re.findall(r"proxy_read_timeout (\d+)h;", nginx) == [str(int(Settings().run_seconds / 3600))]
    assert int(re.findall(r"client_max_body_size (\d+)m;", nginx)[0]) * 2**20 > REQUEST_BODY_BYTES_MAX
    assert "non_idempotent;" not in nginx
    assert int(re.findall(r"keepalive_timeout (\d+)s;", nginx)[0]) < KEEP_ALIVE_SECONDS


def test_the_page_says_the_programs_numbers() -> None:
    """Connections, times, and links that lead somewhere."""
    page = PAGE.read_text()
    assert f"`max_connections` ≥ {CONNECTIONS_MAX + 1} \u00d7 workers" in page
    assert f"up to {CONNECTIONS_MAX} connections for each worker" in page
    assert f"`drain_seconds` ({Settings().drain_seconds:.0f})" in page
    assert f"`lease_seconds` ({Settings().lease_seconds:.0f})" in page
    assert f"heartbeat every {HEARTBEAT_SECONDS:.0f} seconds" in page
    titles = {
        title.lower().replace(" ", "-").replace("/", "").replace(",", "")
        for title in re.findall(r"^## (.*)$", page, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", page):
        file, _, anchor = target.partition("#")
        assert not file or (PAGE.parent / file).resolve().exists(), target
        assert file or anchor in titles, target


def test_the_page_alerts_on_what_there_is() -> None:
    """Every metric and every line of the log that it names is one of the program's."""
    sources = "".join(path.read_text() for path in (ROOT / "src" / "threadline").rglob("*.py"))
    page = PAGE.read_text()
    names = {
        name
        for name in re.findall(r"\bthreadline_[a-z_]+\b", page)
        if name not in ("threadline_app", "threadline_engine")
    }
    assert len(names) > 5
    for name in names:
        assert f'"{name.removesuffix("_total")}"' in sources, name
    for event in ("worker_died", "bus_away"):
        assert f'"{event}"' in sources
