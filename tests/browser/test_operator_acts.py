"""What an operator does from the pages happens, and an admin does it within its tenant alone."""

from typing import Any

from playwright.async_api import Page, expect

from support.installation import make_key
from support.server import Server

from .axe import faults_of
from .conftest import MakePerson
from .people import cut, eventually
from .test_operator import answered, asking, scripted

LONG = {"content": "count", "model": "demo/count-5000@20", "background": True}


async def signed_in(person: MakePerson, server: Server, name: str, role: str = "operator") -> Page:
    """Return the tab of somebody who runs the installation, or its tenant."""
    boss = await person(name, server, locale="en-US")
    return await boss.sign_in(role)


async def test_a_running_answer_is_killed(person: MakePerson, server: Server) -> None:
    """From the list of the live page, after a question; the run ends as cancelled."""
    with asking(server, make_key(server.data)) as client:
        thread_id = answered(client, "kim", LONG)
        run_id = client.get(f"/v1/threads/{thread_id}").json()["active_run_id"]
        page = await signed_in(person, server, "boss-kill")
        await page.goto(f"{server.url}/operator/live")
        line = page.get_by_role("region", name="Runs that have not ended").get_by_role("row").filter(has_text="Of kim")
        await expect(line).to_contain_text("demo/count-5000@20")
        await line.get_by_role("button", name="Kill run of Of kim").click()
        dialog = page.get_by_role("alertdialog", name="Kill this run?")
        await dialog.get_by_role("button", name="Cancel").click()
        assert client.get(f"/v1/runs/{run_id}").json()["status"] == "running"
        await line.get_by_role("button", name="Kill run of Of kim").click()
        assert await faults_of(page) == []
        await dialog.get_by_role("button", name="Kill run").click()
        await expect(dialog).to_have_count(0)
        await expect(line).to_have_count(0)

        async def status() -> str:
            return str(client.get(f"/v1/runs/{run_id}").json()["status"])

        await eventually(status, "cancelled")


async def test_an_admin_sees_nothing_of_another_tenant(person: MakePerson, server: Server) -> None:
    """Neither its runs nor its threads nor what it has used; by its address a thread of it is not found."""
    mine, theirs = make_key(server.data), make_key(server.data, tenant="acme")
    with asking(server, theirs) as other:
        hidden = answered(other, "zoe-of-acme", {"content": "x"}, LONG)
    with asking(server, mine) as own:
        answered(own, "own-person", {"content": "x"}, LONG)
    admin = await signed_in(person, server, "admin-of-default", "admin")
    operator = await signed_in(person, server, "boss-of-all")
    for page, sees in ((operator, True), (admin, False)):
        await page.goto(f"{server.url}/operator/live")
        runs = page.get_by_role("region", name="Runs that have not ended")
        await expect(runs.get_by_text("Of own-person")).to_be_visible()
        await expect(runs.get_by_text("Of zoe-of-acme")).to_have_count(int(sees))
        await page.goto(f"{server.url}/operator/usage")
        await page.get_by_label("Table by").select_option("End user")
        used = page.get_by_role("region", name="End user")
        await expect(used.get_by_text("own-person")).to_be_visible()
        await expect(used.get_by_text("zoe-of-acme")).to_have_count(int(sees))
    await admin.goto(f"{server.url}/operator/threads")
    table = admin.get_by_role("region", name="Threads")
    await expect(table.get_by_text("Of own-person")).to_be_visible()
    await expect(table.get_by_text("Of zoe-of-acme")).to_have_count(0)
    await admin.goto(f"{server.url}/operator/threads/{hidden}")
    await expect(admin.get_by_role("alert")).to_be_visible()
    await expect(admin.get_by_text("zoe-of-acme")).to_have_count(0)
    await operator.goto(f"{server.url}/operator/threads/{hidden}")
    await expect(operator.get_by_role("list", name="Report")).to_contain_text("w0 w1 w2")


async def test_a_webhook_is_added_changed_and_deleted(person: MakePerson, server: Server) -> None:
    """Its secret is shown once; its rule of approval is kept; what is no JSON is said in the form."""
    page = await signed_in(person, server, "boss-tools", "admin")
    await page.goto(f"{server.url}/operator/tools")
    await page.get_by_role("button", name="Add a tool").click()
    form = page.get_by_role("dialog", name="Add a tool")
    await form.get_by_label("Name").fill("pay_out")
    await form.get_by_label("Address").fill("https://shop.example/hook")
    await form.get_by_label("Approval").select_option("A person agrees where a rule holds")
    await form.get_by_label("Schema of the input (JSON)").fill("{")
    await form.get_by_role("button", name="Add a tool").click()
    await expect(form.get_by_role("alert")).to_contain_text("is not JSON")
    await form.get_by_label("Schema of the input (JSON)").fill('{"type": "object"}')
    assert await faults_of(page) == []
    await form.get_by_role("button", name="Add a tool").click()
    secret = page.get_by_role("dialog", name="The secret of the webhook")
    assert (await secret.locator("code").inner_text()).startswith("whsec_")
    await secret.get_by_role("button", name="I have kept it").click()
    line = page.get_by_role("row").filter(has_text="pay_out")
    await expect(line).to_contain_text("where /amount over 100")
    await line.get_by_role("button", name="Edit pay_out").click()
    change = page.get_by_role("dialog", name="Edit pay_out")
    await change.get_by_label("Timeout in seconds").fill("7")
    await change.get_by_role("button", name="Save").click()
    await expect(line).to_contain_text("7 s")
    (tool,) = tools_of(server)
    assert (tool["timeout_seconds"], tool["approval"]) == (7, {"any": [{"argument": "/amount", "over": 100}]})
    await line.get_by_role("button", name="Delete pay_out").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("No tools are registered")).to_be_visible()
    assert tools_of(server) == []


def tools_of(server: Server) -> list[dict[str, Any]]:
    """Return the tools that are registered."""
    with asking(server, make_key(server.data)) as client:
        found: list[dict[str, Any]] = client.get("/v1/tools").json()["data"]
    return found


async def test_an_audit_report_tells_all_of_a_thread(person: MakePerson, server: Server) -> None:
    """Who said what, what was called with which input, what it gave, and what each attempt has read and written."""
    with asking(server, make_key(server.data)) as client:
        schema = {"type": "object"}
        tool = {"name": "look_up", "kind": "client", "input_schema": schema, "approval": "always"}
        client.post("/v1/tools", json=tool).raise_for_status()
        usage = {"input_tokens": 1_111, "output_tokens": 22}
        send = scripted(
            {"say": "I look."},
            {"call": "look_up", "input": {"order": "4411"}},
            {"usage": usage},
            {"finish": "tool_use"},
        )
        thread_id = answered(client, "ada", {**send, "tools": ["look_up"]})
        run_id = client.get(f"/v1/threads/{thread_id}").json()["active_run_id"]
        call_id = client.get(f"/v1/runs/{run_id}").json()["waiting_for"]["approvals"][0]["tool_use_id"]
        refusal = {"tool_use_id": call_id, "approve": False, "reason": "not this one"}
        client.post(f"/v1/runs/{run_id}/approvals", json=refusal).raise_for_status()
        ended = client.get(f"/v1/runs/{run_id}/events")
        assert "run.completed" in ended.text or ended.status_code == 204
        client.delete("/v1/tools/look_up").raise_for_status()
        attempts = client.get(f"/v1/runs/{run_id}").json()["attempts"]
    page = await signed_in(person, server, "boss-audit")
    await page.goto(f"{server.url}/operator/threads")
    await page.get_by_label("End user").fill("ada")
    await page.get_by_role("link", name="Of ada").click()
    report = page.get_by_role("list", name="Report")
    await expect(report.get_by_role("heading", name="Person ada")).to_be_visible()
    call = report.get_by_role("region", name="Call of look_up")
    await expect(call).to_contain_text('"order": "4411"')
    await expect(call).to_contain_text("refused")
    await expect(call).to_contain_text("not this one")
    for attempt in attempts:
        used = attempt["usage"]
        said = f"{used['input_tokens']:,} read, {used['output_tokens']:,} written"
        line = report.get_by_role("listitem").filter(has_text=f"Attempt {attempt['attempt']}").last
        await expect(line).to_contain_text(said)
    assert any(attempt["usage"]["input_tokens"] == usage["input_tokens"] for attempt in attempts)
    await expect(report.get_by_text("cost unknown")).to_have_count(len(attempts))
    assert await faults_of(page) == []
    await page.emulate_media(media="print")
    await expect(page.get_by_role("navigation", name="Operator")).to_be_hidden()


async def test_what_failed_is_found(person: MakePerson, server: Server) -> None:
    """Threads by how they are, for an operator those of any tenant."""
    key = make_key(server.data, tenant="fields")
    with asking(server, key) as client:
        answered(client, "fred-failed", {"content": "x", "model": "demo/fail-provider_refused"})
        answered(client, "fran-fine", {"content": "x"})
    page = await signed_in(person, server, "boss-finds")
    await page.goto(f"{server.url}/operator/threads")
    await page.get_by_label("Tenant").select_option("fields")
    table = page.get_by_role("region", name="Threads")
    await expect(table.get_by_role("link")).to_have_count(2)
    await page.get_by_label("State").select_option("Failed last")
    await expect(table.get_by_role("link")).to_have_text(["Of fred-failed"])
    await page.get_by_label("State").select_option("Answering")
    await expect(page.get_by_text("Nothing was found")).to_be_visible()


async def test_an_agent_shows_what_has_changed(person: MakePerson, server: Server) -> None:
    """Each change is a version, with the lines that came and went; an archived one is out of the list and comes back."""
    page = await signed_in(person, server, "boss-agents", "admin")
    await page.goto(f"{server.url}/operator/agents")
    await page.get_by_role("button", name="Create an agent").click()
    form = page.get_by_role("dialog", name="Create an agent")
    await form.get_by_label("Handle").fill("pia")
    await form.get_by_label("Name").fill("Pia")
    await form.get_by_label("Instructions").fill("Be kind.\nBe short.")
    await form.get_by_role("button", name="Create an agent").click()
    await expect(page.get_by_role("heading", name="Pia", level=1)).to_be_visible()
    await page.get_by_role("button", name="Edit").click()
    change = page.get_by_role("dialog", name="Edit Pia")
    await change.get_by_label("Instructions").fill("Be kind.\nBe brief.")
    await change.get_by_role("button", name="Save").click()
    version = page.get_by_role("list", name="Versions").get_by_role("listitem").filter(has_text="Version 2")
    lines = version.get_by_role("region", name="Instructions").get_by_role("paragraph")
    await expect(lines).to_have_text(["Be kind.", "removed:Be short.", "added:Be brief."])
    assert await faults_of(page) == []
    await page.get_by_role("button", name="Archive").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Archive").click()
    await expect(page.get_by_role("button", name="Take out of the archive")).to_be_visible()
    await page.get_by_role("link", name="All agents").click()
    await expect(page.get_by_text("There are no agents yet")).to_be_visible()
    await page.get_by_label("Show").select_option("Archived")
    await expect(page.get_by_role("link", name="Pia")).to_be_visible()


async def test_what_failed_to_load_is_tried_again(person: MakePerson, server: Server) -> None:
    """A list whose server was away says so, and comes with one click."""
    make_key(server.data)
    page = await signed_in(person, server, "boss-away")
    mend = await cut(page, "**/v1/keys")
    await page.goto(f"{server.url}/operator/keys")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("The server cannot be reached.")
    mend()
    await alert.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("region", name="Keys")).to_be_visible()
    await expect(alert).to_have_count(0)


async def test_charts_are_tables_too(person: MakePerson, server: Server) -> None:
    """Their values are reached by keyboard alone, and are those of the API."""
    with asking(server, make_key(server.data, role="operator")) as client:
        answered(client, "cho", {"content": "x"}, {"content": "y", "model": "demo/fail-provider_refused"})
        usage = client.get("/v1/admin/usage", params={"by": "day"}).json()["data"]
    newest = max(line["key"] for line in usage)
    refused = [line for line in usage if line["model"] == "demo/fail-provider_refused" and line["key"] == newest]
    attempts = sum(line["attempts"] for line in refused)
    page = await signed_in(person, server, "boss-charts")
    await page.goto(f"{server.url}/operator/usage")
    await page.get_by_role("button", name="Attempts", exact=True).first.click()
    as_table = page.get_by_role("button", name="Attempts by day and model as a table")
    await as_table.focus()
    await page.keyboard.press("Enter")
    table = page.get_by_role("region", name="Attempts by day and model")
    await expect(table.get_by_role("columnheader", name="demo/fail-provider_refused")).to_be_visible()
    head = await table.get_by_role("columnheader").all_inner_texts()
    last = table.get_by_role("row").last.get_by_role("cell").nth(head.index("demo/fail-provider_refused") - 1)
    await expect(last).to_have_text(str(attempts))
    await page.get_by_role("button", name="Attempts by day and model as a chart").click()
    chart = page.get_by_role("region", name="Attempts by day and model: chart")
    await chart.focus()
    await page.keyboard.press("ArrowLeft")
    await expect(chart.get_by_role("status")).to_contain_text("demo/fail-provider_refused")
