"""Models: what a newer server says must neither break nor get lost."""

from datetime import UTC, datetime

import msgspec
import pytest

from threadline.client import Key, Message, Run, Thread, UnexpectedAnswer, events
from threadline.client.blocks import Source, TextBlock, UnknownBlock, content_json
from threadline.client.decode import plain, read
from threadline.client.events import decode_event
from threadline.client.models import AccessToken
from threadline.client.sse import Frame

from . import wire_samples as wire


def event_of(frame_bytes: bytes) -> events.Event:
    lines = dict(line.split(": ", 1) for line in frame_bytes.decode().strip().split("\n"))
    return decode_event(Frame(lines["event"], lines["data"], lines.get("id", "")))


def test_known_fields_are_typed() -> None:
    """Times become aware datetimes, blocks and nested objects become their structs."""
    message = read(Message, wire.answer_message("hi", usage={"input_tokens": 3, "output_tokens": None}))
    assert message.created_at == datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
    assert message.content == (TextBlock(text="hi"),)
    assert message.text == "hi"
    assert message.usage is not None
    assert message.usage.input_tokens == 3
    assert message.usage.output_tokens is None


def test_unknown_fields_are_kept_at_every_depth() -> None:
    """A field that a newer server adds is found in `extra`, in the object where it stood."""
    raw = wire.run("completed", mood="fine", attempts=[{"attempt": 1, "started_at": wire.TIME, "node": "n1"}])
    run = read(Run, raw)
    assert run.extra == {"mood": "fine"}
    assert run.attempts[0].extra == {"node": "n1"}
    assert run.is_terminal


def test_unknown_blocks_come_out_as_they_went_in() -> None:
    """What was read can be sent again: unknown kinds of blocks, and unknown fields of known ones, lose nothing."""
    content = [
        {"type": "text", "text": "a", "cache": True},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png", "etag": "1"}},
        {"type": "hologram", "beams": [1, {"type": "inner"}]},
        {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": None}},
    ]
    message = read(Message, wire.message(content=content))
    assert message.content[1].source == Source(type="url", url="https://x/y.png", extra={"etag": "1"})
    assert message.content[2] == UnknownBlock(type="hologram", extra={"beams": [1, {"type": "inner"}]})
    sent = content_json(message.content)
    assert sent[:3] == content[:3]
    assert sent[3] == content[3]


def test_models_are_frozen() -> None:
    """An object that was read cannot be changed by accident."""
    thread = read(Thread, wire.thread())
    with pytest.raises(AttributeError):
        thread.title = "x"  # type: ignore[misc]


@pytest.mark.parametrize("raw", [wire.thread(id=7), wire.thread(seq="x"), {"title": "no id"}, [], None])
def test_a_known_field_of_a_wrong_type_is_an_unexpected_answer(raw: object) -> None:
    """What breaks the contract is said in our words, at the edge, and not as an AttributeError somewhere later."""
    with pytest.raises(UnexpectedAnswer, match="Thread"):
        read(Thread, raw)


def test_secrets_are_not_in_the_repr() -> None:
    """Keys and tokens do not leak through a log line."""
    assert "s3cret" not in repr(read(Key, {"id": "key_1", "secret": "s3cret"}))
    assert "s3cret" not in repr(read(AccessToken, {"token": "s3cret", "expires_at": wire.TIME}))


def test_every_event_of_the_contract_has_its_struct() -> None:
    """Each type of the contract's table is decoded to its own struct, with its place in the log."""
    tool = {"tool_use_id": "t1", "name": "add", "input": {"a": 1}}
    samples = {
        "thread.created": {"thread": wire.thread()},
        "thread.updated": {"thread": {"id": "thr_1", "title": None}},
        "thread.deleted": {"thread": {"id": "thr_1"}},
        "message.created": {"message": wire.message()},
        "message.started": {"message": wire.answer_message("")},
        "message.delta": {"message_id": "msg_2", "block": 0, "kind": "text", "text": "x"},
        "message.superseded": {"message_id": "msg_2", "by_attempt": 2},
        "message.completed": {"message": wire.answer_message("x")},
        "tool.requested": tool,
        "tool.started": tool,
        "tool.completed": {"tool_use_id": "t1", "name": "add", "output": 3, "is_error": False},
        **{f"run.{status}": {"run": wire.run(status)} for status in
           ("queued", "started", "waiting", "completed", "failed", "cancelled", "expired")},
    }  # fmt: skip
    for seq, (type, fields) in enumerate(samples.items(), 1):
        event = event_of(wire.frame(seq, type, **fields))
        assert isinstance(event, events.LogEvent), type
        assert (event.type, event.seq, event.thread_id) == (type, seq, "thr_1")
        assert type.replace(".", "") == event.__class__.__name__.lower()
        assert event.extra == {}


def test_changed_fields_are_told_from_unchanged_ones() -> None:
    """In `thread.updated` None is a new value, and UNSET means that the field did not change."""
    event = event_of(wire.frame(5, "thread.updated", thread={"title": None, "colour": "red"}))
    assert isinstance(event, events.ThreadUpdated)
    assert event.thread.title is None
    assert event.thread.pinned is msgspec.UNSET
    assert event.thread.extra == {"colour": "red"}


def test_an_unknown_event_is_passed_on_whole() -> None:
    """A type that a newer server adds arrives with its seq and all its data."""
    event = event_of(wire.frame(9, "poll.opened", question="?"))
    assert event == events.UnknownEvent(
        type="poll.opened",
        seq=9,
        data={"type": "poll.opened", "seq": 9, "thread_id": "thr_1", "question": "?"},
    )


@pytest.mark.parametrize("data", ["{", "[]", '{"type":"message.delta","seq":1}'])
def test_a_broken_frame_is_an_unexpected_answer(data: str) -> None:
    """Data that is no JSON object, or a known event without its form, is an error and not a silent gap."""
    with pytest.raises(UnexpectedAnswer):
        decode_event(Frame("message.delta", data, "1"))


def test_plain_undoes_read() -> None:
    """A model written out is the object that it was read from, without the fields that were null."""
    raw = wire.thread(title="t", metadata={"a": [1, None]}, new_field=1, created_at=None, last_activity_at=None)
    assert plain(read(Thread, raw)) == {name: value for name, value in raw.items() if value is not None}
