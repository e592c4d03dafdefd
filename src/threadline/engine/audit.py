"""A thread as an audit: who said what, what was called and agreed to, what it gave, and what every attempt has cost.

Pure, and made of the log in its order and of the rows of the tool calls: the report of the terminal and the one of the
API say the same. Runs stand where they end.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from threadline.content import ToolUseBlock
from threadline.events import (
    Entry,
    MessageCompleted,
    MessageCreated,
    RunCancelled,
    RunCompleted,
    RunExpired,
    RunFailed,
)
from threadline.records import Attempt, Message, Run, Usage
from threadline.tool_calls import ToolCall

CostOf = Callable[[str, Usage], Decimal | None]
"""(`provider/model`, usage) -> US dollars; None where the price is not known."""


class Said(Struct, frozen=True, tag="said", tag_field="type"):
    """A person has said something, or somebody has put it in."""

    seq: int
    message: Message


class Answered(Struct, frozen=True, tag="answered", tag_field="type"):
    """An answer is whole, or broken off: its words, and the calls that it asked for, with what became of them."""

    seq: int
    message: Message
    calls: list[ToolCall]


class Spent(Struct, frozen=True):
    """What one attempt has cost in US dollars, a decimal; None where that is not known."""

    attempt: int
    cost_usd: str | None


class Ended(Struct, frozen=True, tag="ended", tag_field="type"):
    """A run has ended, with all of its attempts and what each has cost."""

    seq: int
    run: Run
    costs: list[Spent]


Part = Said | Answered | Ended


class Sums(Struct, frozen=True, kw_only=True):
    """What the runs of an audit come to. Of `attempts` so many are `known`; `cost_usd` is of those with a price."""

    runs: int
    attempts: int
    known: int
    input_tokens: int
    output_tokens: int
    cost_usd: str | None
    tool_calls: int
    failed_tool_calls: int


def parts(entries: Iterable[Entry], calls: Mapping[str, ToolCall], cost_of: CostOf) -> Iterator[Part]:
    """Yield what the log says, in its order. `calls` are the thread's by the id that the model gave them."""
    for entry in entries:
        match entry.event:
            case MessageCreated(message=message):
                yield Said(entry.seq, message)
            case MessageCompleted(message=message):
                asked = [block.id for block in message.content if isinstance(block, ToolUseBlock)]
                yield Answered(entry.seq, message, [calls[each] for each in asked if each in calls])
            case RunCompleted(run=run) | RunFailed(run=run) | RunCancelled(run=run) | RunExpired(run=run):
                yield Ended(entry.seq, run, [_spent(run, attempt, cost_of) for attempt in run.attempts])
            case _:
                pass


def sums_of(told: Sequence[Part]) -> Sums:
    """Return what these parts of an audit come to."""
    runs = [part for part in told if isinstance(part, Ended)]
    calls = [call for part in told if isinstance(part, Answered) for call in part.calls]
    attempts = [attempt for part in runs for attempt in part.run.attempts]
    known = [attempt.usage for attempt in attempts if attempt.usage is not None]
    costs = [Decimal(each.cost_usd) for part in runs for each in part.costs if each.cost_usd is not None]
    return Sums(
        runs=len(runs),
        attempts=len(attempts),
        known=len(known),
        input_tokens=sum(usage.input_tokens or 0 for usage in known),
        output_tokens=sum(usage.output_tokens or 0 for usage in known),
        cost_usd=f"{sum(costs):f}" if costs else None,
        tool_calls=len(calls),
        failed_tool_calls=sum(bool(call.is_error) for call in calls),
    )


def _spent(run: Run, attempt: Attempt, cost_of: CostOf) -> Spent:
    cost = None if attempt.usage is None else cost_of(run.model, attempt.usage)
    return Spent(attempt.attempt, None if cost is None else f"{cost:f}")
