"""Webhooks against a real server: signed, bounded, tried again only where that is allowed, and never leaking a secret."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec import structs
from standardwebhooks import Webhook

from threadline.clock import SystemClock
from threadline.ids import TenantId, ToolId
from threadline.limits import TOOL_OUTPUT_BYTES_MAX, TOOL_RESPONSE_BYTES_MAX
from threadline.tool_records import ToolRow
from threadline.tools.network import Guard
from threadline.tools.outbound import Outbound
from threadline.tools.webhook import SECRET_BYTES, WebhookTool, make_secret

from .calls import a_call
from .shop import Shop, open_shop

SECRET = make_secret(bytes(range(SECRET_BYTES)))


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """A server on loopback."""
    async with open_shop() as shop:
        yield shop


@pytest.fixture
async def outbound(shop: Shop) -> AsyncIterator[Outbound]:
    """A client that may reach it."""
    outbound = Outbound(Guard([shop.host]))
    yield outbound
    await outbound.close()


def a_webhook(shop: Shop, outbound: Outbound, **changed: Any) -> WebhookTool:
    """Return a tool of the shop's."""
    row = ToolRow(
        tenant_id=TenantId("tnt_mine"),
        id=ToolId("tool_1"),
        name="refund",
        kind="webhook",
        input_schema={"type": "object"},
        url=shop.url,
        secret=SECRET,
        headers={"authorization": "Bearer hush"},
        created_at="",
        updated_at="",
    )
    return WebhookTool(structs.replace(row, **changed), outbound, SystemClock(), retry_seconds=(0.0, 0.0))


async def test_a_call_arrives_signed_and_its_answer_is_the_output(shop: Shop, outbound: Outbound) -> None:
    """Checked with the standard's own library; the id is the idempotency key; the tool's headers go along."""
    shop.will(text='{"refunded": 5}', content_type="application/json")
    result = await a_webhook(shop, outbound).call(a_call("refund", {"amount": 5}))
    assert (result.output, result.is_error) == ({"refunded": 5}, False)
    headers, body = shop.requests[0]
    said = Webhook(SECRET).verify(body, headers)
    assert said["type"] == "tool.call"
    assert said["data"] == {
        "tenant_id": "tnt_mine",
        "end_user_id": "ann",
        "thread_id": "thr_1",
        "run_id": "run_1",
        "tool_use_id": "call_1",
        "name": "refund",
        "input": {"amount": 5},
        "attempt": 1,
        "idempotency_key": "key_1",
    }
    assert headers["webhook-id"] == "key_1"
    assert headers["authorization"] == "Bearer hush"
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("answer", "output", "is_error"),
    [
        ({"text": "fine"}, "fine", False),
        ({"status": 204}, "", False),
        ({"text": "[1]", "content_type": "application/problem+json"}, [1], False),
        ({"text": "", "content_type": "application/json"}, "", False),
        ({"text": "{", "content_type": "application/json"}, "The tool's answer is not the JSON that it says", True),
        ({"status": 404, "text": "no such order"}, "The tool answered 404. no such order", True),
        ({"status": 500}, "The tool answered 500.", True),
        ({"status": 302, "Location": "http://127.0.0.1/"}, "The tool answered with a redirect (302)", True),
    ],
)
async def test_answers(shop: Shop, outbound: Outbound, answer: dict[str, Any], output: Any, is_error: bool) -> None:
    """JSON is JSON, text is text, and every failure is a result; nothing is followed or tried again."""
    shop.will(**answer)
    result = await a_webhook(shop, outbound).call(a_call("refund"))
    assert result.is_error is is_error
    if isinstance(output, str) and output:
        assert result.output.startswith(output)
    else:
        assert result.output == output
    assert len(shop.requests) == 1


async def test_only_an_idempotent_tool_is_tried_again(shop: Shop, outbound: Outbound) -> None:
    """With the same id, after an answer that is worth it and after a lost connection; then it is told what was."""
    shop.will(503)
    assert (await a_webhook(shop, outbound).call(a_call("refund"))).is_error
    assert len(shop.requests) == 1
    idempotent = a_webhook(shop, outbound, idempotent=True)
    shop.will(503)
    shop.will(429)
    shop.will(text="done")
    assert (await idempotent.call(a_call("refund"))).output == "done"
    assert {headers["webhook-id"] for headers, _ in shop.requests[1:]} == {"key_1"}
    assert len(shop.requests) == 4
    # A refusal is none that another try would change.
    shop.will(422, text="no")
    assert (await idempotent.call(a_call("refund"))).output == "The tool answered 422. no"
    assert len(shop.requests) == 5


async def test_a_lost_connection_says_that_the_outcome_is_unknown(shop: Shop, outbound: Outbound) -> None:
    """The server has read the request and hung up: the model must not believe that nothing happened."""
    result = await a_webhook(shop, outbound).call(a_call("refund"))
    assert result.is_error
    assert "not known" in result.output
    assert len(shop.requests) == 1
    await a_webhook(shop, outbound, idempotent=True).call(a_call("refund"))
    assert len(shop.requests) == 4


async def test_who_cannot_be_reached_did_nothing(shop: Shop) -> None:
    """Nobody listens there: another sentence than for a lost connection."""
    gone = f"{shop.url.rpartition(':')[0]}:1/"
    reaching = Outbound(Guard(["127.0.0.1"]))
    result = await a_webhook(shop, reaching, url=gone).call(a_call("refund"))
    await reaching.close()
    assert (result.output, result.is_error) == ("The tool's server cannot be reached.", True)


async def test_private_addresses_are_not_reached(shop: Shop) -> None:
    """Also where a row says so: by its address, and by a name that leads there."""
    closed = Outbound(Guard([]))
    for url in (shop.url, shop.url.replace("http://127.0.0.1", "https://localhost"), "https://2130706433/"):
        result = await a_webhook(shop, closed, url=url).call(a_call("refund"))
        assert result.output == "This address may not be reached."
    await closed.close()
    assert shop.requests == []


async def test_a_redirect_is_no_way_in(shop: Shop, outbound: Outbound) -> None:
    """A server that is allowed sends us to one that is not."""
    async with open_shop() as secret_shop:
        shop.will(307, Location=secret_shop.url)
        assert (await a_webhook(shop, outbound).call(a_call("refund"))).is_error
        assert secret_shop.requests == []


async def test_what_is_read_is_bounded(shop: Shop, outbound: Outbound) -> None:
    """An endless answer is not read to its end, a long one is cut with a note."""
    shop.will(text="x" * (TOOL_RESPONSE_BYTES_MAX * 4))
    result = await a_webhook(shop, outbound).call(a_call("refund"))
    assert not result.is_error
    assert len(result.output) < TOOL_OUTPUT_BYTES_MAX + 200
    assert result.output.endswith("was cut.]")
    shop.will(text=json.dumps(["x" * (TOOL_RESPONSE_BYTES_MAX * 2)]), content_type="application/json")
    assert "was cut" in (await a_webhook(shop, outbound).call(a_call("refund"))).output


async def test_it_can_be_stopped(shop: Shop, outbound: Outbound) -> None:
    """A server that hangs holds up nobody."""
    url = shop.url.replace("/hook", "/hang")
    task = asyncio.ensure_future(a_webhook(shop, outbound, url=url).call(a_call("refund")))
    while not shop.requests:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_connections_are_kept_and_bounded(
    shop: Shop, outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for each host, of which the ones that were used longest ago are closed."""
    monkeypatch.setattr("threadline.tools.outbound.TOOL_HOSTS_OPEN_MAX", 1)
    async with open_shop() as other:
        both = Outbound(Guard(["127.0.0.1"]))
        for place in (shop, shop, other):
            place.will(text="ok")
            await a_webhook(place, both).call(a_call("refund"))
        assert len(both._sessions) == 1
        await both.close()
