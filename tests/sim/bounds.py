"""Tight bounds for some seeds, so that what happens at a bound happens in a simulation of twenty words."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

from threadline.engine import pack
from threadline.journal import tail, window


@contextmanager
def drawn(dice: random.Random) -> Iterator[None]:
    """Make windows, pages and unpacked stretches small while the caller's block runs, or leave them as they are."""
    with ExitStack() as patches:
        for room, bound, values in (
            (window, "WINDOW_BYTES_MAX", (2_000, 10_000)),
            (window, "WINDOW_BYTES_TOTAL_MAX", (5_000,)),
            (tail, "LOG_PAGE_EVENTS", (2, 7)),
            (tail, "LOG_PAGE_BYTES", (500,)),
            (pack, "DELTA_ROWS_BEHIND_MAX", (3, 10)),
            (pack, "SWEEP_SECONDS", (1.0, 5.0)),
        ):
            if dice.random() < 0.4:
                patches.enter_context(mock.patch.object(room, bound, dice.choice(values)))
        yield
