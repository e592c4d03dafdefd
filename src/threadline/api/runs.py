"""The routes of runs: look, follow, stop."""

from fastapi import APIRouter, Request, Response

from threadline.api.bodies import CancelRun
from threadline.api.delivery import run_stream
from threadline.api.events import After
from threadline.api.house import Asking, AskingForStream, TheHouse, answer, run_scope
from threadline.api.requests import body_of, cursor_of
from threadline.api.spec import gives, streams, takes
from threadline.ids import RunId
from threadline.records import Run

router = APIRouter(tags=["runs"])


@router.get("/v1/runs/{run_id}", responses=gives(Run, errors=(403, 404)))
async def get_run(house: TheHouse, principal: Asking, run_id: str) -> Response:
    """Return a run."""
    principal.require("read")
    scope = await run_scope(house, principal, RunId(run_id))
    return answer((await house.engine.run(scope, RunId(run_id))).run)


@router.get(
    "/v1/runs/{run_id}/events",
    responses={
        **gives(None, errors=(400, 403, 404)),
        200: streams("The run's events after the cursor, up to its terminal event."),
        204: {"description": "The run has ended and nothing is left after the cursor."},
    },
)
async def get_run_events(
    request: Request, house: TheHouse, principal: AskingForStream, run_id: str, after: After = None
) -> Response:
    """Follow one run from its start, or from a cursor (`Last-Event-ID` wins over `after`)."""
    principal.require("read")
    cursor = cursor_of(request, after)
    scope = await run_scope(house, principal, RunId(run_id))
    row = await house.engine.run(scope, RunId(run_id))
    start = await house.engine.tail.start_of(scope, row.run.thread_id, cursor)
    if row.last_seq is not None and start >= row.last_seq:
        return Response(status_code=204)
    return run_stream(house, principal, scope, row, max(start, row.first_seq - 1), {})


@router.post(
    "/v1/runs/{run_id}/cancel",
    openapi_extra=takes(CancelRun, required=False),
    responses=gives(Run, errors=(403, 404, 413)),
)
async def cancel_run(request: Request, house: TheHouse, principal: Asking, run_id: str) -> Response:
    """Stop a run. What was said is kept. A run that has ended stays as it is."""
    body = await body_of(request, CancelRun, default=b"{}")
    principal.require("send")
    scope = await run_scope(house, principal, RunId(run_id))
    row = await house.engine.cancel(scope, RunId(run_id))
    if body.wait:
        with house.readers.waiting(request, principal):
            await house.engine.wait_for_end(scope, row)
    return answer((await house.engine.run(scope, RunId(run_id))).run)
