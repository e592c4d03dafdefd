"""What the demo model is told to do."""

import json
from typing import Any


def script(*steps: dict[str, Any]) -> str:
    """Return a message that makes the demo model do these steps."""
    return json.dumps({"steps": steps})
