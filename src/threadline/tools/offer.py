"""What one run may use: a list of tools, each by its name."""

from collections.abc import Sequence
from typing import Any

from threadline.limits import TOOLS_PER_SEND_MAX
from threadline.tools.contract import Definition, Tool


class OfferedTools:
    """An `Offer` of the tools themselves."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools[:TOOLS_PER_SEND_MAX]}
        self.definitions: Sequence[dict[str, Any]] = [definition(tool) for tool in self._tools.values()]

    def find(self, name: str) -> Tool | None:
        """Return the tool that the model means by this name."""
        return self._tools.get(name)


def definition(tool: Tool) -> dict[str, Any]:
    """Return what a model is told of a tool."""
    return {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}


def described(tool: Tool) -> Definition:
    """Return what a person is told of a tool."""
    return Definition(tool.name, tool.kind, tool.description, tool.input_schema)
