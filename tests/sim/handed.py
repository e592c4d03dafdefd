"""Holds what was sent to running answers (`on_busy: steer`) against what became of it."""

from collections.abc import Container, Iterator

from threadline.content import plain_text
from threadline.events import MessageCreated, MessageStarted, RunCompleted, RunStarted
from threadline.ids import RunId, ThreadId
from threadline.records import Message

from .checkers import Stored
from .model import Call
from .people import Sent


def steers_were_answered_once(
    sent: list[Sent], threads: dict[ThreadId, Stored], calls: list[Call], again: Container[RunId]
) -> Iterator[str]:
    """What was handed to an answer is answered in there; what was not, by a run of its own; never by both or neither."""
    for send in sent:
        if send.on_busy != "steer" or not send.answers:
            continue
        stored = threads[send.thread_id]
        _, run_id = send.answers[0]
        end = next((e.event.run for e in stored.log if isinstance(e.event, RunCompleted) and e.run_id == run_id), None)
        if end is None:
            # Cancelled, failed or deleted with its thread; others look at those.
            continue
        begun = [e for e in stored.log if e.run_id == run_id and isinstance(e.event, RunStarted | MessageStarted)]
        messages = [
            event.message
            for entry in stored.log
            if isinstance(event := entry.event, MessageCreated) and event.message.request_id == send.plan.key
        ]
        created = [message.run_id for message in messages]
        if bool(end.answered_by) == bool(begun):
            yield f"{send.plan.key} was handed to {end.answered_by}, and its own run has begun {len(begun)} times"
        if created != [end.answered_by or run_id]:
            yield f"{send.plan.key} was handed to {end.answered_by} and stands in the history as {created}"
            continue
        yield from _was_heard(messages[0], end.answered_by or end.id, stored, calls, again)


def _was_heard(
    message: Message, by: RunId, stored: Stored, calls: list[Call], again: Container[RunId]
) -> Iterator[str]:
    # It may have been rewritten while it waited, and others merged into it: what stands in the history counts.
    text = plain_text(message.content)
    heard = {RunId(call.run_id) for call in calls if text in call.history}
    answered = {RunId(call.run_id) for call in calls if text.endswith(call.plan.text())}
    is_whole = any(isinstance(e.event, RunCompleted) and e.run_id == by for e in stored.log)
    if is_whole and by not in heard:
        yield f"{message.request_id} was for {by}, which has not heard of it"
    for other in answered - {by}:
        if other not in again:
            yield f"{message.request_id} was for {by} and was answered by {other}"
