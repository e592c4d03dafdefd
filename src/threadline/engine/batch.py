"""A token, stop 3 of 8: chunks become deltas. Before: `engine/turn.py`; next: `journal/append.py`.

The journal's writer pulls what is pending here once for each commit. Between two commits several chunks of one block
become one delta: one row, one event, one frame.
"""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from threadline.content import Block, ProviderBlock, ToolResultBlock, ToolUseBlock, storable
from threadline.errors import ProviderFailure
from threadline.events import DeltaKind, MessageDelta
from threadline.fold import Draft, tool_input
from threadline.limits import ANSWER_CHARS_MAX, PENDING_DELTA_BYTES_PER_RUN_MAX
from threadline.providers.contract import (
    Chunk,
    FinishChunk,
    ProviderPartChunk,
    ReasoningChunk,
    SignatureChunk,
    TextChunk,
    ToolCallChunk,
    ToolInputChunk,
    UsageChunk,
)
from threadline.records import Usage
from threadline.store.contract import AttemptRow, DeltaRow

NO_SUCH_TOOL = "There is no tool of this name. Answer without it."


class ClosedCall(Struct, frozen=True):
    """A tool request with its outcome, and which blocks of the message they are."""

    use: ToolUseBlock
    use_block: int
    result: ToolResultBlock
    result_block: int


class Batch:
    """What one attempt has received: pending deltas for the writer, and all of it for the end of the run."""

    def __init__(self, attempt: AttemptRow, provider: str) -> None:
        self.attempt = attempt
        self.committed: list[tuple[int, MessageDelta]] = []
        self.usage: Usage | None = None
        self.finish_reason: str | None = None
        self.is_refused = False
        self.chars = 0
        self._provider = provider
        self._draft = Draft()
        self._tool_calls: dict[int, ToolCallChunk] = {}
        self._pending: list[tuple[int, DeltaKind, list[str]]] = []
        self._pending_chars = 0
        self._taken_chars = 0
        self._unsettled = 0
        self._taken = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether more is pending than one run may have uncommitted."""
        return self._pending_chars + self._taken_chars > PENDING_DELTA_BYTES_PER_RUN_MAX

    def add(self, chunks: Sequence[Chunk]) -> None:
        """Take chunks as they came. Raises ProviderFailure where the answer is longer than an answer may be."""
        for chunk in chunks:
            match chunk:
                case TextChunk():
                    self._add_text(chunk.block, "text", chunk.text)
                case ReasoningChunk():
                    self._add_text(chunk.block, "reasoning", chunk.text)
                case ToolInputChunk():
                    self._add_text(chunk.block, "tool_input", chunk.text)
                case _:
                    self._note(chunk)
        if self.chars > ANSWER_CHARS_MAX:
            raise ProviderFailure("The answer is longer than an answer may be.")

    def take(self) -> list[DeltaRow]:
        """Hand what is pending to the writer."""
        attempt = self.attempt
        rows = [
            DeltaRow(
                attempt.tenant_id,
                attempt.thread_id,
                attempt.run_id,
                attempt.message_id,
                attempt.epoch,
                block,
                kind,
                "".join(pieces),
            )
            for block, kind, pieces in self._pending
        ]
        self._pending = []
        self._pending_chars, self._taken_chars = 0, self._taken_chars + self._pending_chars
        self._unsettled += bool(rows)
        return rows

    def settle(self, committed: Sequence[tuple[int, MessageDelta]], refused: bool) -> None:
        """Hear what became of what was taken."""
        self.committed.extend(committed)
        self.is_refused = self.is_refused or refused
        self._unsettled -= 1
        if not self._unsettled:
            self._taken_chars = 0
        self._taken.set()

    async def wait_until_settled(self) -> None:
        """Sleep until nothing is pending here and nothing is on its way."""
        while self._pending or self._unsettled:
            self._taken.clear()
            await self._taken.wait()

    async def wait_for_room(self) -> None:
        """Sleep until the writer has taken what is pending."""
        while self.is_full:
            self._taken.clear()
            await self._taken.wait()

    def content(self) -> list[Block]:
        """Return the whole answer as it stands."""
        return self._draft.blocks()

    def close_tool_calls(self) -> list[ClosedCall]:
        """Give every tool request an outcome, so that the history stays a well-formed pairing (promise 7)."""
        closed = []
        uses = [
            (call.block, ToolUseBlock(call.tool_use_id, call.name, tool_input(self._draft.text(call.block))))
            for call in self._tool_calls.values()
        ]
        # All requests first: one whose input has not begun has no block yet, and an outcome would take its place.
        for block, use in uses:
            self._draft.put(block, use)
        for block, use in uses:
            result = ToolResultBlock(tool_use_id=use.id, content=NO_SUCH_TOOL, is_error=True)
            place = self._draft.next_block
            self._draft.put(place, result)
            closed.append(ClosedCall(use, block, result, place))
        self._tool_calls = {}
        return closed

    def _add_text(self, block: int, kind: DeltaKind, text: str) -> None:
        if not text:
            return
        # The one door for what providers say: a letter that a database refuses would stop the writer for everybody.
        text = storable(text)
        self._draft.add(block, kind, text)
        self.chars += len(text)
        self._pending_chars += len(text)
        if self._pending and self._pending[-1][0] == block:
            self._pending[-1][2].append(text)
        else:
            self._pending.append((block, kind, [text]))

    def _note(self, chunk: Chunk) -> None:
        match chunk:
            case SignatureChunk():
                self._draft.seal(chunk.block, chunk.signature, self._provider)
            case ProviderPartChunk():
                self._draft.put(chunk.block, ProviderBlock(provider=self._provider, data=chunk.data))
            case ToolCallChunk():
                self._tool_calls[chunk.block] = chunk
            case UsageChunk():
                self.usage = chunk.usage
            case FinishChunk():
                self.finish_reason = chunk.reason
            case _:
                raise AssertionError("text is taken by add")
