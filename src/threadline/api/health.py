"""The routes for operators and load balancers: alive, ready, metrics."""

import ipaddress
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from threadline.api.house import TheHouse, answer, asking
from threadline.errors import Unavailable

router = APIRouter(tags=["health"])


def _problem(words: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": words, "content": {"application/problem+json": {"schema": schema}}}


@router.get("/healthz")
async def is_alive() -> Response:
    """Say that the process answers."""
    return answer({"status": "ok"})


@router.get("/readyz", responses={503: _problem("The store does not answer, or we are draining.")})
async def is_ready(house: TheHouse) -> Response:
    """Say whether a load balancer may send requests here, and whether the bus answers.

    A node without its bus is slower and complete: taking all nodes out for it would turn a hint into an outage.
    """
    bus = await house.bus.is_healthy()
    needed = {
        "store": await house.store.is_healthy() and house.journal.is_writable,
        "accepting": not house.engine.is_draining,
    }
    if not all(needed.values()):
        raise Unavailable(f"Not ready: {', '.join(name for name, is_fine in needed.items() if not is_fine)}.")
    return answer({"status": "ok" if bus else "degraded", "bus": bus, **needed})


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={
        401: _problem("From elsewhere than this machine it takes an operator key."),
        403: _problem("That key is no operator's."),
    },
)
async def metrics(request: Request, house: TheHouse) -> Response:
    """Return Prometheus metrics: to this machine, or to an operator key."""
    if not _is_local(request):
        (await asking(request)).require_operator()
    return Response(await house.scrape(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _is_local(request: Request) -> bool:
    # A proxy on this machine speaks for somebody elsewhere.
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    return ipaddress.ip_address(request.client.host).is_loopback
