"""Server-sent events as they came: every frame with its exact bytes, so that two readers can be compared byte by byte.

Strict on purpose, and written without a look at the server: what is no well-formed frame is a failed test.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Frame:
    """One event frame. `id` is None where the frame had none; streams of many threads have a `cursor` of text."""

    id: int | None
    event: str
    raw: bytes
    cursor: str | None = None

    @cached_property
    def data(self) -> Any:
        """The frame's JSON."""
        return json.loads(self._text)

    @property
    def _text(self) -> str:
        lines = self.raw.decode().split("\n")
        return "\n".join(line.removeprefix("data: ") for line in lines if line.startswith("data: "))


class Splitter:
    """Cuts a byte stream into frames; comments and `retry:` are counted apart."""

    def __init__(self) -> None:
        self.comments: list[str] = []
        self.retries: list[int] = []
        self._rest = b""

    @property
    def has_rest(self) -> bool:
        """Whether the last frame was not whole."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that these bytes complete."""
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        return [frame for block in blocks if (frame := self._frame(block)) is not None]

    def _frame(self, block: bytes) -> Frame | None:
        fields: dict[str, str] = {}
        for line in block.decode().split("\n"):
            name, colon, value = line.partition(": ")
            if line.startswith(":"):
                self.comments.append(line.removeprefix(":").strip())
            elif name == "retry":
                self.retries.append(int(value))
            else:
                assert colon, f"no field of an event stream: {line!r}"
                assert name in ("id", "event", "data"), f"an unknown field: {line!r}"
                assert name not in fields, f"a field came twice in {block!r}"
                fields[name] = value
        if not fields:
            return None
        assert {"event", "data"} <= fields.keys(), f"a frame without event or data: {block!r}"
        cursor = fields.get("id")
        number = int(cursor) if cursor and cursor.isdecimal() else None
        return Frame(number, fields["event"], block, cursor)
