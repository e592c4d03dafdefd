"""An MCP server with a warehouse behind it, for trying tools out: `threadline.toml` starts it, or it serves HTTP.

python examples/mcp_server.py                 # stdio: started by Threadline
python examples/mcp_server.py --port 8765     # Streamable HTTP on http://127.0.0.1:8765/mcp
"""

import argparse
import asyncio
import os
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("warehouse")
STOCK = {"lamp": 3, "chair": 12}


@server.tool()
def stock(item: str) -> int:
    """Tell how many of an item there are."""
    if item not in STOCK:
        raise ValueError(f"There is no item {item!r}.")
    return STOCK[item]


@server.tool()
def reserve(item: str, count: int) -> str:
    """Reserve items. Takes them out of stock."""
    STOCK[item] = stock(item) - count
    return f"Reserved {count} of {item}; {STOCK[item]} are left."


@server.tool()
async def count_slowly(seconds: float, mark: str) -> str:
    """Count the whole warehouse. Writes to the file `mark` when it begins and when it has ended."""
    note = Path(mark)
    await asyncio.to_thread(note.write_text, "begun")
    await asyncio.sleep(seconds)
    await asyncio.to_thread(note.write_text, "ended")
    return "Counted."


@server.tool()
def who_asks(context: Context) -> str:
    """Say under which key this call is known, and which process answers."""
    meta = dict(context.request_context.meta or {})
    return f"{meta.get('threadline/idempotency_key')} {os.getpid()}"


@server.tool()
def burn_down() -> str:
    """End the process in the middle of the call."""
    os._exit(3)


def main() -> None:
    """Serve until the end of the input, or for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, help="serve HTTP on this port of loopback")
    port = parser.parse_args().port
    if port is None:
        server.run("stdio")
    else:
        server.run("streamable-http", port=port)


if __name__ == "__main__":
    main()
