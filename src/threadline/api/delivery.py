"""How the answer to a send is delivered: as a stream, in the background, or waited for."""

from functools import partial
from typing import Any

from fastapi import Request, Response

from threadline.access.principals import Principal
from threadline.api.answers import Sent, SentInBackground
from threadline.api.house import House, answer
from threadline.api.spec import gives, streams
from threadline.api.sse import EventStream, RunFrames
from threadline.engine.engine import with_input
from threadline.engine.once import Accepted
from threadline.records import Message, Run
from threadline.scopes import Scope
from threadline.store.contract import Reader, RunRow


def gives_answers(errors: tuple[int, ...]) -> dict[int | str, dict[str, Any]]:
    """Document the forms of delivery."""
    content = {"text/event-stream": {}, **_SENT["content"]}
    return {
        **gives(None, errors=errors),
        200: {**streams("The run's events, or the answer when it is whole."), "content": content},
        202: {"description": "Accepted; the answer is being made.", **_SENT},
    }


_SENT: dict[str, Any] = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Sent"}}}}
STORED = {"description": "Stored; nobody answers.", **_SENT}


async def deliver(
    request: Request,
    house: House,
    principal: Principal,
    scope: Scope,
    accepted: Accepted,
    *,
    stream: bool,
    background: bool,
) -> Response:
    """Answer a send that was accepted: with its run's events, at once, or when its run has ended."""
    headers = {"Idempotency-Replayed": "true"} if accepted.is_replay else {}
    if accepted.run is None:
        return answer(Sent(accepted.message, None), 201, headers)
    run = accepted.run.run
    headers["x-threadline-run-id"] = run.id
    headers["Location"] = f"/v1/threads/{run.thread_id}/events?after={accepted.first_seq - 1}"
    if stream:
        return run_stream(house, principal, scope, accepted.run, accepted.first_seq - 1, headers)
    if background:
        rows = [await _with_input(house, scope, row) for row in accepted.runs]
        runs = [row.run for row in rows]
        return answer(SentInBackground(accepted.message, runs[0], runs), 202, headers)
    with house.readers.waiting(request, principal):
        return await _waited(house, scope, accepted, headers)


def run_stream(
    house: House, principal: Principal, scope: Scope, row: RunRow, after: int, headers: dict[str, str]
) -> EventStream:
    """Return the stream of one run's events after `after`."""
    follow = partial(house.engine.tail.follow, scope, row.run.thread_id, after)
    frames = RunFrames(row.run.id)
    return EventStream(follow, frames, house.readers, principal, headers)


async def _waited(house: House, scope: Scope, accepted: Accepted, headers: dict[str, str]) -> Response:
    runs: list[Run] = []
    replies: list[Message | None] = []
    for row in accepted.runs:
        if runs and not runs[-1].is_terminal:
            # The one before waits for somebody outside, and keeps the turn: what is behind it is not waited for.
            behind = await house.engine.run(scope, row.run.id)
            runs.append(behind.run)
            continue
        ended = answering = await house.engine.wait_for_end(scope, row, or_waiting=True)
        if ended.run.answered_by is not None:
            # It was handed to another answer, which is its answer too.
            other = await house.engine.run(scope, ended.run.answered_by)
            answering = await house.engine.wait_for_end(scope, other, or_waiting=True)
        runs.append(ended.run)
        replies.append(await house.engine.reply(scope, answering.run))
    message = runs[0].input or accepted.message
    said = [reply for reply in replies if reply is not None]
    return answer(Sent(message, runs[0], replies[0], runs, said), 200, headers)


async def _with_input(house: House, scope: Scope, row: RunRow) -> RunRow:
    async def script(reader: Reader) -> RunRow:
        return await with_input(reader, scope, row)

    return await house.store.read(scope, script)
