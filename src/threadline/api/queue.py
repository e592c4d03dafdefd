"""The routes of what waits: see it, rewrite it, move it. Withdrawing is a cancel."""

from fastapi import APIRouter, Request, Response

from threadline.api.answers import RunPage
from threadline.api.bodies import ChangeRun, blocks_of
from threadline.api.house import Asking, TheHouse, answer, run_scope, thread_scope
from threadline.api.messages import check_asked
from threadline.api.requests import body_of
from threadline.api.spec import gives, takes
from threadline.engine.queue import Change
from threadline.errors import InvalidRequest
from threadline.ids import RunId, ThreadId
from threadline.records import Run

router = APIRouter(tags=["runs"])


@router.get("/v1/threads/{thread_id}/queue", responses=gives(RunPage, errors=(403, 404)))
async def get_queue(house: TheHouse, principal: Asking, thread_id: str) -> Response:
    """List the runs that wait for their turn with what they ask, the next one first."""
    principal.require("read")
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    return answer(RunPage(await house.engine.queue(scope, ThreadId(thread_id))))


@router.patch("/v1/runs/{run_id}", openapi_extra=takes(ChangeRun), responses=gives(Run, errors=(403, 404, 409, 413)))
async def change_run(request: Request, house: TheHouse, principal: Asking, run_id: str) -> Response:
    """Rewrite or move a run that waits. Once it has the turn it is 409 `run_started`."""
    body = await body_of(request, ChangeRun)
    principal.require("send")
    if body.content is None and body.position is None:
        raise InvalidRequest("Name what is to change: `content` or `position`.", pointer="")
    content = None if body.content is None else blocks_of(body.content)
    check_asked(content or [])
    scope = await run_scope(house, principal, RunId(run_id))
    change = Change(content=content, position=body.position)
    return answer(await house.engine.change_queued(scope, RunId(run_id), change))
