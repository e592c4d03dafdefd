"""The tools: whether the Python ones load, and what each configured MCP server answers. Calls none of them."""

import asyncio
from collections.abc import Mapping

from threadline.cli.examine.finding import Finding, error, ok, warning
from threadline.cli.terminal import counted
from threadline.clock import Clock
from threadline.errors import SettingsRefused, ToolsUnreachable
from threadline.settings import Settings
from threadline.tools.loading import load_tools
from threadline.tools.mcp.config import HOW_TO_INSTALL, McpServer, is_installed, server_of_config
from threadline.tools.mcp.servers import McpServers
from threadline.tools.network import Guard


def tools(settings: Settings, env: Mapping[str, str], clock: Clock) -> list[Finding]:
    """Check what the settings say of tools. Starts the MCP servers that are programs, for as long as it takes."""
    try:
        Guard(settings.allowed_hosts)
        found = load_tools(settings.tools)
        servers = [server_of_config(config, env) for config in settings.mcp_configs()]
    except SettingsRefused as refused:
        return [error(refused.detail, "Mend the environment or the config file.")]
    findings = [ok(f"{counted(len(found), 'Python tool')}: {', '.join(tool.name for tool in found)}.")] if found else []
    if servers and not is_installed():
        return [*findings, error(HOW_TO_INSTALL, "Install it, or take [mcp] out of the config file.")]
    return [*findings, *asyncio.run(_ask_all(servers, clock))]


async def _ask_all(servers: list[McpServer], clock: Clock) -> list[Finding]:
    open_servers = McpServers(clock)
    try:
        return list(await asyncio.gather(*(_ask(open_servers, server) for server in servers)))
    finally:
        await open_servers.close()


async def _ask(servers: McpServers, server: McpServer) -> Finding:
    try:
        found = await servers.tools_now(server)
    except ToolsUnreachable as unreachable:
        return error(unreachable.detail, f"Try what [mcp.{server.name}] in the config file says by hand.")
    if not found:
        return warning(f"The MCP server {server.name!r} has no tools to offer.", "Look at its `allow`.")
    return ok(f"The MCP server {server.name!r} has {counted(len(found), 'tool')}.")
