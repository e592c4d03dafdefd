"""What leaves a conversation: read-only pages for whoever has the address, and files."""

import json
from pathlib import Path

from playwright.async_api import Browser, expect

from support.server import Server

from .conftest import MakePerson
from .people import PATIENCE_MS, passing
from .test_long_thread import TEXTS, fill


async def test_a_shared_page_is_read_until_it_is_revoked(person: MakePerson, server: Server, browser: Browser) -> None:
    """Somebody without a cookie reads the words, and nothing after the owner has taken the page back."""
    ann = await person("ann-share", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello", title="To be read")
    await page.goto(f"{server.url}/t/{thread_id}")
    await page.get_by_role("button", name="More for this conversation").click()
    await page.get_by_role("menuitem", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share")
    await dialog.get_by_role("combobox", name="For how long").select_option("7")
    await dialog.get_by_role("button", name="Create page").click()
    url = await dialog.get_by_role("textbox", name="Address of the page").input_value()
    stranger = await browser.new_context()
    stranger.set_default_timeout(PATIENCE_MS)
    try:
        reading = await stranger.new_page()
        await reading.goto(url)
        await expect(reading.get_by_role("heading", level=1)).to_have_text("To be read")
        await expect(reading.get_by_text("w0 w1 w2")).to_be_visible()
        await expect(reading.get_by_role("textbox")).to_have_count(0)
        await dialog.get_by_role("button", name="Revoke").click()
        await expect(dialog).to_contain_text("None.")
        response = await reading.reload()
        assert response is not None
        assert response.status == 404
    finally:
        await stranger.close()


async def test_a_conversation_is_taken_home(person: MakePerson, server: Server, tmp_path: Path) -> None:
    """As Markdown and as JSON, whole, under a name that is safe."""
    ann = await person("ann-export", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello", "Again", title="../Plans: 1/2")
    await page.goto(f"{server.url}/t/{thread_id}")
    for kind, name in (("Markdown", "Plans 1 2.md"), ("JSON", "Plans 1 2.json")):
        await page.get_by_role("button", name="More for this conversation").click()
        async with page.expect_download() as coming:
            await page.get_by_role("menuitem", name=f"Export as {kind}").click()
        download = await coming.value
        assert download.suggested_filename == name
        await download.save_as(tmp_path / name)
    text = (tmp_path / "Plans 1 2.md").read_text()
    assert text.startswith("# ../Plans: 1/2\n")
    assert text.count("w0 w1 w2") == 2
    data = json.loads((tmp_path / "Plans 1 2.json").read_text())
    assert [message["role"] for message in data["messages"]] == ["user", "assistant", "user", "assistant"]


async def test_a_long_conversation_is_taken_home_whole(person: MakePerson, server: Server, tmp_path: Path) -> None:
    """More messages than the server gives at once: each is in the files, once and in its order."""
    count = 410  # Three pages, of which the last one is nearly empty.
    ann = await person("ann-export-long", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(title="Long")
    await fill(server, thread_id, count)
    await page.goto(f"{server.url}/t/{thread_id}")
    saved: dict[str, str] = {}
    for kind in ("Markdown", "JSON"):
        await page.get_by_role("button", name="More for this conversation").click()
        async with passing(page, "[role=status]", "410 messages saved."), page.expect_download() as coming:
            await page.get_by_role("menuitem", name=f"Export as {kind}").click()
        await (await coming.value).save_as(tmp_path / kind)
        saved[kind] = (tmp_path / kind).read_text()
    messages = json.loads(saved["JSON"])["messages"]
    assert {message["content"][0]["text"] for message in messages} == {
        TEXTS[number % 2].format(number) for number in range(count)
    }
    assert len({message["id"] for message in messages}) == len(messages) == count
    assert [message["seq"] for message in messages] == sorted(message["seq"] for message in messages)
    places = [saved["Markdown"].index(message["content"][0]["text"]) for message in messages]
    assert places == sorted(places)
    assert saved["Markdown"].count("\n## ") == count
