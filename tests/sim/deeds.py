"""Holds what tools have done against what is stored of it. Each function yields what breaks promise 7."""

from collections import Counter
from collections.abc import Iterable, Iterator

from threadline.engine.calls import OUTCOME_UNKNOWN
from threadline.events import Entry, ToolCompleted
from threadline.ids import RunId
from threadline.tool_calls import ToolCall

from .checkers import Stored
from .model import Call, Plan
from .people import Answered
from .tools import EFFECTS, Deed, Outside
from .weather import Climate


def tools_did_what_is_told(
    threads: Iterable[Stored], calls: list[Call], outside: Outside, climate: Climate
) -> Iterator[str]:
    """Every call has its outcome, what was done is told as done, and nothing with effects was done twice."""
    kept = [stored for stored in threads if stored.state is not None]
    # What was handed to an answer may ask for tools as well: each question once, however often its model was asked.
    plans: dict[RunId, dict[str, Plan]] = {}
    for asked in calls:
        plans.setdefault(RunId(asked.run_id), {})[asked.plan.key] = asked.plan
    for stored in kept:
        for call in stored.tool_calls:
            deeds = [deed for deed in outside.deeds if deed.key == call.id]
            for breach in (*_one_call(call, deeds), *_is_told(call, stored.log)):
                yield f"{call.run_id}: {call.name} {call.id} {breach}"
            if call.output == OUTCOME_UNKNOWN.output and climate.is_calm:
                yield f"{call.id} has no known outcome, and nothing had happened to anybody"
        for (run_id, name), times in _effects(outside, stored).items():
            wanted = [tool for plan in plans[run_id].values() for tools in plan.rounds for tool in tools]
            planned = wanted.count(name)
            if times > planned:
                yield f"{run_id} was to {name} {planned} times and has done so {times} times"
    known = {call.id for stored in kept for call in stored.tool_calls}
    runs = {run.id for stored in kept for run in stored.runs}
    for deed in outside.deeds:
        if deed.run_id in runs and deed.key not in known:
            yield f"{deed.name} was done under {deed.key}, of which nothing is stored"


def _one_call(call: ToolCall, deeds: list[Deed]) -> Iterator[str]:
    if not call.is_settled:
        yield f"is {call.status} in the end"
    if len(deeds) > call.attempt or (len(deeds) > 1 and call.name in EFFECTS):
        yield f"was done {len(deeds)} times in {call.attempt} attempts"
    if deeds and call.needs_approval and not call.is_approved:
        yield "was done although nobody has agreed"
    if call.status == "succeeded" and call.kind == "python" and call.output not in [deed.output for deed in deeds]:
        yield f"is told to have given {call.output!r}, done was {deeds}"


def _is_told(call: ToolCall, log: list[Entry]) -> Iterator[str]:
    told = [
        (event.output, event.is_error)
        for entry in log
        if isinstance(event := entry.event, ToolCompleted)
        and (event.run_id, event.tool_use_id) == (call.run_id, call.tool_use_id)
    ]
    # More than once only where an attempt has written it again, and then always the same.
    if set(map(str, told)) != {str((call.output, call.is_error))}:
        yield f"is {call.output!r} in its row and {told} in the log"


def _effects(outside: Outside, stored: Stored) -> Counter[tuple[RunId, str]]:
    runs = {run.id for run in stored.runs}
    return Counter(
        (RunId(deed.run_id), deed.name) for deed in outside.deeds if deed.name in EFFECTS and deed.run_id in runs
    )


def answers_to_calls_count_once(answered: list[Answered], threads: Iterable[Stored]) -> Iterator[str]:
    """Whoever was told that his answer counts was right: of two people who do not agree, one was refused."""
    calls = {(call.run_id, call.tool_use_id): call for stored in threads for call in stored.tool_calls}
    for one in answered:
        call = calls.get((one.run_id, one.tool_use_id))
        if call is None:
            continue
        counted = call.is_approved if isinstance(one.said, bool) else call.output
        if counted != one.said:
            yield f"{call.id}: somebody said {one.said!r} and was told that it counts; stored is {counted!r}"
