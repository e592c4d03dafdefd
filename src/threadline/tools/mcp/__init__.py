"""MCP servers as tools. The package `mcp` is loaded when somebody uses a server, and not before."""
