"""`make demo`: tells the story of one room, and prints the audit report of it."""

import asyncio
import tempfile
from pathlib import Path

from examples.room_demo.others import warehouse
from examples.room_demo.story import tell


def main() -> None:
    """Start the warehouse, tell the story, stop everything."""
    with warehouse() as url, tempfile.TemporaryDirectory(prefix="threadline-demo-") as folder:
        report = asyncio.run(tell(Path(folder), url))
    print("\n" + report)


if __name__ == "__main__":
    main()
