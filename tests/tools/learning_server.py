"""An MCP server whose list changes when it is told a name; `modern` or `legacy` says how it tells so."""

import sys

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("school")


@server.tool()
async def learn(name: str, context: Context) -> str:
    """Learn another tool."""
    server.add_tool(lambda: name, name=name, description="Learnt.")
    if sys.argv[1] == "modern":
        await context.notify_tools_changed()
    else:
        await context.session.send_tool_list_changed()
    return "learnt"


if __name__ == "__main__":
    server.run("stdio")
