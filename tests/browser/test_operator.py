"""The operator's pages show what the API says, and only to those who may see it."""

import json
from typing import Any

import httpx
from playwright.async_api import Page, expect

from support.asking import client as client_of
from support.installation import make_key
from support.server import Server

from .conftest import MakePerson


def asking(server: Server, key: str) -> httpx.Client:
    """Ask with a key."""
    return client_of(base_url=server.url, headers={"authorization": f"Bearer {key}"})


def answered(client: httpx.Client, person: str, *sends: dict[str, Any]) -> str:
    """Make a thread with these sends and their answers; returns its id."""
    thread_id = str(client.post("/v1/threads", json={"end_user_id": person, "title": f"Of {person}"}).json()["id"])
    for send in sends:
        client.post(f"/v1/threads/{thread_id}/messages", json=send).raise_for_status()
    return thread_id


def scripted(*steps: dict[str, Any]) -> dict[str, Any]:
    """A send that the demo model answers step by step."""
    return {"content": json.dumps({"steps": steps}), "model": "demo/script"}


async def cells(page: Page, table: str, line: str) -> list[str]:
    """Return what one line of a table says."""
    row = page.get_by_role("region", name=table).get_by_role("row").filter(has_text=line)
    await expect(row).to_have_count(1)
    return await row.get_by_role("cell").all_inner_texts()


async def test_usage_is_what_the_api_says(person: MakePerson, server: Server) -> None:
    """Tokens of known attempts are summed, of others they are unknown, and a cost that nobody knows is no zero."""
    key = make_key(server.data, role="operator")
    with asking(server, key) as client:
        usage = {"input_tokens": 1_234, "output_tokens": 567}
        answered(
            client, "uma-usage", scripted({"say": "a"}, {"usage": usage}), scripted({"say": "b"}, {"usage": usage})
        )
        answered(client, "udo-usage", {"content": "x", "model": "demo/fail-provider_refused"})
        lines = client.get("/v1/admin/usage", params={"by": "end_user"}).json()["data"]
    said = {line["key"]: line for line in lines}
    boss = await person("boss-usage", server, locale="en-US")
    page = await boss.sign_in("operator")
    await page.goto(f"{server.url}/operator/usage")
    await page.get_by_label("Table by").select_option("End user")
    assert said["uma-usage"]["input_tokens"] == 2_468
    assert await cells(page, "End user", "uma-usage") == [
        "uma-usage",
        "2",
        "2,468",
        "unknown",
        "1,134",
        "unknown",
        "unknown",
    ]
    assert said["udo-usage"]["output_tokens"] is None
    assert (await cells(page, "End user", "udo-usage"))[1:5] == ["1", "unknown", "unknown", "unknown"]
    await page.get_by_role("searchbox", name="End user").fill("uma-usage")
    await expect(page.get_by_role("region", name="End user").get_by_role("row")).to_have_count(3)
    await page.get_by_role("searchbox", name="End user").fill("")
    await expect(page.get_by_role("region", name="End user").get_by_text("udo-usage")).to_be_visible()
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Export as CSV").click()
    written = (await (await saving.value).path()).read_bytes().decode()
    assert "uma-usage,demo/script,2,2,2468,1134,,,\r\n" in written
    assert "udo-usage,demo/fail-provider_refused,1,0,,,,,\r\n" in written


async def test_a_key_is_made_shown_once_and_revoked(person: MakePerson, server: Server) -> None:
    """Its secret opens the door until it is revoked, and is nowhere to be seen again."""
    boss = await person("boss-keys", server)
    page = await boss.sign_in("operator")
    await page.goto(f"{server.url}/operator/keys")
    await page.get_by_role("button", name="Create a key").click()
    dialog = page.get_by_role("dialog", name="Create a key")
    await dialog.get_by_label("Name").fill("the shop")
    await dialog.get_by_role("button", name="Create a key").click()
    made = page.get_by_role("dialog", name="The key is made")
    secret = await made.locator("code").inner_text()
    with asking(server, secret) as shop:
        assert shop.get("/v1/threads").status_code == 200
        await made.get_by_role("button", name="I have kept it").click()
        await expect(page.get_by_text(secret)).to_have_count(0)
        await page.get_by_role("button", name="Revoke the shop").click()
        await page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
        await expect(page.get_by_role("row").filter(has_text="the shop")).to_contain_text("revoked")
        assert shop.get("/v1/threads").status_code == 401


async def test_whoever_runs_nothing_gets_no_operator_page(person: MakePerson, server: Server) -> None:
    """An end user is told so, and shown no part of the pages; nothing is asked for on his behalf."""
    ann = await person("ann-nobody", server)
    page = await ann.sign_in("end_user")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/operator", "/operator/keys"):
        await page.goto(server.url + path)
        await expect(page.get_by_text("These pages are for operators and administrators")).to_be_visible()
        await expect(page.get_by_role("navigation", name="Operator")).to_have_count(0)
    assert [url for url in asked if "/v1/admin" in url or "/v1/keys" in url] == []
