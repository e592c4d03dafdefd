"""Which MCP servers there are: the operator's, from the config file, and the tenants', from their rows."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from threadline.errors import SettingsRefused
from threadline.limits import TOOL_SECONDS_DEFAULT, TOOL_SECONDS_MAX
from threadline.misfit import misfit
from threadline.tool_records import Approval, ToolRow
from threadline.tools.network import Guard

HOW_TO_INSTALL = "MCP servers need the package `mcp`: pip install 'mcp>=2.3,<3'."
SERVER_NAME_PATTERN = "^[a-zA-Z0-9-]+(_[a-zA-Z0-9-]+)*$"
SERVER_NAME_CHARS_MAX = 32
"""A tool is called `server__tool`, and vendors take 64 characters."""


class CallFailed(Exception):
    """The server has answered a call with an error of the protocol. Its words are the server's."""


class McpConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[mcp.NAME]` of the config file: a `url` (Streamable HTTP), or a `command` to run (stdio)."""

    name: Annotated[str, Meta(pattern=SERVER_NAME_PATTERN, max_length=SERVER_NAME_CHARS_MAX)]
    url: str | None = None
    headers: dict[str, str] = {}
    token_env: str | None = None
    command: str | None = None
    args: list[str] = []
    env: dict[str, str] = {}
    pass_env: list[str] = []
    folder: str | None = None
    allow: list[str] | None = None
    approval: Approval = "never"
    idempotent: bool = False
    timeout_seconds: Annotated[float, Meta(ge=0.1, le=TOOL_SECONDS_MAX)] = TOOL_SECONDS_DEFAULT


class McpServer(Struct, frozen=True, kw_only=True):
    """A server to connect to. `guard` is None for the operator's own, who may reach what he likes.

    `key` says which server this is; one that has changed is connected to anew.
    """

    key: str
    name: str
    url: str | None = None
    headers: Mapping[str, str] = {}
    command: str | None = None
    args: list[str] = []
    env: Mapping[str, str] = {}
    folder: str | None = None
    allow: frozenset[str] | None = None
    approval: Approval = "never"
    idempotent: bool = False
    timeout_seconds: float = TOOL_SECONDS_DEFAULT
    guard: Guard | None = None

    def __repr__(self) -> str:
        # Its headers and its environment are secret.
        return f"McpServer({self.name!r})"


def mcp_config(name: str, table: Mapping[str, Any]) -> McpConfig:
    """Read one table of the config file. Raises SettingsRefused."""
    try:
        config = msgspec.convert({**table, "name": name}, McpConfig)
    except msgspec.ValidationError as error:
        raise SettingsRefused(f"[mcp.{name}] is not usable: {misfit(error, McpConfig)}.") from error
    if (config.url is None) == (config.command is None):
        raise SettingsRefused(f"[mcp.{name}] has either a `url` or a `command`.")
    return config


def server_of_config(config: McpConfig, env: Mapping[str, str]) -> McpServer:
    """Return the operator's server. Raises SettingsRefused where the environment lacks what it needs."""
    named = [*config.pass_env, *([config.token_env] if config.token_env else [])]
    for variable in named:
        if variable not in env:
            raise SettingsRefused(f"[mcp.{config.name}] needs the environment variable {variable}.")
    token = {"Authorization": f"Bearer {env[config.token_env]}"} if config.token_env else {}
    return McpServer(
        key=config.name,
        name=config.name,
        url=config.url,
        headers={**config.headers, **token},
        command=config.command,
        args=config.args,
        env={**{variable: env[variable] for variable in config.pass_env}, **config.env},
        folder=config.folder,
        allow=None if config.allow is None else frozenset(config.allow),
        approval=config.approval,
        idempotent=config.idempotent,
        timeout_seconds=config.timeout_seconds,
    )


def server_of_row(row: ToolRow, guard: Guard) -> McpServer:
    """Return a tenant's server."""
    assert row.url is not None, "a registered server has an address"
    return McpServer(
        key=f"{row.tenant_id}/{row.id}",
        name=row.name,
        url=row.url,
        headers=row.headers,
        allow=None if row.allow is None else frozenset(row.allow),
        approval=row.approval,
        idempotent=row.idempotent,
        timeout_seconds=row.timeout_ms / 1000,
        guard=guard,
    )


def is_installed() -> bool:
    """Whether the package `mcp` is there."""
    return find_spec("mcp") is not None
