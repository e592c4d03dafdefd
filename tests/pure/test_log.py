"""Fold, packing, windows and frames: the pure heart of the log."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadline.content import ReasoningBlock, TextBlock, ToolResultBlock, ToolUseBlock, storable, visible
from threadline.dialects import native
from threadline.engine.batch import Batch
from threadline.engine.prompt import OUTCOME_UNKNOWN, paired
from threadline.events import (
    Entry,
    MessageDelta,
    ThreadUpdated,
    UnknownEvent,
    decode_event,
    encode_event,
)
from threadline.fold import Draft, ThreadState, tool_input
from threadline.ids import MessageId, RunId, TenantId, ThreadId
from threadline.journal.window import Window, Windows
from threadline.limits import WINDOW_BYTES_MAX
from threadline.providers.contract import ReasoningChunk, TextChunk, ToolInputChunk
from threadline.store.contract import AttemptRow
from threadline.store.packing import decode_marks, deltas_of, encode_marks, pack_of

THREAD = ThreadId("thr_1")
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
DELTAS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 4), st.sampled_from(["text", "reasoning", "tool_input"]), TEXTS),
    min_size=1,
    max_size=50,
)


def delta(seq: int, text: str = "x") -> Entry:
    """Make an entry with a delta."""
    return Entry(THREAD, seq, RunId("run_1"), MessageDelta(MessageId("msg_1"), 0, "text", text))


@given(DELTAS, st.data())
def test_a_pack_gives_back_every_delta(drawn: list, data: st.DataObject) -> None:
    """Promise 3: seq by seq, block by block, word by word, from every cursor."""
    seq, deltas = 0, []
    for distance, block, kind, text in drawn:
        seq += distance
        deltas.append((seq, MessageDelta(MessageId("msg_1"), block, kind, text)))
    pack = pack_of(RunId("run_1"), MessageId("msg_1"), 1, deltas)
    assert decode_marks(encode_marks(pack)) == pack.marks
    after = data.draw(st.integers(0, seq))
    upto = data.draw(st.integers(after, seq))
    assert list(deltas_of(pack, after, upto)) == [(n, d) for n, d in deltas if after < n <= upto]


def test_a_frame_is_the_contracts() -> None:
    """The bytes of the native wire, to the letter."""
    entry = Entry(THREAD, 7, RunId("run_1"), MessageDelta(MessageId("msg_1"), 2, "reasoning", 'a "b"\n\u2028é'))
    assert native.frame(entry) == (
        b'id: 7\nevent: message.delta\ndata: {"type":"message.delta","seq":7,"thread_id":"thr_1",'
        b'"message_id":"msg_1","block":2,"kind":"reasoning","text":"a \\"b\\"\\n\xe2\x80\xa8\xc3\xa9"}\n\n'
    )
    changed = Entry(THREAD, 8, None, ThreadUpdated({"title": "x"}))
    assert native.frame(changed) == (
        b'id: 8\nevent: thread.updated\ndata: {"type":"thread.updated","seq":8,"thread_id":"thr_1",'
        b'"thread":{"title":"x"}}\n\n'
    )
    assert native.caught_up(9) == b'event: caught_up\ndata: {"type":"caught_up","seq":9}\n\n'


@given(TEXTS)
def test_the_quick_way_to_a_frame_is_the_same_frame(text: str) -> None:
    """A delta's frame, written out for speed, says what the general way says, on one line of data."""
    entry = delta(3, text)
    frame = native.frame(entry).decode()
    assert frame.count("\n") == 4
    said = json.loads(frame.split("data: ", 1)[1])
    assert said == json.loads(native.data(entry))
    assert said["text"] == text


def test_an_event_of_a_newer_version_is_kept_and_passed_on() -> None:
    """What this version does not know goes out as it came in, and changes no state."""
    body = b'{"type":"message.sung","tune":[1,2]}'
    event = decode_event(body)
    assert event == UnknownEvent("message.sung", body)
    assert encode_event(event) == body
    frame = native.frame(Entry(THREAD, 1, None, event))
    assert b'{"type":"message.sung","seq":1,"thread_id":"thr_1","tune":[1,2]}' in frame
    state = ThreadState()
    state.apply(Entry(THREAD, 1, None, event))
    assert (state.seq, state.thread, state.messages) == (1, None, [])


def test_a_hole_in_the_log_is_noticed() -> None:
    """The fold refuses to go on over a missing or repeated seq."""
    state = ThreadState(seq=4)
    for seq in (4, 6):
        with pytest.raises(AssertionError, match="hole"):
            state.apply(delta(seq))


def test_a_draft_keeps_blocks_apart_and_at_their_places() -> None:
    """Reasoning, text and tools in one answer; a snapshot of it goes on where it stood."""
    draft = Draft()
    draft.add(1, "text", "Hello")
    draft.add(3, "tool_input", '{"a"')
    assert draft.blocks() == [TextBlock("Hello")]
    places = draft.positions()
    assert [type(block) for block in places] == [TextBlock, TextBlock, TextBlock, ToolUseBlock]
    again = Draft.resumed(places)
    for one in (draft, again):
        one.add(0, "reasoning", "hm")
        one.add(1, "text", "!")
        one.add(3, "tool_input", ": 1}")
    assert again.positions() == draft.positions()
    assert tool_input(again.text(3)) == {"a": 1}
    draft.seal(0, "sig", "anthropic")
    assert draft.blocks()[0] == ReasoningBlock("hm", signature="sig", provider="anthropic")


def test_a_tool_input_that_breaks_off_is_kept_as_it_came() -> None:
    """Half a JSON text is no reason to lose an answer."""
    assert tool_input('{"a": ') == {"unparsed": '{"a": '}
    assert tool_input("") == {}


def test_a_person_sees_no_tool_traffic() -> None:
    """The user's view has text and thoughts; the audit view has everything."""
    content = [
        ReasoningBlock("hm", signature="s", provider="p"),
        ToolUseBlock("1", "t", {}),
        ToolResultBlock("1", "ok"),
        TextBlock("so"),
    ]
    assert visible(content, "audit") == content
    assert visible(content, "user") == [ReasoningBlock("hm"), TextBlock("so")]
    assert len(visible(content, "user", keep_places=True)) == 4


def test_a_model_is_shown_a_well_formed_pairing() -> None:
    """Promise 7: an orphan request gets an error outcome, an orphan outcome goes."""
    content = [
        ToolUseBlock("1", "t", {}),
        ToolUseBlock("2", "t", {}),
        ToolResultBlock("2", "ok"),
        ToolResultBlock("3", "?"),
    ]
    assert paired(content) == [*content[:3], ToolResultBlock("1", OUTCOME_UNKNOWN, is_error=True)]
    assert paired(paired(content)) == paired(content)


def test_foreign_text_is_made_storable() -> None:
    """NUL and half characters become U+FFFD; everything else stays to the letter."""
    assert storable("a\x00b\ud83d") == "a\ufffdb\ufffd"
    assert storable("🥊é\n") == "🥊é\n"


@pytest.mark.parametrize("kind", [TextChunk, ReasoningChunk, ToolInputChunk])
def test_whatever_a_provider_says_can_be_stored(kind: type[TextChunk]) -> None:
    """The words on their way to the store and the answer at its end are the same, and no database refuses them."""
    place = (TenantId("tnt_1"), THREAD, RunId("run_1"), MessageId("msg_1"))
    batch = Batch(AttemptRow(*place, epoch=1, first_seq=1), "puppet")
    batch.add([kind(0, "a\x00"), kind(0, "\ud83d b")])
    (row,) = batch.take()
    assert row.text == "a\ufffd\ufffd b"
    # Neither does JSON, which has no half characters either.
    assert b"\\u0000" not in msgspec.json.encode(batch.content())


def test_a_window_serves_what_it_has_and_admits_what_it_has_not() -> None:
    """From every cursor: the entries after it, nothing new, or "ask the store"."""
    window = Window()
    assert window.after(0) is None
    window.settle(4, 0)
    assert window.after(4) == ()
    for seq in (5, 6, 7):
        window.push(delta(seq))
    assert [entry.seq for entry in window.after(5) or ()] == [6, 7]
    assert window.after(3) is None
    assert window.after(9) == ()


def test_a_window_has_no_hole() -> None:
    """Where another node wrote in between, it begins anew; what it has seen it does not take twice."""
    window = Window()
    window.push(delta(5))
    window.push(delta(5))
    window.push(delta(7))
    assert window.after(4) is None
    assert [entry.seq for entry in window.after(6) or ()] == [7]


def test_a_window_is_bounded_and_forgets_the_oldest() -> None:
    """An endless answer does not fill the memory; the newest part stays."""
    windows = Windows()
    window = windows.hold(THREAD)
    for seq in range(1, 2000):
        windows.publish([delta(seq, "x" * 1000)])
    assert window.bytes <= WINDOW_BYTES_MAX
    assert window.after(0) is None
    assert [entry.seq for entry in window.after(1998) or ()] == [1999]
    windows.release(THREAD)
    assert len(windows) == 0


def test_a_nudge_about_what_is_known_costs_nothing() -> None:
    """Promise 10: late, repeated and reordered nudges change nothing; a new one says where to go on reading."""
    windows = Windows()
    window = windows.hold(THREAD)
    windows.publish([delta(1), delta(2)])
    for seq in (2, 1, 0):
        assert not windows.note_head(THREAD, seq)
    assert windows.behind() == {}
    assert windows.note_head(THREAD, 4)
    assert windows.behind() == {THREAD: 2}
    windows.publish([delta(3), delta(4)])
    assert windows.behind() == {}
    assert window.after(1) is not None
    assert not windows.note_head(ThreadId("thr_unknown"), 9)


def test_what_cannot_be_filled_is_read_from_the_store() -> None:
    """A stretch that one read for all threads did not bring: the window is given up, its readers are woken."""
    windows = Windows()
    window = windows.hold(THREAD)
    windows.publish([delta(1)])
    assert windows.note_head(THREAD, 3)
    windows.give_up([THREAD])
    assert window.after(1) is None


def test_a_nudge_that_was_never_so_is_found_out_once() -> None:
    """Somebody tells of a seq that the store does not have: one look, and the reader sleeps again."""
    windows = Windows()
    window = windows.hold(THREAD)
    windows.note_head(THREAD, 99)
    window.settle(4, window.head)
    assert window.after(4) == ()
    assert windows.behind() == {}
    window.clear()
    head = window.head
    windows.note_head(THREAD, 7)
    window.settle(4, head)
    assert window.after(4) is None, "told of while somebody was looking: he looks once more"
