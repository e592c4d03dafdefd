"""The fold of the server, held against the cases that the fold of every other client is held against as well."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from threadline.api.answers import State
from threadline.events import Entry, KnownEvent, decode_event
from threadline.fold import ThreadState

CASES = sorted(Path(__file__).parent.joinpath("fold").glob("*.json"))


def entry_of(event: dict[str, Any]) -> Entry:
    """Return an event of the wire as an entry of the log."""
    return Entry(event["thread_id"], event["seq"], None, decode_event(json.dumps(event).encode()))


def begun(start: dict[str, Any] | None) -> ThreadState:
    """Return the state that a case begins with."""
    if start is None:
        return ThreadState()
    state = msgspec.convert({**start, "has_more": False, "next_cursor": None}, State)
    return ThreadState(state.thread, state.messages, state.runs, state.seq, state.members or ())


def plain(state: ThreadState) -> dict[str, Any]:
    """Return a state as a case writes it down."""
    shown = {
        "seq": state.seq,
        "thread": state.thread,
        "messages": state.messages,
        "runs": state.runs,
        "members": state.members,
    }
    found: dict[str, Any] = json.loads(msgspec.json.encode(shown))
    return found


def whole(record: Any) -> Any:
    """Leave out what is null or empty: a field that a later version adds is no difference to a case that is older."""
    match record:
        case dict():
            return {name: whole(value) for name, value in record.items() if value not in (None, [])}
        case list():
            return [whole(item) for item in record]
        case _:
            return record


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_events_become_the_states_of_the_case(path: Path) -> None:
    """After each step of a case the state is the one that the case says; `clients/typescript` runs the same ones."""
    case = json.loads(path.read_text())
    state = begun(case["start"])
    for step in case["steps"]:
        for event in step["events"]:
            state.apply(entry_of(event))
        assert whole(plain(state)) == whole(step["state"]), case["about"]


def test_the_cases_know_every_kind_of_event() -> None:
    """A kind of event without a case is one that the two folds may see differently."""
    events = [event for path in CASES for step in json.loads(path.read_text())["steps"] for event in step["events"]]
    assert set(tags()) <= {event["type"] for event in events}


def tags() -> list[str]:
    """Return the types of all events as on the wire, but the one that needs an hour to happen."""
    kinds = [str(kind.__struct_config__.tag) for kind in KnownEvent.__args__]
    return [tag for tag in kinds if tag != "run.expired"]
