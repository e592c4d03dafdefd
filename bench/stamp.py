"""The mark every token carries: its number in the answer and the moment it was sent.

The upstream writes it, the load generator reads it back out of whatever wire format the server in between speaks. The
monotonic clock is one for all processes on Linux, so arrival minus stamp is the latency that was added on the way.
"""

import re
from typing import Final

# Hexadecimal, brackets and a full stop: no JSON encoder escapes any of them, so the stamp is the same
# bytes in every format. Fixed widths, so that half a stamp at the end of a read is recognisable by its length.
PATTERN: Final = re.compile(rb"\[([0-9a-f]{4})\.([0-9a-f]{11})\]")
LENGTH: Final = 18
TOKENS_MAX: Final = 0xFFFF


def encode(index: int, now_us: int) -> bytes:
    """Return one token's text: its stamp and a space, 19 bytes, about what a token of prose with its space takes."""
    return b"[%04x.%011x] " % (index, now_us)
