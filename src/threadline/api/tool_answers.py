"""The shapes of answers about tools."""

from msgspec import Struct

from threadline.tool_records import Registration
from threadline.tools.contract import Definition


class ToolPage(Struct, frozen=True):
    """The tenant's tools by name, and those that the installation has for everybody."""

    data: list[Registration]
    installed: list[Definition]
    has_more: bool = False
    next_cursor: str | None = None


class DefinitionPage(Struct, frozen=True):
    """What a model is told of a registration: one tool, or all of a server's."""

    data: list[Definition]
    has_more: bool = False
    next_cursor: str | None = None
