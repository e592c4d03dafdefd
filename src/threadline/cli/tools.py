"""`threadline tools`: what models may call in this installation. Works beside a running server, or without one."""

import os
from collections.abc import Sequence
from typing import Any

import click

from threadline.access import keys
from threadline.cli.offline import read
from threadline.cli.options import WHERE, setting_options, settings_from
from threadline.cli.terminal import one_line
from threadline.clock import SystemClock
from threadline.errors import InvalidRequest
from threadline.scopes import System, Tenant
from threadline.settings import Settings
from threadline.store.contract import Reader
from threadline.tool_records import Approval, ToolRow
from threadline.tools.loading import load_tools
from threadline.tools.mcp.config import McpServer, server_of_config

WORDS_WIDTH = 80

_LOOK = System("list a tenant's tools for the operator's terminal")


@click.group("tools")
def command() -> None:
    """Show the tools that models may call."""


@command.command("ls")
@click.option("--tenant", default=keys.DEFAULT_TENANT, show_default=True, help="Whose registered tools.")
@setting_options("tools", *WHERE)
def list_tools(tenant: str, **options: Any) -> None:
    """List the installation's tools and MCP servers, then those that the tenant has registered. No secrets."""
    settings = settings_from(options)
    lines = [*_installed(settings), *_registered(_rows(settings, tenant))]
    if not lines:
        click.echo(f"There are no tools, and the tenant {tenant!r} has registered none.", err=True)
    for line in lines:
        click.echo(line)


def _rows(settings: Settings, tenant: str) -> Sequence[ToolRow]:
    async def script(reader: Reader) -> Sequence[ToolRow]:
        tenant_id = await reader.tenant_by_name(_LOOK, tenant)
        if tenant_id is None:
            raise InvalidRequest(f"There is no tenant named {tenant!r}.")
        return await reader.tools(Tenant(tenant_id))

    # Before the first start there is no database, and what is configured can be looked at all the same.
    if not settings.is_postgres and not settings.database_path.exists():
        return []
    return read(settings, SystemClock(), _LOOK, script)


def _installed(settings: Settings) -> list[str]:
    found = load_tools(settings.tools)
    tools = [_line(tool.name, tool.kind, "everybody", tool.asks, tool.description) for tool in found]
    servers = [server_of_config(config, os.environ) for config in settings.mcp_configs()]
    return [*tools, *(_line(f"{each.name}__*", "mcp", "everybody", each.approval, _place(each)) for each in servers)]


def _registered(rows: Sequence[ToolRow]) -> list[str]:
    return [
        _line(
            f"{row.name}__*" if row.kind == "mcp" else row.name,
            row.kind,
            row.id,
            row.approval,
            row.description or row.url or "",
        )
        for row in rows
    ]


def _line(name: str, kind: str, whose: str, approval: Approval | str, words: str) -> str:
    asked = approval if isinstance(approval, str) else "by rule"
    asked = "" if asked == "never" else f"approval: {asked}" if asked else ""
    # Tenants write the words: they may not write orders to this terminal.
    return f"{name:<32}  {kind:<8}  {whose:<31}  {asked:<17}  {one_line(words, WORDS_WIDTH)}".rstrip()


def _place(server: McpServer) -> str:
    return server.url or " ".join([server.command or "", *server.args])
