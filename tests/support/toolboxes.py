"""A toolbox of given tools, for engines that a test puts together by itself."""

from collections.abc import Sequence

from threadline.scopes import Scope
from threadline.tools.contract import Offer, Selection, Tool
from threadline.tools.toolbox import OfferedTools


class GivenTools:
    """A `Toolbox` of these tools and no others."""

    def __init__(self, *tools: Tool) -> None:
        self._tools: Sequence[Tool] = tools

    async def offer(self, scope: Scope, selection: Selection) -> Offer:
        """Return the named ones, or all."""
        is_all = selection.mode != "explicit"
        return OfferedTools([tool for tool in self._tools if is_all or tool.name in selection.names])

    async def check(self, scope: Scope, selection: Selection) -> None:
        """Every selection will do."""

    async def close(self) -> None:
        """Nothing is open."""
