"""One measured figure, and whether it is within its bar."""

from typing import Literal

import msgspec

Verdict = Literal["met", "goal met", "missed", ""]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number with its unit; the bar must hold, the goal is aimed at. Less is better unless it says so."""

    piece: str
    name: str
    value: float
    unit: str = ""
    bar: float | None = None
    goal: float | None = None
    more_is_better: bool = False
    note: str = ""

    @property
    def verdict(self) -> Verdict:
        """Say whether the bar, or even the goal, is met; nothing where there is no bar."""
        if self.bar is None:
            return ""
        if not self._within(self.bar):
            return "missed"
        return "goal met" if self.goal is not None and self._within(self.goal) else "met"

    def _within(self, limit: float) -> bool:
        return self.value >= limit if self.more_is_better else self.value <= limit
