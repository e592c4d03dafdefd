"""The fold of a run's events into text, reply and run."""

import pytest

from threadline.client import RunFailed, events
from threadline.client.answer import Answer
from threadline.client.decode import read
from threadline.client.models import Message, Run

from . import wire_samples as wire


def started(message_id: str = "m") -> events.Event:
    message = read(Message, wire.answer_message("", id=message_id))
    return events.MessageStarted(seq=1, thread_id="t", message=message)


def delta(text: str, block: int = 0, kind: str = "text", message_id: str = "m") -> events.Event:
    return events.MessageDelta(seq=1, thread_id="t", message_id=message_id, block=block, kind=kind, text=text)


def completed(*texts: str, message_id: str = "m", role: str = "assistant") -> events.Event:
    content = [{"type": "text", "text": text} for text in texts]
    message = read(Message, wire.answer_message("", id=message_id, content=content, role=role))
    return events.MessageCompleted(seq=1, thread_id="t", message=message)


def superseded(message_id: str = "m") -> events.Event:
    return events.MessageSuperseded(seq=1, thread_id="t", message_id=message_id, by_attempt=2)


def told(*happened: events.Event) -> tuple[list[str], Answer]:
    """What a reader of the text stream is told: pieces of text, and "<" where it has to forget."""
    answer, pieces = Answer(), []
    for event in happened:
        answer.take(event)
        if answer.superseded is not None:
            pieces.append("<")
        if answer.piece:
            pieces.append(answer.piece)
    return pieces, answer


def test_deltas_add_up_to_the_reply() -> None:
    """The pieces are the deltas, and the completed message adds nothing to what was said already."""
    pieces, answer = told(started(), delta("Hel"), delta("lo"), completed("Hello"))
    assert pieces == ["Hel", "lo"]
    assert answer.text == "Hello"
    assert answer.reply is not None
    assert answer.reply.text == "Hello"


def test_only_visible_text_counts() -> None:
    """Reasoning and the arguments of tools are not part of the text."""
    pieces, answer = told(
        started(), delta("hm", 0, "reasoning"), delta("a", 1), delta("{}", 2, "tool_input"), completed("a")
    )
    assert pieces == ["a"]
    assert answer.text == "a"


def test_text_blocks_are_kept_apart() -> None:
    """Text before and after a tool call is joined as the message itself joins it."""
    pieces, answer = told(
        started(), delta("Let me "), delta("look."), delta("It is 3.", 2), completed("Let me look.", "It is 3.")
    )
    assert pieces == ["Let me ", "look.", "\n\nIt is 3."]
    assert answer.reply is not None
    assert "".join(pieces) == answer.text == answer.reply.text


def test_a_superseded_message_starts_again() -> None:
    """After a crash the text of the dead attempt is taken back, once, and the next attempt's takes its place."""
    pieces, answer = told(started(), delta("Half"), superseded(), delta("Who"), delta("le"), completed("Whole"))
    assert pieces == ["Half", "<", "Who", "le"]
    assert answer.text == "Whole"


def test_a_completed_message_replaces_what_was_held() -> None:
    """Words that came without deltas are told; a message that says something else is told from the start."""
    assert told(started(), completed("All at once"))[0] == ["All at once"]
    assert told(started(), delta("Al"), completed("All at once"))[0] == ["Al", "l at once"]
    pieces, answer = told(started(), delta("Secret"), completed("[removed]"))
    assert pieces == ["Secret", "<", "[removed]"]
    assert answer.text == "[removed]"


def test_a_stream_that_begins_in_the_middle_does_not_tell_the_beginning() -> None:
    """Who resumes from a cursor has the first part already; `text` still ends up whole."""
    pieces, answer = told(delta("lo"), completed("Hello"))
    assert pieces == ["lo"]
    assert answer.text == "Hello"
    pieces, answer = told(completed("Hello"))
    assert pieces == []
    assert answer.text == "Hello"
    assert told(delta("Half"), superseded(), delta("W"), completed("Whole"))[0] == ["Half", "<", "W", "hole"]


def test_several_messages_of_a_run_are_one_text() -> None:
    """All that a run says is its text; the last message is its reply."""
    pieces, answer = told(
        started("m"), delta("One."), completed("One."), started("n"), delta("Two.", message_id="n"),
        completed("Two.", message_id="n"),
    )  # fmt: skip
    assert pieces == ["One.", "\n\nTwo."]
    assert answer.text == "One.\n\nTwo."
    assert answer.reply is not None
    assert answer.reply.id == "n"


def test_other_peoples_messages_are_not_the_reply() -> None:
    """Only an assistant's message answers."""
    _, answer = told(completed("hi", role="user"))
    assert answer.reply is None
    assert answer.text == ""


def test_the_result_has_message_run_and_reply() -> None:
    """A queued send's message is the run's input; a run that did not complete raises when asked to."""
    sent = wire.message(content=[{"type": "text", "text": "q"}])
    queued = events.RunQueued(seq=1, thread_id="t", run=read(Run, wire.run("queued", input=sent)))
    failed = events.RunFailed(seq=2, thread_id="t", run=read(Run, wire.run("failed")))
    result = told(queued, started(), delta("a"), completed("a"), failed)[1].result()
    assert result.message is not None
    assert result.message.text == "q"
    assert result.text == "a"
    with pytest.raises(RunFailed) as caught:
        result.raise_for_run()
    assert caught.value.run is result.run
    done = events.RunCompleted(seq=2, thread_id="t", run=read(Run, wire.run("completed")))
    result = told(done)[1].result()
    assert result.raise_for_run() is result
    assert (result.reply, result.message, result.text) == (None, None, "")


def test_the_message_is_the_question_as_it_was_asked_in_the_end() -> None:
    """Rewritten while it waited; and not what was handed to its answer later."""

    def said(text: str, message_id: str = "q") -> dict[str, object]:
        return wire.message(id=message_id, content=[{"type": "text", "text": text}])

    def queued(text: str) -> events.Event:
        return events.RunQueued(seq=1, thread_id="t", run=read(Run, wire.run("queued", input=said(text))))

    def created(text: str, message_id: str) -> events.Event:
        return events.MessageCreated(seq=2, thread_id="t", message=read(Message, said(text, message_id)))

    done = events.RunCompleted(seq=3, thread_id="t", run=read(Run, wire.run("completed")))
    waited = told(queued("old"), queued("new"))[1]
    assert waited.message is not None
    assert waited.message.text == "new"
    result = told(queued("old"), created("new", "q"), created("steer", "s"), done)[1].result()
    assert result.message is not None
    assert result.message.text == "new"
