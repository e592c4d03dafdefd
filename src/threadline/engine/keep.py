"""What of an answer survives the attempt that made it: the rounds of it that were finished.

At the end of each round with tool calls the content so far is saved in the row of its message, vendors' seals included,
and the calls are rows. The next attempt goes on from there. Where the log has more words than that, they are taken
back (`message.superseded`), and what is kept is written into the log once more, so that the fold and every client have
it again; where it has not, nothing is taken back, and a client sees no more than that the answer goes on.
"""

from collections.abc import Sequence

from msgspec import Struct

from threadline.content import Block, ProviderBlock, ReasoningBlock, TextBlock
from threadline.engine.calls import put_calls
from threadline.events import DeltaKind, MessageDelta, ToolCompleted, ToolRequested
from threadline.fold import Draft
from threadline.scopes import Tenant
from threadline.store.contract import RunRow, Transaction
from threadline.tool_calls import ToolCall


class Kept(Struct, frozen=True):
    """The finished rounds of an answer: its content with every block at its number, and the calls in it.

    `taken_ids` are those of calls that the run has made in earlier messages: no call has the id of another one.
    """

    content: Sequence[Block] = ()
    calls: Sequence[ToolCall] = ()
    taken_ids: frozenset[str] = frozenset()

    def draft(self) -> Draft:
        """Return the answer as it goes on from here, with the outcomes that are there by now."""
        draft = Draft.resumed(list(self.content))
        put_calls(draft, self.calls)
        return draft


NOTHING = Kept()


async def kept_of(transaction: Transaction, row: RunRow) -> Kept:
    """Return what is kept of a run's answer."""
    assert row.run.output_message_id is not None, "an answer that was begun"
    scope, message_id = Tenant(row.tenant_id), row.run.output_message_id
    made = await transaction.calls_of_run(scope, row.run.thread_id, row.run.id)
    calls = [call for call in made if call.message_id == message_id]
    taken_ids = frozenset(call.tool_use_id for call in made if call.message_id != message_id)
    if not calls:
        return Kept(taken_ids=taken_ids)
    message = await transaction.message(scope, message_id)
    return Kept(message.content, calls, taken_ids)


async def is_all_kept(transaction: Transaction, row: RunRow, kept: Kept) -> bool:
    """Whether the log has no words of the answer behind what is kept."""
    if not kept.calls:
        return False
    scope, thread_id = Tenant(row.tenant_id), row.run.thread_id
    last_request = max(call.seq for call in kept.calls)
    end = await transaction.next_seq(scope, thread_id)
    is_kept = True
    for entry in await transaction.log(scope, thread_id, last_request, end):
        if entry.run_id != row.run.id:
            continue
        match entry.event:
            case MessageDelta():
                is_kept = False
            case ToolRequested():
                # Written again behind words that were written again: as it was.
                is_kept = True
            case _:
                pass
    return is_kept


async def write_again(transaction: Transaction, row: RunRow, kept: Kept) -> None:
    """Write what is kept into the log of a message that was just emptied: one delta for each block of words."""
    scope, thread_id, run_id = Tenant(row.tenant_id), row.run.thread_id, row.run.id
    message_id = row.run.output_message_id
    assert message_id is not None, "asked for by the caller"
    for number, block in enumerate(kept.content):
        if (said := _words(block)) is not None:
            delta = MessageDelta(message_id, number, *said)
            await transaction.append(scope, thread_id, delta, run_id)
    for call in kept.calls:
        asked = ToolRequested(call.tool_use_id, call.name, call.input, call.block, message_id, run_id)
        await transaction.append(scope, thread_id, asked, run_id)
        if call.is_settled:
            told = ToolCompleted(
                call.tool_use_id, call.name, call.output, bool(call.is_error), call.result_block, message_id, run_id
            )
            await transaction.append(scope, thread_id, told, run_id)


def sealed(draft: Draft, content: Sequence[Block]) -> None:
    """Put back what no event carries: vendors' seals and parts, from the saved content of finished rounds."""
    for number, block in enumerate(content):
        match block:
            case ReasoningBlock(signature=str()) | ProviderBlock():
                draft.put(number, block)
            case _:
                pass


def _words(block: Block) -> tuple[DeltaKind, str] | None:
    match block:
        case TextBlock(text=text) if text:
            return "text", text
        case ReasoningBlock(text=text) if text:
            return "reasoning", text
        case _:
            return None
