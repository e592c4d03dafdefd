"""What the TypeScript client has from the server is what the server has now."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_types_of_the_client_are_those_of_the_server() -> None:
    """`src/types.ts` is what `make types` would write from today's OpenAPI document and events."""
    script = ROOT / "clients" / "typescript" / "generate.py"
    done = subprocess.run([sys.executable, str(script), "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "run `make types` and look at what has changed"
