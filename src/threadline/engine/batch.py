"""A token, stop 3 of 8: chunks become deltas. Before: `engine/turn.py`; next: `journal/append.py`.

The journal's writer pulls what is pending here once for each commit. Between two commits several chunks of one block
become one delta: one row, one event, one frame.
"""

import asyncio
from collections.abc import Sequence

from threadline.content import Block, ProviderBlock, ToolUseBlock, storable
from threadline.engine.calls import Request, put_calls
from threadline.engine.keep import NOTHING, Kept
from threadline.errors import ProviderFailure
from threadline.events import DeltaKind, MessageDelta
from threadline.fold import tool_input
from threadline.limits import ANSWER_CHARS_MAX, NAME_CHARS_MAX, PENDING_DELTA_BYTES_PER_RUN_MAX
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
from threadline.tool_calls import ToolCall


class Batch:
    """What one attempt has received: pending deltas for the writer, and all of it for the end of the run.

    A provider numbers the blocks of each of its answers from 0. In the message those of a later round stand behind
    everything that the rounds before it have left there.
    """

    def __init__(self, attempt: AttemptRow, provider: str, kept: Kept = NOTHING) -> None:
        self.attempt = attempt
        self.committed: list[tuple[int, MessageDelta]] = []
        self._usage: Usage | None = None
        self.finish_reason: str | None = None
        self.is_refused = False
        self.chars = 0
        self._provider = provider
        self._draft = kept.draft()
        self._first_block = self._draft.next_block
        self._spent: Usage | None = None
        self._call_ids = {*kept.taken_ids, *(call.tool_use_id for call in kept.calls)}
        self._tool_calls: dict[int, ToolCallChunk] = {}
        self._pending: list[tuple[int, DeltaKind, list[str]]] = []
        self._pending_chars = 0
        self._taken_chars = 0
        self._unsettled = 0
        self._taken = asyncio.Event()

    @property
    def usage(self) -> Usage | None:
        """What the attempt has cost so far, over all of its rounds."""
        return total(self._spent, self._usage)

    @property
    def next_block(self) -> int:
        """The number of the first block that is free."""
        return self._draft.next_block

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
        """Return the whole answer as it stands, each block at its number."""
        return self._draft.positions()

    def said(self) -> list[Block]:
        """Return the whole answer as a model is to be reminded of it."""
        return self._draft.blocks()

    def requests(self) -> list[Request]:
        """Return the calls that this round has asked for so far, and put them into the answer."""
        requests = []
        for call in self._tool_calls.values():
            value = tool_input(self._draft.text(call.block))
            requests.append(Request(call.tool_use_id, call.name, value, call.block))
        for request in requests:
            block = ToolUseBlock(id=request.tool_use_id, name=request.name, input=request.input)
            self._draft.put(request.block, block)
        return requests

    def begin_round(self, calls: Sequence[ToolCall]) -> None:
        """Take the outcomes of the last round in; what comes next stands behind them."""
        put_calls(self._draft, calls)
        self._first_block = self._draft.next_block
        self._spent, self._usage = self.usage, None
        self.finish_reason = None
        self._tool_calls = {}

    def _add_text(self, block: int, kind: DeltaKind, text: str) -> None:
        if not text:
            return
        # The one door for what providers say: a letter that a database refuses would stop the writer for everybody.
        text = storable(text)
        block += self._first_block
        self._draft.add(block, kind, text)
        self.chars += len(text)
        self._pending_chars += len(text)
        if self._pending and self._pending[-1][0] == block:
            self._pending[-1][2].append(text)
        else:
            self._pending.append((block, kind, [text]))

    def _call_id(self, said: str) -> str:
        # Adapters give every call of a conversation an id of its own; one that does not costs nobody an outcome.
        call_id = base = storable(said)
        number = 1
        while call_id in self._call_ids:
            number += 1
            call_id = f"{base}_{number}"
        self._call_ids.add(call_id)
        return call_id

    def _note(self, chunk: Chunk) -> None:
        match chunk:
            case SignatureChunk():
                self._draft.seal(self._first_block + chunk.block, chunk.signature, self._provider)
            case ProviderPartChunk():
                part = ProviderBlock(provider=self._provider, data=chunk.data)
                self._draft.put(self._first_block + chunk.block, part)
            case ToolCallChunk():
                block, name = self._first_block + chunk.block, storable(chunk.name)[:NAME_CHARS_MAX]
                self._tool_calls[block] = ToolCallChunk(block, self._call_id(chunk.tool_use_id), name)
            case UsageChunk():
                self._usage = chunk.usage
            case FinishChunk():
                self.finish_reason = chunk.reason
            case _:
                raise AssertionError("text is taken by add")


def total(earlier: Usage | None, later: Usage | None) -> Usage | None:
    """Return what two rounds have cost together. What is not known of one of them is left out of the sum."""
    if earlier is None or later is None:
        return earlier or later
    estimated = "estimated" in (earlier.source, later.source)
    return Usage(
        input_tokens=_sum(earlier.input_tokens, later.input_tokens),
        output_tokens=_sum(earlier.output_tokens, later.output_tokens),
        cached_input_tokens=_sum(earlier.cached_input_tokens, later.cached_input_tokens),
        reasoning_tokens=_sum(earlier.reasoning_tokens, later.reasoning_tokens),
        source="estimated" if estimated else "provider",
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)
