"""Things to try: an MCP server, a webhook server, and a room in which both are used."""
