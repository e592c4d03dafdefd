"""The examples do what they say: they are the servers that tools are tried out with."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from support.processes import free_port, kill_family, watchdog
from support.waiting import until
from threadline.clock import SystemClock
from threadline.ids import TenantId, ToolId
from threadline.settings import load_settings
from threadline.tool_records import ToolRow
from threadline.tools.loading import load_tools
from threadline.tools.network import Guard
from threadline.tools.outbound import Outbound
from threadline.tools.webhook import WebhookTool, make_secret

from .calls import a_call

EXAMPLES = Path(__file__).parents[2] / "examples"
SECRET = make_secret(bytes(32))


@pytest.fixture
async def till(tmp_path: Path) -> AsyncIterator[str]:
    """The webhook server on a port of loopback; where it is."""
    port = free_port()
    command = [sys.executable, str(EXAMPLES / "webhook_server.py"), "--port", str(port)]
    process = subprocess.Popen(  # noqa: ASYNC220 - it takes a millisecond
        [*command, "--ledger", str(tmp_path / "ledger")],
        env={"WEBHOOK_SECRET": SECRET},
    )
    watchdog().guard(process.pid)

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await until(answers, "the webhook server's start")
    yield f"http://127.0.0.1:{port}/refund"
    kill_family(process.pid)
    process.wait()
    watchdog().release(process.pid)


async def test_the_webhook_books_once(till: str, tmp_path: Path) -> None:
    """A second try of one call is answered as the first was; a forged one is refused; a bad amount is told."""
    row = ToolRow(
        tenant_id=TenantId("tnt_1"),
        id=ToolId("tool_1"),
        name="refund",
        kind="webhook",
        url=till,
        secret=SECRET,
        idempotent=True,
        created_at="",
        updated_at="",
    )
    outbound = Outbound(Guard(["127.0.0.1"]))
    refund = WebhookTool(row, outbound, SystemClock())
    try:
        first = await refund.call(a_call("refund", {"amount": 5}))
        assert (first.output, first.is_error) == ({"refund": 1, "amount": 5}, False)
        assert (await refund.call(a_call("refund", {"amount": 5}))).output == first.output
        other = await refund.call(a_call("refund", {"amount": 6}, idempotency_key="key_2"))
        assert other.output == {"refund": 2, "amount": 6}
        assert (await refund.call(a_call("refund", {"amount": -1}))).is_error
    finally:
        await outbound.close()
    assert len((tmp_path / "ledger").read_text().splitlines()) == 2
    async with aiohttp.ClientSession() as session, session.post(till, json={"data": {}}) as response:
        assert response.status == 401


def test_the_configuration_and_the_functions_are_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they stand there."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    settings = load_settings({}, {}, EXAMPLES / "threadline.toml")
    assert [config.name for config in settings.mcp_configs()] == ["warehouse"]
    Guard(settings.allowed_hosts)
    tools = {tool.name: tool for tool in load_tools(settings.tools)}
    assert list(tools) == ["find_order", "change_price"]
    found = asyncio.run(tools["find_order"].call(a_call("find_order", {"number": "A-1"})))
    assert json.loads(json.dumps(found.output)) == {"number": "A-1", "item": "lamp", "paid": 49.0}
    changed = asyncio.run(tools["change_price"].call(a_call("change_price", {"number": "A-2", "paid": 99.5})))
    assert changed.output == "ann now pays 99.50."
    assert tools["change_price"].needs_approval({"number": "A-2", "paid": 101})
