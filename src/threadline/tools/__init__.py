"""Foreign functions that a model may ask for. `from threadline.tools import tool` makes one of a Python function."""

from threadline.tools.contract import Call
from threadline.tools.python import ToolError, tool

__all__ = ["Call", "ToolError", "tool"]
