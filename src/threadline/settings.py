"""The one table of settings: what an operator may change, each with its default, its bounds and its reason.

A setting is a command-line option, else a `THREADLINE_…` variable, else a key in `threadline.toml`, else its default.
`docs/reference/settings.md` is compared with this table by a test. What speaks to vendors and to tools is loaded when
somebody asks for their settings: a command that speaks to neither does not wait for it.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from platformdirs import user_data_path

from threadline.errors import SettingsRefused
from threadline.misfit import misfit

if TYPE_CHECKING:
    from threadline.providers.registry import ProviderConfig
    from threadline.tools.mcp.config import McpConfig

ENV_PREFIX = "THREADLINE_"
BUS_SCHEMES = ("postgresql", "postgres", "redis", "rediss")
CONFIG_NAME = "threadline.toml"
FILE_ONLY = frozenset({"providers", "mcp"})
"""What has tables of its own in the config file, and is no option and no variable."""

_LISTS = ("allowed_hosts", "allowed_origins", "file_types", "tools")
DATABASE_NAME = "threadline.db"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, checked."""

    host: Annotated[str, Meta(description="Address to listen on. The default is reachable from this machine only.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8400
    data: Annotated[
        str, Meta(description="Folder of the SQLite file and the local secrets. Default: your user data folder.")
    ] = ""
    database: Annotated[
        str,
        Meta(
            description="`sqlite:///path/to/file.db`, or `postgresql://user:password@host/name` for many nodes; "
            "`host1,host2` names a server and its replica. Default: `threadline.db` in the data folder."
        ),
    ] = ""
    bus: Annotated[
        str,
        Meta(
            description="How nodes wake each other: `memory` within one process, `postgres` by LISTEN/NOTIFY in the "
            "database (or at an address of its own, `postgresql://…`, around a pooler), `redis://host:6379/0` or "
            "`rediss://…` by Redis or Valkey. Default: `postgres` on PostgreSQL, `memory` otherwise."
        ),
    ] = ""
    bus_prefix: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=40,
            pattern="^[a-z0-9_]+$",
            description="The installation's name on the bus; two that share a server need two names.",
        ),
    ] = "threadline"
    workers: Annotated[
        int,
        Meta(ge=1, le=256, description="Processes on this machine, each a node of its own. More than one: PostgreSQL."),
    ] = 1
    secret: Annotated[
        str,
        Meta(
            description="What end-user tokens are signed with, 32 characters or more. Default: one that is made on "
            "first use and kept in the data folder, or in PostgreSQL for all nodes."
        ),
    ] = ""
    durability: Annotated[
        Literal["full", "relaxed"],
        Meta(
            description="`full` syncs every commit to the disk. `relaxed` does not: after a power cut (not a crash "
            "of the process) the last moments may be gone, and a client may hold a cursor that is given out again."
        ),
    ] = "full"
    default_model: Annotated[
        str, Meta(description="`provider/model` for threads that name none. Default: the first provider's first.")
    ] = ""
    title_model: Annotated[
        str,
        Meta(
            description="`provider/model` that gives a thread its title after the first exchange. Default: its first "
            "words are the title; `off`: it gets none."
        ),
    ] = ""
    allowed_origins: Annotated[
        tuple[str, ...], Meta(description="Origins that browsers may call from (CORS). A comma between two of them.")
    ] = ()
    tools: Annotated[
        tuple[str, ...],
        Meta(
            description="Python tools: `module:name` or `module`, found in the folder of the start or installed. "
            "A comma between two of them."
        ),
    ] = ()
    allowed_hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="What webhooks and MCP servers of tenants may reach although it is private, also with http: "
            "`tools.internal`, `*.internal`, `10.1.0.0/16`, `127.0.0.1:9000`. A comma between two of them."
        ),
    ] = ()
    public_url: Annotated[
        str,
        Meta(
            pattern="^(https?://[^/?#]+(/[^?#]*)?)?$",
            description="Where this installation is reached from outside, such as `https://chat.example.com`. With it, "
            "files that a vendor takes in no other form are fetched by it from here, by links that work for an hour.",
        ),
    ] = ""
    files: Annotated[
        str,
        Meta(
            description="Where the bytes of files are: a folder, which all nodes have to have, or "
            "`s3://bucket/prefix?endpoint=…&region=…` with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. "
            "Default: `files` in the data folder."
        ),
    ] = ""
    file_bytes_max: Annotated[int, Meta(ge=1, description="The largest file that may be uploaded, in bytes.")] = (
        100 * 1024 * 1024
    )
    file_types: Annotated[
        tuple[str, ...],
        Meta(description="Which types may be uploaded, such as `image/*`. A comma between two of them. Default: all."),
    ] = ()
    file_orphan_hours: Annotated[
        float, Meta(gt=0, description="How long a file is kept that is in no thread and that nobody has wanted since.")
    ] = 24.0
    gather_window_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="Tokens wait up to this long for company in one commit; the first one of an answer never "
            "does. More costs latency, less costs CPU.",
        ),
    ] = 34
    first_chunk_seconds: Annotated[
        float, Meta(gt=0, description="How long a provider may take to begin an answer.")
    ] = 120.0
    no_progress_seconds: Annotated[
        float, Meta(gt=0, description="How long a provider may be silent in mid-answer.")
    ] = 60.0
    run_seconds: Annotated[float, Meta(gt=0, description="How long one attempt of a run may take in all.")] = 3600.0
    disconnect_grace_seconds: Annotated[
        float,
        Meta(gt=0, description="How long an answer goes on without a reader where `on_disconnect` is `cancel`."),
    ] = 30.0
    attempts_max: Annotated[
        int, Meta(ge=1, le=100, description="How often a run is attempted when the server dies under it.")
    ] = 3
    reap_seconds: Annotated[float, Meta(gt=0, le=60, description="How often to look for runs that nobody owns.")] = 2.0
    tool_rounds_max: Annotated[
        int, Meta(ge=1, le=1000, description="How often one answer may call tools, many at once counted as one.")
    ] = 25
    tool_calls_max: Annotated[int, Meta(ge=1, le=10000, description="How many tool calls one answer may make.")] = 100
    tool_wait_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=365 * 86400,
            description="How long a run waits for an approval or for a client's tool result. Then the model is told "
            "that nobody answered.",
        ),
    ] = 86400.0
    lease_seconds: Annotated[
        float, Meta(ge=3, le=600, description="How long a silent node keeps its runs before another takes over.")
    ] = 15.0
    drain_seconds: Annotated[float, Meta(ge=0, description="How long running answers may go on after SIGTERM.")] = 20.0
    idempotency_hours: Annotated[float, Meta(gt=0, description="How long an Idempotency-Key is remembered.")] = 168.0
    sign_in_link: Annotated[
        Literal["auto", "always", "never"],
        Meta(
            description="Whether the start prints a link that signs the operator in, once: `always`, `never`, or "
            "`auto`, which is to a terminal, or where only this machine can reach the server. `threadline link` prints "
            "one at any time."
        ),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="The least that is logged: `debug`, `info`, `warning` or `error`."),
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "text"],
        Meta(description="`json` lines, or `text` for people; `auto` asks whether stderr is a terminal."),
    ] = "auto"
    providers: Annotated[
        dict[str, dict[str, Any]], Meta(description="`[providers.NAME]` tables; in the config file only.")
    ] = {}
    mcp: Annotated[dict[str, dict[str, Any]], Meta(description="`[mcp.NAME]` tables; in the config file only.")] = {}

    @property
    def data_folder(self) -> Path:
        """The folder of the SQLite file and the local secrets."""
        return Path(self.data).expanduser() if self.data else user_data_path("threadline", appauthor=False)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in ("127.0.0.1", "::1", "localhost")

    @property
    def is_postgres(self) -> bool:
        """Whether the database is PostgreSQL."""
        return self.database.partition("://")[0] in ("postgresql", "postgres")

    @property
    def bus_address(self) -> str:
        """`memory`, or the `postgresql://…` or `redis://…` of the bus. Raises SettingsRefused where it is neither."""
        scheme, mark, _ = self.bus.partition("://")
        if self.bus == "memory" or (not self.bus and not self.is_postgres):
            if self.workers > 1:
                raise SettingsRefused(
                    "Several workers need a database and a bus that reach them all: "
                    "--database postgresql://user@host/name, and no --bus memory."
                )
            return "memory"
        if self.bus in ("", "postgres"):
            if not self.is_postgres:
                raise SettingsRefused("The postgres bus goes with a PostgreSQL database, or has an address of its own.")
            return self.database
        if mark and scheme in BUS_SCHEMES:
            return self.bus
        raise SettingsRefused(
            f"The bus {scheme!r} is none that is known; it is memory, postgres, postgresql://… or redis://…."
        )

    @property
    def database_path(self) -> Path:
        """The SQLite file. Raises SettingsRefused for another kind of database."""
        if not self.database:
            return self.data_folder / DATABASE_NAME
        scheme, _, path = self.database.partition("://")
        if scheme != "sqlite" or not path:
            raise SettingsRefused(
                f"The database {scheme}:// is none that is known; it is sqlite:///path/to/file.db or "
                "postgresql://user:password@host/name."
            )
        # As in SQLAlchemy: `sqlite:///a.db` is relative to here, `sqlite:////tmp/a.db` is absolute.
        return Path(path.removeprefix("/"))

    def mcp_configs(self) -> "list[McpConfig]":
        """Return the configured MCP servers. Raises SettingsRefused."""
        from threadline.tools.mcp.config import mcp_config

        return [mcp_config(name, table) for name, table in self.mcp.items()]

    def provider_configs(self) -> "list[ProviderConfig]":
        """Return the configured providers. Raises SettingsRefused."""
        return [_provider(name, table) for name, table in self.providers.items()]


def load_settings(options: Mapping[str, Any], env: Mapping[str, str], config: Path | None = None) -> Settings:
    """Put the layers together. `options` are those that were given on the command line.

    Raises:
        SettingsRefused: an unknown name, a value out of its bounds, a config file that cannot be read.
    """
    names = set(Settings.__struct_fields__)
    from_env = {name: env[variable] for name in names - FILE_ONLY if (variable := ENV_PREFIX + name.upper()) in env}
    path = config or (Path(env[ENV_PREFIX + "CONFIG"]) if env.get(ENV_PREFIX + "CONFIG") else None)
    layers = {**_config_file(path), **from_env, **options}
    for name in _LISTS:
        if isinstance(layers.get(name), str):
            layers[name] = [part.strip() for part in layers[name].split(",") if part.strip()]
    try:
        return msgspec.convert(layers, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsRefused(_explained(misfit(error, Settings), options, from_env, path)) from error


def _explained(message: str, options: Mapping[str, Any], from_env: Mapping[str, str], path: Path | None) -> str:
    """Name the setting that is not usable, and where it was given."""
    found = re.search(r" - at `\$\.(\w+)", message)
    if found is None:
        return f"The settings in {path or CONFIG_NAME} are not usable: {message}."
    name = found.group(1)
    if name in options:
        given = f"--{name.replace('_', '-')}"
    else:
        given = f"{ENV_PREFIX}{name.upper()}" if name in from_env else f"`{name}` in {path or CONFIG_NAME}"
    return f"{given} is not usable: {message[: found.start()]}."


def _config_file(path: Path | None) -> dict[str, Any]:
    is_asked_for = path is not None
    path = path or Path(CONFIG_NAME)
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        if is_asked_for:
            raise SettingsRefused(f"There is no config file {path}.") from error
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsRefused(f"The config file {path} cannot be read: {error}.") from error


def _provider(name: str, table: dict[str, Any]) -> "ProviderConfig":
    from threadline.providers.registry import ProviderConfig

    try:
        return msgspec.convert({**table, "name": name}, ProviderConfig)
    except msgspec.ValidationError as error:
        raise SettingsRefused(f"[providers.{name}] is not usable: {misfit(error, ProviderConfig)}.") from error
