"""Health, metrics, CORS, the OpenAPI document: what operators and browsers look at."""

import asyncio
import re
from collections.abc import Sequence

from support.client import Client
from support.fixtures import ORIGIN
from support.server import Server
from support.waiting import until

from .conftest import ON_SQLITE

NAMES = {
    "threadline_streams_started_total",
    "threadline_streams_ended_total",
    "threadline_run_failures_total",
    "threadline_tokens_total",
    "threadline_deltas_total",
    "threadline_requests_total",
    "threadline_readers",
    "threadline_runs_running",
    "threadline_time_to_first_token_seconds_count",
    "threadline_inter_token_seconds_count",
    "threadline_run_duration_seconds_count",
    "threadline_tokens_per_second_count",
    "threadline_commit_seconds_count",
    "threadline_commit_batch_size_count",
    "threadline_reader_lag_events_count",
}


ENDED = 'threadline_streams_ended_total{status="%s"}'


async def measured(nodes: Sequence[Server]) -> dict[str, float]:
    """Return the metrics, by name and labels: of all nodes together, as any of them may answer a run."""
    found: dict[str, float] = {}
    for node in nodes:
        async with Client(node.url, None) as client:
            answer = await client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        for line in answer.body.decode().splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                found[name] = found.get(name, 0) + float(value)
    return found


async def test_the_server_is_alive_and_ready(nobody: Client) -> None:
    """Both addresses answer without a key."""
    assert (await nobody.get("/healthz")).ok(200)["status"] == "ok"
    assert (await nobody.get("/readyz")).ok(200) == {"status": "ok", "store": True, "bus": True, "accepting": True}


async def test_metrics_count_what_happens(client: Client, nodes: Sequence[Server]) -> None:
    """Every name is there for this machine without a key, and each moves with what it counts."""
    thread_id = await client.thread()
    before = await measured(nodes)
    async with client.events(thread_id) as follow:
        await follow.read_until("caught_up")
        await client.ask(thread_id, "x", model="demo/count-30@300")
        await client.ask(thread_id, "x", model="demo/fail-provider_refused@max")
        # The last of it is counted behind what a client is told.
        during = await until(lambda: _all_moved(nodes, before), "the counting")
    assert {name.partition("{")[0] for name in during} >= NAMES
    assert during["threadline_readers"] >= 1
    ended = ENDED
    assert during[ended % "completed"] > before.get(ended % "completed", 0)
    assert during[ended % "failed"] > before.get(ended % "failed", 0)
    tokens = 'threadline_tokens_total{direction="output"}'
    assert during[tokens] >= before.get(tokens, 0) + 30


async def _all_moved(nodes: Sequence[Server], before: dict[str, float]) -> dict[str, float] | None:
    """Return the metrics once each that counts has gone on; under labels, one of its series, and both ends."""
    now = await measured(nodes)
    moved = {key for key in now if now[key] > before.get(key, 0)}
    still = NAMES - {key.partition("{")[0] for key in moved} - {"threadline_readers", "threadline_runs_running"}
    print("has not moved yet:", sorted(still))
    return None if still or not {ENDED % "completed", ENDED % "failed"} <= moved else now


async def test_no_metric_names_a_thread_a_tenant_or_a_person(
    client: Client, nobody: Client, nodes: Sequence[Server]
) -> None:
    """Labels are routes, statuses, codes and directions; an address with an id in it is counted by its route."""
    thread_id = await client.thread(end_user_id="ann-the-person")
    run_id = (await client.ask(thread_id, "x"))["run"]["id"]
    await client.get(f"/v1/threads/{thread_id}/nothing")
    text = "".join([(await nobody.get("/metrics")).body.decode() for _ in nodes])
    for name in (thread_id, run_id, "ann-the-person", "tnt_", "default"):
        assert name not in text
    labels = set(re.findall(r'[{,](\w+)="', text))
    assert labels <= {"route", "status", "code", "direction", "kind", "outcome", "le"}


async def test_metrics_are_not_for_everybody(nobody: Client) -> None:
    """From elsewhere, as a proxy on this machine says, it takes an operator key."""
    for headers in ({"x-forwarded-for": "127.0.0.1"}, {"forwarded": "for=1.2.3.4"}):
        (await nobody.get("/metrics", headers=headers)).problem(401, "unauthorized")


async def test_the_openapi_document_has_every_address(nobody: Client) -> None:
    """The document loads without a key, names each route of the contract, and all that it refers to is in it."""
    document = (await nobody.get("/openapi.json")).ok(200)
    assert document["openapi"].startswith("3.")
    expected = {
        "/v1/threads": {"get", "post"},
        "/v1/threads/{thread_id}": {"get", "patch", "delete"},
        "/v1/threads/{thread_id}/state": {"get"},
        "/v1/threads/{thread_id}/messages": {"get", "post"},
        "/v1/threads/{thread_id}/events": {"get"},
        "/v1/runs/{run_id}": {"get"},
        "/v1/runs/{run_id}/events": {"get"},
        "/v1/runs/{run_id}/cancel": {"post"},
        "/v1/tokens": {"post"},
    }
    for path, methods in expected.items():
        assert document["paths"][path].keys() >= methods
    references = set(re.findall(r'"#/components/schemas/(\w+)"', (await nobody.get("/openapi.json")).body.decode()))
    assert references <= document["components"]["schemas"].keys()
    assert (await nobody.get("/docs")).status == 200


async def test_browsers_of_the_allowed_origin_may_call_and_others_may_not(client: Client) -> None:
    """CORS: the preflight names the headers and all methods of routes, answers expose ours, no other origin gets any."""
    wanted = "authorization,content-type,idempotency-key,last-event-id,x-api-key"
    document = (await client.get("/openapi.json")).json
    methods = sorted({method.upper() for routes in document["paths"].values() for method in routes})
    assert len(methods) >= 5
    for method in methods:
        ask = {"origin": ORIGIN, "access-control-request-method": method, "access-control-request-headers": wanted}
        answer = await client.request("OPTIONS", "/v1/threads", headers=ask)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, ORIGIN)
        assert method in answer.headers["access-control-allow-methods"]
    answer = await client.get("/v1/threads", headers={"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert exposed == {"location", "x-threadline-run-id", "idempotency-replayed", "retry-after"}
    other = await client.get("/v1/threads", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    thread_id = await client.thread()
    async with client.open("GET", f"/v1/threads/{thread_id}/events", headers={"origin": ORIGIN}) as stream:
        assert stream.headers["access-control-allow-origin"] == ORIGIN
    refused = await client.get("/v1/threads/thr_x", headers={"origin": ORIGIN})
    assert refused.headers["access-control-allow-origin"] == ORIGIN


async def test_a_server_fault_would_be_seen_by_a_browser_too(client: Client) -> None:
    """Errors of every kind carry the CORS header, so that a page can read what was wrong."""
    for answer in (
        await client.post("/v1/threads", data=b"{", headers={"origin": ORIGIN}),
        await client.get("/v1/threads?limit=0", headers={"origin": ORIGIN}),
        await client.get("/v1/nothing", headers={"origin": ORIGIN}),
        await client.get("/v1/threads", headers={"origin": ORIGIN, "authorization": "Bearer x"}),
    ):
        assert answer.status >= 400
        assert answer.headers["access-control-allow-origin"] == ORIGIN


async def test_streams_are_never_compressed(client: Client) -> None:
    """A client that would take gzip still gets the bytes as they are written: compressed words wait for company."""
    thread_id = await client.thread()
    headers = {"accept-encoding": "gzip, deflate, br"}
    async with client.open("GET", f"/v1/threads/{thread_id}/events", headers=headers) as stream:
        assert "content-encoding" not in stream.headers
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"


@ON_SQLITE
async def test_keep_alive_connections_are_used_again(server: Server) -> None:
    """Fifty requests over one connection: each answered, in order; and one after a pause, longer than clients make it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for number in range(51):
        await asyncio.sleep(6 if number == 50 else 0)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 200 ")
        await reader.readexactly(int(re.findall(r"content-length: (\d+)", head)[0]))
    writer.close()
